// Nodes that go away, come back, lag, answer slowly or with nonsense; and what the page says of them.
import assert from 'node:assert/strict';
import test from 'node:test';
import { ask, asNoAnswer } from '../../../page/api.js';
import { Poll } from '../../../page/poll.js';
import { Reads } from '../../../page/reads.js';
import { rows } from '../../../page/rows.js';
import { Store } from '../../../page/store.js';
import { verdict } from '../../../page/verdict.js';
import { GENESIS, node as started, status, timeline, validators, VALIDATORS } from './fake.mjs';

/** Closed at the end, however the test ends. @type {(() => void)[]} */
const open = [];
const node = async (answers) => {
  const one = await started(answers);
  open.push(one.close);
  return one;
};
test.afterEach(() => {
  for (const close of open.splice(0)) close();
});

const why = async (base, path, options) => {
  try {
    await ask(base, path, options);
  } catch (thrown) {
    return asNoAnswer(thrown);
  }
  throw new Error('it was answered');
};

/** A page that asks these nodes, and its clock. */
function page(bases) {
  const store = new Store(bases);
  let now = 0;
  const poll = new Poll(store, () => now);
  const look = async (ms) => {
    now += ms;
    await Promise.all([...store.nodes.values()].map((one) => poll.visit(one)));
  };
  const said = () => verdict(store, rows(store, now), now);
  return { store, poll, look, said, rows: () => rows(store, now), now: () => now };
}

/** What the devnet of the node that the page came from says of another. */
const named = (index, base, more = {}) => ({ pace_ms: 1000, genesis: '', nodes: [{ index, validator: VALIDATORS[index], url: base, state: 'running', reason: null, since_ms: null, height: 1 }], accounts: [], groups: null, faults: [], can_panic: false, ...more });

test('why there is no answer is told apart', async () => {
  const one = await node({
    '/nonsense': () => [200, '<html>'],
    '/silent': () => [0],
    '/long': () => [200, JSON.stringify('x'.repeat(5000))],
    '/refused': () => [429, { code: 'too_often', message: 'later' }],
    '/empty': () => [500, ''],
  });
  assert.equal((await why(one.base, '/nonsense')).kind, 'nonsense');
  assert.equal((await why(one.base, '/silent', { patienceMs: 50 })).kind, 'slow');
  assert.equal((await why(one.base, '/long', { bytesMax: 1000 })).kind, 'nonsense');
  const refused = await why(one.base, '/refused');
  assert.deepEqual([refused.kind, refused.status, refused.code, refused.message], ['refused', 429, 'too_often', 'later']);
  assert.equal((await why(one.base, '/empty')).message, 'status 500');
  one.close();
  assert.equal((await why(one.base, '/status')).kind, 'unreachable');
});

test('whether it is a devnet is asked as soon as the first node has answered, not seconds later', async () => {
  const one = await node({ '/status': status(0, 5), '/heights/5/timeline': timeline(0, 5) });
  const { poll, look } = page([one.base]);
  poll.turn();
  assert.ok(poll.devnetAt > 0, 'asked before anybody is known to answer');
  await look(0);
  assert.equal(poll.devnetAt, 0);
  poll.devnetAt = 3000;
  await look(1000);
  assert.equal(poll.devnetAt, 3000, 'and after that at its own pace');
});

test('a node that goes away is dark at the next look, says why, and comes back', async () => {
  const one = await node({ '/status': status(0, 5), '/heights/5/timeline': timeline(0, 5) });
  const two = await node({ '/status': status(1, 5), '/heights/5/timeline': timeline(1, 5) });
  const { store, look, said, rows } = page([one.base, two.base]);
  await look(0);
  store.validators = validators(6);
  store.devnet = named(1, two.base);
  const row = (name) => rows().find((one) => one.name === name);
  assert.deepEqual([row('0x11111111…').state, row('node 1').state], ['votes', 'votes']);
  two.close();
  await look(1000);
  await new Promise((done) => setTimeout(done, 5));
  assert.equal(row('node 1').state, 'unreachable');
  assert.match(row('node 1').why, /refused or broken, for 0\.0 s/);
  assert.match(said().headline, /goes on without node 1/);
  one.close();
  await look(1000);
  assert.match(said().headline, /No node answers/);
});

