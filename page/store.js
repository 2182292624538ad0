// What the page knows: of each node what it last answered and since when it is away, of the chain its newest
// blocks. It is filled by poll.js, and read by the views.
//
// A node is *named* if the page came from it, or if it stands in the list of the devnet that such a node gives. The
// others are strangers: somebody has listed them in a link. Figures of the chain are those of named nodes as long as one
// answers, and what a stranger says of himself changes nothing that is known of a named one.
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
export const TIMELINES_MAX = 4;
/** Heights are whole numbers: over a shorter time a rate would jump. */
const RATE_MS = 4500;
/** Blocks a second that nobody follows one by one: a stretch of them is read now and then (poll.js). */
const TOO_FAST = 22;
/** Samples of heights, one a turn: what blocks/s is taken from. */
const SAMPLES_MAX = 12;
/** Two samples say how fast a chain is if so long lies between them: one block more is not much. */
const SAMPLES_APART_MS = 500;
/** What another node has reached since it was heard is estimated, and so much less of it counts. */
const TOLERANCE_MS = 500;

/** Heights by which the node that leads may be behind another. */
export const APART_MAX = 2;

export class NodeState {
  /** @param {string} base where it is asked; '' where the page came from */
  constructor(base) {
    this.base = base;
    /** @type {Status | null} what it last answered */
    this.status = null;
    /** When it last answered, by this page's clock. @type {number | null} */
    this.seenAt = null;
    /** When that was asked: what it said is no older. */
    this.askedAt = 0;
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

  /** @param {Status} status @param {number} now @param {number} [askedAt] @returns {boolean} whether its height has fallen */
  answered(status, now, askedAt = now) {
    const hasFallen = this.status !== null && status.height < this.status.height;
    if (hasFallen) {
      this.samples = [];
      this.timelines.clear();
    }
    this.status = status;
    this.seenAt = now;
    this.askedAt = askedAt;
    this.awaySince = null;
    this.trouble = null;
    this.failures = 0;
    this.samples.push({ at: now, height: status.height });
    if (this.samples.length > SAMPLES_MAX) this.samples.shift();
    return hasFallen;
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

  /** Whether its height rises so, by its last answer and the one before. */
  get isTooFast() {
    const last = this.samples.at(-1);
    const first = last && this.samples.findLast(({ at }) => last.at - at >= SAMPLES_APART_MS);
    return first !== undefined && last !== undefined && (last.height - first.height) * 1000 > TOO_FAST * (last.at - first.at);
  }

  /**
   * By how many heights it is behind another, at least: what it says is held against what the other had said before it was
   * asked, and what that one makes until then, but no more than it is known to have. Nodes are heard one after the other,
   * so of a healthy chain their newest heights are apart.
   * @param {NodeState} other
   */
  behind(other) {
    const said = other.samples.findLast(({ at }) => at < this.askedAt);
    if (!said || !this.status || !other.status) return 0;
    const since = Math.max(0, this.askedAt - said.at - TOLERANCE_MS);
    const reached = said.height + ((other.blockRate() ?? 0) * since) / 1000;
    return Math.max(0, Math.floor(Math.min(reached, other.status.height)) - this.status.height);
  }

  /** Blocks a second as its heights rise. @returns {number | null} */
  blockRate() {
    const [first, last] = [this.samples[0], this.samples.at(-1)];
    if (!first || !last || last.at - first.at < RATE_MS) return null;
    return ((last.height - first.height) * 1000) / (last.at - first.at);
  }
}

export class Store {
  /** @param {string[]} bases the first is where the page came from */
  constructor(bases) {
    this.home = bases[0] ?? '';
    /** The stranger whose figures these are; '' where they are those of named nodes. */
    this.whose = '';
    /** Whether a named node has said which chain this is. */
    this.isGenesisNamed = false;
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
    /** @type {Set<(isWhole: boolean) => void>} */
    this.listeners = new Set();
  }

  /** @param {string} base */
  add(base) {
    if (this.nodes.has(base) || this.doubles?.has(base)) return;
    const node = new NodeState(base);
    if (this.nodes.size >= NODES_MAX) {
      // The last stranger makes room for one that is named.
      const last = [...this.nodes.values()].reverse().find((one) => !this.isNamed(one));
      if (!last || !this.isNamed(node)) return;
      this.nodes.delete(last.base);
    }
    this.nodes.set(base, node);
  }

  /** @param {NodeState} node */
  isNamed(node) {
    return node.base === this.home || (this.devnet?.nodes.some((one) => one.url === node.base) ?? false);
  }

  /** Whether more than its own word says that it is the node of this validator. @param {NodeState} node @param {string | null} address */
  isKnownAs(node, address) {
    if (address === null) return false;
    if (node.base === this.home) return node.status?.validator === address;
    return this.devnet?.nodes.some((one) => one.url === node.base && one.validator === address) ?? false;
  }

  /** @param {boolean} isWhole all that were asked have answered, or have not */
  changed(isWhole = false) {
    for (const listener of this.listeners) listener(isWhole);
  }

  /** The node that figures of the chain are taken from: of the named ones that answer the one that is furthest. A stranger where none does. @returns {NodeState | null} */
  lead() {
    const here = [...this.nodes.values()].filter((node) => node.isHere);
    const named = here.filter((node) => this.isNamed(node));
    if (named.length) return this.furthest(named);
    const home = this.nodes.get(this.home);
    const isToCome = home !== undefined && home.seenAt === null && home.failures === 0;
    return isToCome ? null : this.furthest(here);
  }

  /** Those whose answers make up one picture of the chain: the named ones, or the one stranger that leads. @returns {NodeState[]} */
  tellers() {
    const lead = this.lead();
    if (lead && !this.isNamed(lead)) return [lead];
    return [...this.nodes.values()].filter((node) => node.isHere && this.isNamed(node));
  }

  /** Forgets the figures of one where those of another begin: a stranger's do not mix with those of named nodes. @returns {boolean} whether they do */
  settle() {
    const lead = this.lead();
    const whose = lead === null || this.isNamed(lead) ? '' : lead.base;
    if (lead === null || whose === this.whose) return false;
    this.whose = whose;
    this.forget();
    return true;
  }

  forget() {
    this.chain.forget();
    this.validators = null;
    this.evidence = null;
    this.intervalMs = this.devnet?.pace_ms ?? null;
  }

  /** Another chain begins. @param {string} genesis */
  begin(genesis) {
    this.genesis = genesis;
    this.forget();
    for (const node of this.nodes.values()) {
      node.timelines.clear();
      node.isForeign = node.status !== null && node.status.genesis_hash !== genesis;
    }
  }

  /** The one that the page came from, unless it has fallen behind. @param {NodeState[]} nodes @returns {NodeState | null} */
  furthest(nodes) {
    /** @type {NodeState | null} */
    let best = null;
    for (const node of nodes) {
      if (best === null || best.behind(node) > APART_MAX) best = node;
    }
    return best;
  }

  /** What changes the sentence at the top: who is there, and who has halted or observes. Figures that rise are not in it. */
  standing() {
    const nodes = [...this.nodes.values()].map((one) => {
      const said = one.status;
      return [one.base, one.isAway, one.isForeign, one.trouble?.kind, said?.halted, said?.observing, said?.catching_up, said?.validator].join();
    });
    const devnet = this.devnet ? [this.devnet.groups, this.devnet.pace_ms, this.devnet.nodes.map(({ state }) => state)] : null;
    return JSON.stringify([nodes, this.whose, this.lead() === null, this.validators?.hash, this.evidence?.forks.length, devnet, this.isDevnet]);
  }

  /** The node of this validator: one that is known as it, else the first that says so. @param {string} address @returns {NodeState | undefined} */
  nodeOf(address) {
    const nodes = [...this.nodes.values()];
    return nodes.find((node) => this.isKnownAs(node, address)) ?? nodes.find((node) => !node.isForeign && node.status?.validator === address);
  }

  /** What people call a validator. @param {string | null} address @returns {string | null} */
  nameOf(address) {
    const there = this.devnet?.nodes.find((node) => node.validator === address);
    return there ? `node ${there.index}` : null;
  }

  /** What people call a node, even before it has said who it is. @param {NodeState} node @returns {string} */
  nameOfNode(node) {
    const who = node.status?.validator ?? this.devnet?.nodes.find((one) => one.url === node.base)?.validator ?? null;
    const name = this.nameOf(who) ?? (who ? short(who) : node.base || 'this node');
    return who === null || this.isKnownAs(node, who) ? name : `${node.base || 'this node'} (says that it is ${name})`;
  }

  /** @param {string | null} address @returns {number} its place in the set, or -1 */
  placeOf(address) {
    return this.validators?.validators.findIndex((one) => one.address === address) ?? -1;
  }
}
