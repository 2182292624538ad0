// The stream of events (server-sent events, read by `fetch`) of the node that leads: each block as it comes.
//
// A chain of hundreds of blocks a second is not followed block by block: one stretch is read, then the stream is
// closed for a while. The stretches behind the first are read from the node's memory: so their blocks come together, and
// wake the browser a few times and not once for each. So neither the page nor the node works more, however fast the
// chain is.
import { blockOfEvent, roundOfEvent } from './shapes.js';

/** @typedef {import('./store.js').Store} Store */

/** Blocks of one stretch: the strip, and some before it. */
const STRETCH = 90;
/** So many are read from memory, which reaches some hundred back: others have come since the node has told its height. */
const BEHIND = 60;
/** A stretch that is read faster than this is one of a chain that is too fast to follow. */
const STRETCH_MS = 4000;
/** How long the stream rests between two stretches. */
const STRETCH_REST_MS = 4000;
/** And after a failure. */
const REST_MS = 2500;
/** What the ring of events has comes at once, so long. */
const RING_MS = 500;
/** Heights whose round is kept: the one under way, and some before it. */
const ROUNDS_MAX = 8;
/** An event that is longer is none of a node. */
const EVENT_BYTES_MAX = 64 * 1024;

/** @typedef {{ seq: number, height: number }} Told a block, and the number of the event that told it */

/** Takes text as it comes, and tells whole events, each with its number. */
export class Lines {
  /** @param {(event: string, data: string, seq: number) => void} tell */
  constructor(tell) {
    this.tell = tell;
    this.rest = '';
  }

  /** @param {string} text */
  push(text) {
    const parts = (this.rest + text).split('\n\n');
    this.rest = parts.pop() ?? '';
    if (this.rest.length > EVENT_BYTES_MAX) throw new RangeError('an event without an end');
    for (const part of parts) {
      let [event, data, seq] = ['message', '', NaN];
      for (const line of part.split('\n')) {
        if (line.startsWith('event: ')) event = line.slice(7);
        else if (line.startsWith('data: ')) data += line.slice(6);
        else if (line.startsWith('id: ')) seq = Number(line.slice(4));
      }
      if (data) this.tell(event, data, seq);
    }
  }
}

export class Stream {
  /** @param {Store} store @param {() => Promise<void>} pause events come one after the other: after it they are read together */
  constructor(store, pause) {
    this.store = store;
    this.pause = pause;
    /** @type {AbortController | null} */
    this.open = null;
    /** Whose stream is open, as `Store.whose` has it. */
    this.whose = '';
    store.listeners.add(() => this.look());
    this.isRunning = false;
    /** How often it was started: whoever rests still from before ends then. */
    this.begun = 0;
    /** Where the last stretch began and ended. @type {{ base: string, first: Told, last: Told } | null} */
    this.stretch = null;
    /** The rounds that were told of, for the block that ends the height. @type {Map<number, number>} */
    this.rounds = new Map();
  }

  start() {
    if (this.isRunning) return;
    this.isRunning = true;
    this.begun += 1;
    void this.run(this.begun);
  }

  stop() {
    this.isRunning = false;
    this.open?.abort();
  }

  /** Ends a stream whose node is not the one any more that figures are taken from. */
  look() {
    if (this.whose !== this.store.whose) this.open?.abort();
  }

  /** @param {number} begun */
  async run(begun) {
    while (this.isRunning && begun === this.begun) {
      const lead = this.store.lead();
      const isTooFast = lead !== null && (await this.read(lead.base, this.behind(lead.base, lead.status?.height ?? 0)).catch(() => false));
      const rest = isTooFast ? STRETCH_REST_MS : REST_MS;
      await new Promise((done) => setTimeout(done, lead ? rest : 200));
    }
  }

  /**
   * The number of an event some blocks behind the newest, where a stretch and more has come since the last one was read. It
   * is a guess: that blocks have as many events as those of the last stretch. Of a number that it has not, or no more, a
   * node says so, and the next stretch is read as it comes.
   * @param {string} base @param {number} height of its newest block @returns {number | null}
   */
  behind(base, height) {
    const { stretch } = this;
    this.stretch = null;
    if (stretch?.base !== base || height - STRETCH <= stretch.last.height) return null;
    const { first, last } = stretch;
    const each = (last.seq - first.seq) / (last.height - first.height);
    const seq = Math.floor(last.seq + (height - BEHIND - last.height) * each);
    return Number.isSafeInteger(seq) && seq > last.seq ? seq : null;
  }

  /** @param {string} base @param {number | null} from what the first event is to be; null: the next @returns {Promise<boolean>} whether the chain is too fast to read on */
  async read(base, from) {
    const open = new AbortController();
    this.open = open;
    this.whose = this.store.whose;
    const isFirst = this.store.chain.blocks.length === 0;
    // The ring of events still has what came before; another origin may not send this header.
    const headers = isFirst && base === this.store.home ? { 'last-event-id': '1' } : undefined;
    const path = `${base}/events?topics=newBlocks,rounds${from === null ? '' : `&from_seq=${from}`}`;
    let taken = 0;
    /** @type {Told | null} */
    let first = null;
    const lines = new Lines((event, data, seq) => {
      const height = this.take(event, data);
      if (height === null) return;
      taken += 1;
      first ??= { seq, height };
      if (height > first.height) this.stretch = { base, first, last: { seq, height } };
    });
    try {
      const response = await fetch(path, { signal: open.signal, headers, cache: 'no-store', credentials: 'omit' });
      const reader = response.ok ? response.body?.getReader() : undefined;
      if (!reader) return false;
      const decoder = new TextDecoder();
      let [since, before] = [performance.now(), 0];
      /** @type {number | null} */
      let began = null;
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return false;
        const known = taken;
        lines.push(decoder.decode(value, { stream: true }));
        if (taken > known) this.store.changed();
        const now = performance.now();
        began ??= now;
        const isRing = now - began < RING_MS;
        // Whatever the chain's pace is.
        if (isFirst && isRing) before = taken;
        if (taken - before >= STRETCH) {
          if (now - since < STRETCH_MS) return true;
          [since, before] = [now, taken];
        }
        if (!isRing) await this.pause();
      }
    } finally {
      open.abort();
    }
  }

  /** @param {string} event @param {string} data @returns {number | null} the height, where it was a block */
  take(event, data) {
    if (this.whose !== this.store.whose) return null;
    try {
      const value = JSON.parse(data);
      if (event === 'rounds') {
        const { height, round } = roundOfEvent(value, 'round');
        this.rounds.delete(height);
        this.rounds.set(height, round);
        // The one that was told of longest ago stands first.
        const [oldest] = this.rounds.keys();
        if (this.rounds.size > ROUNDS_MAX) this.rounds.delete(oldest);
      } else if (event === 'newBlocks') {
        const round = this.rounds.get(value?.header?.height) ?? null;
        const block = blockOfEvent(value, round);
        this.store.chain.take(block);
        return block.height;
      }
    } catch {
      // Nonsense is left out: the strip has a gap, and begins anew.
    }
    return null;
  }
}
