// Nodes that a link lists, and that nobody whom the page believes names: their figures are theirs, and change nothing else.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Controls } from '../../../page/controls.js';
import { textOf } from '../../../page/dom.js';
import { Poll } from '../../../page/poll.js';
import { rows } from '../../../page/rows.js';
import { NODES_MAX, Store } from '../../../page/store.js';
import { verdict } from '../../../page/verdict.js';
import * as lockstep from '../../../page/views/lockstep.js';
import * as peers from '../../../page/views/peers.js';
import { GENESIS, status, timeline, validators, VALIDATORS } from './fake.mjs';

const STRANGER = 'http://evil:1';
const REAL = 'http://real:1';
const ALIEN = '0x' + 'ee'.repeat(20);

/** A page of a node, and what others have answered. */
function page(...bases) {
  const store = new Store(['', ...bases]);
  const poll = new Poll(store, () => 0);
  const answer = (base, said, at = 0) => {
    const node = store.nodes.get(base);
    poll.judge(node, said);
    node.answered(said, at);
    poll.settle();
    return node;
  };
  const fails = (base, kind = 'unreachable') => {
    for (let at = 0; at < 2; at += 1) store.nodes.get(base).failed(Object.assign(new Error('gone'), { kind }), 0);
    poll.settle();
  };
  const said = () => verdict(store, rows(store, 0), 0);
  const row = (name) => rows(store, 0).find((one) => one.name === name);
  return { store, poll, answer, fails, said, row };
}

/** The devnet's own list. */
const devnet = (...nodes) => ({ pace_ms: 1000, genesis: '', nodes: nodes.map(([index, url]) => ({ index, validator: VALIDATORS[index], url, state: 'running', reason: null, since_ms: null, height: 1 })), accounts: [], groups: null, faults: [], can_panic: false, clock: null, turns: null });

test('a stranger never leads while the node that the page came from answers, however high he says that he is', () => {
  const { store, answer } = page(STRANGER);
  answer(STRANGER, status(0, 900, { validator: ALIEN }));
  assert.equal(store.lead(), null, 'nor before it has had its time to answer');
  answer('', status(0, 100));
  assert.equal(store.lead().base, '');
  answer(STRANGER, status(0, 1e9, { validator: ALIEN }));
  assert.equal(store.lead().base, '');
});

test('a node that the devnet names leads where the node that the page came from is away or behind, and no stranger', () => {
  const { store, answer, fails } = page(STRANGER, REAL);
  answer('', status(0, 100));
  store.devnet = devnet([1, REAL]);
  answer(REAL, status(1, 110));
  answer(STRANGER, status(0, 900, { validator: ALIEN }));
  assert.equal(store.lead().base, '', 'it may have had ten more by the time that the other was asked');
  answer('', status(0, 100), 1000);
  assert.equal(store.lead().base, REAL);
  fails('');
  assert.equal(store.lead().base, REAL);
});

test('where a stranger alone answers, the sentence beside every title says whose figures these are', () => {
  const { store, answer, fails, said } = page(STRANGER);
  answer('', status(0, 100));
  store.validators = validators(101);
  answer(STRANGER, status(0, 900, { validator: ALIEN }));
  assert.equal(said().headline, 'The chain is alive.');
  fails('');
  assert.equal(store.lead().base, STRANGER);
  assert.match(said().headline, /^http:\/\/evil:1 says: /);
  assert.match(said().reasons[0], /node that this page came from does not answer: gone\. All figures are those that http:\/\/evil:1 gives/);
  assert.notEqual(said().tone, 'good');
  answer('', status(0, 101));
  assert.doesNotMatch(said().headline, /evil/);
});

test('a stranger’s blocks, validators and pace are gone when a named node answers again', () => {
  const { store, poll, answer, fails } = page(STRANGER);
  const blocks = (height) => [{ height, id: '0x1', time: height, proposer: ALIEN, state_root: '0x', transactions: 0, round: 0 }];
  const heights = () => store.chain.blocks.map(({ height }) => height);
  const home = answer('', status(0, 100));
  poll.taken(home, blocks(100));
  const stranger = answer(STRANGER, status(0, 900, { validator: ALIEN }));
  poll.taken(stranger, blocks(101));
  assert.deepEqual(heights(), [100], 'he does not lead');
  fails('');
  assert.deepEqual(heights(), [], 'his blocks do not follow on those of the node');
  poll.taken(stranger, blocks(901));
  assert.deepEqual(heights(), [901]);
  poll.taken(stranger, blocks(1e9));
  assert.deepEqual(heights(), [901], 'so much higher is nobody’s block');
  Object.assign(store, { validators: validators(901), evidence: { pending: [], committed: [], forks: [{}] }, intervalMs: 1 });
  answer('', status(0, 101));
  assert.deepEqual([heights(), store.validators, store.evidence, store.intervalMs], [[], null, null, null]);
  poll.taken(stranger, blocks(902));
  assert.deepEqual(heights(), [], 'what was under way is not taken');
  poll.taken(home, blocks(102));
  assert.deepEqual(heights(), [102]);
});

