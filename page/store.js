// What the page knows: of each node what it last answered and since when it is away, of the chain its newest
// blocks. It is filled by poll.js and stream.js, and read by the views.
//
// Limits: so many nodes, so many timelines of each. Nothing here grows with the age of the page.
import { Chain } from './chain.js';
import { short } from './format.js';

/** @typedef {import('./shapes.js').Status} Status */
/** @typedef {import('./shapes.js').Timeline} Timeline */
/** @typedef {import('./shapes.js').ValidatorSet} ValidatorSet */
/** @typedef {import('./shapes.js').Devnet} Devnet */
/** @typedef {import('./shapes.js').Evidence} Evidence */
/** @typedef {import('./api.js').NoAnswer} NoAnswer */

/** Nodes that are asked: a devnet's, or those that somebody has listed. */
export const NODES_MAX = 16;
/** Timelines kept of each node: the newest decided, and the one under way. */
const TIMELINES_MAX = 4;
/** Heights are whole numbers: over a shorter time a rate would jump. */
const RATE_MS = 4500;
/** Samples of heights, one a second: what blocks/s is taken from. */
const SAMPLES_MAX = 12;

export class NodeState {
  /** @param {string} base where it is asked; '' where the page came from */
  constructor(base) {
    this.base = base;
    /** @type {Status | null} what it last answered */
    this.status = null;
    /** When it last answered, by this page's clock. @type {number | null} */
    this.seenAt = null;
    /** @type {number | null} */
    this.awaySince = null;
    /** @type {NoAnswer | null} why it is away, or why its last answer could not be used */
    this.trouble = null;
    /** Requests in a row that have failed. */
    this.failures = 0;
    /** When it is asked next, by this page's clock. */
    this.askAt = 0;
    this.isBeingAsked = false;
    /** Questions about a height in a row that broke although the node answers: a browser says no more of a refusal that another origin may not read. */
    this.broken = 0;
    /** Whether it says who does what in a height; null: not known yet. @type {boolean | null} */
    this.hasTimelines = null;
    /** @type {Map<number, Timeline>} */
    this.timelines = new Map();
    /** @type {{ at: number, height: number }[]} */
    this.samples = [];
    /** Its genesis is that of another chain. */
    this.isForeign = false;
  }

  get isAway() {
    return this.awaySince !== null;
  }

  /** Answers, and for this chain. */
  get isHere() {
    return this.status !== null && !this.isAway && !this.isForeign;
  }

  /** @param {Status} status @param {number} now */
  answered(status, now) {
    if (this.status && status.height < this.status.height) this.samples = [];
    this.status = status;
    this.seenAt = now;
    this.awaySince = null;
    this.trouble = null;
    this.failures = 0;
    this.samples.push({ at: now, height: status.height });
    if (this.samples.length > SAMPLES_MAX) this.samples.shift();
  }

  /** @param {NoAnswer} trouble @param {number} now */
  failed(trouble, now) {
    this.failures += 1;
    this.trouble = trouble;
    // One late answer is no absence: the machine may be busy.
    if (trouble.kind === 'slow' && this.failures < 2) return;
    this.awaySince ??= now;
    this.samples = [];
  }

  /** @param {Timeline} timeline */
  keep(timeline) {
    this.timelines.delete(timeline.height);
    this.timelines.set(timeline.height, timeline);
    if (this.timelines.size > TIMELINES_MAX) {
      const oldest = Math.min(...this.timelines.keys());
      this.timelines.delete(oldest);
    }
  }

  /** Blocks a second as its heights rise. @returns {number | null} */
  blockRate() {
    const [first, last] = [this.samples[0], this.samples.at(-1)];
    if (!first || !last || last.at - first.at < RATE_MS) return null;
    return ((last.height - first.height) * 1000) / (last.at - first.at);
  }
}

export class Store {
  /** @param {string[]} bases */
  constructor(bases) {
    this.chain = new Chain();
    /** @type {Map<string, NodeState>} */
    this.nodes = new Map();
    for (const base of bases) this.add(base);
    /** @type {ValidatorSet | null} */
    this.validators = null;
    /** @type {Evidence | null} */
    this.evidence = null;
    /** @type {Devnet | null} */
    this.devnet = null;
    /** Whether the node is one of a devnet; null: not known yet. @type {boolean | null} */
    this.isDevnet = null;
    /** How long between blocks, as the chain is set up. @type {number | null} */
    this.intervalMs = null;
    /** @type {string | null} */
    this.genesis = null;
    /** Bases that turned out to be a node that is asked by another name already. @type {Set<string>} */
    this.doubles = new Set();
    /** @type {Set<() => void>} */
    this.listeners = new Set();
  }

  /** @param {string} base */
  add(base) {
    if (this.nodes.has(base) || this.doubles?.has(base) || this.nodes.size >= NODES_MAX) return;
    this.nodes.set(base, new NodeState(base));
  }

  changed() {
    for (const listener of this.listeners) listener();
  }

  /** The node that figures of the chain are taken from: of those that answer the one that is furthest. @returns {NodeState | null} */
  lead() {
    /** @type {NodeState | null} */
    let best = null;
    for (const node of this.nodes.values()) {
      if (!node.isHere) continue;
      const is = (node.status?.height ?? 0) - (best?.status?.height ?? -1);
      // The one that the page came from, unless it has fallen behind.
      if (best === null || is > 2) best = node;
    }
    return best;
  }

  /** The node of this validator. @param {string} address @returns {NodeState | undefined} */
  nodeOf(address) {
    for (const node of this.nodes.values()) {
      if (node.status?.validator === address) return node;
    }
    const there = this.devnet?.nodes.find((node) => node.validator === address);
    return there && this.nodes.get(there.url);
  }

  /** What people call a validator. @param {string | null} address @returns {string | null} */
  nameOf(address) {
    const there = this.devnet?.nodes.find((node) => node.validator === address);
    return there ? `node ${there.index}` : null;
  }

  /** What people call a node, even before it has said who it is. @param {NodeState} node @returns {string} */
  nameOfNode(node) {
    const who = node.status?.validator ?? this.devnet?.nodes.find((one) => one.url === node.base)?.validator ?? null;
    return this.nameOf(who) ?? (who ? short(who) : node.base || 'this node');
  }

  /** @param {string | null} address @returns {number} its place in the set, or -1 */
  placeOf(address) {
    return this.validators?.validators.findIndex((one) => one.address === address) ?? -1;
  }
}
