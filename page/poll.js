// Asks the nodes once a second each, every other second where blocks come so fast that nobody follows them or nobody has
// used the page for a while; those that are away less and less often. The one that leads is asked for the blocks that
// have come since, too. Nothing is asked while nobody looks (document.hidden). The nodes of a devnet are asked by a line,
// and by a request where it is of no use: a request alone says what is wrong.
import { ask, asNoAnswer, call, NoAnswer } from './api.js';
import { Line } from './line.js';
import * as shapes from './shapes.js';
import { APART_MAX, TIMELINES_MAX } from './store.js';
import { tookUs } from './votes.js';

/** @typedef {import('./store.js').Store} Store */
/** @typedef {import('./store.js').NodeState} NodeState */

/** Half of what a node that goes away may be shown as there. */
const EVERY_MS = 1000;
/** Where the page lies open, and of a chain that is too fast to follow: it may take all of this machine, and loses what is asked and drawn. */
const SELDOM_MS = 2000;
/** And the blocks of such a chain, of which nobody sees one follow on another: reading and drawing all places of the strip has a price. */
const STRETCH_EVERY_MS = 4000;
/** Whoever has not moved a pointer or pressed a key for so long has the page lie open. */
export const USED_MS = 20_000;
/** Blocks that are asked for at once: the strip, and some before it. */
const STRETCH = 90;
/** A devnet is changed by hand: whoever goes or comes back is a reason to ask at once. */
const DEVNET_EVERY_MS = 3000;
/** Validators and evidence change slowly, and reading a hundred certificates has a price. */
const SLOW_EVERY_MS = 10_000;
/** A node that is away is asked this often at least: who comes back is seen within it. */
const BACK_OFF_MAX_MS = 4000;
/** Those whose turn comes within so long are asked together: each waking costs more than what is done in it. */
const TOGETHER_MS = 40;
/** How far back the others' heights are looked for in a node's timelines. */
const MISSED_MAX = 6;

const NEWEST_BLOCKS = 'lockstep_getNewestBlocks';

/** Nonsense about blocks says nothing of the status that came with it. @param {unknown} value @returns {shapes.Block[] | null} */
function blocksOrNone(value) {
  try {
    return shapes.newestBlocks(value);
  } catch {
    return null;
  }
}

export class Poll {
  /** @param {Store} store @param {() => number} now @param {(url: string) => WebSocket} connect */
  constructor(store, now = () => performance.now(), connect = (url) => new WebSocket(url)) {
    this.store = store;
    this.now = now;
    this.connect = connect;
    /** @type {Map<string, Line>} */
    this.lines = new Map();
    /** When those that are well were asked last, all in one turn. Who comes to them waits for their next. */
    this.turnAt = -Infinity;
    this.slowAt = 0;
    this.devnetAt = 0;
    this.blocksAt = 0;
    /** When the newest blocks came. */
    this.takenAt = 0;
    /** Whose request for blocks is under way. @type {Set<NodeState>} */
    this.askedForBlocks = new Set();
    this.isRunning = false;
    /** How often it was stopped: an answer that breaks off then says nothing of a node. */
    this.stops = 0;
    /** @type {ReturnType<typeof setTimeout> | null} */
    this.timer = null;
    /** When it wakes next. */
    this.wakeAt = Infinity;
    /** When somebody last did something on the page. */
    this.usedAt = -Infinity;
  }

  /** How often those that answer are asked, and so how often there is something new to draw. */
  everyMs() {
    return this.store.lead()?.isTooFast || !this.isUsed() ? SELDOM_MS : EVERY_MS;
  }

  isUsed() {
    return this.now() < this.usedAt + USED_MS;
  }

  /** Somebody does something: who comes back to a page that lay open does not wait for what is new. */
  used() {
    const wasUsed = this.isUsed();
    this.usedAt = this.now();
    if (!wasUsed) this.askAll();
  }

  /** The next turn is now. */
  askAll() {
    this.turnAt = -Infinity;
    for (const node of this.store.nodes.values()) node.askAt = 0;
    this.plan();
  }

  start() {
    if (this.isRunning) return;
    this.isRunning = true;
    this.used();
    this.turn();
  }

  stop() {
    this.isRunning = false;
    this.stops += 1;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    for (const line of this.lines.values()) line.end();
  }

  /** Wakes when the next turn comes, or sooner where that is intended already. */
  plan() {
    if (!this.isRunning) return;
    const { store } = this;
    const idle = [...store.nodes.values()].filter((node) => !node.isBeingAsked).map((node) => node.askAt);
    // What changes slowly waits for a turn of the nodes, or for none where it is wanted now.
    const isHurried = (store.isDevnet !== false && this.devnetAt === 0) || (store.lead() !== null && this.slowAt === 0);
    const turns = isHurried ? [0] : idle;
    const now = this.now();
    const wakeAt = Math.min(now + this.everyMs(), Math.max(now, Math.min(...turns))) + TOGETHER_MS;
    if (this.timer && this.wakeAt <= wakeAt) return;
    if (this.timer) clearTimeout(this.timer);
    this.wakeAt = wakeAt;
    this.timer = setTimeout(() => this.turn(), wakeAt - now);
  }