test('a stranger does not say which chain this is where a named node has said it', () => {
  const { store, answer, fails } = page(STRANGER);
  const other = '0x' + '77'.repeat(32);
  answer(STRANGER, status(0, 900, { validator: ALIEN, genesis_hash: other }));
  answer('', status(0, 100));
  assert.equal(store.genesis, GENESIS);
  assert.ok(store.nodes.get('').isHere && store.nodes.get(STRANGER).isForeign);
  fails('');
  answer(STRANGER, status(0, 900, { validator: ALIEN, genesis_hash: other }));
  assert.equal(store.lead(), null);
});

test('a claim removes no node: who is named for a validator is shown as it, whoever answers first', () => {
  for (const order of [[STRANGER, REAL], [REAL, STRANGER]]) {
    const { store, answer, row } = page(STRANGER);
    answer('', status(0, 100));
    store.validators = validators(101);
    store.devnet = devnet([1, REAL]);
    store.add(REAL);
    for (const base of order) answer(base, status(1, base === REAL ? 100 : 55));
    assert.deepEqual([...store.nodes.keys()], ['', STRANGER, REAL]);
    assert.equal(store.nodeOf(VALIDATORS[1]).base, REAL);
    assert.equal(row('node 1').height, 100);
    assert.equal(row(STRANGER).why, 'says that it is node 1 too');
  }
});

test('a claim does not keep the page from meeting a node that the devnet names, nor do fifteen strangers', () => {
  const strangers = Array.from({ length: NODES_MAX - 1 }, (_, at) => `http://evil:${at + 1}`);
  const { store, poll, answer } = page(...strangers);
  answer('', status(0, 100));
  answer(STRANGER, status(1, 100));
  store.devnet = devnet([1, REAL]);
  poll.meet(store.devnet.nodes[0]);
  assert.ok(store.nodes.has(REAL) && store.nodes.has(STRANGER));
  assert.equal(store.nodes.size, NODES_MAX);
});

test('who says that he is the node that the page came from does not replace it', () => {
  const { store, answer, row } = page(STRANGER);
  answer(STRANGER, status(0, 900));
  answer('', status(0, 100));
  store.validators = validators(101);
  assert.equal(store.nodeOf(VALIDATORS[0]).base, '');
  assert.equal(row('0x11111111…').height, 100);
  assert.equal(row(STRANGER).why, 'says that it is 0x11111111… too');
});

test('what a stranger says as a validator is named as his, and neither makes it well nor down', () => {
  const { store, answer, fails, row, said } = page(STRANGER);
  const home = (reachable) => status(0, 100, { peers: status(0, 100).peers.map((peer) => ({ ...peer, reachable: reachable || peer.address !== VALIDATORS[1], away_ms: 5 })) });
  answer('', home(true));
  store.validators = validators(101);
  answer(STRANGER, status(1, 100));
  assert.deepEqual([row('0x22222222…').state, row('0x22222222…').why], ['votes', `says ${STRANGER}`]);
  answer(STRANGER, status(1, 100, { halted: 'so he says' }));
  assert.ok(said().reasons.includes(`0x22222222… is halted: so he says, says ${STRANGER}.`), said().reasons.join());
  assert.doesNotMatch(said().headline, /without/);
  fails(STRANGER);
  assert.equal(row('0x22222222…').state, 'reachable');
  answer('', home(false));
  answer(STRANGER, status(1, 100));
  assert.equal(row('0x22222222…').state, 'unreachable');
});

test('votes and roots are compared with those of named nodes alone', () => {
  const { store, answer, row } = page(STRANGER);
  const home = answer('', status(0, 100));
  store.validators = validators(101);
  const other = answer(STRANGER, status(1, 100, { validator: ALIEN, state_root: '0xevil' }));
  Object.assign(home, { hasTimelines: true }).keep(timeline(0, 100, [0]));
  Object.assign(other, { hasTimelines: true }).keep(timeline(1, 101));
  assert.equal(row('0x11111111…').root, 'unknown');
  const seen = lockstep.shownVotes({ store });
  assert.deepEqual([seen.height, seen.rounds[0].power.precommit], [100, 1]);
});

test('a stranger’s devnet is not believed, and takes no orders', async () => {
  const { store, poll, answer, fails } = page(STRANGER);
  answer('', status(0, 100));
  answer(STRANGER, status(0, 900, { validator: ALIEN }));
  assert.equal(new Controls(store, () => {}).base(), '');
  fails('');
  assert.equal(new Controls(store, () => {}).base(), '');
  const asked = [];
  const { fetch } = globalThis;
  globalThis.fetch = async (url) => ((asked.push(url), new Response('{}')));
  await poll.askDevnet();
  globalThis.fetch = fetch;
  assert.deepEqual(asked, []);
});

test('a panel about a stranger bears his address', () => {
  const { store, answer } = page(STRANGER);
  answer('', status(0, 100));
  answer(STRANGER, status(1, 100));
  const text = textOf(peers.draw({ store, place: { rest: [], query: new URLSearchParams() } }));
  assert.ok(text.includes('Peers of 0x11111111…') && text.includes(`Peers of ${STRANGER} (says that it is 0x22222222…)`), text);
});
