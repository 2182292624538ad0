// The vectors of tests/vectors/protocol, which Rust writes and every implementation reads: both ways where that is possible.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import {
  Bisection,
  Key,
  LightClient,
  ValidatorSet,
  checksummed,
  decode,
  encode,
  fromHex,
  nouns,
  toHex,
  verdict,
  verify,
} from '../dist/index.js';
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

/** A field of a vector as the field of a noun: names in camel case, numbers and digits as bigint, bytes as bytes. */
const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const BYTES = new Set(['key', 'value', 'public_key', 'data']);
function fieldOf(name, value) {
  if (typeof value === 'number') return BigInt(value);
  if (BYTES.has(name) && value !== null) return fromHex(value);
  if (typeof value === 'string' && name !== 'memo' && /^[0-9]+$/.test(value)) return BigInt(value);
  return value !== null && typeof value === 'object' ? nounOf(value) : value;
}
const nounOf = (fields) =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [camel(name), fieldOf(name, value)]));

/** The signature of FIPS 204 with rnd = 0: the one of the vectors. */
function signed(seed, message) {
  const xi = createHash('sha256').update('lockstep/keygen/v1').update('ml-dsa-65').update(fromHex(seed)).digest();
  return ml_dsa65.sign(message, ml_dsa65.keygen(Uint8Array.from(xi)).secretKey, { extraEntropy: false });
}

vectors('transactions', (vector, { chain: of }) => {
  const { name } = vector;
  const chain = contextOf(of);
  const signer = Key.fromSeed(vector.signer_seed);
  // From its fields to the bytes …
  const { sender, publicKey = null, ...body } = nounOf(vector.fields);
  assert.equal(sender ?? signer.address, signer.address, name);
  const message = nouns.transactionSignBytes(chain, { sender: signer.address, body });
  const value = {
    sender: signer.address,
    body,
    publicKey: publicKey ?? (body.nonce === 0n ? signer.publicKey : null),
    signature: signed(vector.signer_seed, message),
  };
  const made = {
    id: nouns.transactionId(value),
    sign_bytes: toHex(message),
    signature: toHex(value.signature),
    witness: nouns.witness(value),
    leaf: nouns.transactionLeaf(nouns.transactionId(value), nouns.witness(value)),
    bytes: encode(nouns.transaction, value).length,
    signed: toHex(nouns.seal(nouns.transaction, chain.genesisHash, value)),
  };
  for (const [field, expected] of Object.entries(made)) assert.equal(expected, vector[field], `${name}: ${field}`);
  assert.ok(vector.sign_bytes.endsWith(vector.payload.slice(2)), `${name}: what is signed ends with its payload`);
  // … and back.
  assert.deepEqual(nouns.open(nouns.transaction, chain.genesisHash, fromHex(vector.signed), name, LIMIT), value, name);
  assert.ok(verify(signer.publicKey, message, value.signature), `${name}: the signature`);
});

vectors(
  'blocks',
  ({
    name,
    header: fields,
    header_bytes: bytes,
    id,
    transaction_leaves: leaves,
    receipts,
    validators,
    last_commit: lastCommit,
  }) => {
    const header = nounOf(fields);
    assert.deepEqual([toHex(encode(nouns.header, header)), nouns.blockId(header)], [bytes, id], name);
    assert.deepEqual(decode(nouns.header, fromHex(bytes), name, LIMIT), header, name);
    assert.equal(nouns.merkleRoot(leaves), header.transactionsRoot, name);
    const known = receipts.map((receipt) =>
      nouns.receiptLeaf(decode(nouns.receiptNoun, fromHex(receipt.bytes), name, LIMIT)),
    );
    assert.deepEqual(
      known,
      receipts.map(({ leaf }) => leaf),
      name,
    );
    assert.equal(nouns.merkleRoot(known), header.receiptsRoot, name);
    for (const { bytes: ofReceipt, receipt } of receipts) {
      const { status, events } = decode(nouns.receiptNoun, fromHex(ofReceipt), name, LIMIT);
      const failure = { code: receipt.code, applicationCode: receipt.application_code ?? null };
      assert.deepEqual(status, receipt.code ? { kind: 'failed', ...failure } : { kind: 'success' }, name);
      assert.deepEqual(events, receipt.events.map(({ name: of, data }) => ({ name: of, data: fromHex(data) })), name);
    }
    assert.equal(nouns.validatorsHash(validators.map(nounOf)), header.validatorsHash, name);
    if (lastCommit !== null)
      assert.equal(
        nouns.commitHash(decode(nouns.commitCertificate, fromHex(lastCommit), name, LIMIT)),
        header.lastCommitHash,
        name,
      );
  },
);

/** Runs `check` on every vector of a file with the byte that another list of it changes. */
function changed(name, fieldOf, check) {
  const path = `tests/vectors/protocol/${name}.json`;
  test(`${name}.json: every changed byte`, { skip: exists(path) ? false : `${path} is not there` }, () => {
    const file = json(path);
    assert.ok(file.changed.length > 80);
    for (const { base, at, byte, verdict: expected } of file.changed) {
      const bytes = fromHex(fieldOf(file, base));
      bytes[at] = byte;
      assert.equal(check(file, base, toHex(bytes)), expected, `${base}, byte ${at}`);
    }
  });
}
const vectorOf = (file, name) => file.vectors.find((vector) => vector.name === name);

