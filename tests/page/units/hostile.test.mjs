// What a stranger's node may answer: no more is taken of it than a node has, and nothing of it stops the page.
import assert from 'node:assert/strict';
import test from 'node:test';
import * as shapes from '../../../page/shapes.js';
import { rows } from '../../../page/rows.js';
import { Store } from '../../../page/store.js';
import { verdict } from '../../../page/verdict.js';
import { votes } from '../../../page/votes.js';
import { status, timeline, validators, VALIDATORS } from './fake.mjs';

/** What of each kind of answer a view reads, as a node gives it. */
const transaction = { id: '0x1', sender: VALIDATORS[0], body: { nonce: 1, fee: '3391', expires_at: 50, action: { kind: 'transfer', to: VALIDATORS[1], amount: '5', memo: 'm' } } };
const header = { height: 7, time: 1, proposer: VALIDATORS[0], previous_block: '0x', state_root: '0x', transactions_root: '0x', receipts_root: '0x', validators_hash: '0x', next_validators_hash: '0x' };
const edge = { from: 'Mempool', to: 'Proposer', message: 'Candidates', told: 1, refused: 0 };
const message = { message: 'Candidates', handled: 1, waited_p50_us: 1.5, waited_p99_us: 2, handled_p50_us: 1, handled_p99_us: 2 };
const offence = { kind: 'double_prevote', validator: VALIDATORS[0], height: 3, round: 0, proof: 'signatures', hash: '0x', block: 4 };
const ANSWERS = {
  status: [shapes.status, status(0, 5, { waiting_for: { prevotes: [VALIDATORS[1]], precommits: [VALIDATORS[2]] }, halted: 'h', observing: 'o', clock: 'c', step: 'prevote' })],
  validators: [shapes.validators, validators(6, { validators: validators(6).validators.map((one) => ({ ...one, turns: 2, last_proposed: { height: 5, time: 1 } })) })],
  timeline: [shapes.timeline, timeline(0, 5)],
  devnet: [shapes.devnet, { pace_ms: 1000, on_demand: false, genesis: '0x', nodes: [{ index: 0, validator: VALIDATORS[0], url: 'http://a:1', state: 'running', reason: 'killed', since_ms: 1, height: 5 }], accounts: [{ name: 'alice', address: VALIDATORS[0] }], groups: [[0, 1], [2, 3]], faults: [{ from: 0, to: 1, delay_ms: 5, drop_per_thousand: 5 }], can_panic: true, clock: { ahead_ms: 5, held_ms: 7 }, turns: { snapshots: [{ snapshot: 1, height: 3 }], failure: 'f' } }],
  actors: [shapes.actors, [{ actor: 'Proposer', state: 'running', depth: 0, limit: 4096, refused: 0, panics: 0, restarts: 0, last_panic: 'p', last_panic_unix_ms: 1, last_message_ms_ago: 5, messages: [message], edges: [edge] }]],
  evidence: [shapes.evidence, { pending: [offence], committed: [offence], forks: [{ height: 5, stops: true, decisions: [{ round: 0, block_id: '0x' }], accused: [{ validator: VALIDATORS[0], guilt: 'proven' }] }] }],
  event: [(value) => shapes.newestBlocks([value])[0], { id: '0x1', header, transactions: 3, round: 0 }],
  block: [shapes.block, { id: '0x1', header, commit: { round: 0, precommits: [{ validator: VALIDATORS[0] }] }, transactions: [transaction], evidence: [] }],
  transaction: [shapes.transaction, { status: 'committed', receipt: { height: 5, index: 0, status: 'success', bytes: 3391, fee: '3391' }, transaction, earliest_height: 1, code: 'c', by: '0x2', proof: '0x', transactions_root: '0x' }],
  account: [shapes.account, { balance: '5', nonce: 1, next_nonce: 2, exists: true, height: 5, proof: '0x', state_root: '0x' }],
  history: [shapes.history, { height: 5, earliest_height: 1, next: '3:0', transactions: [{ height: 5, index: 0, time: 1, role: 'sender', receipt: { status: 'failed', code: 'c', fee: '3391' }, transaction }] }],
  record: [shapes.record, { height: 5, record: { value: '0x61', height: 4 }, proof: '0x', state_root: '0x' }],
  mempool: [shapes.mempool, { transactions: 1, bytes: 3391 }],
  pending: [shapes.pending, { count: 1, transactions: [transaction] }],
  params: [shapes.params, { block_time_ms: 1000 }],
};

/** Every place in a value, with what stands there. @returns {[string[], any][]} */
function places(value, path = []) {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, it]) => [[[...path, name], it], ...places(it, [...path, name])]);
}

/** A copy with something else at one place. */
function changed(value, path, it) {
  const copy = structuredClone(value);
  const inner = path.slice(0, -1).reduce((at, name) => at[name], copy);
  inner[path.at(-1)] = it;
  return copy;
}

const kind = (value) => (value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value);

