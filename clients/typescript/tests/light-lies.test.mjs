// Every lie of protocol/src/proofs/light_client/tests/lies.rs: the client refuses it and keeps what it trusts.
import assert from 'node:assert/strict';
import test from 'node:test';
import { LightClient, LockstepError, ValidatorSet, decode, encode, limits, nouns } from '../dist/index.js';
import { Cast, NOW, RICH, World, chain } from './support/world.mjs';

const world = new World();
const OTHER_HASH = `0x${'77'.repeat(32)}`;

/** Shows it to a client that trusts height 3. */
function refused(asked, shown, code) {
  const client = world.client(3n);
  assert.throws(() => client.advance(asked, shown, NOW), { name: 'LightError', code });
  assert.equal(client.trusted.header.height, 3n);
}

function notStarted(ofChain, shown, code, height = 3n) {
  assert.throws(() => LightClient.start(ofChain, world.checkpoint(height), shown, NOW), { name: 'LightError', code });
}

/** A block with a change. */
function changed(height, change) {
  const shown = world.block(height);
  change(shown);
  return shown;
}

test('a wrong balance is refused', () => {
  const client = world.client(3n);
  for (const account of [{ balance: 501n, nonce: 0n }, { balance: 500n, nonce: 1n }, null]) {
    assert.throws(() => client.account(RICH, { ...world.proved(3n, RICH), account }), { code: 'proof' });
  }
  const other = world.proved(3n, `0x${'06'.repeat(20)}`);
  assert.throws(() => client.account(RICH, other), { code: 'proof' });
});

test('a wrong sibling is refused', () => {
  const client = world.client(3n);
  const bytes = encode(nouns.provedAccount, world.proved(3n, RICH));
  let read = 0;
  for (let at = 8; at < bytes.length; at += 1) {
    const wrong = bytes.slice();
    wrong[at] ^= 1;
    let lie;
    try {
      lie = decode(nouns.provedAccount, wrong, 'account', limits.PROVED_ACCOUNT_BYTES_MAX);
    } catch (error) {
      assert.equal(error.code, 'malformed');
      continue;
    }
    read += 1;
    assert.throws(() => client.account(RICH, lie), { code: 'proof' }, `byte ${at}`);
  }
  assert.ok(read > 100, `most of them can be read: ${read}`);
});

test('a path with more siblings than a key has bits is refused', () => {
  const proved = world.proved(3n, RICH);
  proved.path.siblings.unshift(...Array(257).fill({ kind: 'null' }));
  assert.throws(() => world.client(3n).account(RICH, proved), { code: 'proof' });
});

test('a proof of another height is refused', () => {
  assert.throws(() => world.client(3n).account(RICH, world.proved(4n, RICH)), { code: 'other_height' });
});

test('a certificate of two of four is refused', () => {
  refused(4n, world.cast.signed(world.block(4n).header, [0, 1]), 'no_quorum');
  // Nor is it one for a checkpoint that is right.
  notStarted(chain, world.cast.signed(world.block(3n).header, [0, 1]), 'no_quorum');
});

test('a duplicate signer is refused', () => {
  const { signatures } = world.block(4n).certificate.signers;
  const withSigners = (signed) => changed(4n, ({ certificate }) => (certificate.signers = world.cast.signers(signed)));
  // Two signers, one of them under a second name.
  refused(
    4n,
    withSigners([
      [0, signatures[0]],
      [1, signatures[1]],
      [3, signatures[0]],
    ]),
    'signature',
  );
  // One signer and one place, but two signatures.
  refused(
    4n,
    withSigners([
      [0, signatures[0]],
      [1, signatures[1]],
      [1, signatures[1]],
    ]),
    'certificate',
  );
  // A set in which one validator stands twice.
  refused(
    4n,
    changed(4n, (shown) => (shown.validators[1] = shown.validators[0])),
    'validators',
  );
});

test('a bitmap that does not fit the set is refused', () => {
  for (const bitmap of [[], [7, 0], [0x17], [0x87], [3], [15]]) {
    refused(
      4n,
      changed(4n, ({ certificate }) => (certificate.signers.bitmap = Uint8Array.from(bitmap))),
      'certificate',
    );
  }
});

test('a header of a chain with another number is refused', () => {
  refused(4n, world.forged(4n, { chainId: 8n }), 'other_chain');
  notStarted({ ...chain, chainId: 8n }, world.block(3n), 'other_chain');
});

test('a chain with another genesis is refused: nothing in a header says so, but every signature does', () => {
  const other = { ...chain, genesisHash: OTHER_HASH };
  notStarted(other, world.block(3n), 'signature');
  notStarted(other, world.block(1n), 'other_genesis', 1n);
});

test('another block than the checkpoint is refused', () => {
  notStarted(chain, world.block(4n), 'not_the_checkpoint');
  notStarted(chain, world.forged(3n, { time: 3_001n }), 'not_the_checkpoint');
});

