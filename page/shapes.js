// The shapes of what nodes answer, and whether an answer has them.
//
// All that this page draws is looked at, and nothing else is kept. What does not fit is an answer that cannot be used
// (NoAnswer, `nonsense`), and the page says so: a figure is never made up.
import { amount, count, fields, flag, list, long, number, or, refuse, text } from './take.js';

/** @typedef {{ address: string, url: string, reachable: boolean, away_ms: number | null, height: number, earliest_height: number, clock_difference_ms: number | null, outbox: number, refused: string | null, trouble: string | null }} Peer */
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
/** @typedef {{ height: number, hash: string | null, total_power: number, validators: Validator[], recent?: { blocks: number, from_height: number, to_height: number } | null }} ValidatorSet */
/** @typedef {{ what: string, round: number, who: string | null, at_us: number, nil?: boolean }} Entry */
/** @typedef {{ height: number, validator: string | null, began_ms: number, left_out: number, entries: Entry[] }} Timeline */
/** @typedef {{ index: number, validator: string, url: string, state: string, reason: string | null, since_ms: number | null, height: number | null }} DevnetNode */
/** @typedef {{ from: number, to: number, delay_ms: number, drop_per_thousand: number }} Fault */
/** @typedef {{ pace_ms: number | null, on_demand: boolean, genesis: string, nodes: DevnetNode[], accounts: { name: string, address: string }[], groups: number[][] | null, faults: Fault[], can_panic: boolean, clock: { ahead_ms: number, held_ms: number | null } | null, turns: { snapshots: { snapshot: number, height: number }[], failure: string | null } | null }} Devnet */
/** @typedef {{ height: number, id: string, previous_block: string, time: number, proposer: string, state_root: string, transactions: number, round: number | null }} Block */
/** @typedef {{ message: string, handled: number, waited_p50_us: number, waited_p99_us: number, handled_p50_us: number, handled_p99_us: number }} Message */
/** @typedef {{ actor: string, state: string, depth: number, limit: number, refused: number, panics: number, restarts: number, last_panic: string | null, last_panic_unix_ms: number | null, last_message_ms_ago: number | null, messages: Message[] }} ActorRow */
/** @typedef {{ from: string, to: string, message: string, told: number, refused: number }} Edge */
/** @typedef {{ kind: string, validator: string, height: number, round: number, proof: string, hash: string, block?: number }} Offence */
/** @typedef {{ height: number, stops: boolean, decisions: { round: number, block_id: string }[], accused: { validator: string, guilt: string }[] }} Fork */
/** @typedef {{ pending: Offence[], committed: Offence[], forks: Fork[] }} Evidence */

/** @typedef {{ id: string, sender: string, body: { nonce: number, fee: string, expires_at: number, action: Record<string, string> & { kind: string } } }} Transaction */
/** @typedef {{ id: string, header: Record<string, string> & { height: number, time: number }, commit: { round: number, precommits: { validator: string }[] }, transactions: Transaction[], evidence: null[] }} WholeBlock */

/** As many as a set has. */
export const VALIDATORS_MAX = 128;
/** Notes of one height, as many as a node keeps. */
export const NOTES_MAX = 512;
/** A page of an account's history, as long as a node makes it. */
const HISTORY_MAX = 100;
const NEWEST_MAX = 100;
/** Peers, nodes and accounts of a devnet, faults, forks: more than a node names. */
const LIST_MAX = 1024;
/** Actors of a node, kinds of messages of each, and edges of all: some three times what there is. */
const ACTORS_MAX = 32;
const MESSAGES_MAX = 64;
export const EDGES_MAX = 320;
/** Transactions of a block. */
const TRANSACTIONS_MAX = 10_000;
/** Fields of an action. */
const ACTION_FIELDS_MAX = 16;