test('what a node answers is taken as it is', () => {
  for (const [name, [take, answer]] of Object.entries(ANSWERS)) {
    const taken = take(structuredClone(answer));
    const all = name === 'actors' ? taken.actors : name === 'event' ? { ...taken, header: taken } : taken;
    for (const [path, it] of places(all)) {
      if (['number', 'string', 'boolean'].includes(typeof it) && name !== 'event' && name !== 'block') {
        assert.equal(it, path.reduce((at, own) => at[own], answer), `${name}.${path.join('.')}`);
      }
    }
  }
});

test('no field that a view reads has another kind than a node gives it, whatever is answered', () => {
  const wrong = [1, 1.5, -1, 'x', true, null, {}, [], [1], [{}], { a: 1 }, NaN, 1e300];
  for (const [name, [take, answer]] of Object.entries(ANSWERS)) {
    const kinds = new Map(places(take(structuredClone(answer))).map(([path, it]) => [path.join('.'), it]));
    for (const [path] of places(answer)) {
      for (const it of wrong) {
        let taken;
        try {
          taken = take(changed(answer, path, it));
        } catch (thrown) {
          assert.equal(thrown.kind, 'nonsense', `${name}.${path.join('.')} = ${JSON.stringify(it)}: ${thrown}`);
          continue;
        }
        for (const [at, now] of places(taken)) {
          const before = kinds.get(at.join('.'));
          if (before === undefined || before === null || now === null) continue;
          assert.equal(kind(now), kind(before), `${name}.${at.join('.')}, where ${path.join('.')} = ${JSON.stringify(it)}`);
          assert.ok(typeof now !== 'number' || Number.isFinite(now));
        }
      }
    }
  }
});

test('what was not asked for is not kept, and texts are no longer than a sentence', () => {
  const taken = shapes.status({ ...status(0, 5, { halted: 'x'.repeat(1e6) }), more: 'y'.repeat(1e6) });
  assert.ok(JSON.stringify(taken).length < 10_000);
});

test('an answer with more entries, validators or actors than a node has is none', () => {
  const note = (at) => ({ what: 'prevote_received', round: at, who: VALIDATORS[0], at_us: at });
  const notes = (count) => ({ ...timeline(0, 5), entries: Array.from({ length: count }, (_, at) => note(at)) });
  assert.equal(shapes.timeline(notes(512)).entries.length, 512);
  assert.throws(() => shapes.timeline(notes(513)), /no entries/);
  const set = (count) => validators(6, { validators: Array.from({ length: count }, (_, index) => ({ address: `0x${index}`, index, power: 1 })) });
  assert.equal(shapes.validators(set(128)).validators.length, 128);
  assert.throws(() => shapes.validators(set(129)), /no validators/);
  assert.throws(() => shapes.newestBlocks(Array(101).fill({ id: '0x1', header, transactions: 3, round: 0 })), /no blocks/);
  const [, [row]] = ANSWERS.actors;
  assert.throws(() => shapes.actors(Array.from({ length: 33 }, () => row)), /no actors/);
  assert.throws(() => shapes.actors(Array.from({ length: 32 }, () => ({ ...row, edges: Array(11).fill(edge) }))), /no edges/);
  assert.throws(() => shapes.timeline(timeline(0, 900), 5), /of this height/, 'another height than was asked for');
});

test('votes make cells of the rounds that are shown, not of all that a node tells of', () => {
  const set = Array.from({ length: 128 }, (_, index) => ({ address: `0x${index}`, index, power: 1 }));
  let made = 0;
  const counted = set.map((one) => Object.defineProperty({ ...one }, 'address', { get: () => ((made += 1), one.address) }));
  const told = (rounds) => {
    made = 0;
    const entries = Array.from({ length: rounds }, (_, round) => ({ what: 'prevote_received', round, who: '0x1', at_us: round }));
    const seen = votes(5, counted, Array.from({ length: 16 }, () => ({ ...timeline(0, 5), entries })));
    return { seen, made };
  };
  const few = told(2);
  const many = told(512);
  assert.equal(many.made, few.made, 'the validators are gone through as often for 512 rounds as for two');
  assert.deepEqual(many.seen.rounds.map(({ round }) => round), [510, 511]);
  assert.equal(many.seen.left_out, 510);
});

test('the sentence is made of whatever was taken', () => {
  for (const more of [{ waiting_for: { prevotes: [1, {}], precommits: [] } }, { waiting_for: { prevotes: 'x' } }, { waiting_for: 7 }]) {
    assert.throws(() => shapes.status(status(0, 5, more)), /that can be used/);
  }
  const store = new Store(['']);
  const [own] = store.nodes.values();
  store.genesis = status(0, 5).genesis_hash;
  own.answered(shapes.status(status(0, 5, { time: 900_000, waiting_for: { prevotes: ['', '\u0000'], precommits: [] } })), 0);
  store.validators = shapes.validators(validators(6));
  assert.match(verdict(store, rows(store, 0), 0).headline, /stands still/);
});
