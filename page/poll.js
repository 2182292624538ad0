// Asks the nodes once a second each, and no faster than that however fast blocks come; those that are away less and
// less often. Nothing is asked while nobody looks (document.hidden).
import { ask, asNoAnswer, call, NoAnswer } from './api.js';
import * as shapes from './shapes.js';
import { tookUs } from './votes.js';

/** @typedef {import('./store.js').Store} Store */
/** @typedef {import('./store.js').NodeState} NodeState */

/** Half of what a node that goes away may be shown as there. */
export const EVERY_MS = 1000;
/** A devnet is changed by hand: whoever goes or comes back is a reason to ask at once. */
const DEVNET_EVERY_MS = 3000;
/** Validators and evidence change slowly, and reading a hundred certificates has a price. */
const SLOW_EVERY_MS = 5000;
/** A node that is away is asked this often at least: who comes back is seen within it. */
const BACK_OFF_MAX_MS = 4000;
/** Those whose turn comes within so long are asked together: each waking costs more than what is done in it. */
const TOGETHER_MS = 40;

export class Poll {
  /** @param {Store} store @param {() => number} now */
  constructor(store, now = () => performance.now()) {
    this.store = store;
    this.now = now;
    this.slowAt = 0;
    this.devnetAt = 0;
    this.isRunning = false;
    /** @type {ReturnType<typeof setTimeout> | null} */
    this.timer = null;
  }

  start() {
    if (this.isRunning) return;
    this.isRunning = true;
    this.turn();
  }

