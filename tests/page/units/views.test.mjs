// What a view says of an answer, without a browser.
import assert from 'node:assert/strict';
import test from 'node:test';
import { textOf } from '../../../page/dom.js';
import { Store } from '../../../page/store.js';
import { drawRecord } from '../../../page/views/ledger.js';
import { BOX_H, BOX_W, middle, plan } from '../../../page/views/graph.js';
import * as mempool from '../../../page/views/mempool.js';
import { VALIDATORS } from './fake.mjs';

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
  const arrows = names.flatMap((from) => tells[from].split(' ').map((to) => ({ from, to })));
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