  /** Something was changed by hand: look at once. */
  hurry() {
    this.devnetAt = 0;
    this.slowAt = 0;
    this.askAll();
  }

  turn() {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    const now = this.now();
    if (now >= this.turnAt + this.everyMs()) this.turnAt = now;
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
    const { stops } = this;
    try {
      const wanted = this.wantedBlocks(node);
      const { status, newest, blocks: told } = await this.hear(node, wanted);
      this.judge(node, status);
      const hasFallen = node.answered(status, this.now(), began);
      if (hasFallen && this.store.isNamed(node)) this.goneBack(node);
      this.settle();
      const lead = this.store.lead();
      const isAnew = lead !== null && ((hasFallen && node === lead) || this.isBelowItsBlocks(lead));
      if (isAnew) this.store.chain.forget();
      node.askAt = this.turnAt + this.everyMs();
      if (wasAway || isFirst) this.devnetAt = 0;
      if (newest && !node.isForeign) this.told(node, newest);
      // Those that were asked for follow on blocks that are no more.
      const blocks = isAnew ? null : told;
      if (blocks) this.taken(node, blocks);
      this.store.changed();
      if (await this.askTimelines(node, status)) this.store.changed();
      // Who was not asked as the one that leads, and has a line, is asked next time if he still does.
      if (!blocks && (wanted || !this.lines.get(node.base)?.isOpen)) void this.askBlocks(node);
      this.wantLine(node);
    } catch (thrown) {
      if (stops !== this.stops) return;
      node.failed(asNoAnswer(thrown), this.now());
      this.settle();
      if (node.isAway && !wasAway) this.devnetAt = 0;
      const wait = Math.min(BACK_OFF_MAX_MS, EVERY_MS * 2 ** Math.max(0, node.failures - 3));
      // Whether it is away is known once it is late again.
      node.askAt = began + (node.isAway ? wait : 0);
      this.store.changed();
    } finally {
      node.isBeingAsked = false;
      this.plan();
      if (stops === this.stops && ![...this.store.nodes.values()].some((one) => one.isBeingAsked)) this.store.changed(true);
    }
  }

  /**
   * What its line answers; null where there is none, or one that is of no use.
   * @template T
   * @param {NodeState} node @param {import('./line.js').Call[]} calls @param {(said: import('./line.js').Outcome[]) => T} take
   * @returns {Promise<T | null>}
   */
  async byLine(node, calls, take) {
    const line = this.lines.get(node.base);
    if (!line?.isOpen) return null;
    const { stops } = this;
    try {
      return take(await line.ask(calls));
    } catch (thrown) {
      // What comes later would be the answer to nobody's question.
      line.end();
      if (stops !== this.stops) throw thrown;
      return null;
    }
  }

  /**
   * What a node says of itself, and of its newest height and blocks where that comes with it.
   * @param {NodeState} node @param {number[] | null} wanted of its blocks
   * @returns {Promise<{ status: shapes.Status, newest: shapes.Timeline | null, blocks: shapes.Block[] | null }>}
   */
  async hear(node, wanted) {
    /** @type {import('./line.js').Call[]} */
    const calls = [['lockstep_status', []], ['lockstep_getTimeline', ['latest']]];
    if (wanted) calls.push([NEWEST_BLOCKS, wanted]);
    const said = await this.byLine(node, calls, ([status, newest, blocks]) => ({
      status: shapes.status(status?.result),
      newest: newest?.result ? shapes.timeline(newest.result) : null,
      blocks: blocks?.result ? blocksOrNone(blocks.result) : null,
    }));
    return said ?? { status: shapes.status(await ask(node.base, '/status')), newest: null, blocks: null };
  }

  /**
   * Of the node that leads, those from the newest that is known: that it has the same there says that what comes follows
   * on it. null: none.
   * @param {NodeState} node @returns {number[] | null}
   */
  wantedBlocks(node) {
    const { store } = this;
    if (node !== store.lead() || (node.isTooFast && this.now() < this.blocksAt)) return null;
    const known = this.isBelowItsBlocks(node) ? 0 : Math.min(store.chain.blocks.at(-1)?.height ?? 0, node.status?.height ?? 0);
    return [Math.max(0, known - 1), STRETCH];
  }

  /** What the others had said may be of the history that is no more: nobody is behind that. @param {NodeState} fallen */
  goneBack(fallen) {
    for (const node of this.store.nodes.values()) if (node !== fallen) node.samples = [];
  }

  /** Nobody waits for them: they have more time than a node that is to be seen as there. @param {NodeState} node */
  async askBlocks(node) {
    const wanted = this.wantedBlocks(node);
    if (!wanted || this.askedForBlocks.has(node)) return;
    this.askedForBlocks.add(node);
    try {
      this.taken(node, shapes.newestBlocks(await call(node.base, NEWEST_BLOCKS, wanted)));
    } catch (thrown) {
      if (node === this.store.lead()) this.store.chain.trouble = asNoAnswer(thrown).message;
    } finally {
      this.askedForBlocks.delete(node);
      this.store.changed();
    }
  }