test('one late answer is no absence, two are', async () => {
  const one = await node({ '/status': status(0, 5) });
  const { store, look } = page([one.base]);
  await look(0);
  one.answers['/status'] = () => [0];
  const [state] = store.nodes.values();
  await look(1000);
  assert.ok(!state.isAway && state.trouble.kind === 'slow');
  await look(1000);
  assert.ok(state.isAway);
  one.close();
});

test('a node of another chain is named, and its figures are not those of the chain', async () => {
  const one = await node({ '/status': status(0, 5) });
  const two = await node({ '/status': status(1, 900, { genesis_hash: '0x' + '77'.repeat(32) }) });
  const { store, look, rows } = page([one.base, two.base]);
  await look(0);
  store.genesis = GENESIS;
  store.validators = validators(6);
  await look(1000);
  assert.equal(store.lead().status.height, 5);
  assert.equal(rows().find(({ name }) => name === two.base).state, 'other chain');
  assert.equal(rows()[1].state, 'reachable', 'the validator that it says it is has nothing to do with it');
  one.close();
  two.close();
});

test('a node that comes back on another genesis, alone, is what the page shows from then on', async () => {
  const one = await node({ '/status': status(0, 500) });
  const { store, look } = page([one.base]);
  await look(0);
  store.chain.take({ height: 500, id: '0x', time: 1, proposer: VALIDATORS[0], state_root: '0x', transactions: 0, round: 0 });
  one.answers['/status'] = status(0, 3, { genesis_hash: '0x' + '77'.repeat(32) });
  await look(1000);
  assert.equal(store.lead().status.height, 3);
  assert.equal(store.chain.blocks.length, 0);
  one.close();
});

test('nonsense is no figure: the row says that it makes no sense', async () => {
  const one = await node({ '/status': status(0, 5) });
  const two = await node({ '/status': { height: 'many', peers: 7 } });
  const { store, look, rows } = page([one.base, two.base]);
  await look(0);
  store.validators = validators(6);
  assert.ok(rows().some(({ state }) => state === 'makes no sense'));
  for (const nonsense of [null, [], 7, 'x', { ...status(1, 5), peers: [{}] }, { ...status(1, 5), time: null }]) {
    two.answers['/status'] = () => [200, JSON.stringify(nonsense)];
    await look(9000);
    assert.equal([...store.nodes.values()][1].trouble.kind, 'nonsense', JSON.stringify(nonsense));
  }
  one.close();
  two.close();
});

test('halted, observing, catching up and behind are told apart', async () => {
  const one = await node({ '/status': status(0, 50) });
  const two = await node({});
  const { store, look, rows } = page([one.base, two.base]);
  await look(0);
  store.validators = validators(51);
  for (const [more, state] of [
    [{ halted: 'a fork at height 7' }, 'halted'],
    [{ observing: 'the key is used elsewhere' }, 'observes'],
    [{ catching_up: true, target_height: 90 }, 'catches up'],
    [{ height: 20 }, 'lags'],
    [{}, 'votes'],
  ]) {
    two.answers['/status'] = status(1, 50, more);
    await look(9000);
    assert.equal(rows()[1].state, state);
  }
  one.close();
  two.close();
});

test('nodes of a fast chain do not lag because one was asked after the other', async () => {
  const one = await node({});
  const two = await node({});
  const { store, look, rows } = page([one.base, two.base]);
  const seen = async (ms, [first, second]) => {
    one.answers['/status'] = status(0, first);
    two.answers['/status'] = status(1, second);
    await look(ms);
    store.validators = validators(first + 1);
    return rows().slice(0, 2).map(({ state }) => state);
  };
  assert.deepEqual(await seen(0, [60, 50]), ['votes', 'votes'], 'one answer of each');
  assert.deepEqual(await seen(1000, [160, 150]), ['votes', 'votes'], 'a hundred blocks a second');
  assert.deepEqual(await seen(1000, [260, 152]), ['votes', 'lags'], 'two, where the others make a hundred');
  assert.deepEqual(await seen(1000, [262, 257]), ['votes', 'votes'], 'it comes nearer: a second ago the other had three more');
  assert.deepEqual(await seen(1000, [263, 253]), ['votes', 'lags'], 'one block a second');
  one.close();
  two.close();
});

