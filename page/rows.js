// The state of each validator in words: who votes, who is down, since when and why.
import { ago, short, whole } from './format.js';

/** @typedef {import('./store.js').Store} Store */
/** @typedef {import('./store.js').NodeState} NodeState */
/** @typedef {import('./shapes.js').Validator} Validator */
/** @typedef {'good' | 'warn' | 'bad' | 'dim'} Tone */
/**
 * @typedef {object} Row
 * @property {string} address
 * @property {string} name
 * @property {number} place in the set; -1 for a node that is no validator
 * @property {number | null} power
 * @property {number | null} height
 * @property {string} state one word or two
 * @property {string} why a sentence, or ''
 * @property {Tone} tone
 * @property {'equal' | 'other' | 'unknown'} root
 * @property {number | null} missed of its turns to propose, in the newest blocks, those that brought no block
 * @property {number} of how many turns
 * @property {NodeState | null} node
 */

/** Heights by which a node may be behind the others without a word. */
const BEHIND_MAX = 3;
/** A place behind those of all validators. */
const AFTER_ALL = 1e6;

/** @param {Store} store @param {number} now @returns {Row[]} */
export function rows(store, now) {
  const set = store.validators?.validators ?? [];
  const seen = new Set(set.map((validator) => validator.address));
  const listed = set.map((validator) => row(store, validator.address, validator, now));
  for (const node of store.nodes.values()) {
    const address = node.status?.validator ?? null;
    const isOther = address !== null && store.nodeOf(address) !== node;
    if (isOther && !node.isForeign && !node.isAway) {
      listed.push(double(store, node, address));
      continue;
    }
    if (address !== null && !isOther && seen.has(address)) continue;
    if (address === null && store.devnet?.nodes.some((one) => one.url === node.base)) continue;
    listed.push(stranger(store, node, now));
  }
  // Those of the list by their numbers, then the other validators, then the rest.
  const indexOf = (/** @type {Row} */ one) => store.devnet?.nodes.find((node) => node.validator === one.address)?.index ?? (one.place < 0 ? AFTER_ALL : one.place);
  return store.devnet ? listed.sort((a, b) => indexOf(a) - indexOf(b)) : listed;
}

/** A node that says that it is one that somebody else is. @param {Store} store @param {NodeState} node @param {string} address @returns {Row} */
function double(store, node, address) {
  const why = `says that it is ${store.nameOf(address) ?? short(address)} too`;
  return { address: '', name: node.base, place: -1, power: null, height: node.status?.height ?? null, state: 'claims', why, tone: 'dim', root: root(store, node), missed: null, of: 0, node };
}

/** @param {Store} store @param {NodeState} node @param {number} now @returns {Row} */
function stranger(store, node, now) {
  const isOther = node.status !== null && store.nodeOf(node.status.validator ?? '') !== node;
  const address = (isOther ? null : node.status?.validator) ?? '';
  const told = direct(store, node, now);
  const state = told.state === 'votes' ? 'follows' : told.state;
  return {
    address,
    name: address ? short(address) : node.base || 'this node',
    place: -1,
    power: null,
    height: node.status?.height ?? null,
    ...told,
    state,
    root: root(store, node),
    missed: null,
    of: 0,
    node,
  };
}

/** @param {Store} store @param {string} address @param {Validator} validator @param {number} now @returns {Row} */
function row(store, address, validator, now) {
  const node = store.nodeOf(address) ?? null;
  const heard = hearsay(store, address);
  const told = node === null ? heard : store.isKnownAs(node, address) ? direct(store, node, now) : claimed(direct(store, node, now), node, heard);
  return {
    address,
    name: store.nameOf(address) ?? short(address),
    place: validator.index,
    power: validator.power,
    height: node ? (node.status?.height ?? null) : heard.height,
    state: told.state,
    why: told.why,
    tone: told.tone,
    root: root(store, node),
    missed: validator.turns === undefined ? null : (validator.failed_turns ?? null),
    of: validator.turns ?? 0,
    node,
  };
}

/**
 * What a stranger says as the validator that he says he is. It is named as his. It makes nobody well of whom the chain's
 * nodes know better, and his silence makes nobody away.
 * @param {{ state: string, why: string, tone: Tone }} said @param {NodeState} node @param {{ state: string, why: string, tone: Tone }} heard
 */