  stop() {
    this.isRunning = false;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  /** Wakes when the next turn comes. */
  plan() {
    if (!this.isRunning) return;
    if (this.timer) clearTimeout(this.timer);
    const { store } = this;
    const idle = [...store.nodes.values()].filter((node) => !node.isBeingAsked).map((node) => node.askAt);
    const turns = [...idle, store.isDevnet === false ? Infinity : this.devnetAt, store.lead() ? this.slowAt : Infinity];
    const wait = Math.min(EVERY_MS, Math.max(0, Math.min(...turns) - this.now()));
    this.timer = setTimeout(() => this.turn(), wait + TOGETHER_MS);
  }

  /** Something was changed by hand: look at once. */
  hurry() {
    for (const node of this.store.nodes.values()) node.askAt = 0;
    this.devnetAt = 0;
    this.slowAt = 0;
    this.plan();
  }

  turn() {
    const now = this.now();
    for (const node of this.store.nodes.values()) {
      if (!node.isBeingAsked && now >= node.askAt) void this.visit(node);
    }
    if (now >= this.devnetAt && this.store.isDevnet !== false) {
      this.devnetAt = now + DEVNET_EVERY_MS;
      void this.askDevnet();
    }
    if (now >= this.slowAt && this.store.lead()) {
      this.slowAt = now + SLOW_EVERY_MS;
      void this.askSlow();
    }
    this.plan();
  }

  /** @param {NodeState} node */
  async visit(node) {
    node.isBeingAsked = true;
    const began = this.now();
    const wasAway = node.isAway;
    const isFirst = node.seenAt === null;
    try {
      const status = shapes.status(await ask(node.base, '/status'));
      this.judge(node, status);
      node.answered(status, this.now());
      this.settle();
      node.askAt = began + EVERY_MS;
      if (wasAway || isFirst) this.devnetAt = 0;
      this.store.changed();
      await this.askTimelines(node, status);
    } catch (thrown) {
      node.failed(asNoAnswer(thrown), this.now());
      this.settle();
      if (node.isAway && !wasAway) this.devnetAt = 0;
      const wait = Math.min(BACK_OFF_MAX_MS, EVERY_MS * 2 ** Math.max(0, node.failures - 3));
      node.askAt = began + (node.trouble?.kind === 'slow' ? 0 : wait);
    } finally {
      node.isBeingAsked = false;
      this.plan();
      this.store.changed();
    }
  }

  /** Figures are another's now: what changes slowly is asked for at once. */
  settle() {
    if (!this.store.settle()) return;
    this.slowAt = 0;
    this.plan();
  }

  /** Whether it is of this chain, and not one that is asked already. @param {NodeState} node @param {shapes.Status} status */
  judge(node, status) {
    const { store } = this;
    const isNamed = store.isNamed(node);
    const others = [...store.nodes.values()].filter((one) => one !== node && one.isHere);
    // A stranger speaks neither against a named node, nor for a chain where a named one has said which it is.
    const against = isNamed ? others.filter((one) => store.isNamed(one)) : others;
    const mayBegin = isNamed || !store.isGenesisNamed;
    // Nobody else speaks for the chain that was: this one is what the page shows now.
    if (status.genesis_hash !== store.genesis && against.length === 0 && mayBegin) store.begin(status.genesis_hash);
    node.isForeign = status.genesis_hash !== store.genesis;
    if (isNamed && !node.isForeign) store.isGenesisNamed = true;
    this.join(node, status.validator);
  }

  /** The node that the page came from stands in the list of its devnet too: it is asked by one name. @param {NodeState} node @param {string | null} address that it gives */
  join(node, address) {
    const { store } = this;
    const listed = store.devnet?.nodes.find((one) => one.validator === address);
    const home = store.nodes.get(store.home);
    if (!listed || !home || listed.url === store.home) return;
    const isHome = node === home || home.status?.validator === address;
    if (isHome && store.nodes.delete(listed.url)) store.doubles.add(listed.url);
  }

  /** @param {NodeState} node @param {shapes.Status} status */
  async askTimelines(node, status) {
    if (node.hasTimelines === false || node.isForeign) return;
    const stands = node.samples.filter(({ height }) => height === status.height).length > 1;
    const wanted = node.timelines.has(status.height) ? [] : [status.height];
    // The next height is asked for only if it takes longer than usual.
    if (stands) wanted.push(status.height + 1);
    for (const height of wanted.filter((height) => height > 0)) {
      try {
        const timeline = shapes.timeline(await ask(node.base, `/heights/${height}/timeline`), height);
        node.hasTimelines = true;
        node.broken = 0;
        node.keep(timeline);
        const us = tookUs(timeline);
        if (us !== null && node === this.store.lead()) this.store.chain.took(height, us);
      } catch (thrown) {
        const refused = asNoAnswer(thrown);
        if (refused.status === 404 && refused.code !== 'no_timeline') node.hasTimelines = false;
        if (refused.kind === 'unreachable' && node.hasTimelines === null && (node.broken += 1) > 2) node.hasTimelines = false;
      }
    }
  }

  async askDevnet() {
    const { store } = this;
    // A stranger's list would name strangers.
    const asked = [...store.nodes.values()].find((node) => node.isHere && store.isNamed(node));
    if (!asked) return;
    try {
      store.devnet = shapes.devnet(await ask(asked.base, '/devnet'));
      store.isDevnet = true;
      for (const node of store.devnet.nodes) this.meet(node);
      store.intervalMs = store.devnet.pace_ms;
    } catch (thrown) {
      const refused = asNoAnswer(thrown);
      if (refused instanceof NoAnswer && refused.status === 404) store.isDevnet = false;
    }
    store.changed();
  }

  /** @param {shapes.DevnetNode} node */
  meet(node) {
    const { store } = this;
    const isHome = store.nodes.get(store.home)?.status?.validator === node.validator;
    if (!isHome && /^https?:\/\/[^/?#]+$/.test(node.url)) store.add(node.url);
  }

  async askSlow() {
    const { store } = this;
    const lead = store.lead();
    if (!lead) return;
    const { whose } = store;
    /** What comes after another has begun to lead is not kept. @param {Partial<Store>} known */
    const keep = (known) => void (store.whose === whose && Object.assign(store, known));
    try {
      keep({ validators: shapes.validators(await ask(lead.base, '/validators?recent=100')) });
      keep({ evidence: shapes.evidence(await ask(lead.base, '/evidence')) });
      if (store.intervalMs === null && !store.devnet) {
        keep({ intervalMs: shapes.params(await call(lead.base, 'lockstep_getParams', [])).block_time_ms });
      }
    } catch {
      // The node's own row says what the trouble is; here what was known stays.
    }
    store.changed();
  }
}