test('a chain that stands says so after three intervals, and who is missing', async () => {
  const one = await node({ '/status': status(0, 50, { time: 50_000 + 9000, waiting_for: { prevotes: [VALIDATORS[2], VALIDATORS[3]], precommits: [] } }) });
  const { store, look, said } = page([one.base]);
  store.intervalMs = 1000;
  await look(0);
  store.validators = validators(51);
  const { headline, reasons, isStill } = said();
  assert.ok(isStill);
  assert.match(headline, /stands still: no block for 9\.0 s/);
  assert.ok(reasons.some((reason) => /Missing prevotes: 0x33333333 and 0x44444444/.test(reason)));
  one.close();
});

test('what a node does and what it is are told apart in the sentence, and how near a halt is', async () => {
  const one = await node({ '/status': status(0, 50) });
  const two = await node({ '/status': status(1, 50, { catching_up: true, target_height: 90 }) });
  const { store, look, said } = page([one.base, two.base]);
  await look(0);
  store.validators = validators(51);
  store.devnet = named(1, two.base);
  assert.equal(said().headline, 'The chain is alive, but not all is well with node 1.');
  assert.match(said().reasons[0], /^node 1 catches up: 40 behind/);
  two.answers['/status'] = status(1, 50, { halted: 'a fork at height 7' });
  await look(9000);
  assert.match(said().headline, /goes on without node 1/);
  assert.deepEqual(said().reasons, ['node 1 is halted: a fork at height 7.', '3 of 4 power takes part; a block needs more than two thirds: if one more falls, the chain may stand still.']);
  one.answers['/status'] = status(0, 50, { halted: 'a fork at height 7' });
  two.answers['/status'] = status(1, 50);
  await look(9000);
  assert.equal(said().headline, 'This node has halted.');
  assert.deepEqual(said().reasons, ['a fork at height 7.'], 'once, not once more for its row');
});

test('who goes, comes or halts changes what is drawn at once, and a height that rises does not', async () => {
  const one = await node({ '/status': status(0, 50) });
  const two = await node({ '/status': status(1, 50) });
  const { store, poll, look } = page([one.base, two.base]);
  await look(0);
  const before = store.standing();
  for (const each of [one, two]) each.answers['/status'] = status(each === one ? 0 : 1, 51, { time: 77_777 });
  await look(1000);
  assert.equal(store.standing(), before);
  poll.devnetAt = 5000;
  two.close();
  await look(1000);
  assert.notEqual(store.standing(), before);
  assert.equal(poll.devnetAt, 0, 'its devnet is asked why');
  const away = store.standing();
  one.answers['/status'] = status(0, 51, { halted: 'a fork' });
  await look(1000);
  assert.notEqual(store.standing(), away);
});

test('a page that looks asks each node again and again, one that does not asks nobody', async () => {
  const one = await node({ '/status': status(0, 50) });
  const store = new Store([one.base]);
  const poll = new Poll(store);
  const asked = () => one.asked.filter((path) => path === '/status').length;
  const until = async (look) => { while (!look()) await new Promise((done) => setTimeout(done, 20)); };
  poll.start();
  await until(() => asked() >= 3);
  poll.stop();
  await until(() => ![...store.nodes.values()].some((each) => each.isBeingAsked));
  const before = asked();
  poll.turn = () => assert.fail('it is asked though nobody looks');
  poll.hurry();
  assert.equal(poll.timer, null);
  assert.equal(asked(), before);
});

