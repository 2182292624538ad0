// The shapes of what nodes answer, and whether an answer has them.
//
// Only what this page draws is looked at. What does not fit is an answer that cannot be used (NoAnswer, `nonsense`),
// and the page says so: a figure is never made up.
import { NoAnswer } from './api.js';

/** @typedef {{ address: string, url: string, reachable: boolean, away_ms: number | null, height: number, earliest_height: number, clock_difference_ms: number | null, outbox: number, refused: string | null }} Peer */
/** @typedef {{ prevotes: string[], precommits: string[] }} Missing */
/**
 * @typedef {object} Status
 * @property {number} chain_id
 * @property {string} genesis_hash
 * @property {string} scheme
 * @property {string} version
 * @property {string | null} validator
 * @property {number} height
 * @property {number} round
 * @property {string | null} step
 * @property {string} latest_block_hash
 * @property {string} state_root
 * @property {number} latest_block_time
 * @property {number} time
 * @property {boolean} catching_up
 * @property {number} target_height
 * @property {number} sync_blocks_per_second
 * @property {string | null} halted
 * @property {string | null} observing
 * @property {string | null} clock
 * @property {number} earliest_height
 * @property {Missing | null} waiting_for
 * @property {Peer[]} peers
 */
/** @typedef {{ address: string, index: number, power: number, certificates?: number, turns?: number, failed_turns?: number, last_proposed?: { height: number, time: number } | null }} Validator */
/** @typedef {{ height: number, hash: string, total_power: number, validators: Validator[], recent?: { blocks: number, from_height: number, to_height: number } | null }} ValidatorSet */
/** @typedef {{ what: string, round: number, who: string | null, at_us: number, nil?: boolean }} Entry */
/** @typedef {{ height: number, validator: string | null, began_ms: number, left_out: number, entries: Entry[] }} Timeline */
/** @typedef {{ index: number, validator: string, url: string, state: string, reason: string | null, since_ms: number | null, height: number | null }} DevnetNode */
/** @typedef {{ from: number, to: number, delay_ms: number, drop_per_thousand: number }} Fault */
/** @typedef {{ pace_ms: number | null, genesis: string, nodes: DevnetNode[], accounts: { name: string, address: string }[], groups: number[][] | null, faults: Fault[], can_panic: boolean }} Devnet */
/** @typedef {{ height: number, id: string, time: number, proposer: string, state_root: string, transactions: number, round: number | null }} Block */
/** @typedef {{ message: string, handled: number, waited_p50_us: number, waited_p99_us: number, handled_p50_us: number, handled_p99_us: number }} Message */
/** @typedef {{ actor: string, state: string, depth: number, limit: number, refused: number, panics: number, restarts: number, last_panic: string | null, last_panic_unix_ms: number | null, last_message_ms_ago: number | null, messages: Message[] }} ActorRow */
/** @typedef {{ from: string, to: string, message: string, told: number, refused: number }} Edge */
/** @typedef {{ kind: string, validator: string, height: number, round: number, proof: string, hash: string, block?: number }} Offence */
/** @typedef {{ height: number, stops: boolean, decisions: { round: number, block_id: string }[], accused: { validator: string, guilt: string }[] }} Fork */
/** @typedef {{ pending: Offence[], committed: Offence[], forks: Fork[] }} Evidence */

/** More validators than a set has, more actors than a node has: what is longer is no answer of a node. */
const LIST_MAX = 1024;

/** @param {string} what @returns {never} */
function refuse(what) {
  throw new NoAnswer('nonsense', `the answer has no ${what} that can be used`);
}

/** @param {any} value @param {string} names @param {string} type */
function need(value, names, type) {
  if (value === null || typeof value !== 'object') refuse(names);
  for (const name of names.split(' ')) {
    const it = value[name];
    if (typeof it !== type || (type === 'number' && !Number.isFinite(it))) refuse(name);
  }
}

/** @param {any} value @param {string} names */
function textsOrNull(value, names) {
  for (const name of names.split(' ')) {
    if (value[name] === undefined) value[name] = null;
    if (value[name] !== null && typeof value[name] !== 'string') refuse(name);
  }
}

/** @param {any} value @param {string} name @returns {any[]} */
function listed(value, name) {
  const it = value?.[name];
  if (!Array.isArray(it) || it.length > LIST_MAX) refuse(name);
  return it;
}

/** @param {any} value @returns {Status} */
export function status(value) {
  need(value, 'chain_id height round latest_block_time time target_height', 'number');
  need(value, 'genesis_hash scheme version latest_block_hash state_root', 'string');
  need(value, 'catching_up', 'boolean');
  textsOrNull(value, 'validator step halted observing clock');
  for (const peer of listed(value, 'peers')) {
    need(peer, 'address url', 'string');
    need(peer, 'reachable', 'boolean');
    need(peer, 'height', 'number');
  }
  if (value.waiting_for) {
    listed(value.waiting_for, 'prevotes');
    listed(value.waiting_for, 'precommits');
  }
  return value;
}

/** @param {any} value @returns {ValidatorSet} */
export function validators(value) {
  need(value, 'height total_power', 'number');
  for (const validator of listed(value, 'validators')) {
    need(validator, 'address', 'string');
    need(validator, 'index power', 'number');
    delete validator.public_key;
  }
  return value;
}

/** @param {any} value @returns {Timeline} */
export function timeline(value) {
  need(value, 'height', 'number');
  const entries = value?.entries;
  if (!Array.isArray(entries) || entries.length > 20_000) refuse('entries');
  for (const entry of entries) {
    need(entry, 'what', 'string');
    need(entry, 'round at_us', 'number');
  }
  return value;
}

/** @param {any} value @returns {Devnet} */
export function devnet(value) {
  for (const node of listed(value, 'nodes')) {
    need(node, 'validator url state', 'string');
    need(node, 'index', 'number');
  }
  for (const account of listed(value, 'accounts')) need(account, 'name address', 'string');
  if (!Array.isArray(value.faults)) value.faults = [];
  if (!Array.isArray(value.groups)) value.groups = null;
  return value;
}

/** The event `newBlocks`. @param {any} value @param {number | null} round @returns {Block} */
export function blockOfEvent(value, round) {
  need(value, 'id', 'string');
  const header = value.header;
  need(header, 'height time', 'number');
  need(header, 'proposer state_root', 'string');
  const transactions = typeof value.transactions === 'number' ? value.transactions : 0;
  const { height, time, proposer, state_root } = header;
  return { height, id: value.id, time, proposer, state_root, transactions, round };
}

/** `/actors`: a row for each actor, with the edges that lead to it where the node has them. @param {any} value @returns {{ actors: ActorRow[], edges: Edge[] | null }} */
export function actors(value) {
  const rows = listed({ actors: value }, 'actors');
  for (const row of rows) {
    need(row, 'actor state', 'string');
    need(row, 'depth limit refused restarts', 'number');
    listed(row, 'messages');
  }
  const hasEdges = rows.some((row) => row.edges !== undefined);
  const edges = hasEdges ? rows.flatMap((row) => listed(row, 'edges')) : null;
  for (const edge of edges ?? []) {
    need(edge, 'from to message', 'string');
    need(edge, 'told refused', 'number');
  }
  return { actors: rows, edges };
}

/** @param {any} value @returns {Evidence} */
export function evidence(value) {
  for (const kind of ['pending', 'committed']) {
    for (const offence of listed(value, kind)) need(offence, 'kind validator hash', 'string');
  }
  for (const fork of listed(value, 'forks')) need(fork, 'height', 'number');
  return value;
}
