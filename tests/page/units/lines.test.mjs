// The line of a node: what is asked by it, and that whatever happens to it says of the node what a request would say.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Line } from '../../../page/line.js';
import { Poll, USED_MS } from '../../../page/poll.js';
import { rows } from '../../../page/rows.js';
import { Store } from '../../../page/store.js';
import { node as started, status, timeline } from './fake.mjs';

/** Closed at the end, however the test ends. @type {(() => void)[]} */
const open = [];
test.afterEach(() => {
  for (const close of open.splice(0)) close();
});

const soon = () => new Promise((done) => setTimeout(done, 5));

/** A node of HTTP at a height, and sockets to it that answer as `line` says: a text, or nothing. */
async function page({ line, more = {}, bases = (base) => [base] }) {
  const one = await started({ '/status': status(0, 5), '/heights/5/timeline': timeline(0, 5), ...more });
  open.push(one.close);
  const sockets = [];
  let now = 0;
  class Socket {
    constructor(url) {
      this.url = url;
      this.sent = [];
      sockets.push(this);
      queueMicrotask(() => this.onopen?.());
    }

    send(text) {
      this.sent.push(JSON.parse(text));
      const said = line(JSON.parse(text));
      if (said !== undefined) setTimeout(() => this.onmessage?.({ data: said }), 0);
    }

    close() {
      this.isClosed = true;
      setTimeout(() => this.onclose?.(), 0);
    }
  }
  const store = new Store(bases(one.base));
  store.devnet = { pace_ms: 1000, genesis: '', nodes: [], accounts: [], groups: null, faults: [], can_panic: false };
  const poll = new Poll(store, () => now, (url) => new Socket(url));
  // Turns are taken by hand here.
  poll.isRunning = true;
  poll.plan = () => {};
  const look = async (ms) => {
    now += ms;
    poll.turnAt = now;
    one.asked.length = 0;
    await Promise.all([...store.nodes.values()].map((node) => poll.visit(node)));
    await soon();
    while (poll.askedForBlocks.size > 0) await soon();
  };
  const row = () => rows(store, now)[0];
  return { one, store, poll, look, sockets, row, state: () => store.nodes.get(one.base) };
}

/** Another node of the devnet, which is asked by nobody: it has answered what the test says. */
function another(store, poll) {
  const other = store.nodes.get('http://other:1');
  poll.visit = ((visit) => (node) => (node === other ? Promise.resolve() : visit.call(poll, node)))(poll.visit);
  store.devnet.nodes.push({ index: 1, validator: status(1, 1).validator, url: other.base, state: 'running', reason: null, since_ms: null, height: 1 });
  store.begin(status(0, 1).genesis_hash);
  return other;
}

/** The newest blocks behind a height, as a node has them. */
const blocks = (height, after, limit) => Array.from({ length: height }, (_, at) => at + 1).filter((at) => at > after).slice(-limit).map((at) => ({ id: `0x${at}`, header: { height: at, previous_block: `0x${at - 1}`, time: at, proposer: '0x', state_root: '0x' }, transactions: 0, round: 0 }));

/** What a node at this height answers to each call. */
const ANSWERS = {
  lockstep_status: (height) => status(0, height),
  lockstep_getTimeline: (height, asked) => timeline(0, asked === 'latest' ? height : asked),
  lockstep_getNewestBlocks: blocks,
};
const well = (height) => (calls) => JSON.stringify(calls.map(({ id, method, params }) => ({ jsonrpc: '2.0', id, result: ANSWERS[method](height, ...params) })));

test('a node that has answered is asked by its line: status, newest height and blocks in one message, and no request', async () => {
  const { one, store, look, sockets, state } = await page({ line: well(6) });
  await look(0);
  assert.deepEqual([one.asked, sockets.length], [['/status', '/heights/5/timeline', '/'], 1]);
  assert.equal(sockets[0].url, `${one.base.replace('http', 'ws')}/ws`);
  await look(1000);
  assert.deepEqual(one.asked, []);
  assert.deepEqual(sockets[0].sent.map((calls) => calls.map(({ method, params }) => [method, params])), [[['lockstep_status', []], ['lockstep_getTimeline', ['latest']], ['lockstep_getNewestBlocks', [0, 90]]]]);
  assert.deepEqual([state().status.height, [...state().timelines.keys()]], [6, [5, 6]]);
  assert.deepEqual(store.chain.blocks.map(({ height }) => height), [1, 2, 3, 4, 5, 6]);
  await look(1000);
  assert.deepEqual(sockets[0].sent[1].map(({ params }) => params), [[], ['latest'], [5, 90]], 'of blocks those from the newest that it has');
});

