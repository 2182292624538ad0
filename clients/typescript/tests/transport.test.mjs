// What comes over the wire, or does not: without a node, by a fetch that answers as it likes.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Client } from '../dist/index.js';

const URL_ = 'http://127.0.0.1:9';
const STATUS = {
  chain_id: 7,
  genesis_hash: `0x${'11'.repeat(32)}`,
  scheme: 'ml-dsa-65',
  parameters: { fee_per_byte: 2 },
  protocol_version: 7,
};
const said = (status, body) => new Response(JSON.stringify(body), { status });

/** A client whose answers come from a list, one after the other; an error among them is thrown. */
function scripted(answers, options) {
  const asked = [];
  const fetch = async (url, init) => {
    asked.push([url, init]);
    const answer = answers[asked.length - 1];
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { client: new Client(URL_, { fetch, ...options }), asked };
}

test('a node that is away or busy is asked again, a few times', async () => {
  const busy = () => said(503, { code: 'busy', message: 'later' });
  const { client, asked } = scripted([new TypeError('fetch failed'), busy(), said(502, '<html>'), said(200, STATUS)]);
  assert.equal((await client.chain()).feePerByte, 2n);
  assert.equal(asked.length, 4);
  // What never changes is asked for once.
  await client.chain();
  assert.equal(asked.length, 4);
  const patient = scripted([busy(), busy(), busy()], { retries: 1 });
  await assert.rejects(patient.client.chain(), { name: 'RefusedError', code: 'busy', isBusy: true });
  assert.equal(patient.asked.length, 2);
});

test('a refusal is the answer: nothing is asked again', async () => {
  const { client, asked } = scripted([said(410, { code: 'pruned', message: 'not kept' })]);
  await assert.rejects(client.block(1n), { name: 'RefusedError', code: 'pruned', status: 410, isBusy: false });
  assert.equal(asked.length, 1);
});

test('an error of JSON-RPC carries its word, and a missing method is told', async () => {
  const error = (of) => said(200, { jsonrpc: '2.0', id: 1, error: of });
  const refused = scripted([error({ code: -32004, message: 'not kept', data: { code: 'pruned' } })]);
  await assert.rejects(refused.client.header(1n), { name: 'RefusedError', code: 'pruned', status: -32004 });
  const unknown = scripted([error({ code: -32601, message: 'no such method' })]);
  await assert.rejects(unknown.client.rpc('x', []), { code: 'unknown_method' });
  const other = scripted([said(200, { jsonrpc: '2.0', id: 2, result: {} })]);
  await assert.rejects(other.client.rpc('x', []), { code: 'malformed' });
});

test('a slash at the end of an address is none, and a redirection leads nowhere', async () => {
  const { client, asked } = scripted([said(200, STATUS)]);
  assert.equal(new Client(`${URL_}//`).url, URL_);
  await client.chain();
  assert.deepEqual([asked[0][0], asked[0][1].redirect], [`${URL_}/status`, 'error']);
});

test('a call ends when it is aborted or takes too long, also between two tries', async () => {
  const fetch = (_, { signal }) =>
    new Promise((_, failed) => signal.addEventListener('abort', () => failed(signal.reason)));
  const mute = new Client(URL_, { fetch, retries: 0, timeoutMs: 50 });
  await assert.rejects(mute.head(), { name: 'ConnectionError', code: 'timeout' });
  await assert.rejects(mute.head({ signal: AbortSignal.abort() }), { code: 'aborted' });
  await assert.rejects(mute.head({ signal: AbortSignal.timeout(5), timeoutMs: 10_000 }), { code: 'aborted' });
  const away = new Client(URL_, { fetch: () => Promise.reject(new TypeError('fetch failed')), retries: 1_000 });
  await assert.rejects(away.head({ signal: AbortSignal.timeout(50) }), { code: 'aborted' });
});

test('a wait is over when its time is, whatever the node does meanwhile', async () => {
  const sent = { id: `0x${'22'.repeat(32)}`, bytes: new Uint8Array(1) };
  const mute = (_, { signal }) =>
    new Promise((_, failed) => signal.addEventListener('abort', () => failed(signal.reason)));
  const endless = async (_, { body }) =>
    said(200, { jsonrpc: '2.0', id: JSON.parse(body).id, result: { id: sent.id, status: 'pending' } });
  for (const fetch of [mute, endless, () => Promise.reject(new TypeError('fetch failed'))]) {
    const client = new Client(URL_, { fetch, retries: 1_000, timeoutMs: 3_600_000 });
    await assert.rejects(client.sendAndWait(sent, { timeoutMs: 50 }), { name: 'ConnectionError', code: 'timeout' });
    await assert.rejects(client.wait(sent.id, { timeoutMs: 50 }), { name: 'ConnectionError', code: 'timeout' });
    await assert.rejects(client.wait(sent.id, { signal: AbortSignal.timeout(20) }), { code: 'aborted' });
  }
});

test('a node that takes a transaction with an unknown word is not understood', async () => {
  const { client } = scripted([said(200, { jsonrpc: '2.0', id: 1, result: { status: 'perhaps' } })]);
  await assert.rejects(client.send({ bytes: new Uint8Array(1) }), { code: 'malformed' });
});

test('takes no answer for one that is none', async () => {
  const answers = [
    '',
    '[]',
    'null',
    '{}',
    '{"chain_id":1}',
    JSON.stringify({ chain_id: 1e30, genesis_hash: '0x' }),
    '<html>',
  ];
  for (const body of answers) {
    const odd = new Client(URL_, { fetch: async () => new Response(body), retries: 0 });
    await assert.rejects(odd.chain(), { code: 'malformed' }, body);
    await assert.rejects(odd.header(1n), { code: 'malformed' }, body);
  }
  const endless = new Client(URL_, { fetch: async () => new Response('x'.repeat(17 * 1024 * 1024)), retries: 0 });
  await assert.rejects(endless.chain(), { code: 'too_large' });
  const noisy = new Client(URL_, {
    fetch: async () => new Response('{"code":"x","message":"a\\u001b[2Jb"}', { status: 400 }),
    retries: 0,
  });
  await assert.rejects(noisy.chain(), { code: 'x', message: 'a [2Jb' });
});

test('a subscription that is ended while its node is away ends without an error; one that nobody ends gives up', async () => {
  const away = new Client(URL_, { fetch: () => Promise.reject(new TypeError('fetch failed')), retries: 0 });
  for await (const _ of away.newHeads({ signal: AbortSignal.timeout(50) })) assert.fail();
  await assert.rejects(away.newHeads({ patienceMs: 20 }).next(), { name: 'ConnectionError', code: 'unreachable' });
  // The stream is there, and nothing else.
  const fetch = async (url) =>
    url.includes('/events') ? new Response(new ReadableStream({})) : Promise.reject(new TypeError('fetch failed'));
  const half = new Client(URL_, { fetch, retries: 0 });
  for await (const _ of half.receipts({ signal: AbortSignal.timeout(50) })) assert.fail();
  await assert.rejects(half.newHeads({ patienceMs: 20 }).next(), { code: 'unreachable' });
});
