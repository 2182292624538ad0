// The newest blocks, and what follows from them: intervals and rates.
//
// Blocks of one stretch have no gap between them. At hundreds of blocks a second the page reads one stretch now and
// then (poll.js) and forgets the one before: figures are always those of neighbours.

/** Enough for the strip and the sparkline. */
export const KEPT_MAX = 240;
/** Heights whose duration is kept: what p50 and p99 are taken from. */
export const DURATIONS_MAX = 120;

/** @typedef {import('./shapes.js').Block} Block */

export class Chain {
  constructor() {
    /** @type {Block[]} oldest first, without a gap */
    this.blocks = [];
    /** Why none can be read; '' where they are. */
    this.trouble = '';
    /** @type {Map<number, number>} microseconds from a proposal to its decision, by height */
    this.durations = new Map();
    /** How often it was another history than before: what was read of heights may be of one that is no more. */
    this.histories = 0;
  }

  /** One that is known is passed over; one that does not follow on those that are known begins anew. @param {Block} block */
  take(block) {
    const last = this.blocks.at(-1);
    if (last && block.height <= last.height) {
      const known = this.at(block.height);
      if (!known || known.id === block.id) return;
      this.forget();
    } else if (last && block.height !== last.height + 1) {
      this.blocks = [];
    } else if (last && block.previous_block !== last.id) {
      this.forget();
    }
    this.blocks.push(block);
    if (this.blocks.length > KEPT_MAX) this.blocks.splice(0, this.blocks.length - KEPT_MAX);
  }

  /** Another chain has begun, or this one has gone back. */
  forget() {
    this.histories += 1;
    this.blocks = [];
    this.trouble = '';
    this.durations.clear();
  }

  /** @param {number} height @param {number} us */
  took(height, us) {
    this.durations.set(height, us);
    if (this.durations.size > DURATIONS_MAX) {
      const [oldest] = this.durations.keys();
      this.durations.delete(oldest);
    }
  }

  /** @param {number} height @returns {Block | undefined} */
  at(height) {
    const first = this.blocks[0];
    return first && this.blocks[height - first.height];
  }

  /** Milliseconds between neighbours, oldest first. @param {number} count @returns {number[]} */
  intervals(count) {
    const blocks = this.blocks.slice(-count - 1);
    return blocks.slice(1).map((block, at) => Math.max(0, block.time - blocks[at].time));
  }

  /** Blocks a second by the times that stand in them. @param {number} [count] @returns {number | null} */
  blockRate(count = 12) {
    const intervals = this.intervals(count);
    const ms = intervals.reduce((sum, one) => sum + one, 0);
    return ms > 0 ? (intervals.length * 1000) / ms : null;
  }

  /** Transactions a second over the newest blocks. @param {number} [count] @returns {number | null} */
  transactionRate(count = 60) {
    const blocks = this.blocks.slice(-count - 1);
    const ms = blocks.length < 2 ? 0 : blocks[blocks.length - 1].time - blocks[0].time;
    if (ms <= 0) return null;
    return blocks.slice(1).reduce((sum, block) => sum + block.transactions, 0) / (ms / 1000);
  }
}