test('nodes of a chain that is too fast to follow are asked every other second, and each second once it is slower', async () => {
  let height = 6;
  const { poll, look, state } = await page({ line: (calls) => well(height)(calls) });
  await look(0);
  poll.used();
  await look(0);
  const waits = [];
  for (const more of [1, 140, 280, 2, 1, 22, 23]) {
    height += more;
    const from = state().askAt - poll.now();
    await look(from);
    waits.push(state().askAt - poll.now());
  }
  assert.deepEqual(waits, [1000, 2000, 2000, 1000, 1000, 1000, 2000]);
});

test('blocks of a chain that is too fast to follow are read in stretches, one in four seconds, and of a slower one all', async () => {
  let height = 0;
  const { store, look, sockets } = await page({ line: (calls) => well(height)(calls) });
  await look(0);
  const seen = [];
  for (const more of [200, 200, 200, 200, 20, 20]) {
    height += more;
    await look(1000);
    const asked = sockets[0].sent.at(-1).find(({ method }) => method === 'lockstep_getNewestBlocks');
    const { blocks: known } = store.chain;
    seen.push([asked?.params[0] ?? null, known[0]?.height, known.at(-1)?.height]);
  }
  assert.deepEqual(seen, [[0, 111, 200], [null, 111, 200], [null, 111, 200], [null, 111, 200], [199, 731, 820], [819, 731, 840]]);
});

test('blocks are asked for by a request where there is no line, where it refuses, and where it talks nonsense', async () => {
  const refused = (calls) => JSON.stringify(calls.map(({ id, method, params }) => (method === 'lockstep_getNewestBlocks' ? { id, error: { code: -32601, message: 'no' } } : { id, result: ANSWERS[method](6, ...params) })));
  const nonsense = (calls) => JSON.stringify(calls.map(({ id, method, params }) => ({ id, result: method === 'lockstep_getNewestBlocks' ? [{ header: 7 }] : ANSWERS[method](6, ...params) })));
  for (const line of [refused, nonsense]) {
    const { store, look } = await page({ line, more: { '/': { jsonrpc: '2.0', id: 1, result: blocks(6, 0, 90) } } });
    for (let at = 0; at < 2; at += 1) {
      store.chain.forget();
      await look(1000);
      assert.deepEqual([store.chain.blocks.length, store.chain.blocks.at(-1)?.height], [6, 6]);
    }
  }
});

test('a height that takes longer than usual is asked for by the line too', async () => {
  const { one, look, sockets } = await page({ line: well(6) });
  for (let at = 0; at < 3; at += 1) await look(1000);
  assert.deepEqual(one.asked, []);
  assert.deepEqual(sockets[0].sent.at(-1).map(({ params }) => params), [[7]]);
});

test('a line that breaks is a reason to ask at once, by a request, which says what is wrong', async () => {
  const { one, poll, look, sockets, state, row } = await page({ line: well(6) });
  await look(0);
  await look(1000);
  let planned = 0;
  poll.plan = () => void (planned += 1);
  one.close();
  sockets[0].close();
  await soon();
  assert.deepEqual([state().askAt, planned], [0, 1]);
  await look(10);
  assert.ok(state().isAway);
  assert.match(row().why, /refused or broken/);
});

test('a line that breaks while it is asked is replaced by a request in the same breath', async () => {
  const kept = {};
  const { one, look, sockets, state } = await page({ line: () => void setTimeout(() => kept.break(), 0) });
  await look(0);
  kept.break = () => sockets[0].close();
  await look(1000);
  assert.deepEqual([one.asked[0], state().isAway, state().failures], ['/status', false, 0]);
});

test('a silent line is given up, the node is asked by a request in the same breath, and what comes later is not taken', async () => {
  const { one, look, sockets, state } = await page({ line: () => undefined });
  await look(0);
  await look(1000);
  assert.deepEqual([one.asked[0], state().trouble, state().isAway, sockets[0].isClosed], ['/status', null, false, true]);
  sockets[0].onmessage({ data: well(99)([{ id: 0, method: 'lockstep_status', params: [] }, { id: 1, method: 'lockstep_getTimeline', params: ['latest'] }, { id: 2, method: 'lockstep_getNewestBlocks', params: [0, 90] }]) });
  await look(1000);
  assert.deepEqual([state().trouble, state().status.height], [null, 5]);
  one.answers['/status'] = () => [0];
  await look(1000);
  assert.deepEqual([state().trouble.kind, state().isAway], ['slow', false], 'a request says that it is slow');
});

