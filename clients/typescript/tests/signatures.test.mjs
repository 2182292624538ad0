// Published answers for ML-DSA-65, and the forgeries under keys with t1 = 0.
import assert from 'node:assert/strict';
import test from 'node:test';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { verify } from '../dist/index.js';
import { json } from './support/repository.mjs';

const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'));

// The standard lets anybody sign under a key with t1 = 0: no chain takes one, so that those cases are refused.
test('every case of Wycheproof without a context is decided as published, but for keys with t1 = 0', () => {
  let [decided, degenerate] = [0, 0];
  for (const group of json('tests/vectors/wycheproof_mldsa_65_verify_test.json').testGroups) {
    for (const one of group.tests.filter(({ ctx }) => !ctx)) {
      const isValid = verify(bytes(group.publicKey), bytes(one.msg), bytes(one.sig));
      const isDegenerate = bytes(group.publicKey)
        .subarray(32)
        .every((byte) => byte === 0);
      degenerate += Number(isDegenerate);
      assert.equal(isValid, one.result === 'valid' && !isDegenerate, `case ${one.tcId}: ${one.comment}`);
      decided += 1;
    }
  }
  assert.ok(
    decided > 190 && degenerate > 0 && degenerate < decided,
    `${decided} cases, ${degenerate} of them degenerate`,
  );
});

test('every forgery under a key with t1 = 0 is refused, though the standard takes some', () => {
  const forgeries = json('tests/vectors/own_divergence_vectors.json').filter(({ scheme }) => scheme === 'ML-DSA-65');
  let taken = 0;
  for (const forgery of forgeries) {
    const key = Uint8Array.of(...bytes(forgery.rho), ...new Uint8Array(1_920));
    const [message, signature] = [bytes(forgery.msg), bytes(forgery.sig)];
    assert.ok(!verify(key, message, signature), forgery.id);
    const bare = ml_dsa65.verify(signature, message, key);
    assert.equal(bare, forgery.must_accept, `the library by itself: ${forgery.id}`);
    taken += Number(bare);
  }
  assert.ok(taken > 0, 'some of them verify without this rule');
});

test('lengths are exact', () => {
  assert.ok(!verify(new Uint8Array(1_951).fill(1), new Uint8Array(1), new Uint8Array(3_309)));
  assert.ok(!verify(new Uint8Array(1_952).fill(1), new Uint8Array(1), new Uint8Array(3_310)));
});
