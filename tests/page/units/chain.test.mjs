// What the page makes of blocks, votes and events.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Chain, KEPT_MAX } from '../../../page/chain.js';
import { Store } from '../../../page/store.js';
import { tookUs, votes } from '../../../page/votes.js';
import { timeline, validators, VALIDATORS } from './fake.mjs';

const block = (height, more = {}) => ({ height, id: `0x${height}`, previous_block: `0x${height - 1}`, time: height * 100, proposer: VALIDATORS[0], state_root: '0x', transactions: 2, round: 0, ...more });
const set = validators(8).validators;

test('blocks are a stretch without a gap, and no more than are kept', () => {
  const chain = new Chain();
  for (let height = 1; height <= KEPT_MAX + 10; height += 1) chain.take(block(height));
  assert.equal(chain.blocks.length, KEPT_MAX);
  assert.equal(chain.at(KEPT_MAX + 10)?.height, KEPT_MAX + 10);
  chain.take(block(5));
  assert.equal(chain.blocks.length, KEPT_MAX, 'an old one is not taken');
  chain.take(block(1000));
  assert.deepEqual(chain.blocks.map(({ height }) => height), [1000]);
});

test('another block where one was known, or on none that was, is another history; a gap is not', () => {
  const chain = new Chain();
  for (let height = 1; height <= 5; height += 1) chain.take(block(height));
  chain.take(block(9));
  assert.deepEqual([chain.histories, chain.blocks.length], [0, 1]);
  chain.take(block(10, { previous_block: '0xother' }));
  assert.deepEqual([chain.histories, chain.blocks.length], [1, 1]);
  chain.take(block(10, { id: '0xthird' }));
  assert.deepEqual([chain.histories, chain.at(10)?.id], [2, '0xthird']);
});

test('intervals and rates are those of neighbours', () => {
  const chain = new Chain();
  for (let height = 1; height <= 11; height += 1) chain.take(block(height));
  assert.deepEqual(chain.intervals(3), [100, 100, 100]);
  assert.equal(chain.transactionRate(), 20);
  assert.equal(chain.blockRate(), 10);
  assert.equal(new Chain().transactionRate(), null);
  assert.equal(new Chain().blockRate(), null);
});

test('the votes of a height are those that any node has seen', () => {
  const seen = votes(7, set, [timeline(0, 7, [0, 1]), timeline(3, 7, [3, 2])]);
  assert.equal(seen.rounds.length, 1);
  assert.deepEqual(seen.rounds[0].power, { propose: 1, prevote: 4, precommit: 4 });
  assert.ok(seen.isDecided && !seen.isUnderWay);
});

test('nil is no vote for the block, and two different votes are shown as such', () => {
  const one = timeline(0, 7, [0, 1]);
  one.entries.push({ what: 'prevote_received', round: 0, who: VALIDATORS[2], at_us: 3, nil: true });
  one.entries.push({ what: 'prevote_received', round: 0, who: VALIDATORS[1], at_us: 4, nil: true });
  const { rounds } = votes(7, set, [one]);
  assert.equal(rounds[0].cells.get(VALIDATORS[2]).prevote, 'nil');
  assert.equal(rounds[0].cells.get(VALIDATORS[1]).prevote, 'both');
  assert.equal(rounds[0].power.prevote, 1);
});

test('a proposal is its sender’s prevote', () => {
  const one = { ...timeline(1, 7), entries: [{ what: 'proposal_sent', round: 0, who: VALIDATORS[1], at_us: 1 }] };
  const { rounds } = votes(7, set, [one]);
  assert.deepEqual(rounds[0].cells.get(VALIDATORS[1]), { propose: 'value', prevote: 'value', precommit: 'absent' });
});

test('a proof of misbehaviour marks its cell', () => {
  const offence = { kind: 'double_precommit', validator: VALIDATORS[3], height: 7, round: 0, proof: '', hash: '' };
  const { rounds } = votes(7, set, [timeline(0, 7)], [offence, { ...offence, height: 8, validator: VALIDATORS[2] }]);
  assert.equal(rounds[0].cells.get(VALIDATORS[3]).precommit, 'both');
  assert.equal(rounds[0].cells.get(VALIDATORS[2]).precommit, 'value');
});

test('whoever is no validator has no cell', () => {
  const one = timeline(0, 7);
  one.entries.push({ what: 'prevote_received', round: 9, who: '0xstranger', at_us: 3 });
  assert.deepEqual(votes(7, set, [one]).rounds.map(({ round }) => round), [0]);
});

test('a height took as long as from its first proposal to its decision', () => {
  assert.equal(tookUs(timeline(0, 7)), 1500);
  assert.equal(tookUs({ ...timeline(0, 7), entries: [] }), null);
});