test('a cut network is named as the cause', async () => {
  const one = await node({ '/status': status(0, 50, { time: 59_000 }) });
  const { store, look, said } = page([one.base]);
  store.isDevnet = true;
  store.devnet = { pace_ms: 1000, genesis: '', nodes: [], accounts: [], groups: [[0, 1], [2, 3]], faults: [], can_panic: false, clock: null, turns: null };
  await look(0);
  assert.ok(said().reasons.some((reason) => /cut: nodes 0, 1 \| 2, 3/.test(reason)));
  one.close();
});

test('before block 1, and where blocks are made by hand, nobody is alarmed', async () => {
  const one = await node({ '/status': status(0, 0) });
  const { store, look, said } = page([one.base]);
  assert.equal(said().headline, 'Asking the node…');
  await look(0);
  assert.match(said().headline, /No block yet/);
  one.answers['/status'] = status(0, 50, { time: 500_000 });
  store.isDevnet = true;
  store.devnet = { pace_ms: null, genesis: '', nodes: [], accounts: [], groups: null, faults: [], can_panic: false, clock: null, turns: null };
  await look(1000);
  assert.match(said().headline, /made by hand/);
  assert.equal(said().tone, 'dim');
  one.close();
});

test('a node without timelines is not asked for them again', async () => {
  const one = await node({ '/status': status(0, 5) });
  const { store, look } = page([one.base]);
  for (let at = 0; at < 3; at += 1) await look(1000);
  assert.equal([...store.nodes.values()][0].hasTimelines, false);
  assert.equal(one.asked.filter((path) => path.includes('timeline')).length, 1);
  one.close();
});

test('the node that the page came from is one row, whatever its devnet calls it, and whether it is met before or after', async () => {
  const one = await node({ '/status': status(0, 5) });
  const other = one.base.replace('127.0.0.1', 'localhost');
  const { store, poll, look, rows } = page([one.base]);
  store.devnet = named(0, other);
  const [listed] = store.devnet.nodes;
  poll.meet(listed);
  await look(0);
  await look(1000);
  assert.equal(store.nodes.size, 1);
  poll.meet(listed);
  assert.equal(store.nodes.size, 1);
  store.validators = validators(6);
  assert.deepEqual(rows().map(({ name, state }) => [name, state])[0], ['node 0', 'votes']);
  assert.equal(rows().length, 4);
});

test('no more answers are kept than are allowed, and what nobody names is not asked again', async () => {
  const one = await node({ '/a': 1 });
  let now = 0;
  const reads = new Reads(() => {}, () => now);
  const asIs = (value) => value;
  for (let at = 0; at < 60; at += 1) reads.get(one.base, `/a?${at}`, 0, asIs);
  assert.ok(reads.kept.size <= 24);
  const asked = () => one.asked.filter((path) => path === '/a').length;
  const settled = async () => {
    while ([...reads.kept.values()].some((read) => read.isLoading)) await new Promise((done) => setTimeout(done, 10));
  };
  reads.get(one.base, '/a', 1000, asIs);
  await settled();
  assert.equal(asked(), 1);
  now = 500;
  reads.get(one.base, '/a', 1000, asIs);
  await settled();
  assert.equal(asked(), 1);
  now = 1500;
  assert.equal(reads.get(one.base, '/a', 1000, asIs).value, 1);
  await settled();
  assert.equal(asked(), 2);
  one.close();
});

test('how fast a chain is says no pair of answers that came right behind each other', () => {
  const one = new Store(['']).nodes.get('');
  for (const [at, height] of [[0, 50], [1000, 51], [1040, 52]]) one.answered(status(0, height), at);
  assert.ok(!one.isTooFast);
  one.answered(status(0, 252), 2000);
  assert.ok(one.isTooFast);
});

