// A light client of a chain whose validators change: one gets more power, another one leaves.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Bisection, Client, Key, LightClient, limits, nouns } from '../dist/index.js';
import { devnet, skip } from './support/devnet.mjs';

const validator = (index) =>
  Key.fromSeed(
    new Uint8Array(32)
      .with(0, 0x76)
      .with(1, 0x30 + index)
      .with(2, 0xde),
  );

test('a light client follows a real change of the validators, by every header and by skipping', { skip }, async (t) => {
  const net = await devnet('--scheme', 'ml-dsa-65', '--block-time', '100ms');
  t.after(net.stop);
  const client = new Client(net.urls[0]);
  const chain = await client.chain();
  const keys = [0, 1, 2, 3].map(validator);
  for (const { address } of keys) await net.order('faucet', { to: address, amount: '1000000' });

  /** So many votes as are needed, of the first three; and the height from which another set decides. */
  async function change(publicKey, power) {
    const { hash } = await client.validators();
    for (const key of keys.slice(0, 3)) {
      await client.sendAndWait(await client.updateValidator(key, { publicKey, power })).catch((error) => {
        // The last vote may come after the change.
        if (error.code !== 'nothing_to_change') throw error;
      });
    }
    for await (const { header } of client.newHeads()) if (header.validatorsHash !== hash) return header.height;
  }
  const changed = [await change(keys[0].publicKey, 2n), await change(keys[3].publicKey, 0n)];
  const goal = changed[1] + 3n;
  for await (const { header } of client.newHeads({ from: goal })) if (header.height >= goal) break;

  const { id } = await client.header(1n);
  const block = async (height) => {
    const bytes = new Uint8Array(await (await fetch(`${client.url}/light/blocks/${height}`)).arrayBuffer());
    return nouns.open(nouns.lightBlock, chain.genesisHash, bytes, 'light block', limits.LIGHT_BLOCK_BYTES_MAX);
  };
  const start = LightClient.start(chain, { id, height: 1n }, await block(1n), Date.now());
  const every = start.fork();
  for (let height = 2n; height <= goal; height += 1n) every.advance(height, await block(height), Date.now());
  const skipping = start.fork();
  const way = new Bisection(goal);
  for (let height = way.wanted(skipping); height !== null; height = way.wanted(skipping)) {
    way.take(skipping, await block(height), Date.now());
  }
  assert.equal(skipping.trusted.id, every.trusted.id);
  const powers = every.trusted.validators.validators.map(({ address, power }) => [address, power]);
  const expected = keys.slice(0, 3).map(({ address }, index) => [address, index === 0 ? 2n : 1n]);
  assert.deepEqual(Object.fromEntries(powers), Object.fromEntries(expected));

  // The header of a change, shown with the set that was before it.
  const liar = start.fork();
  for (let height = 2n; height < changed[0]; height += 1n) liar.advance(height, await block(height), Date.now());
  const [before, after] = [await block(changed[0] - 1n), await block(changed[0])];
  const shown = { ...after, validators: before.validators };
  assert.throws(() => liar.advance(changed[0], shown, Date.now()), { code: 'validators_hash' });

  const { value } = await client.light({ trusted: `${id}@1` }).account(keys[0].address);
  assert.equal(value.balance, await client.balance(keys[0].address));
});
