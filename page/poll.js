// Asks the nodes once a second each, and no faster than that however fast blocks come; those that are away less and
// less often. Nothing is asked while nobody looks (document.hidden).
import { ask, asNoAnswer, call, NoAnswer } from './api.js';
import * as shapes from './shapes.js';
import { tookUs } from './votes.js';

/** @typedef {import('./store.js').Store} Store */
/** @typedef {import('./store.js').NodeState} NodeState */

/** Half of what a node that goes away may be shown as there. */
export const EVERY_MS = 1000;
/** Validators and evidence change slowly, and reading a hundred certificates has a price. */
const SLOW_EVERY_MS = 5000;
/** A node that is away is asked this often at least: who comes back is seen within it. */
const BACK_OFF_MAX_MS = 4000;
/** How often the watch looks whose turn it is. */
const TURN_MS = 100;

export class Poll {
  /** @param {Store} store @param {() => number} now */
  constructor(store, now = () => performance.now()) {
    this.store = store;
    this.now = now;
    this.slowAt = 0;
    this.devnetAt = 0;
    /** @type {ReturnType<typeof setInterval> | null} */
    this.timer = null;
  }

  start() {
    this.timer ??= setInterval(() => this.turn(), TURN_MS);
  }

  stop() {
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
  }

  /** Something was changed by hand: look at once. */
  hurry() {
    for (const node of this.store.nodes.values()) node.askAt = 0;
    this.devnetAt = 0;
    this.slowAt = 0;
  }

  turn() {
    const now = this.now();
    for (const node of this.store.nodes.values()) {
      if (!node.isBeingAsked && now >= node.askAt) void this.visit(node);
    }
    if (now >= this.devnetAt && this.store.isDevnet !== false) {
      this.devnetAt = now + EVERY_MS;
      void this.askDevnet();
    }
    if (now >= this.slowAt && this.store.lead()) {
      this.slowAt = now + SLOW_EVERY_MS;
      void this.askSlow();
    }
  }

  /** @param {NodeState} node */
  async visit(node) {
    node.isBeingAsked = true;
    const began = this.now();
    try {
      const status = shapes.status(await ask(node.base, '/status'));
      this.judge(node, status);
      node.answered(status, this.now());
      node.askAt = began + EVERY_MS;
      this.store.changed();
      await this.askTimelines(node, status);
    } catch (thrown) {
      node.failed(asNoAnswer(thrown), this.now());
      const wait = Math.min(BACK_OFF_MAX_MS, EVERY_MS * 2 ** Math.max(0, node.failures - 3));
      node.askAt = began + (node.trouble?.kind === 'slow' ? 0 : wait);
    } finally {
      node.isBeingAsked = false;
      this.store.changed();
    }
  }

  /** Whether it is of this chain, and not one that is asked already. @param {NodeState} node @param {shapes.Status} status */
  judge(node, status) {
    const { store } = this;
    const isNew = status.genesis_hash !== store.genesis;
    const others = [...store.nodes.values()].filter((one) => one !== node && one.isHere);
    if (isNew && others.length === 0) {
      // Nobody else speaks for the chain that was: this one is what the page shows now.
      store.genesis = status.genesis_hash;
      store.chain.forget();
      store.validators = null;
      for (const one of store.nodes.values()) one.timelines.clear();
    }
    node.isForeign = status.genesis_hash !== store.genesis;
    const double = others.find((one) => status.validator && one.status?.validator === status.validator);
    if (double && !node.isForeign) {
      const worse = double.base === '' ? node : node.base === '' ? double : node;
      store.nodes.delete(worse.base);
      store.doubles.add(worse.base);
    }
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
    const asked = [...store.nodes.values()].find((node) => node.isHere);
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
    const known = this.store.nodeOf(node.validator);
    if (!known && /^https?:\/\/[^/?#]+$/.test(node.url)) this.store.add(node.url);
  }

  async askSlow() {
    const { store } = this;
    const lead = store.lead();
    if (!lead) return;
    try {
      store.validators = shapes.validators(await ask(lead.base, '/validators?recent=100'));
      store.evidence = shapes.evidence(await ask(lead.base, '/evidence'));
      if (store.intervalMs === null && !store.devnet) {
        store.intervalMs = shapes.params(await call(lead.base, 'lockstep_getParams', [])).block_time_ms;
      }
    } catch {
      // The node's own row says what the trouble is; here what was known stays.
    }
    store.changed();
  }
}
