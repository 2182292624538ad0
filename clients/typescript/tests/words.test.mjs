// Addresses, checkpoints and keys.
import assert from 'node:assert/strict';
import test from 'node:test';
import { inspect } from 'node:util';
import {
  Key,
  LightError,
  checksummed,
  formatCheckpoint,
  parseAddress,
  parseCheckpoint,
  verify,
} from '../dist/index.js';

const ID = `0x${'ab'.repeat(32)}`;

test('an address is read with its checksum, or in letters of one case', () => {
  const { address } = Key.devnet('alice');
  assert.match(address, /^0x[0-9a-f]{40}$/);
  const marked = checksummed(address);
  assert.equal(parseAddress(marked), address);
  assert.equal(parseAddress(address), address);
  assert.equal(parseAddress(`0x${address.slice(2).toUpperCase()}`), address);
  const at = [...marked].findIndex((letter, index) => index > 1 && /[a-fA-F]/.test(letter));
  const letter = marked[at];
  const swapped = letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase();
  assert.throws(() => parseAddress(marked.slice(0, at) + swapped + marked.slice(at + 1)), { code: 'bad_argument' });
  for (const wrong of ['', '0x12', address.slice(2), `${address}0`]) {
    assert.throws(() => parseAddress(wrong), { code: 'bad_argument' }, wrong);
  }
});

test('a checkpoint is an id and a height from 1', () => {
  const checkpoint = { id: ID, height: 7n };
  assert.deepEqual(parseCheckpoint(formatCheckpoint(checkpoint)), checkpoint);
  assert.deepEqual(parseCheckpoint(`${ID.slice(2)}@7`), checkpoint);
  for (const wrong of [
    '',
    '@',
    '7',
    ID,
    `${ID}@`,
    `${ID}@0`,
    `${ID}@-1`,
    `${ID}@+1`,
    `${ID}@1@1`,
    `${ID}@18446744073709551616`,
    '0x12@3',
    `${ID}0@7`,
    `${ID}@ 7`,
    ` ${ID}@7`,
    `0x${ID}@7`,
    `${ID}@7\n`,
    `${ID}@${'1'.repeat(1_000)}`,
    `7@${ID}`,
  ]) {
    assert.throws(() => parseCheckpoint(wrong), { code: 'bad_argument' }, wrong);
  }
});

test('a seed makes one key, and the key tells its secret to nobody by chance', () => {
  const key = Key.generate();
  const seed = key.exportSeed();
  assert.equal(Key.fromSeed(seed).address, key.address);
  assert.notEqual(Key.generate().address, key.address);
  for (const shown of [JSON.stringify(key), inspect(key, { depth: 9, showHidden: true }), String(key)]) {
    assert.ok(!shown.includes(seed.slice(2, 20)), shown);
  }
  assert.throws(() => Key.fromSeed(new Uint8Array(31)), { code: 'bad_argument' });
  assert.throws(() => Key.fromSeed('0x12'), { code: 'bad_argument' });
});

test('two signatures of one message differ, and both verify', () => {
  const key = Key.devnet('bob');
  const message = new TextEncoder().encode('message');
  const [first, second] = [key.sign(message), key.sign(message)];
  assert.notDeepEqual(first, second);
  assert.ok(verify(key.publicKey, message, first) && verify(key.publicKey, message, second));
  assert.ok(!verify(key.publicKey, message.subarray(1), first));
  assert.ok(!verify(Key.devnet('carol').publicKey, message, first));
});

test('an error of the light client is told apart by its class and its code', () => {
  const error = new LightError('proof', 'no proof');
  assert.ok(error instanceof Error);
  assert.equal(`${error.name} ${error.code}`, 'LightError proof');
});