function claimed(said, node, heard) {
  const isBetterHeard = node.isAway || node.isForeign ? heard.tone !== 'dim' : heard.tone === 'bad';
  if (isBetterHeard) return heard;
  const why = [said.why, `says ${node.base}`].filter(Boolean).join(', ');
  return { state: said.state, why, tone: said.tone === 'bad' ? /** @type {Tone} */ ('warn') : said.tone };
}

/** What a node that is asked says, or why it says nothing. @param {Store} store @param {NodeState} node @param {number} now @returns {{ state: string, why: string, tone: Tone }} */
function direct(store, node, now) {
  const { status } = node;
  const devnet = store.devnet?.nodes.find((one) => store.isKnownAs(node, one.validator) || one.url === node.base);
  const isDown = devnet !== undefined && devnet.state !== 'running';
  if (node.isAway || (isDown && !node.isHere)) {
    const seen = node.awaySince === null ? null : now - node.awaySince;
    if (isDown) {
      // The devnet knows since when, the page only since when it has noticed. One of it is gone: its clock is this one.
      const since = devnet.since_ms === null || devnet.since_ms === undefined ? seen : Date.now() - devnet.since_ms;
      return { state: 'down', why: `${devnet.reason ?? 'stopped'}${since === null ? '' : ` ${ago(since)} ago`}`, tone: 'bad' };
    }
    const word = node.trouble?.kind === 'nonsense' ? 'makes no sense' : 'unreachable';
    return { state: word, why: `${node.trouble?.message ?? 'no answer'}${seen === null ? '' : `, for ${ago(seen)}`}`, tone: 'bad' };
  }
  if (!status) return { state: 'asked', why: 'no answer yet', tone: 'dim' };
  if (node.isForeign) {
    return { state: 'other chain', why: `its genesis is ${short(status.genesis_hash)}`, tone: 'bad' };
  }
  if (status.halted) return { state: 'halted', why: status.halted, tone: 'bad' };
  if (status.observing) return { state: 'observes', why: status.observing, tone: 'warn' };
  if (status.catching_up) {
    const pace = `${Math.round(status.sync_blocks_per_second)} blocks/s`;
    return { state: 'catches up', why: `${status.target_height - status.height} behind, ${pace}`, tone: 'warn' };
  }
  const lead = store.lead();
  const behind = lead ? node.behind(lead) : 0;
  if (behind > BEHIND_MAX) return { state: 'lags', why: `${whole(behind)} blocks behind`, tone: 'warn' };
  if (node.trouble?.kind === 'slow') return { state: 'slow', why: node.trouble.message, tone: 'warn' };
  const isValidator = store.placeOf(status.validator) >= 0;
  if (status.clock) return { state: isValidator ? 'votes' : 'follows', why: status.clock, tone: 'warn' };
  return { state: isValidator ? 'votes' : 'follows', why: '', tone: 'good' };
}

/** What the node that leads knows of a validator that the page cannot ask. @param {Store} store @param {string} address @returns {{ state: string, why: string, tone: Tone, height: number | null }} */
function hearsay(store, address) {
  const lead = store.lead();
  const peer = lead?.status?.peers.find((one) => one.address === address);
  if (!lead) return { state: 'unknown', why: 'no node answers', tone: 'dim', height: null };
  if (!peer) return { state: 'unknown', why: 'no link from the node that is asked', tone: 'dim', height: null };
  if (peer.refused) return { state: 'refused', why: peer.refused, tone: 'bad', height: peer.height };
  if (!peer.reachable) {
    const since = peer.away_ms === null ? 'never reached' : `for ${ago(peer.away_ms)}`;
    return { state: 'unreachable', why: `${since}, from the node that is asked`, tone: 'bad', height: peer.height };
  }
  const missing = lead.status?.waiting_for?.prevotes.includes(address) ?? false;
  if (missing) return { state: 'reachable', why: 'its vote is awaited', tone: 'warn', height: peer.height };
  return { state: 'reachable', why: '', tone: 'good', height: peer.height };
}

/** Whether the node has the state that the chain has at its height. @param {Store} store @param {NodeState | null} node */
function root(store, node) {
  const status = node?.isHere ? node.status : null;
  if (!status) return 'unknown';
  const block = store.chain.at(status.height);
  if (block) return block.state_root === status.state_root ? 'equal' : 'other';
  for (const other of store.tellers()) {
    if (other === node || other.status?.height !== status.height) continue;
    return other.status.state_root === status.state_root ? 'equal' : 'other';
  }
  return 'unknown';
}
