// The codec: one encoding for each value, nothing made up for what is missing.
import assert from 'node:assert/strict';
import test from 'node:test';
import { decode, encode, fromHex, nouns, toHex } from '../dist/index.js';

const SENDER = `0x${'a3'.repeat(20)}`;
const transfer = (memo) => ({ kind: 'transfer', to: SENDER, amount: 1n, memo });
const read = (hex) => decode(nouns.action, fromHex(hex), 'action', 1_000);
const head = `00${'a3'.repeat(20)}${'01' + '00'.repeat(7)}`;

test('a memo keeps every character, a byte order mark too', () => {
  for (const memo of ['', 'für Miete', '\u{feff}bom', '\u{1f980}', '\u{0}']) {
    const value = transfer(memo);
    assert.deepEqual(decode(nouns.action, encode(nouns.action, value), 'action', 1_000), value);
  }
});

test('a memo that is no UTF-8 is refused, in both directions', () => {
  for (const bytes of ['ff', 'c080', 'eda080', 'f4908080', 'c3']) {
    const length = (bytes.length / 2).toString(16).padStart(2, '0');
    assert.throws(() => read(`0x${head}${length}000000${bytes}`), { code: 'malformed' }, bytes);
  }
  assert.throws(() => encode(nouns.action, transfer('\u{d800}')), { code: 'malformed' });
});

test('a length that lies makes no room for what it claims', () => {
  assert.throws(() => read(`0x${head}ffffffff`), { code: 'malformed' });
  const path = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0);
  assert.throws(() => decode(nouns.path, path, 'path', 1_000), { code: 'malformed' });
});

test('an option is 0 or 1, an enum one of its variants', () => {
  assert.throws(() => read('0x05'), { code: 'malformed' });
  const body = { nonce: 0n, fee: 1n, expiresAt: 2n, action: { kind: 'declare_ready' } };
  const right = encode(nouns.transaction, { sender: SENDER, body, publicKey: null, signature: new Uint8Array(0) });
  const option = right.length - 5;
  assert.equal(right[option], 0);
  const wrong = right.slice();
  wrong[option] = 2;
  assert.throws(() => decode(nouns.transaction, wrong, 'transaction', 1_000), { code: 'malformed' });
});

test('a number that its field cannot hold is no value', () => {
  for (const amount of [-1n, 2n ** 64n, 5, '5', undefined]) {
    assert.throws(() => encode(nouns.action, { ...transfer(''), amount }), { code: 'bad_argument' }, String(amount));
  }
  const most = { ...transfer(''), amount: 2n ** 64n - 1n };
  assert.deepEqual(decode(nouns.action, encode(nouns.action, most), 'action', 1_000), most);
});

test('a value of any length is written whole, wherever the buffer has to grow', () => {
  const step = { kind: 'left', sibling: `0x${'0b'.repeat(32)}` };
  for (let count = 0; count < 40; count += 1) {
    const path = Array(count).fill(step);
    const bytes = encode(nouns.path, path);
    assert.equal(bytes.length, 4 + 33 * count);
    assert.deepEqual(decode(nouns.path, bytes, 'path', 2_000), path);
  }
  for (let length = 0; length < 600; length += 1) {
    const body = {
      nonce: 5n,
      fee: 6n,
      expiresAt: 7n,
      action: { kind: 'put', key: new Uint8Array(length).fill(9), value: Uint8Array.of(1) },
    };
    assert.deepEqual(decode(nouns.transactionBody, encode(nouns.transactionBody, body), 'body', 2_000), body);
  }
});

test('an envelope tells another version and another chain apart before it reads on', () => {
  const genesis = `0x${'11'.repeat(32)}`;
  const right = nouns.seal(nouns.action, genesis, { kind: 'declare_ready' });
  const open = (bytes, of = genesis) => nouns.open(nouns.action, of, bytes, 'action', 64);
  assert.deepEqual(open(right), { kind: 'declare_ready' });
  assert.throws(() => open(right, `0x${'12'.repeat(32)}`), { code: 'foreign_chain' });
  const later = right.slice();
  later[0] += 1;
  assert.throws(() => open(later.fill(0xff, 34)), { code: 'version' });
  assert.throws(() => open(right.subarray(0, 33)), { code: 'malformed' });
  assert.throws(() => open(new Uint8Array(65)), { code: 'too_large' });
});

test('hex is 0x and two digits a byte, and nothing else', () => {
  assert.deepEqual(fromHex('0xaBc0'), Uint8Array.of(0xab, 0xc0));
  assert.equal(toHex(Uint8Array.of(0, 255)), '0x00ff');
  for (const wrong of ['', 'ab', '0xabc', '0xzz', '0x 1', '0X00', 7, null, '0x00\n']) {
    assert.throws(() => fromHex(wrong), { code: 'bad_argument' }, String(wrong));
  }
  assert.throws(() => fromHex('0x00', 2), { code: 'bad_argument' });
});
