// What a view says of an answer, without a browser.
import assert from 'node:assert/strict';
import test from 'node:test';
import { textOf } from '../../../page/dom.js';
import { Store } from '../../../page/store.js';
import * as account from '../../../page/views/account.js';
import * as blocks from '../../../page/views/blocks.js';
import { drawRecord } from '../../../page/views/ledger.js';
import { BOX_H, BOX_W, middle, plan } from '../../../page/views/graph.js';
import * as mempool from '../../../page/views/mempool.js';
import * as timelines from '../../../page/views/timeline.js';
import * as shapes from '../../../page/shapes.js';
import { status, VALIDATORS } from './fake.mjs';

/** What a view is drawn from, where every question has this answer. */
function ctx(place, value, more = {}) {
  const read = { value, error: null, at: 0, isLoading: false };
  const reads = { get: () => read, call: () => read };
  return { store: new Store(['']), reads, now: 0, base: '', controls: { outcomes: [], chosen: new Map(), base: () => '' }, place, ...more };
}

test('a record shows its value, when it was written, and the state that proves it', () => {
  const key = '0x6772656574696e67';
  const answer = { address: VALIDATORS[0], key, height: 795, state_root: '0xb1', proof: '0x01', record: { value: '0x68656c6c6f', height: 738 } };
  const text = textOf(drawRecord(ctx({ view: 'record', rest: [VALIDATORS[0], key] }, answer)));
  for (const words of ['greeting', 'hello', '5 B', '738', '795', '0xb1']) assert.ok(text.includes(words), `${words}: ${text}`);
  const none = textOf(drawRecord(ctx({ view: 'record', rest: [VALIDATORS[0], key] }, { ...answer, record: null })));
  assert.match(none, /it is not there/);
  assert.ok(none.includes('795') && none.includes('0x01'), 'that it is not there is proven too');
});

test('an account shows its history: what it sent and got, what failed and why, and where older ones are', () => {
  const one = (height, role, sender, receipt, action) => ({ height, index: 0, time: 1, role, receipt: { status: 'success', fee: '3391', ...receipt }, transaction: { id: `0x${String(height).repeat(32)}`, sender, body: { nonce: 1, fee: '3391', expires_at: 50, action } } });
  const page = shapes.history({
    height: 99,
    earliest_height: 5,
    next: '12:3',
    transactions: [
      one(72, 'receiver', VALIDATORS[1], {}, { kind: 'transfer', to: VALIDATORS[0], amount: '41', memo: '<b>' }),
      one(71, 'sender', VALIDATORS[0], { status: 'failed', code: 'insufficient_balance' }, { kind: 'transfer', to: VALIDATORS[1], amount: '40', memo: '' }),
      one(70, 'sender', VALIDATORS[0], {}, { kind: 'put', key: '0x6b31', value: '0x' }),
    ],
  });
  const held = { balance: '5', nonce: 1, next_nonce: 2, exists: true, height: 99, proof: null, state_root: null };
  const asked = [];
  const read = (value) => ({ value, error: null, at: 0, isLoading: false });
  const draw = (rest, answer) => account.draw(ctx({ view: 'account', rest: [VALIDATORS[0], ...rest] }, null, { reads: { get: (base, path) => (asked.push(path), answer), call: () => read(held) } }));
  const text = textOf(draw([], read(page)));
  for (const words of ['received', '41', '“<b>”', 'insufficient_balance', 'record k1', 'Older ones', 'from height 5 on']) assert.ok(text.includes(words), `${words}: ${text}`);
  assert.match(JSON.stringify(draw([], read(page))), new RegExp(`#/account/${VALIDATORS[0]}/12%3A3`));
  draw(['12:3'], read(page));
  assert.ok(asked.includes(`/accounts/${VALIDATORS[0]}/transactions?limit=25&before=12:3`), asked.join());
  draw(['12:3&limit=9999'], read(page));
  assert.ok(asked.every((path) => !path.includes('9999')), 'what is no place is not asked for');
  const none = { value: undefined, error: { code: 'no_history', message: 'm' }, at: 0, isLoading: false };
  assert.match(textOf(draw([], none)), /keeps no history/);
});

