// Calls of applications and what is asked of them: without a node, by a fetch that answers as a node does.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Client, Key, LightClient, encode, fromHex, nouns, toHex, verdict } from '../dist/index.js';
import { StateTree } from './support/state-tree.mjs';
import { Cast, NOW, ZERO } from './support/world.mjs';

const GENESIS = `0x${'9e'.repeat(32)}`;
const STATUS = {
  chain_id: 7,
  genesis_hash: GENESIS,
  scheme: 'ml-dsa-65',
  parameters: { fee_per_byte: 2 },
  protocol_version: 7,
};
const CHAIN = { chainId: 7n, genesisHash: GENESIS };
const alice = Key.devnet('alice');
const of = (text) => new TextEncoder().encode(text);

/** A client of a node that answers `GET` by path, and JSON-RPC by method; what it was asked stands in `asked`. */
function node({ paths = {}, methods = {} }) {
  const asked = [];
  const fetch = async (url, init) => {
    const path = new URL(url).pathname;
    if (init.method !== 'POST') {
      asked.push(path);
      const body = { '/status': JSON.stringify(STATUS), ...paths }[path];
      return body === undefined
        ? new Response('{"code":"not_found","message":"no such path"}', { status: 404 })
        : new Response(body);
    }
    const { id, method, params } = JSON.parse(init.body);
    asked.push([method, ...params]);
    return new Response(JSON.stringify({ jsonrpc: '2.0', id, ...methods[method] }));
  };
  return { client: new Client('http://127.0.0.1:9', { fetch, retries: 0 }), asked };
}

/** A call that is signed for nonce 0: it brings its key. */
async function called(application, data, nonce = 0n) {
  const { client } = node({});
  return client.call(alice, { application, data, nonce, expiresAt: 100n });
}

test('a call is signed for the least fee of its bytes, and reads back', async () => {
  const { bytes, transaction } = await called('notes', 'milk=2');
  const back = nouns.open(nouns.transaction, GENESIS, bytes, 'transaction', bytes.length);
  assert.deepEqual(back, transaction);
  assert.deepEqual(back.body.action, { kind: 'call', application: 'notes', data: of('milk=2') });
  assert.equal(back.body.fee, 2n * BigInt(encode(nouns.transaction, transaction).length));
});

test('what a node refuses of a call is said of it without one, in the same order', async () => {
  const state = {
    chain: CHAIN,
    feePerByte: 2n,
    height: 3n,
    accounts: new Map([[alice.address, { balance: 1_000_000n, nonce: 0n, publicKey: alice.publicKey }]]),
    applications: new Map([['notes', (data) => data.includes(0x3d)]]),
  };
  for (const [application, data, expected] of [
    ['notes', 'milk=2', 'accepted'],
    ['a'.repeat(32), '', 'unknown_application'],
    ['a'.repeat(33), '', 'invalid_application_name'],
    ['', '', 'invalid_application_name'],
    ['1notes', '', 'invalid_application_name'],
    ['-notes', '', 'invalid_application_name'],
    ['notes\n', '', 'invalid_application_name'],
    ['nötes', '', 'invalid_application_name'],
    ['nots', new Uint8Array(8_193), 'unknown_application'],
    ['notes', new Uint8Array(8_193), 'call_too_large'],
    ['notes', new Uint8Array(8_192).fill(0x3d), 'accepted'],
    ['notes', 'milk', 'call_refused'],
  ]) {
    // Behind the first one, which has put the key on record.
    const { bytes } = await called(application, data, 1n);
    assert.equal(verdict(bytes, state), expected, `${application}, ${data.length}`);
  }
  const { bytes } = await called('notes', 'milk=2', 1n);
  assert.equal(verdict(bytes, { ...state, applications: undefined }), 'unknown_application');
});

const ID = `0x${'22'.repeat(32)}`;
const RECEIPT = { transaction: ID, status: 'success', fee: '6', bytes: 3, events: [], height: 4, index: 0 };

test('a receipt has the events that an application has told', async () => {
  const events = [{ name: 'noted', data: '0x6d696c6b' }];
  const { client } = node({ paths: { [`/receipts/${ID}`]: JSON.stringify({ ...RECEIPT, events }) } });
  const receipt = await client.receipt(ID);
  assert.deepEqual(receipt.events, [{ name: 'noted', data: of('milk') }]);
  assert.deepEqual([receipt.code, receipt.applicationCode], [null, null]);
  const { events: _, ...without } = RECEIPT;
  const silent = node({ paths: { [`/receipts/${ID}`]: JSON.stringify(without) } });
  await assert.rejects(silent.client.receipt(ID), { code: 'malformed' });
});

test('a call that its application has failed says so with the number of the application', async () => {
  const ended = (failure) => {
    const receipt = { ...RECEIPT, status: 'failed', sentence: 'it failed', ...failure };
    return node({ methods: { lockstep_getTransaction: { result: { status: 'failed', receipt } } } }).client.wait(ID);
  };
  await assert.rejects(ended({ code: 'application_failed', application_code: 7 }), (error) => {
    assert.deepEqual([error.name, error.code], ['TransactionError', 'application_failed']);
    assert.equal(error.receipt.applicationCode, 7);
    return true;
  });
  await assert.rejects(ended({ code: 'work_exhausted' }), (error) => {
    assert.deepEqual([error.code, error.receipt.applicationCode], ['work_exhausted', null]);
    return true;
  });
  await assert.rejects(ended({ code: 'application_failed' }), { code: 'malformed' });
});