test('a line that says nonsense is given up, and the node is asked by a request in the same breath', async () => {
  const two = (change) => (calls) => JSON.stringify(change(JSON.parse(well(6)(calls))));
  const nonsense = {
    'no JSON': () => '<html>',
    'one answer for two': two((answers) => answers.slice(1)),
    'one answer twice': two(([one]) => [one, one]),
    'answers to others': two((answers) => answers.map((one) => ({ ...one, id: one.id + 7 }))),
    'no list': () => '{"id":0,"result":{}}',
    'neither result nor error': two((answers) => answers.map(({ id }) => ({ id }))),
    'a status of another shape': two((answers) => answers.map((one) => ({ ...one, result: { height: 'x' } }))),
    null: two(() => [null, null]),
  };
  for (const [name, line] of Object.entries(nonsense)) {
    const { one, look, state, sockets } = await page({ line });
    await look(0);
    await look(1000);
    assert.deepEqual([one.asked[0], state().isAway, state().trouble, sockets[0].isClosed], ['/status', false, null, true], name);
    await look(1000);
    assert.equal(sockets.length, 1, `${name}: and no other line is asked for at once`);
    one.answers['/status'] = { height: 'x' };
    await look(1000);
    assert.equal(state().trouble.kind, 'nonsense', `${name}: a request says what is wrong`);
  }
});

test('a refusal on a line is a refusal: who does not know the method is asked by a request', async () => {
  const no = (calls) => JSON.stringify(calls.map(({ id }) => ({ jsonrpc: '2.0', id, error: { code: -32601, message: 'the method does not exist' } })));
  const { one, look, state } = await page({ line: no });
  await look(0);
  await look(1000);
  assert.deepEqual([one.asked[0], state().isAway], ['/status', false]);
});

test('a node of no devnet has no line: a public one has few places for those who stay', async () => {
  const { one, store, look, sockets } = await page({ line: well(6) });
  store.devnet = null;
  await look(0);
  await look(1000);
  assert.deepEqual([sockets.length, one.asked[0]], [0, '/status']);
});

test('a stranger has no line: a browser reads a message whole, however long it is', async () => {
  const { one, look, sockets } = await page({ line: well(6), bases: (base) => ['http://127.0.0.1:9', base] });
  await look(0);
  await look(1000);
  assert.deepEqual([sockets.length, one.asked[0]], [0, '/status']);
});

test('a page that nobody looks at hangs up, and a node that the page forgets is hung up on', async () => {
  const first = await page({ line: well(6) });
  await first.look(0);
  first.poll.stop();
  assert.ok(first.sockets[0].isClosed);
  await first.look(1000);
  assert.equal(first.sockets.length, 1, 'and calls nobody');
  const second = await page({ line: well(6) });
  await second.look(0);
  second.store.nodes.delete(second.one.base);
  second.store.add(second.store.home + '/x');
  await second.poll.wantLine(second.store.nodes.get(second.store.home + '/x'));
  assert.ok(second.sockets[0].isClosed);
});

test('a page that stops while it asks asks nothing more, and says nothing of the node', async () => {
  const seen = await page({ line: () => void setTimeout(() => seen.poll.stop(), 0) });
  await seen.look(0);
  await seen.look(1000);
  assert.deepEqual([seen.one.asked, seen.state().failures, seen.state().isAway], [[], 0, false]);
});

test('where heights fall, what was known of them is of a chain that is undone', async () => {
  const { one, store, look, state } = await page({ line: () => undefined });
  store.devnet = null;
  await look(0);
  store.chain.take({ height: 5, time: 0, proposer: '', transactions: 0, round: 0 });
  one.answers['/status'] = status(0, 3);
  one.answers['/heights/3/timeline'] = timeline(0, 3);
  await look(1000);
  assert.deepEqual([[...state().timelines.keys()], store.chain.blocks], [[3], []]);
});

/** Blocks of a chain that was another up to a height. */
const forked = (at, height, after, limit) => blocks(height, after, limit).map((block) => (block.header.height <= at ? block : { ...block, id: `0xf${block.header.height}`, header: { ...block.header, previous_block: `0x${block.header.height - 1 > at ? 'f' : ''}${block.header.height - 1}` } }));

test('blocks of a chain that went back while nobody looked are not joined with those that it had', async () => {
  for (const height of [98, 99, 100, 101, 140, 300]) {
    let [top, fork] = [100, Infinity];
    const answers = { ...ANSWERS, lockstep_getNewestBlocks: (_, after, limit) => forked(fork, top, after, limit) };
    const { store, look } = await page({ line: (calls) => JSON.stringify(calls.map(({ id, method, params }) => ({ id, result: answers[method](top, ...params) }))) });
    await look(0);
    await look(1000);
    assert.deepEqual(store.chain.blocks.map(({ id }) => id).slice(-1), ['0x100']);
    [top, fork] = [height, 90];
    await look(3_600_000);
    await look(1000);
    const known = store.chain.blocks;
    assert.equal(known.at(-1)?.id, `0xf${height}`);
    assert.ok(known.every((block, at) => at === 0 || block.previous_block === known[at - 1].id), `${height}`);
  }
});