test('no arrow between actors runs through a third box, and no figure lies on a box or on another figure', () => {
  const tells = {
    StateStore: 'RoundDriver Committer',
    Committer: 'StateStore Proposer Mempool RoundDriver BlockSync PeerBroadcaster VoteCollector',
    PeerBroadcaster: 'BlockSync RoundDriver VoteCollector Proposer Mempool',
    BlockSync: 'PeerBroadcaster Committer RoundDriver',
    VoteCollector: 'RoundDriver PeerBroadcaster BlockSync Committer',
    Proposer: 'Committer Mempool RoundDriver VoteCollector PeerBroadcaster BlockSync',
    Mempool: 'Proposer Committer PeerBroadcaster RoundDriver',
    RoundDriver: 'StateStore PeerBroadcaster VoteCollector Proposer Committer BlockSync',
    PeerGateway: 'VoteCollector Committer Proposer Mempool RoundDriver',
    RpcGateway: 'VoteCollector Mempool',
    outside: 'RoundDriver Mempool PeerBroadcaster VoteCollector',
  };
  const names = Object.keys(tells);
  const boxes = new Map(names.map((name, at) => [name, middle(name, at)]));
  const arrows = names.flatMap((from) => tells[from].split(' ').filter(Boolean).map((to) => ({ from, to })));
  const rim = [0, 1].map((axis) => Math.max(...[...boxes.values()].map((box) => box[axis])) + 100);
  const { ways, labels } = plan(boxes, arrows, rim);
  assert.equal(ways.size, arrows.length);
  const within = ([x, y], [boxX, boxY], wide, high) => Math.abs(x - boxX) < wide / 2 && Math.abs(y - boxY) < high / 2;
  for (const [name, way] of ways) {
    const third = [...boxes].filter(([box]) => !name.split('>').includes(box));
    for (const [box, at] of third) assert.ok(!way.points.some((point) => within(point, at, BOX_W, BOX_H)), `${name} runs through ${box}`);
  }
  const placed = [...labels];
  placed.forEach(([name, at], place) => {
    for (const [box, where] of boxes) assert.ok(!within(at, where, BOX_W + 20, BOX_H + 12), `the figure of ${name} lies on ${box}`);
    for (const [other, where] of placed.slice(0, place)) assert.ok(!within(at, where, 50, 24), `the figure of ${name} lies on that of ${other}`);
  });
});

test('the mempool says that more wait only where more do', () => {
  const one = { id: '0x' + '11'.repeat(32), sender: VALIDATORS[0], body: { nonce: 4, fee: '3391', expires_at: 51_344, action: { kind: 'transfer', to: VALIDATORS[1], amount: '5' } } };
  const read = (value) => () => ({ value, error: null, at: 0, isLoading: false });
  const said = (count) => {
    const reads = { get: read({ transactions: count, bytes: 3391 }), call: read({ count, next: 'cursor', transactions: [one] }) };
    return textOf(mempool.draw(ctx({ view: 'mempool', rest: [] }, null, { reads })));
  };
  assert.doesNotMatch(said(1), /The first/);
  assert.match(said(7), /The first 1 transaction of 7/);
});

/** All elements of a description, and the most that one of them has in it. */
function sizeOf(pieces) {
  let [all, most] = [0, 0];
  const count = (children) => {
    most = Math.max(most, children.length);
    for (const child of children.flat(Infinity)) {
      if (child && typeof child === 'object') {
        all += 1;
        count(child.children);
      }
    }
  };
  count(pieces);
  return { all, most };
}

/** The view of a height of which so many nodes have told all that they keep; or nothing, for the reason of each, as those that are of another chain. */
function heightOf(nodes, entriesOf, reasons = [], foreign = []) {
  const bases = Array.from({ length: nodes }, (_, at) => (at === 0 ? '' : `http://node:${at}`));
  const store = new Store(bases);
  const addresses = bases.map((_, at) => `0x${String(at).padStart(40, '0')}`);
  store.devnet = { pace_ms: 1000, genesis: '', nodes: bases.map((url, index) => ({ index, validator: addresses[index], url, state: 'running', reason: null, since_ms: null, height: 7 })), accounts: [], groups: null, faults: [], can_panic: false, clock: null, turns: null };
  const told = new Map();
  bases.forEach((base, at) => {
    store.nodes.get(base).answered(status(0, 7, { validator: addresses[at] }), 0);
    told.set(base, shapes.timeline({ height: 7, validator: addresses[at], began_ms: 0, left_out: 11, entries: entriesOf(addresses, at) }));
  });
  for (const at of foreign) store.nodes.get(bases[at]).isForeign = true;
  const why = new Map(bases.map((base, at) => [base, reasons[at] ? new Error(reasons[at]) : null]));
  const reads = { get: (base) => ({ value: why.get(base) ? undefined : told.get(base), error: why.get(base), at: 0, isLoading: false }) };
  return timelines.draw(ctx({ view: 'timeline', rest: ['7'] }, null, { store, reads }));
}