test('what a node says of applications is read field by field', async () => {
  const methods = {
    lockstep_getApplications: { result: [{ name: 'notes', version: 1 }] },
    lockstep_getApplicationState: { result: { application: 'notes', key: '0x6d', height: 9, value: '0x32' } },
    lockstep_query: { result: { height: 9, value: '0x' } },
  };
  const { client, asked } = node({ methods });
  assert.deepEqual(await client.applications(), [{ name: 'notes', version: 1 }]);
  assert.deepEqual(await client.applicationState('notes', 'm'), { value: of('2'), height: 9n });
  assert.deepEqual(await client.query('notes', 'a/b c', of('x')), { value: of(''), height: 9n });
  assert.deepEqual(await client.query('notes', 'all'), { value: of(''), height: 9n });
  assert.deepEqual(asked, [
    ['lockstep_getApplications'],
    ['lockstep_getApplicationState', 'notes', '0x6d'],
    ['lockstep_query', 'notes', 'a/b c', '0x78'],
    ['lockstep_query', 'notes', 'all', '0x'],
  ]);
  const nothing = { lockstep_getApplicationState: { result: { height: 9, value: null } } };
  assert.deepEqual(await node({ methods: nothing }).client.applicationState('notes', 'm'), { value: null, height: 9n });
  const silent = node({ methods: { lockstep_getApplicationState: { result: { height: 9 } } } });
  await assert.rejects(silent.client.applicationState('notes', 'm'), { code: 'malformed' });
  const refused = { error: { code: -32000, message: 'no', data: { code: 'unknown_application' } } };
  const none = node({ methods: { lockstep_query: refused, lockstep_getApplications: { result: {} } } });
  await assert.rejects(none.client.query('nots', 'all'), { name: 'RefusedError', code: 'unknown_application' });
  await assert.rejects(none.client.applications(), { code: 'malformed' });
});

test('nobody is asked about what no application can be called', async () => {
  const { client, asked } = node({});
  const session = client.light({ trusted: `${ZERO}@1` });
  for (const name of ['', 'Notes', '..', 'notes/../x', 'notes\n', 'n'.repeat(33)]) {
    await assert.rejects(client.applicationState(name, 'm'), { code: 'bad_argument' }, name);
    await assert.rejects(client.query(name, 'all'), { code: 'bad_argument' }, name);
    await assert.rejects(session.applicationState(name, 'm'), { code: 'bad_argument' }, name);
  }
  assert.deepEqual(asked, []);
});

/** A header of four validators over a state in which the application `notes` keeps two values. */
function proved() {
  const count = (text) => Buffer.of(text.length, 0, 0, 0);
  const place = (name, key) => ['lockstep/application/v1', Buffer.concat([count(name), of(name), count(key), of(key)])];
  const tree = new StateTree([
    [place('notes', 'milk'), Buffer.from('2')],
    [place('notes', 'eggs'), Buffer.from('12')],
  ]);
  const cast = new Cast(4);
  const shown = cast.signed(cast.header(1n, GENESIS, { stateRoot: tree.root }), [0, 1, 2]);
  const path = (name, key) => tree.path(...place(name, key));
  return { shown, path };
}

test('a session proves what an application keeps, and that it keeps nothing else', async () => {
  const { shown, path } = proved();
  const trusted = { id: nouns.blockId(shown.header), height: 1n };
  const seal = (codec, value) => nouns.seal(codec, GENESIS, value);
  const state = (value, name, key) =>
    seal(nouns.provedApplication, { height: 1n, value: value && of(value), path: path(name, key) });
  const { client } = node({
    paths: {
      '/light/blocks/1': seal(nouns.lightBlock, shown),
      [`/light/applications/notes/state/${toHex(of('milk'))}`]: state('2', 'notes', 'milk'),
      [`/light/applications/notes/state/${toHex(of('bread'))}`]: state(null, 'notes', 'bread'),
      [`/light/applications/notes/state/${toHex(of('eggs'))}`]: state('13', 'notes', 'eggs'),
      [`/light/applications/note/state/${toHex(of('milk'))}`]: state('2', 'notes', 'milk'),
    },
  });
  const session = client.light({ trusted, now: () => 2_000 });
  const { value, header } = await session.applicationState('notes', 'milk');
  assert.deepEqual([value, header.height], [of('2'), 1n]);
  assert.equal((await session.applicationState('notes', of('bread'))).value, null);
  await assert.rejects(session.applicationState('notes', 'eggs'), { name: 'LightError', code: 'proof' });
  await assert.rejects(session.applicationState('note', 'milk'), { name: 'LightError', code: 'proof' });
  const light = LightClient.start(CHAIN, trusted, shown, NOW);
  const later = { height: 2n, value: of('2'), path: path('notes', 'milk') };
  assert.throws(() => light.applicationState('notes', of('milk'), later), { code: 'other_height' });
  assert.deepEqual(light.applicationState('notes', of('milk'), { ...later, height: 1n }), fromHex('0x32'));
});
