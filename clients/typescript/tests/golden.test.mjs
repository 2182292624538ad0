// The bytes of every noun that this client has, against those of the Rust implementation.
import assert from 'node:assert/strict';
import test from 'node:test';
import { decode, encode, fromHex, nouns, toHex } from '../dist/index.js';
import { goldenNouns } from './support/repository.mjs';

const golden = goldenNouns();
const GENESIS = `0x${'9e'.repeat(32)}`;
const chain = { chainId: 1337n, genesisHash: GENESIS };
const LIMIT = 1 << 20;

function bytesOf(name) {
  const noun = golden.get(name);
  assert.ok(noun, `the golden nouns have ${name}`);
  return fromHex(noun.bytes.startsWith('0x') ? noun.bytes : `0x${noun.bytes}`);
}

/** Reads a noun, which must write itself again. */
function reread(name, codec) {
  const value = decode(codec, bytesOf(name), name, LIMIT);
  assert.equal(toHex(encode(codec, value)), toHex(bytesOf(name)));
  return value;
}

const TRANSACTIONS = [
  'first transaction of an account',
  'put',
  'delete',
  'update of a validator',
  'declaration of readiness',
  'call',
  'transaction without a key',
];

for (const name of TRANSACTIONS) {
  test(`${name}: bytes, id and sign bytes are those of Rust`, () => {
    const value = reread(name, nouns.transaction);
    const noun = golden.get(name);
    assert.equal(nouns.transactionId(value), noun.id);
    if (noun['sign bytes']) assert.equal(toHex(nouns.transactionSignBytes(chain, value)), noun['sign bytes']);
  });
}

test('headers and certificates: bytes and hashes are those of Rust', () => {
  assert.equal(nouns.blockId(reread('header', nouns.header)), golden.get('header').id);
  assert.equal(
    nouns.commitHash(reread('commit certificate', nouns.commitCertificate)),
    golden.get('commit certificate').hash,
  );
});

test('what a precommit signs is what Rust signs', () => {
  const of = { height: 0x0102030405060708n, round: 0x0a0b0c0d, blockId: `0x${'b1'.repeat(32)}` };
  assert.equal(toHex(nouns.precommitSignBytes(chain, of)), golden.get('precommit')['sign bytes']);
  assert.equal(
    toHex(nouns.precommitSignBytes(chain, { ...of, blockId: null })),
    golden.get('nil precommit')['sign bytes'],
  );
});

const MESSAGES = {
  'message: transaction': nouns.transaction,
  'message: light block': nouns.lightBlock,
  'message: account with its proof': nouns.provedAccount,
  'message: no account, with its proof': nouns.provedAccount,
  'message: no record, with its proof': nouns.provedRecord,
  'message: no value of an application, with its proof': nouns.provedApplication,
};

for (const [name, codec] of Object.entries(MESSAGES)) {
  test(`${name}: read from its envelope, it writes the same`, () => {
    const value = nouns.open(codec, GENESIS, bytesOf(name), name, LIMIT);
    assert.equal(toHex(nouns.seal(codec, GENESIS, value)), toHex(bytesOf(name)));
  });
}

const RECEIPTS = [
  'receipt of a call',
  'receipt of a call that its application failed',
  'receipt of a call that asked for too much',
];

test('receipts of calls are read as Rust writes them, with code and events', () => {
  const [told, failed, exhausted] = RECEIPTS.map((name) => reread(name, nouns.receiptNoun));
  assert.ok(told.events.length > 0 && told.events.every(({ name }) => nouns.isName(name)));
  assert.equal(failed.status.code, 'application_failed');
  assert.ok(failed.status.applicationCode > 0);
  assert.deepEqual(exhausted.status, { kind: 'failed', code: 'work_exhausted', applicationCode: null });
  assert.throws(
    () => encode(nouns.receiptNoun, { ...failed, status: { ...failed.status, applicationCode: null } }),
    { code: 'bad_argument' },
  );
});

test('proofs of inclusion are read as Rust writes them', () => {
  reread('proof of a transaction', nouns.transactionProof);
  reread('proof of a receipt', nouns.receiptProof);
});

test('no byte of a noun is ignored: whatever changes one is refused or reads as something else', () => {
  const kinds = {
    ...Object.fromEntries(TRANSACTIONS.map((name) => [name, nouns.transaction])),
    ...Object.fromEntries(RECEIPTS.map((name) => [name, nouns.receiptNoun])),
    header: nouns.header,
    'commit certificate': nouns.commitCertificate,
  };
  let refused = 0;
  for (const [name, codec] of Object.entries(kinds)) {
    const right = bytesOf(name);
    for (let at = 0; at < right.length; at += 1) {
      const wrong = right.slice();
      wrong[at] ^= 0x81;
      try {
        assert.equal(toHex(encode(codec, decode(codec, wrong, name, LIMIT))), toHex(wrong));
      } catch (error) {
        assert.equal(error.code, 'malformed', `${name}, byte ${at}: ${error}`);
        refused += 1;
      }
    }
    assert.throws(() => decode(codec, right.subarray(0, -1), name, LIMIT), { code: 'malformed' });
    assert.throws(() => decode(codec, Uint8Array.of(...right, 0), name, LIMIT), { code: 'malformed' });
    assert.throws(() => decode(codec, right, name, right.length - 1), { code: 'too_large' });
  }
  assert.ok(refused > 50, `${refused} were refused`);
});