/** 512 notes: some rounds with the votes of all, as in a cut of a minute. */
const manyRounds = (addresses, own) => Array.from({ length: 512 }, (_, at) => {
  const round = Math.floor(at / 16);
  const what = ['round_began', 'proposal_received', 'prevote_signed', 'prevote_sent', 'timeout', 'precommit_sent'][at % 16] ?? (at % 2 ? 'prevote_received' : 'precommit_received');
  return { what, round, who: addresses[(own + at) % addresses.length], at_us: at * 140_000, nil: at % 3 === 0 };
});
/** 512 notes of one round: the largest set, each vote twice. */
const oneRound = (addresses) => Array.from({ length: 512 }, (_, at) => ({ what: at % 2 ? 'prevote_received' : 'precommit_received', round: 0, who: addresses[at % addresses.length], at_us: at * 10 }));

for (const nodes of [1, 4, 10, 16]) {
  test(`a height with 512 notes of ${nodes} nodes is drawn, and says what is left out`, () => {
    for (const entriesOf of [manyRounds, oneRound]) {
      const drawn = heightOf(nodes, entriesOf);
      const text = textOf(drawn);
      const { all, most } = sizeOf(drawn);
      assert.ok(most < 1000, `${most} in one parent`);
      assert.ok(all < 20_000, `${all} elements`);
      for (let index = 0; index < nodes; index += 1) assert.ok(text.includes(`node ${index}: 512 entries, and 11 that the node has not kept`), text.slice(0, 400));
      assert.equal(/are not listed: all that the node has kept/.test(text), nodes > 3);
      assert.equal(/rounds between/.test(text), nodes > 3 && entriesOf === manyRounds);
    }
  });
}

test('nodes that do not tell of a height for one reason are named together', () => {
  const text = textOf(heightOf(3, oneRound, ['not kept', 'busy', 'not kept']));
  assert.match(text, /Not shown: node 0, node 2: not kept; node 1: busy\./);
  assert.match(textOf(heightOf(3, oneRound, [], [1])), /Not shown: node 1: of another chain\./);
});

test('the first round and the newest stay, and what lies between is counted', () => {
  const entries = manyRounds(VALIDATORS, 0);
  const { head, tail, left } = timelines.folded(entries, 100);
  assert.deepEqual([...new Set(head.map(({ round }) => round))], [0]);
  assert.deepEqual([...new Set(tail.map(({ round }) => round))], [27, 28, 29, 30, 31]);
  assert.deepEqual([left.length, left[0].round, left.at(-1).round], [416, 1, 26]);
  assert.deepEqual(timelines.folded(entries.slice(0, 100), 100), { head: entries.slice(0, 100), tail: [], left: [] });
  // A cut of a minute is one long round, and a short one that decides.
  const long = entries.map((entry, at) => ({ ...entry, round: at < 500 ? 0 : 1 }));
  const cut = timelines.folded(long, 100);
  assert.deepEqual([cut.head.length, cut.tail.length, cut.left.length], [50, 12, 450]);
  assert.ok(cut.tail.every(({ round }) => round === 1));
  const one = timelines.folded(oneRound(VALIDATORS), 100);
  assert.deepEqual([one.head.length, one.tail.length, one.tail.at(-1).at_us], [50, 50, 5110]);
});

test('nodes are laid beside each other at the same proposal, also where one of them proposes in a later round', () => {
  const note = (what, at_us) => ({ what, round: 0, who: null, at_us });
  const timeline = { entries: [note('began', 0), note('proposal_received', 500), { ...note('proposal_sent', 9000), round: 1 }] };
  const other = { entries: [note('began', 0), { ...note('proposal_received', 700), round: 1 }] };
  assert.equal(timelines.commonRound([timeline, timeline]), 0);
  assert.equal(timelines.anchor(timeline, 0), 500);
  assert.equal(timelines.commonRound([timeline, other]), 1, 'in a cut a side may have no proposal of the first round');
  assert.deepEqual([timeline, other].map((one) => timelines.anchor(one, 1)), [9000, 700]);
  assert.equal(timelines.commonRound([]), null);
});

test('a block that is waited for is looked for until it has come, and once it has no more', () => {
  const asked = [];
  const look = (value) => {
    const reads = { call: (base, method, params, everyMs) => (asked.push(everyMs), { value, error: null, at: 0, isLoading: false }) };
    blocks.drawOne(ctx({ view: 'block', rest: ['9'] }, null, { reads }));
    return asked.splice(0);
  };
  assert.deepEqual([look(undefined), look(null)], [[0, 1000], [0, 1000]]);
  const header = { height: 9, time: 1, proposer: VALIDATORS[0], previous_block: '0x', state_root: '0x', transactions_root: '0x', receipts_root: '0x', validators_hash: '0x', next_validators_hash: '0x' };
  assert.deepEqual(look({ id: '0x9', header, commit: { round: 0, precommits: [] }, transactions: [], evidence: [] }), [0]);
});
