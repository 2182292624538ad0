// The client against a devnet: what is built, sent, read and told.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Client, Key, leastFee, signTransaction } from '../dist/index.js';
import { devnet, liar, skip } from './support/devnet.mjs';

describe('a client of a devnet', { skip }, () => {
  const [alice, bob, carol] = ['alice', 'bob', 'carol'].map(Key.devnet);
  let net;
  let client;
  const stops = [];

  before(async () => {
    net = await devnet('--scheme', 'ml-dsa-65', '--block-time', '250ms');
    stops.push(net.stop);
    client = new Client(net.urls[0]);
  });

  after(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  it('knows the chain', async () => {
    const chain = await client.chain();
    assert.deepEqual([chain.chainId, chain.scheme, chain.feePerByte], [1337n, 'ml-dsa-65', 1n]);
    const { height, id } = await client.head();
    const block = await client.block(height === 0n ? 1n : height);
    if (height > 0n) assert.equal(block.id, id);
  });

  it('pays a new account, for the least fee, and the payment is what was signed', async () => {
    const savings = Key.generate();
    const before = await client.balance(alice.address);
    const payment = await client.transfer(alice, { to: savings.address, amount: 5_000_000n, memo: 'für Miete' });
    const receipt = await client.sendAndWait(payment);
    assert.equal(receipt.status, 'success');
    assert.equal(receipt.fee, BigInt(receipt.bytes));
    assert.equal(await client.balance(savings.address), 5_000_000n);
    assert.ok((await client.balance(alice.address)) <= before - 5_000_000n);
    assert.deepEqual(await client.receipt(payment.id), receipt);
    const { transactions } = await client.block(receipt.height);
    assert.deepEqual(transactions[receipt.index].action, {
      kind: 'transfer',
      to: savings.address,
      amount: 5_000_000n,
      memo: 'für Miete',
    });
    // The new account signs its first transaction, which brings its key.
    const back = await client.transfer(savings, { to: alice.address, amount: 1n });
    assert.ok(back.transaction.publicKey !== null);
    await client.sendAndWait(back);
    assert.equal(await client.nonce(savings.address), 1n);
  });

  it('sends the same bytes as often as one likes, to one effect', async () => {
    const { address } = Key.generate();
    const payment = await client.transfer(bob, { to: address, amount: 7n });
    const receipts = await Promise.all([1, 2, 3].map(() => client.sendAndWait(payment)));
    receipts.push(
      await client.sendAndWait(payment),
      await new Client(net.urls[1]).sendAndWait(payment),
      await client.wait(payment.id),
    );
    for (const receipt of receipts) assert.deepEqual(receipt, receipts[0]);
    assert.equal(await client.send(payment), 'known');
    assert.equal(await client.balance(address), 7n);
  });

  it('has one effect where the answers are lost on their way', async () => {
    const { address } = Key.generate();
    let lost = 0;
    const server = await liar(net.urls[0], ({ asked }) => {
      if (!asked.includes('lockstep_send') || (lost += 1) > 2) return {};
      throw new Error('the answer is lost');
    });
    stops.push(server.stop);
    const payment = await client.transfer(bob, { to: address, amount: 9n });
    const receipt = await new Client(server.url).sendAndWait(payment);
    assert.equal(receipt.status, 'success');
    assert.equal(lost, 3);
    assert.equal(await client.balance(address), 9n);
  });

  it('keeps a record and removes it', async () => {
    await client.sendAndWait(await client.put(carol, { key: 'deed', value: Uint8Array.of(1, 2, 3) }));
    const record = await client.record(carol.address, 'deed');
    assert.deepEqual(record.value, Uint8Array.of(1, 2, 3));
    await client.sendAndWait(await client.delete(carol, { key: 'deed' }));
    assert.equal(await client.record(carol.address, 'deed'), null);
  });

  it('says why a transaction of a block did nothing, by its code', async () => {
    const missing = await client.delete(carol, { key: 'nothing' });
    await assert.rejects(client.sendAndWait(missing), (error) => {
      assert.deepEqual([error.name, error.code, error.id], ['TransactionError', 'no_such_record', missing.id]);
      assert.equal(error.receipt.status, 'failed');
      return true;
    });
    const rich = await client.transfer(carol, { to: bob.address, amount: 2n ** 63n });
    await assert.rejects(client.sendAndWait(rich), { code: 'insufficient_balance' });
    const vote = await client.updateValidator(carol, { publicKey: bob.publicKey, power: 1n });
    await assert.rejects(client.sendAndWait(vote), { code: 'not_a_validator' });
    await assert.rejects(client.sendAndWait(await client.declareReady(carol)), { code: 'not_a_candidate' });
  });

  it("carries the node's own code where a transaction is refused", async () => {
    const to = bob.address;
    const refused = async (options, code) =>
      assert.rejects(client.send(await client.transfer(alice, { to, amount: 1n, ...options })), {
        name: 'RefusedError',
        code,
      });
    await refused({ fee: 1n }, 'underpriced');
    await refused({ expiresAt: 1n }, 'expired');
    await refused({ nonce: 1_000_000n }, 'nonce_too_high');
    await refused({ expiresAt: 10_000_000n }, 'expiry_too_far');
    await refused({ memo: 'x'.repeat(257) }, 'memo_too_large');
    await assert.rejects(client.send(await client.put(alice, { key: '', value: 'x' })), { code: 'record_key_length' });
    await assert.rejects(client.send(await client.put(alice, { key: 'k', value: new Uint8Array(4_097) })), {
      code: 'value_too_large',
    });
    const stranger = Key.generate();
    await assert.rejects(client.send(await client.transfer(stranger, { to, amount: 1n })), { code: 'unfunded' });
    const spoiled = await client.transfer(alice, { to, amount: 1n });
    spoiled.bytes[spoiled.bytes.length - 1] ^= 1;
    await assert.rejects(client.sendAndWait(spoiled), { code: 'bad_signature' });
    const cut = { ...spoiled, bytes: spoiled.bytes.subarray(0, 100) };
    await assert.rejects(client.sendAndWait(cut), { code: 'malformed' });
  });

  it('refuses by itself what no chain takes', async () => {
    const wrong = { name: 'ArgumentError', code: 'bad_argument' };
    await assert.rejects(client.transfer(alice, { to: '0x12', amount: 1n }), wrong);
    await assert.rejects(client.transfer(alice, { to: bob.address, amount: -1n }), wrong);
    await assert.rejects(client.transfer(alice, { to: bob.address, amount: 5 }), wrong);
    await assert.rejects(client.put(alice, { key: 5, value: 'x' }), wrong);
    await assert.rejects(client.updateValidator(alice, { publicKey: new Uint8Array(3), power: 1n }), wrong);
    for (const url of ['127.0.0.1:8545', 'ftp://127.0.0.1', '']) assert.throws(() => new Client(url), wrong, url);
  });

  it('signs without a node, for fees that are the same', async () => {
    const chain = await client.chain();
    const body = { nonce: 3n, expiresAt: 50n, action: { kind: 'transfer', to: bob.address, amount: 1n, memo: '' } };
    const signed = await signTransaction(chain, alice, body);
    const { fee } = signed.transaction.body;
    assert.equal(fee, leastFee(chain, alice, { ...body, fee: 0n }));
    // The fee is for the bytes without the envelope.
    assert.equal(fee, BigInt(signed.bytes.length - 34));
    const remote = { address: alice.address, publicKey: alice.publicKey, sign: async (message) => alice.sign(message) };
    assert.equal((await signTransaction(chain, remote, body)).id, signed.id);
  });

  it('replaces a transaction that waits by one that pays more', async () => {
    // One after the next: it waits, however fast blocks come.
    const next = await client.nonce(bob.address);
    const behind = { to: alice.address, amount: 1n, nonce: next + 1n };
    const first = await client.transfer(bob, behind);
    assert.equal(await client.send(first), 'queued');
    const second = await client.transfer(bob, { ...behind, fee: 2n * first.transaction.body.fee });
    await client.send(second);
    await assert.rejects(client.wait(first.id), { name: 'TransactionError', code: 'replaced' });
    await client.sendAndWait(await client.transfer(bob, { ...behind, nonce: next }));
    assert.equal((await client.wait(second.id)).status, 'success');
  });

  /** A client whose event streams are cut again and again. */
  function shakyClient(url) {
    const streams = [];
    const cutting = async (asked, init) => {
      if (!String(asked).includes('/events')) return fetch(asked, init);
      const cut = new AbortController();
      streams.push(cut);
      return fetch(asked, { ...init, signal: AbortSignal.any([init.signal, cut.signal]) });
    };
    return { shaky: new Client(url, { fetch: cutting }), cut: () => streams.at(-1)?.abort(), streams };
  }

  it('tells every header once and in order, from any height, over breaks of the connection', async () => {
    const { shaky, cut, streams } = shakyClient(net.urls[0]);
    const until = (await client.head()).height + 8n;
    const heights = [];
    for await (const { id, header } of shaky.newHeads({ from: 1n })) {
      heights.push(header.height);
      if (header.height % 3n === 0n) assert.equal(id, (await client.header(header.height)).id);
      if (heights.length % 4 === 0) cut();
      if (header.height >= until) break;
    }
    assert.deepEqual(
      heights,
      heights.map((_, index) => BigInt(index + 1)),
    );
    assert.ok(streams.length > 1, `${streams.length} connections`);
  });

  it('tells every receipt of an address once and in order, over breaks of the connection', async () => {
    const { address } = Key.generate();
    const { shaky, cut, streams } = shakyClient(net.urls[0]);
    const { height } = await client.head();
    const found = [];
    const told = (async () => {
      for await (const receipt of shaky.receipts({ address, from: height })) {
        found.push(receipt);
        if (found.length % 3 === 1) cut();
        if (found.length === 12) break;
      }
    })();
    const payments = [];
    let nonce = await client.nonce(carol.address);
    for (let amount = 1n; amount <= 12n; amount += 1n, nonce += 1n) {
      payments.push(await client.transfer(carol, { to: address, amount, nonce }));
      await client.send(payments.at(-1));
    }
    await told;
    assert.deepEqual(
      found.map(({ id }) => id),
      payments.map(({ id }) => id),
    );
    assert.deepEqual([found[0].to, found[0].sender, found[0].status], [address, carol.address, 'success']);
    assert.ok(streams.length > 1, `${streams.length} connections`);
    // What is over is told as well, by height.
    const again = [];
    for await (const { id } of client.receipts({ address, from: height })) if (again.push(id) === 12) break;
    assert.deepEqual(
      again,
      found.map(({ id }) => id),
    );
  });

  it('ends a subscription when it is told to', async () => {
    const stop = new AbortController();
    let count = 0;
    for await (const _ of client.newHeads({ signal: stop.signal })) if ((count += 1) === 2) stop.abort();
    assert.equal(count, 2);
    const none = new AbortController();
    setTimeout(() => none.abort(), 50);
    for await (const _ of client.receipts({ address: Key.generate().address, signal: none.signal })) assert.fail();
  });

  it('goes on after the restart of a node, whose events begin anew', async () => {
    const other = await devnet('--scheme', 'ml-dsa-65', '--block-time', '100ms');
    stops.push(other.stop);
    const order = async (name) => {
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"node":0}' };
      const answer = await fetch(`${other.urls[1]}/devnet/${name}`, init);
      assert.ok(answer.ok, await answer.text());
    };
    const heights = [];
    let restarted;
    for await (const { header } of new Client(other.urls[0]).newHeads({ from: 1n })) {
      heights.push(header.height);
      if (header.height === 3n) restarted = order('stop').then(() => order('restart'));
      if (header.height === 20n) break;
    }
    await restarted;
    assert.deepEqual(
      heights,
      heights.map((_, index) => BigInt(index + 1)),
    );
  });

  it('ends a wait that is aborted or too long', async () => {
    const far = await client.transfer(bob, {
      to: alice.address,
      amount: 1n,
      nonce: (await client.nonce(bob.address)) + 5n,
    });
    await assert.rejects(client.sendAndWait(far, { timeoutMs: 300 }), { name: 'ConnectionError', code: 'timeout' });
    const later = AbortSignal.timeout(100);
    await assert.rejects(client.sendAndWait(far, { signal: later }), { code: 'aborted' });
  });

  it('says where keys of this client are of no use', async () => {
    const other = await devnet('--validators', '1', '--blocks', '1000000', '--block-time', '1s');
    stops.push(other.stop);
    const dilithium = new Client(other.urls[0]);
    await assert.rejects(dilithium.transfer(alice, { to: bob.address, amount: 1n }), (error) => {
      assert.equal(error.code, 'unsupported_scheme');
      assert.match(error.message, /lockstep devnet --scheme ml-dsa-65/);
      return true;
    });
    const { header, id } = await dilithium.header(1n).catch(() =>
      dilithium
        .newHeads()
        [Symbol.asyncIterator]()
        .next()
        .then(({ value }) => value),
    );
    await assert.rejects(dilithium.light({ trusted: `${id}@${header.height}` }).head(), { code: 'unsupported_scheme' });
  });
});