test('another height is refused', () => {
  refused(5n, world.block(6n), 'other_height');
  refused(
    5n,
    changed(5n, ({ certificate }) => (certificate.height = 6n)),
    'other_height',
  );
  for (const asked of [1n, 3n]) refused(asked, world.block(asked), 'not_ahead');
});

test('a certificate of another block is refused', () => {
  const lie = changed(5n, ({ header }) => (header.stateRoot = OTHER_HASH));
  refused(5n, lie, 'certificate_of_other');
  // Nor does it help to write the new id into the certificate.
  lie.certificate.blockId = nouns.blockId(lie.header);
  refused(5n, lie, 'signature');
});

test('a certificate of another round is refused', () => {
  refused(
    5n,
    changed(5n, ({ certificate }) => (certificate.round = 1)),
    'signature',
  );
});

test('a header of the future is refused', () => {
  const last = BigInt(NOW) + limits.CLOCK_DRIFT_MS;
  refused(5n, world.forged(5n, { time: last + 1n }), 'future');
  world.client(3n).advance(5n, world.forged(5n, { time: last }), NOW);
});

test('a header that is not later than the trusted one is refused', () => {
  for (const time of [0n, 2_999n, 3_000n]) refused(5n, world.forged(5n, { time }), 'time_goes_back');
});

test('a next header with another parent is refused', () => {
  refused(4n, world.forged(4n, { previousBlock: `0x${'09'.repeat(32)}` }), 'other_parent');
});

test('a next header with validators that nobody named is refused', () => {
  const others = new Cast(5);
  const parent = nouns.blockId(world.block(3n).header);
  refused(4n, others.signed(others.header(4n, parent), [0, 1, 2, 3, 4]), 'other_validators');
});

test("validators that are not the header's are refused", () => {
  refused(
    5n,
    changed(5n, (shown) => (shown.validators = new Cast(5).validators)),
    'validators_hash',
  );
  refused(
    5n,
    changed(5n, ({ validators }) => (validators[0].power = 100n)),
    'validators_hash',
  );
  refused(
    5n,
    changed(5n, ({ validators }) => validators.pop()),
    'validators_hash',
  );
});

test('validators that are no set are refused', () => {
  const right = world.cast.validators;
  const { publicKey } = right[0];
  const degenerate = publicKey.slice().fill(0, 32);
  for (const validators of [
    [],
    [{ publicKey, power: 0n }],
    [{ publicKey: new Uint8Array(0), power: 1n }],
    [{ publicKey: publicKey.subarray(1), power: 1n }],
    [{ publicKey: degenerate, power: 1n }],
    [right[0], { ...right[1], power: 2n ** 64n - 1n }],
    Array.from({ length: 129 }, (_, index) => ({
      publicKey: Uint8Array.of(...publicKey.subarray(0, 1_951), index),
      power: 1n,
    })),
  ]) {
    const shown = world.block(5n);
    shown.validators = validators.map((one) => ({ address: RICH, ...one }));
    refused(5n, shown, 'validators');
  }
});

test('the powers of a set may be as large as 64 bits hold, and count exactly', () => {
  const [a, b, c] = world.cast.validators;
  const set = new ValidatorSet([
    { ...a, power: 2n ** 63n },
    { ...b, power: 2n ** 63n - 2n },
    { ...c, power: 1n },
  ]);
  assert.equal(set.total, 2n ** 64n - 1n);
  const third = set.total / 3n;
  assert.ok(!set.isQuorum(2n * third) && set.isQuorum(2n * third + 1n));
  assert.ok(!set.isSkipSet(third) && set.isSkipSet(third + 1n));
});

/** Places of bytes of a block's message that nobody looks at: addresses of validators, which are made of their keys. */
function unread(shown, length) {
  const each = 20 + 4 + 1_952 + 8;
  const first = length - each * shown.validators.length;
  return (at) => at >= first && (at - first) % each < 20;
}

test('whatever one byte of a block is changed to, it is refused in words of this package', () => {
  const client = world.client(3n);
  const shown = world.block(5n);
  const right = nouns.seal(nouns.lightBlock, chain.genesisHash, shown);
  const isUnread = unread(shown, right.length);
  const codes = new Set();
  // Every byte of the head, and some of the keys and signatures.
  for (let at = 0; at < right.length; at += at < 500 || isUnread(at) ? 1 : 97) {
    const wrong = right.slice();
    wrong[at] ^= 1 << (at % 8);
    const take = () => {
      const lie = nouns.open(nouns.lightBlock, chain.genesisHash, wrong, 'light block', limits.LIGHT_BLOCK_BYTES_MAX);
      client.fork().advance(5n, lie, NOW);
    };
    if (isUnread(at)) {
      take();
      continue;
    }
    assert.throws(take, (error) => codes.add(error.code) && error instanceof LockstepError, `byte ${at}`);
  }
  for (const code of [
    'version',
    'foreign_chain',
    'malformed',
    'certificate_of_other',
    'signature',
    'validators_hash',
  ]) {
    assert.ok(codes.has(code), `${code} in ${[...codes]}`);
  }
});