  /** Only those of the node that leads, still: what somebody else has said does not follow on them. @param {NodeState} node @param {shapes.Block[]} blocks */
  taken(node, blocks) {
    if (node !== this.store.lead() || !node.status) return;
    const { chain } = this.store;
    this.takenAt = this.now();
    this.blocksAt = this.takenAt + STRETCH_EVERY_MS;
    chain.trouble = '';
    for (const block of blocks) {
      if (block.height <= node.status.height + STRETCH) chain.take(block);
    }
  }

  /**
   * Far below those that are known, and asked after they came: a devnet has gone back, and its blocks have these heights
   * once more. Nodes are heard one after the other, so the one that leads may not be the one that was heard to fall.
   * @param {NodeState} lead
   */
  isBelowItsBlocks(lead) {
    return lead.askedAt >= this.takenAt && (this.store.chain.blocks.at(-1)?.height ?? 0) > (lead.status?.height ?? 0) + APART_MAX;
  }

  /** @param {NodeState} node @param {number} height @returns {Promise<shapes.Timeline>} */
  async hearOf(node, height) {
    const said = await this.byLine(node, [['lockstep_getTimeline', [height]]], ([of]) => of?.refused ?? shapes.timeline(of?.result, height));
    if (said instanceof NoAnswer) throw said;
    return said ?? shapes.timeline(await ask(node.base, `/heights/${height}/timeline`), height);
  }

  /** @param {NodeState} node */
  wantLine(node) {
    const { store, connect } = this;
    for (const [base, line] of this.lines) {
      const whose = store.nodes.get(base);
      if (whose && store.devnet && store.isNamed(whose)) continue;
      line.end();
      this.lines.delete(base);
    }
    const { base } = node;
    if (!this.isRunning || !store.devnet || !store.nodes.has(base) || !store.isNamed(node)) return;
    const hungUp = () => {
      const whose = store.nodes.get(base);
      if (whose) whose.askAt = 0;
      this.plan();
    };
    const line = this.lines.get(base) ?? new Line(base, hungUp, connect);
    this.lines.set(base, line);
    line.want(this.now());
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

  /** @param {NodeState} node @param {shapes.Status} status @returns {Promise<boolean>} whether it asked for any */
  async askTimelines(node, status) {
    if (node.hasTimelines === false || node.isForeign) return false;
    const stands = node.samples.filter(({ height }) => height === status.height).length > 1;
    const wanted = node.timelines.has(status.height) ? [] : [status.height];
    // The next height is asked for only if it takes longer than usual.
    if (stands) wanted.push(status.height + 1);
    // Not each height is asked for: of one of which others have told all must have.
    const told = this.store.tellers().filter((one) => one !== node && !one.isTooFast).flatMap((one) => [...one.timelines.keys()]);
    const kept = node.timelines.size < TIMELINES_MAX ? 0 : Math.min(...node.timelines.keys());
    const lowest = Math.max(kept, status.height - MISSED_MAX);
    const missed = Math.max(...told.filter((height) => height < status.height && height > lowest && !node.timelines.has(height)));
    if (missed > 0) wanted.unshift(missed);
    const heights = wanted.filter((height) => height > 0);
    for (const height of heights) {
      try {
        this.told(node, await this.hearOf(node, height));
      } catch (thrown) {
        const refused = asNoAnswer(thrown);
        if (refused.status === 404 && refused.code !== 'no_timeline') node.hasTimelines = false;
        if (refused.kind === 'unreachable' && node.hasTimelines === null && (node.broken += 1) > 2) node.hasTimelines = false;
      }
    }
    return heights.length > 0;
  }

  /** @param {NodeState} node @param {shapes.Timeline} timeline */
  told(node, timeline) {
    node.hasTimelines = true;
    node.broken = 0;
    node.keep(timeline);
    const us = tookUs(timeline);
    if (us !== null && node === this.store.lead()) this.store.chain.took(timeline.height, us);
  }

  async askDevnet() {
    const { store } = this;
    // A stranger's list would name strangers.
    const asked = [...store.nodes.values()].find((node) => node.isHere && store.isNamed(node));
    if (!asked) return;
    const before = JSON.stringify(store.devnet);
    const down = store.devnet?.nodes.filter(({ state }) => state !== 'running').map(({ validator }) => validator) ?? [];
    try {
      store.devnet = shapes.devnet(await ask(asked.base, '/devnet'));
      store.isDevnet = true;
      for (const node of store.devnet.nodes) {
        this.meet(node);
        // Who runs again is not away until his turn comes.
        const back = node.state === 'running' && down.includes(node.validator) && store.nodeOf(node.validator);
        if (back) [back.askAt, back.failures] = [0, 0];
      }
      this.plan();
      store.intervalMs = store.devnet.pace_ms;
    } catch (thrown) {
      const refused = asNoAnswer(thrown);
      if (refused instanceof NoAnswer && refused.status === 404) store.isDevnet = false;
    }
    if (JSON.stringify(store.devnet) !== before) store.changed();
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