const addresses = list(text, VALIDATORS_MAX);
const peer = fields({
  address: text,
  url: text,
  reachable: flag,
  away_ms: or(number),
  height: count,
  earliest_height: or(count, 0),
  clock_difference_ms: or(number),
  outbox: or(count, 0),
  refused: or(text),
  trouble: or(text),
});
const statusFields = fields({
  chain_id: count,
  genesis_hash: text,
  scheme: text,
  version: text,
  validator: or(text),
  height: count,
  round: count,
  step: or(text),
  latest_block_hash: text,
  state_root: text,
  latest_block_time: number,
  time: number,
  catching_up: flag,
  target_height: count,
  sync_blocks_per_second: or(number, 0),
  halted: or(text),
  observing: or(text),
  clock: or(text),
  earliest_height: or(count, 0),
  waiting_for: or(fields({ prevotes: addresses, precommits: addresses })),
  peers: list(peer, LIST_MAX),
});

/** @param {any} value @returns {Status} */
export function status(value) {
  return statusFields(value, 'status');
}

const validator = fields({
  address: text,
  index: count,
  power: number,
  certificates: or(count, undefined),
  turns: or(count, undefined),
  failed_turns: or(count, undefined),
  last_proposed: or(fields({ height: count, time: number })),
});
const setFields = fields({
  height: count,
  hash: or(text),
  total_power: number,
  recent: or(fields({ blocks: count, from_height: count, to_height: count })),
  validators: list(validator, VALIDATORS_MAX),
});

/** @param {any} value @returns {ValidatorSet} */
export function validators(value) {
  return setFields(value, 'validators');
}

const note = fields({ what: text, round: count, who: or(text), at_us: count, nil: or(flag, undefined) });
const notes = list(note, NOTES_MAX);
const timelineFields = fields({ height: count, validator: or(text), began_ms: or(number, 0), left_out: or(count, 0), entries: notes });

/** @param {any} value @param {number | null} [height] that was asked for @returns {Timeline} */
export function timeline(value, height = null) {
  const taken = timelineFields(value, 'timeline');
  if (height !== null && taken.height !== height) refuse('timeline of this height');
  return taken;
}

const devnetFields = fields({
  pace_ms: or(number),
  on_demand: or(flag, false),
  genesis: or(text, ''),
  nodes: list(fields({ index: count, validator: text, url: text, state: text, reason: or(text), since_ms: or(number), height: or(count) }), LIST_MAX),
  accounts: list(fields({ name: text, address: text }), LIST_MAX),
  groups: or(list(list(count, LIST_MAX), LIST_MAX)),
  faults: or(list(fields({ from: count, to: count, delay_ms: or(number, 0), drop_per_thousand: or(number, 0) }), LIST_MAX), []),
  can_panic: or(flag, false),
  clock: or(fields({ ahead_ms: number, held_ms: or(number) })),
  turns: or(fields({ snapshots: or(list(fields({ snapshot: count, height: count }), LIST_MAX), []), failure: or(text) })),
});

/** @param {any} value @returns {Devnet} */
export function devnet(value) {
  return devnetFields(value, 'devnet');
}

const event = fields({ id: text, header: fields({ height: count, previous_block: text, time: number, proposer: text, state_root: text }), transactions: or(count, 0), round: or(count) });

const events = list(event, NEWEST_MAX);

/** The newest blocks, oldest first. @param {any} value @returns {Block[]} */
export function newestBlocks(value) {
  return events(value, 'blocks').map((/** @type {any} */ { id, header, transactions, round }) => ({ id, ...header, transactions, round }));
}

const message = fields({ message: text, handled: count, waited_p50_us: number, waited_p99_us: number, handled_p50_us: number, handled_p99_us: number });
const edge = fields({ from: text, to: text, message: text, told: count, refused: count });
const actorRow = fields({
  actor: text,
  state: text,
  depth: count,
  limit: count,
  refused: count,
  panics: or(count, 0),
  restarts: count,
  last_panic: or(text),
  last_panic_unix_ms: or(number),
  last_message_ms_ago: or(number),
  messages: list(message, MESSAGES_MAX),
  edges: or(list(edge, EDGES_MAX), undefined),
});
const actorRows = list(actorRow, ACTORS_MAX);

/** `/actors`: a row for each actor, with the edges that lead to it where the node has them. @param {any} value @returns {{ actors: ActorRow[], edges: Edge[] | null }} */
export function actors(value) {
  const rows = actorRows(value, 'actors');
  const hasEdges = rows.some((/** @type {any} */ row) => row.edges !== undefined);
  const edges = hasEdges ? list((it) => it, EDGES_MAX)(rows.flatMap((/** @type {any} */ row) => row.edges ?? []), 'edges') : null;
  return { actors: rows, edges };
}

