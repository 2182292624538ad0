// What a node says to changed bytes, against what this client says of them by itself.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Client, Key, verdict } from '../dist/index.js';
import { devnet, skip } from './support/devnet.mjs';

const alice = Key.devnet('alice');

test('a node and this client say the same of a transaction of which one byte is changed', { skip }, async (t) => {
  // Nothing moves: whatever is asked meets the same height and the same accounts.
  const net = await devnet('--manual', '--scheme', 'ml-dsa-65');
  t.after(net.stop);
  await net.tick();
  const client = new Client(net.urls[0]);
  const chain = await client.chain();
  const { height, balance } = await client.account(alice.address);
  const accounts = new Map([[alice.address, { balance, nonce: 0n, publicKey: null }]]);
  const state = { chain, feePerByte: chain.feePerByte, height: height + 1n, accounts };
  const to = Key.devnet('bob').address;
  const said = new Map();

  for (const [{ bytes }, whole] of [
    [await client.transfer(alice, { to, amount: 1n, memo: 'für Miete' }), 'accepted'],
    [await client.put(alice, { key: 'deed', value: 'a house' }), 'accepted'],
    [await client.updateValidator(alice, { publicKey: alice.publicKey, power: 1n }), 'accepted'],
    [await client.call(alice, { application: 'notes', data: 'milk=2' }), 'unknown_application'],
  ]) {
    for (let at = 0; at < bytes.length; at += at < 160 ? 1 : 211) {
      const wrong = bytes.slice();
      wrong[at] ^= 1 << (at % 8);
      const expected = verdict(wrong, state);
      const actual = await client.send({ bytes: wrong }).then(
        () => 'accepted',
        ({ code }) => code,
      );
      assert.equal(actual, expected, `byte ${at}`);
      said.set(actual, (said.get(actual) ?? 0) + 1);
    }
    assert.equal(verdict(bytes, state), whole);
  }
  const expected = ['version', 'foreign_chain', 'malformed', 'bad_signature', 'unfunded', 'foreign_key'];
  for (const code of [...expected, 'unknown_application', 'invalid_application_name']) {
    assert.ok(said.has(code), `${code} in ${[...said]}`);
  }
});
