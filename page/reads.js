// What a view asks for besides what is watched all the time: an answer by its path, read when a view names it, and
// again while the view goes on naming it. Its shape is looked at once, when it comes (shapes.js).
//
// Invariant: a view names a path each time that it is drawn, and what nobody names any more is not asked again. At most
// so many answers are kept.
import { ask, asNoAnswer, call, LONG_PATIENCE_MS } from './api.js';

/** @typedef {import('./api.js').NoAnswer} NoAnswer */
/** @typedef {{ value: any, error: NoAnswer | null, at: number | null, isLoading: boolean }} Read */

const KEPT_MAX = 24;
const FAILED_AGAIN_MS = 3000;

export class Reads {
  /** @param {() => void} changed @param {() => number} now */
  constructor(changed, now = () => performance.now()) {
    this.changed = changed;
    this.now = now;
    /** @type {Map<string, Read & { askedAt: number }>} */
    this.kept = new Map();
  }

  /**
   * `GET path` at `base`, asked again every so many milliseconds; 0 is once. `take` is the shape of its answer.
   * @param {string} base @param {string} path @param {number} everyMs @param {(value: any) => any} take
   * @returns {Read}
   */
  get(base, path, everyMs, take) {
    const long = { patienceMs: LONG_PATIENCE_MS };
    return this.read(`GET ${base} ${path}`, everyMs, async () => take(await ask(base, path, long)));
  }

  /** @param {string} base @param {string} method @param {unknown[]} params @param {number} everyMs @param {(value: any) => any} take @returns {Read} */
  call(base, method, params, everyMs, take) {
    const key = `CALL ${base} ${method} ${JSON.stringify(params)}`;
    return this.read(key, everyMs, async () => take(await call(base, method, params)));
  }

  /** @param {string} key @param {number} everyMs @param {() => Promise<any>} fetch @returns {Read} */
  read(key, everyMs, fetch) {
    let read = this.kept.get(key);
    if (!read) {
      read = { value: undefined, error: null, at: null, isLoading: false, askedAt: -Infinity };
    }
    // The one that was named last stands last: the first is whom nobody has named for longest.
    this.kept.delete(key);
    this.kept.set(key, read);
    if (this.kept.size > KEPT_MAX) this.kept.delete(/** @type {string} */ (this.kept.keys().next().value));
    const every = read.error ? Math.max(everyMs, FAILED_AGAIN_MS) : everyMs;
    const isDue = read.askedAt === -Infinity || (every > 0 && this.now() - read.askedAt >= every);
    if (isDue && !read.isLoading) void this.fetch(read, fetch);
    return read;
  }

  /** @param {Read & { askedAt: number }} read @param {() => Promise<any>} fetch */
  async fetch(read, fetch) {
    read.isLoading = true;
    read.askedAt = this.now();
    try {
      read.value = await fetch();
      read.error = null;
    } catch (thrown) {
      read.error = asNoAnswer(thrown);
    }
    read.at = this.now();
    read.isLoading = false;
    this.changed();
  }

  /** Something was changed by hand: ask anew what is named next. */
  forget() {
    this.kept.clear();
  }
}