function certified({ name, validators, bytes, hash }, { chain, validator_sets: sets }) {
  const members = sets[validators].validators.map(({ power, public_key: publicKey }) => ({
    power: BigInt(power),
    publicKey: fromHex(publicKey),
  }));
  return verdictOf(() => {
    const certificate = decode(nouns.commitCertificate, fromHex(bytes), name, LIMIT);
    assert.deepEqual(
      [toHex(encode(nouns.commitCertificate, certificate)), nouns.commitHash(certificate)],
      [bytes, hash ?? nouns.commitHash(certificate)],
    );
    new ValidatorSet(members).demandCertified(certificate, contextOf(chain));
  });
}

vectors('certificates', (vector, file) => assert.equal(certified(vector, file), vector.verdict, vector.name));

changed(
  'certificates',
  (file, base) => vectorOf(file, base).bytes,
  (file, base, bytes) => certified({ ...vectorOf(file, base), bytes, hash: undefined }, file),
);

const PROOFS = {
  account: ({ proof, root, address, value, verdict: expected }) => {
    const { account, path } = decode(nouns.accountProof, proof, 'proof', LIMIT);
    if (expected === 'accepted') assert.deepEqual(account, value && nounOf(value));
    return nouns.provesAccount({ account, path }, root, address);
  },
  record: ({ proof, root, address, key, value, verdict: expected }) => {
    const { record, path } = decode(nouns.recordProof, proof, 'proof', LIMIT);
    if (expected === 'accepted') assert.deepEqual(record, value && nounOf(value));
    return nouns.provesRecord({ record, path }, root, address, fromHex(key));
  },
  application: ({ proof, root, application, key, value, verdict: expected }) => {
    const claim = decode(nouns.applicationProof, proof, 'proof', LIMIT);
    if (expected === 'accepted') assert.deepEqual(claim.value, value && fromHex(value));
    return nouns.provesApplication(claim, root, application, fromHex(key));
  },
  transaction: ({ proof, root, id }) =>
    nouns.provesTransaction(decode(nouns.transactionProof, proof, 'proof', LIMIT), root, id),
  receipt: ({ proof, root, id }) => nouns.provesReceipt(decode(nouns.receiptProof, proof, 'proof', LIMIT), root, id),
};

const led = (vector) =>
  verdictOf(() => {
    const leads = PROOFS[vector.kind]({ ...vector, proof: fromHex(vector.proof) });
    if (!leads) throw Object.assign(new Error('it does not lead to the root'), { code: 'proof' });
  });

vectors('proofs', (vector) => assert.equal(led(vector), vector.verdict, vector.name));

changed(
  'proofs',
  (file, base) => vectorOf(file, base).proof,
  (file, base, proof) => led({ ...vectorOf(file, base), proof, verdict: undefined }),
);

test(
  'proofs.json: every list of leaves',
  { skip: exists('tests/vectors/protocol/proofs.json') ? false : 'it is not there' },
  () => {
    for (const { leaves, root } of json('tests/vectors/protocol/proofs.json').lists)
      assert.equal(nouns.merkleRoot(leaves), root);
  },
);

/** Follows to a height, and says which headers it has asked for. */
function followed(client, goal, block, now) {
  const way = new Bisection(BigInt(goal));
  const asked = [];
  for (let height = way.wanted(client); height !== null; height = way.wanted(client)) {
    asked.push(Number(height));
    way.take(client, block(`height ${height}`), now);
  }
  return asked;
}

vectors('light', (vector, file) => {
  const chain = contextOf(vector.chain ?? file.chain);
  const now = vector.now_ms;
  const open = (codec, bytes) =>
    nouns.open(codec, contextOf(file.chain).genesisHash, fromHex(bytes), vector.name, LIMIT);
  const block = (name) => open(nouns.lightBlock, file.light_blocks[name]);
  const said = verdictOf(() => {
    const trusted = { id: vector.trusted.id, height: BigInt(vector.trusted.height) };
    const client = LightClient.start(chain, trusted, block(vector.start), now);
    if (vector.trusted_max_ms !== undefined) demandYoung(client.trusted, vector.trusted_max_ms, 'trusted_too_old', now);
    for (const { asked, shown } of vector.advance ?? []) client.advance(BigInt(asked), block(shown), now);
    if (vector.goal) assert.deepEqual(followed(client, vector.goal.height, block, now), vector.goal.asked);
    if (vector.shown_max_ms !== undefined) demandYoung(client.trusted, vector.shown_max_ms, 'stale', now);
    if (vector.account) client.account(vector.account.address, open(nouns.provedAccount, vector.account.proved));
    if (vector.record)
      client.record(
        vector.record.address ?? vector.record.owner,
        fromHex(vector.record.key),
        open(nouns.provedRecord, vector.record.proved),
      );
    if (vector.application) {
      const { name, key, proved } = vector.application;
      const value = client.applicationState(name, fromHex(key), open(nouns.provedApplication, proved));
      assert.deepEqual(value, vector.value && fromHex(vector.value));
    }
  });
  assert.equal(said, vector.verdict, vector.name);
});

changed(
  'light',
  (file, base) => file.light_blocks[base],
  ({ chain: of, vectors: [first], light_blocks: blocks }, base, bytes) => {
    const chain = contextOf(of);
    const open = (shown) => nouns.open(nouns.lightBlock, chain.genesisHash, fromHex(shown), base, LIMIT);
    const trusted = { id: first.trusted.id, height: BigInt(first.trusted.height) };
    const client = LightClient.start(chain, trusted, open(blocks[first.start]), first.now_ms);
    return verdictOf(() => client.advance(4n, open(bytes), first.now_ms));
  },
);

vectors('mutated', ({ name, base, at, byte, bytes: whole, verdict: expected }, file) => {
  const bytes = fromHex(whole ?? file.bases.find((one) => one.name === base).bytes);
  if (whole === undefined) bytes[at] = byte;
  assert.equal(verdict(bytes, stateOf(file)), expected, name);
});