const offences = list(fields({ kind: text, validator: text, height: or(count, 0), round: or(count, 0), proof: or(text, ''), hash: text, block: or(count, undefined) }), LIST_MAX);
const fork = fields({
  height: count,
  stops: or(flag, false),
  decisions: or(list(fields({ round: count, block_id: text }), VALIDATORS_MAX), []),
  accused: or(list(fields({ validator: text, guilt: text }), VALIDATORS_MAX), []),
});
const evidenceFields = fields({ pending: offences, committed: offences, forks: list(fork, LIST_MAX) });

/** @param {any} value @returns {Evidence} */
export function evidence(value) {
  return evidenceFields(value, 'evidence');
}

/** What an action has besides its kind: texts and numbers, all as text. @param {any} value @param {string} name @returns {any} */
function action(value, name) {
  const { kind } = fields({ kind: text })(value, name);
  const plain = Object.entries(value).filter(([own, it]) => own !== 'kind' && own.length <= 64 && ['string', 'number', 'boolean'].includes(typeof it));
  return { kind, ...Object.fromEntries(plain.slice(0, ACTION_FIELDS_MAX).map(([own, it]) => [own, text(String(it), own)])) };
}

const transactionFields = fields({ id: text, sender: text, body: fields({ nonce: count, fee: amount, expires_at: count, action }) });
const blockFields = fields({
  id: text,
  header: fields({ height: count, time: number, proposer: text, previous_block: text, state_root: text, transactions_root: text, receipts_root: text, validators_hash: text, next_validators_hash: text }),
  commit: fields({ round: count, precommits: list(fields({ validator: text }), VALIDATORS_MAX) }),
  transactions: list(transactionFields, TRANSACTIONS_MAX),
  evidence: list(() => null, LIST_MAX),
});

/** `lockstep_getBlock`: nothing where there is none. @param {any} value @returns {WholeBlock | null} */
export function block(value) {
  return or(blockFields)(value, 'block');
}

/** `lockstep_getTransaction`. @type {(value: any) => any} */
export const transaction = (value) => transactionLife(value, 'transaction');
const transactionLife = fields({
  status: text,
  receipt: or(fields({ height: count, index: count, status: text, bytes: count, fee: amount })),
  transaction: or(transactionFields),
  earliest_height: or(count, 0),
  code: or(text),
  by: or(text),
  proof: or(long),
  transactions_root: or(text),
});

/** `lockstep_getAccount`. @type {(value: any) => any} */
export const account = (value) => accountFields(value, 'account');
const accountFields = fields({ balance: amount, nonce: count, next_nonce: count, exists: flag, height: count, proof: or(long), state_root: or(text) });

/** `/accounts/…/transactions`: a page of what an account has a part in, the newest first. @type {(value: any) => any} */
export const history = (value) => historyFields(value, 'history');
const part = fields({
  height: count,
  index: count,
  time: number,
  role: text,
  receipt: fields({ status: text, fee: amount, code: or(text) }),
  transaction: transactionFields,
});
const historyFields = fields({ height: count, earliest_height: count, next: or(text), transactions: list(part, HISTORY_MAX) });

/** `lockstep_getRecord`. @type {(value: any) => any} */
export const record = (value) => recordFields(value, 'record');
const recordFields = fields({ height: or(count), record: or(fields({ value: long, height: or(count) })), proof: or(long), state_root: or(text) });

/** `/mempool`. @type {(value: any) => { transactions: number, bytes: number }} */
export const mempool = (value) => mempoolFields(value, 'mempool');
const mempoolFields = fields({ transactions: count, bytes: count });

/** `lockstep_pendingTransactions`. @type {(value: any) => { count: number, transactions: Transaction[] }} */
export const pending = (value) => pendingFields(value, 'transactions');
const pendingFields = fields({ count, transactions: list(transactionFields, LIST_MAX) });

/** `lockstep_getParams`: how long between blocks. @type {(value: any) => { block_time_ms: number | null }} */
export const params = (value) => paramsFields(value, 'params');
const paramsFields = fields({ block_time_ms: or(number) });