test('a devnet that went back below all that is known begins anew, whoever of its nodes is heard first', async () => {
  let height = 200;
  const { one, store, poll, look } = await page({ line: (calls) => well(height)(calls), bases: (base) => [base, 'http://other:1'] });
  one.answers['/status'] = () => [200, status(0, height)];
  const other = another(store, poll);
  other.answered(status(1, 200), 0);
  await look(0);
  await look(1000);
  assert.equal(store.chain.blocks.at(-1)?.height, 200);
  height = 105;
  await look(1000);
  assert.notEqual(store.lead(), other, 'it was heard at a height that it has no more');
  other.answered(status(1, 105), 0);
  await look(1000);
  await look(1000);
  assert.deepEqual([store.chain.blocks.at(-1)?.height, store.chain.blocks.length], [105, 90]);
});

test('a request for blocks that is not answered holds nothing up, and is said where blocks would stand', async () => {
  const { one, store, poll, state } = await page({ line: () => undefined, more: { '/': () => [0] } });
  store.devnet = null;
  await poll.visit(state());
  one.answers['/status'] = status(0, 9);
  await poll.visit(state());
  assert.deepEqual([state().status.height, poll.askedForBlocks.size, one.asked.filter((path) => path === '/').length], [9, 1, 1], 'one at a time');
  one.close();
  await soon();
  while (poll.askedForBlocks.size > 0) await soon();
  assert.match(store.chain.trouble, /refused or broken/);
});

test('a line that is not given is asked for again later and later', () => {
  let calls = 0;
  const line = new Line('http://a', () => {}, () => {
    calls += 1;
    throw new Error('a policy forbids it');
  });
  const asked = [];
  for (let now = 0; now <= 1_200_000; now += 1000) {
    const before = calls;
    line.want(now);
    if (calls > before) asked.push(now / 1000);
  }
  assert.deepEqual(asked, [0, 15, 45, 105, 225, 465, 765, 1065]);
});

test('a page that lies open asks every other second, and at once when somebody comes back to it', async () => {
  const { poll, look, state } = await page({ line: well(6) });
  const waits = () => state().askAt - poll.now();
  poll.used();
  await look(0);
  assert.equal(waits(), 1000);
  await look(USED_MS - 1);
  assert.equal(waits(), 1000);
  poll.used();
  assert.equal(waits(), 1000, 'whoever has used it all the time hurries nobody');
  await look(USED_MS);
  assert.equal(waits(), 2000);
  poll.used();
  assert.ok(waits() <= 0, 'nobody waits for the turn that was to come');
  await look(0);
  assert.equal(waits(), 1000);
});

test('who is asked between two turns is asked with the others in the next', async () => {
  const { poll, look, state } = await page({ line: well(6) });
  poll.used();
  await look(0);
  poll.now = () => 700;
  await poll.visit(state());
  assert.equal(state().askAt, 1000);
});

test('of a height of which others have told, a node that has passed it is asked, so its votes can be shown', async () => {
  const { store, poll, look, state } = await page({ line: well(6), bases: (base) => [base, 'http://other:1'] });
  const other = another(store, poll);
  other.answered(status(1, 4), 0);
  other.keep(timeline(1, 4));
  await look(0);
  await look(1000);
  assert.ok(state().timelines.has(4));
});

test('a devnet whose nodes fall one after the other begins anew with the last of them', async () => {
  let height = 43;
  const { one, store, poll, look } = await page({ line: (calls) => well(height)(calls), bases: (base) => [base, 'http://other:1'] });
  one.answers['/status'] = () => [200, status(0, height)];
  const other = another(store, poll);
  await look(0);
  other.answered(status(1, 43), 0);
  await look(1000);
  const { histories } = store.chain;
  assert.equal(store.chain.blocks.at(-1)?.height, 43);
  height = 4;
  await look(1000);
  other.answered(status(1, 4), 2500);
  await look(1000);
  assert.deepEqual([store.chain.blocks.at(-1)?.height, store.chain.histories > histories], [4, true]);
});

test('nodes that are in step are asked for no height besides the newest', async () => {
  let height = 6;
  const { store, poll, look, sockets } = await page({ line: (calls) => well(height)(calls), bases: (base) => [base, 'http://other:1'] });
  const other = another(store, poll);
  await look(0);
  for (let turn = 1; turn <= 6; turn += 1) {
    height += 1;
    await look(1000);
    other.answered(status(1, height), turn * 1000 + 10);
    other.keep(timeline(1, height));
  }
  const asked = sockets[0].sent.flatMap((calls) => calls.filter(({ method }) => method === 'lockstep_getTimeline').map(({ params }) => params[0]));
  assert.deepEqual([...new Set(asked)], ['latest']);
});
