// The stream of events (server-sent events, read by `fetch`) of the node that leads: each block as it comes.
//
// A chain of hundreds of blocks a second is not followed block by block: one stretch is read, then the stream is
// closed for a while. So neither the page nor the node works more, however fast the chain is.
import { blockOfEvent, roundOfEvent } from './shapes.js';

/** @typedef {import('./store.js').Store} Store */

/** Blocks of one stretch: the strip, and some before it. */
const STRETCH = 90;
/** A stretch that is read faster than this is one of a chain that is too fast to follow. */
const STRETCH_MS = 4000;
/** How long the stream rests between two stretches, and after a failure. */
export const REST_MS = 2500;
/** What the ring of events has comes at once, so long. */
const RING_MS = 500;
/** Heights whose round is kept: the one under way, and some before it. */
const ROUNDS_MAX = 8;
/** An event that is longer is none of a node. */
const EVENT_BYTES_MAX = 64 * 1024;

/** Takes text as it comes, and tells whole events. */
export class Lines {
  /** @param {(event: string, data: string) => void} tell */
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
      let [event, data] = ['message', ''];
      for (const line of part.split('\n')) {
        if (line.startsWith('event: ')) event = line.slice(7);
        else if (line.startsWith('data: ')) data += line.slice(6);
      }
      if (data) this.tell(event, data);
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
      if (lead) await this.read(lead.base).catch(() => {});
      await new Promise((done) => setTimeout(done, lead ? REST_MS : 200));
    }
  }

  /** @param {string} base */
  async read(base) {
    const open = new AbortController();
    this.open = open;
    this.whose = this.store.whose;
    const isFirst = this.store.chain.blocks.length === 0;
    // The ring of events still has what came before; another origin may not send this header.
    const headers = isFirst && base === this.store.home ? { 'last-event-id': '1' } : undefined;
    const path = `${base}/events?topics=newBlocks,rounds`;
    let taken = 0;
    const lines = new Lines((event, data) => {
      if (this.take(event, data)) taken += 1;
    });
    try {
      const response = await fetch(path, { signal: open.signal, headers, cache: 'no-store', credentials: 'omit' });
      const reader = response.ok ? response.body?.getReader() : undefined;
      if (!reader) return;
      const decoder = new TextDecoder();
      let [since, before] = [performance.now(), 0];
      /** @type {number | null} */
      let began = null;
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        const known = taken;
        lines.push(decoder.decode(value, { stream: true }));
        if (taken > known) this.store.changed();
        const now = performance.now();
        began ??= now;
        const isRing = now - began < RING_MS;
        // Whatever the chain's pace is.
        if (isFirst && isRing) before = taken;
        if (taken - before >= STRETCH) {
          if (now - since < STRETCH_MS) return;
          [since, before] = [now, taken];
        }
        if (!isRing) await this.pause();
      }
    } finally {
      open.abort();
    }
  }

  /** @param {string} event @param {string} data @returns {boolean} whether it was a block */
  take(event, data) {
    if (this.whose !== this.store.whose) return false;
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
        this.store.chain.take(blockOfEvent(value, round));
        return true;
      }
    } catch {
      // Nonsense is left out: the strip has a gap, and begins anew.
    }
    return false;
  }
}
