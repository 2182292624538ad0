// The vectors of tests/vectors/protocol, which Rust writes and every implementation reads: both ways where that is possible.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Key, LightClient, ValidatorSet, checksummed, decode, encode, fromHex, nouns, toHex, verdict, verify } from '../dist/index.js';
import { demandYoung } from '../dist/light/age.js';
import { stateOf } from '../scripts/verdicts.mjs';
import { exists, json } from './support/repository.mjs';

const LIMIT = 1 << 20;
const contextOf = ({ chain_id: chainId, genesis_hash: genesisHash }) => ({ chainId: BigInt(chainId), genesisHash });

/** Runs `check` on every vector of a file. */
function vectors(name, check) {
  const path = `tests/vectors/protocol/${name}.json`;
  test(`${name}.json: every vector`, { skip: exists(path) ? false : `${path} is not there` }, () => {
    const file = json(path);
    assert.ok(file.vectors.length > 0);
    for (const vector of file.vectors) check(vector, file);
  });
}

/** What a check that throws says, or "accepted". */
function verdictOf(check) {
  try {
    check();
    return 'accepted';
  } catch (error) {
    return error.code ?? error.stack;
  }
}

vectors('keys', ({ name, seed, public_key: publicKey, address, address_text: text }) => {
  const key = Key.fromSeed(seed);
  assert.deepEqual([toHex(key.publicKey), key.address, checksummed(key.address)], [publicKey, address, text], name);
});

vectors('transactions', ({ name, payload, sign_bytes: signBytes, signed, id, signer_seed: seed }, { chain: of }) => {
  const chain = contextOf(of);
  const value = nouns.open(nouns.transaction, chain.genesisHash, fromHex(signed), name, LIMIT);
  const again = nouns.seal(nouns.transaction, chain.genesisHash, value);
  const signer = Key.fromSeed(seed);
  const message = nouns.transactionSignBytes(chain, value);
  assert.deepEqual([nouns.transactionId(value), toHex(message), toHex(again)], [id, signBytes, signed], name);
  assert.ok(signBytes.endsWith(payload.slice(2)), `${name}: what is signed ends with its payload`);
  assert.equal(value.sender, signer.address, name);
  assert.ok(verify(signer.publicKey, message, value.signature), `${name}: the signature`);
});

vectors('blocks', ({ name, header_bytes: bytes, id }) => {
  const header = decode(nouns.header, fromHex(bytes), name, LIMIT);
  assert.deepEqual([nouns.blockId(header), toHex(encode(nouns.header, header))], [id, bytes], name);
});

vectors('certificates', ({ name, validators, bytes, verdict: expected }, { chain, validator_sets: sets }) => {
  const members = sets[validators].validators.map(({ power, public_key: publicKey }) => ({ power: BigInt(power), publicKey: fromHex(publicKey) }));
  const said = verdictOf(() => {
    const certificate = decode(nouns.commitCertificate, fromHex(bytes), name, LIMIT);
    assert.equal(toHex(encode(nouns.commitCertificate, certificate)), bytes);
    new ValidatorSet(members).demandCertified(certificate, contextOf(chain));
  });
  assert.equal(said, expected, name);
});

const PROOFS = {
  account: ({ proof, root, address }) => {
    const { account, path } = decode(nouns.accountProof, proof, 'proof', LIMIT);
    return nouns.provesAccount({ account, path }, root, address);
  },
  record: ({ proof, root, address, key }) => {
    const { record, path } = decode(nouns.recordProof, proof, 'proof', LIMIT);
    return nouns.provesRecord({ record, path }, root, address, fromHex(key));
  },
  transaction: ({ proof, root, id }) => nouns.provesTransaction(decode(nouns.transactionProof, proof, 'proof', LIMIT), root, id),
  receipt: ({ proof, root, id }) => nouns.provesReceipt(decode(nouns.receiptProof, proof, 'proof', LIMIT), root, id),
};

vectors('proofs', (vector) => {
  const said = verdictOf(() => {
    const leads = PROOFS[vector.kind]({ ...vector, proof: fromHex(vector.proof) });
    if (!leads) throw Object.assign(new Error('it does not lead to the root'), { code: 'proof' });
  });
  assert.equal(said, vector.verdict, vector.name);
});

test('proofs.json: every list of leaves', { skip: exists('tests/vectors/protocol/proofs.json') ? false : 'it is not there' }, () => {
  for (const { leaves, root } of json('tests/vectors/protocol/proofs.json').lists) assert.equal(nouns.merkleRoot(leaves), root);
});

vectors('light', (vector, file) => {
  const chain = contextOf(vector.chain ?? file.chain);
  const now = vector.now_ms;
  const open = (codec, bytes) => nouns.open(codec, contextOf(file.chain).genesisHash, fromHex(bytes), vector.name, LIMIT);
  const block = (name) => open(nouns.lightBlock, file.light_blocks[name]);
  const said = verdictOf(() => {
    const trusted = { id: vector.trusted.id, height: BigInt(vector.trusted.height) };
    const client = LightClient.start(chain, trusted, block(vector.start), now);
    if (vector.trusted_max_ms !== undefined) demandYoung(client.trusted, vector.trusted_max_ms, 'trusted_too_old', now);
    for (const { asked, shown } of vector.advance ?? []) client.advance(BigInt(asked), block(shown), now);
    if (vector.shown_max_ms !== undefined) demandYoung(client.trusted, vector.shown_max_ms, 'stale', now);
    if (vector.account) client.account(vector.account.address, open(nouns.provedAccount, vector.account.proved));
    if (vector.record) client.record(vector.record.address ?? vector.record.owner, fromHex(vector.record.key), open(nouns.provedRecord, vector.record.proved));
  });
  assert.equal(said, vector.verdict, vector.name);
});

vectors('mutated', ({ name, base, at, byte, bytes: whole, verdict: expected }, file) => {
  const bytes = fromHex(whole ?? file.bases.find((one) => one.name === base).bytes);
  if (whole === undefined) bytes[at] = byte;
  assert.equal(verdict(bytes, stateOf(file)), expected, name);
});
