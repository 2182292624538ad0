// What a light client takes: the same ten headers as the tests of protocol/src/proofs/light_client have.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Bisection, nouns } from '../dist/index.js';
import { NOW, RICH, World, chain } from './support/world.mjs';
import { demandYoung } from '../dist/light/age.js';

const world = new World();
const DEED = new TextEncoder().encode('deed');

test('it follows each header to the next', () => {
  const client = world.client(1n);
  for (let height = 2n; height <= 10n; height += 1n) {
    const shown = world.block(height);
    client.advance(height, shown, NOW);
    assert.deepEqual(client.trusted.header, shown.header);
    assert.equal(client.trusted.id, nouns.blockId(shown.header));
  }
});

test('it takes a far header of the same validators at once', () => {
  const client = world.client(1n);
  client.advance(10n, world.block(10n), NOW);
  assert.equal(client.trusted.header.height, 10n);
});

test('it proves what an account holds, and that another is not there', () => {
  const client = world.client(3n);
  client.advance(7n, world.block(7n), NOW);
  assert.deepEqual(client.account(RICH, world.proved(7n, RICH)), { balance: 500n, nonce: 0n });
  const nobody = `0x${'63'.repeat(20)}`;
  assert.equal(client.account(nobody, world.proved(7n, nobody)), null);
});

test('it proves that a record is not there, and refuses one that is claimed', () => {
  const client = world.client(3n);
  const proved = world.provedRecord(3n, RICH, DEED);
  assert.equal(client.record(RICH, DEED, proved), null);
  assert.throws(() => client.record(RICH, DEED, { ...proved, height: 4n }), { code: 'other_height' });
  const claimed = { ...proved, record: { value: DEED, height: 2n } };
  assert.throws(() => client.record(RICH, DEED, claimed), { code: 'proof' });
});

test('what is shown survives its bytes', () => {
  const shown = world.block(4n);
  const bytes = nouns.seal(nouns.lightBlock, chain.genesisHash, shown);
  assert.deepEqual(nouns.open(nouns.lightBlock, chain.genesisHash, bytes, 'light block', bytes.length), shown);
  const proved = world.proved(4n, RICH);
  const proof = nouns.seal(nouns.provedAccount, chain.genesisHash, proved);
  assert.deepEqual(nouns.open(nouns.provedAccount, chain.genesisHash, proof, 'account', proof.length), proved);
});

test('a goal that is trusted already wants nothing', () => {
  const client = world.client(3n);
  assert.equal(new Bisection(3n).wanted(client), null);
  assert.equal(new Bisection(2n).wanted(client), null);
  assert.equal(new Bisection(4n).wanted(client), 4n);
});

test('a header may be as old as is allowed, and not a millisecond older', () => {
  const { trusted } = world.client(3n);
  demandYoung(trusted, 0, 'stale', 3_000);
  demandYoung(trusted, 5_000, 'stale', 8_000);
  assert.throws(() => demandYoung(trusted, 5_000, 'stale', 8_001), { code: 'stale' });
  assert.throws(() => demandYoung(trusted, 5_000, 'trusted_too_old', 8_001), { code: 'trusted_too_old' });
  // What is ahead of the clock is not old.
  demandYoung(trusted, 0, 'stale', 1_000);
});