test('a node is behind what another had said before it was asked, and figures that a turn brings one by one draw nothing', () => {
  const store = new Store(['', 'http://a:1']);
  const [home, other] = store.nodes.values();
  store.devnet = named(1, 'http://a:1');
  store.begin(GENESIS);
  home.answered(status(0, 100), 0);
  other.answered(status(1, 100), 0);
  const standing = store.standing();
  other.answered(status(1, 110), 2010, 2000);
  assert.deepEqual([store.lead(), home.behind(other), store.standing() === standing], [home, 0, true]);
  home.answered(status(0, 110), 2020, 2000);
  home.answered(status(0, 110), 4010, 4000);
  assert.deepEqual([other.behind(home), home.behind(other), store.lead()], [0, 0, home]);
  other.answered(status(1, 120), 4020, 4000);
  home.answered(status(0, 110), 6010, 6000);
  assert.deepEqual([home.behind(other), store.lead() === other], [10, true]);
});

test('a page that has asked nobody for a while does not say that the chain stands', () => {
  const store = new Store(['']);
  const [home] = store.nodes.values();
  store.intervalMs = 1000;
  const still = (now) => verdict(store, rows(store, now), now).isStill;
  home.answered(status(0, 50, { time: 50_000 + 900 }), 0);
  store.begin(GENESIS);
  assert.deepEqual([still(100), still(11_000)], [false, false]);
  home.answered(status(0, 50, { time: 50_000 + 2900 }), 12_000);
  assert.deepEqual([still(12_000), still(12_200)], [false, true]);
});

test('a chain of which any node tells a newer block does not stand, however late the one that leads is', () => {
  const store = new Store(['', 'http://a:1']);
  const [home, other] = store.nodes.values();
  store.devnet = named(1, 'http://a:1');
  store.intervalMs = 1000;
  store.begin(GENESIS);
  home.answered(status(0, 50, { time: 50_000 + 2500 }), 0);
  assert.ok(verdict(store, rows(store, 1000), 1000).isStill);
  other.answered(status(1, 52), 900);
  assert.equal(store.lead(), home);
  const { isStill, ageMs } = verdict(store, rows(store, 1000), 1000);
  assert.deepEqual([isStill, ageMs], [false, 400]);
});

test('a node that is late again and again is asked less and less often', async () => {
  const one = await node({ '/status': () => [0] });
  const { store, look, now } = page([one.base]);
  const [state] = store.nodes.values();
  const waits = [];
  for (let at = 0; at < 6; at += 1) {
    await look(5000);
    waits.push(state.askAt - now());
  }
  assert.deepEqual(waits, [0, 1000, 1000, 2000, 4000, 4000]);
});

test('a node that its devnet has started again is asked at once', async () => {
  let state = 'killed';
  const other = await node({ '/status': status(1, 9) });
  const one = await node({ '/status': status(0, 9), '/devnet': () => [200, named(1, other.base, { nodes: [{ ...named(1, other.base).nodes[0], state }] })] });
  const { store, poll, look, now } = page([one.base]);
  await look(0);
  await poll.askDevnet();
  const killed = store.nodes.get(other.base);
  killed.askAt = 4000;
  await poll.askDevnet();
  assert.equal(killed.askAt, 4000);
  state = 'running';
  await poll.askDevnet();
  assert.ok(killed.askAt <= now());
});

test('how far a node is behind does not depend on how often it is asked', () => {
  const lag = (everyMs, rate, lateMs) => {
    const store = new Store(['', 'http://a:1']);
    const [home, other] = store.nodes.values();
    for (let at = 0; at <= 8 * everyMs; at += everyMs) {
      home.answered(status(0, Math.floor(1000 + (rate * at) / 1000)), at + 10, at);
      other.answered(status(1, Math.floor(1000 + (rate * (at - lateMs)) / 1000)), at + 15, at);
    }
    return other.behind(home);
  };
  for (const everyMs of [1000, 2000]) {
    assert.deepEqual([lag(everyMs, 10, 0), lag(everyMs, 100, 100), lag(everyMs, 1, 1000)], [0, 0, 0], `${everyMs} ms`);
    assert.deepEqual([lag(everyMs, 10, 1600) >= 10, lag(everyMs, 200, 2000) >= 290], [true, true], `${everyMs} ms`);
  }
});
