// The light client against a node, and against servers in front of it that lie: the lies of tests/nodes/light.rs.
// Everything that a server does not lie about is what the node says.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Client, Key, ValidatorSet, nouns } from '../dist/index.js';
import { devnet, liar, skip, until } from './support/devnet.mjs';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const LIMIT = 1 << 20;
const NOBODY = `0x${'12'.repeat(20)}`;

describe('a light client in front of a node', { skip }, () => {
  const alice = Key.devnet('alice');
  const stops = [];
  let net;
  let node;
  let chain;
  let validators;
  let first;

  before(async () => {
    net = await devnet('--manual', '--scheme', 'ml-dsa-65');
    stops.push(net.stop);
    node = new Client(net.urls[0]);
    chain = await node.chain();
    for (let paid = 0; paid < 3; paid += 1) await pay();
    for (let empty = 0; empty < 3; empty += 1) await net.tick();
    ({ validators } = await node.validators());
    first = await signers();
  });

  after(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  async function pay() {
    const payment = await node.transfer(alice, { to: Key.devnet('bob').address, amount: 1_000n });
    await node.send(payment);
    // Whoever builds the next block has it.
    for (const url of net.urls) {
      await until('every node holds it', async () =>
        (await (await fetch(`${url}/mempool`)).json()).waiting.some(({ id }) => id === payment.id),
      );
    }
    await net.tick();
    assert.equal((await node.sendAndWait(payment)).status, 'success');
  }

  /** The public keys of the devnet, by place. */
  async function signers() {
    const set = new ValidatorSet(validators);
    const keys = [0, 1, 2, 3].map((index) =>
      Key.fromSeed(
        new Uint8Array(32)
          .fill(0)
          .with(0, 0x76)
          .with(1, 0x30 + index)
          .with(2, 0xde),
      ),
    );
    return set.validators.map(({ address }) => keys.find((key) => key.address === address));
  }

  const trusted = async (height) => `${(await node.header(height)).id}@${height}`;
  const ask = async (url, at = 2n, options = {}, address = alice.address) =>
    new Client(url).light({ trusted: await trusted(at), ...options }).account(address);
  const caught = (answer, code) => assert.rejects(answer, { name: 'LightError', code });

  async function serve(lie) {
    const server = await liar(net.urls[0], lie);
    stops.push(server.stop);
    return server.url;
  }

  const rewrite = (codec, body, change) => {
    const shown = nouns.open(codec, chain.genesisHash, body, 'answer', LIMIT);
    change(shown);
    return { body: nouns.seal(codec, chain.genesisHash, shown) };
  };
  const aboutBlocks = (change) =>
    serve(({ path, body }) => (path.startsWith('/light/blocks/') ? rewrite(nouns.lightBlock, body, change) : {}));
  const aboutAccounts = (change) =>
    serve(({ path, body }) => (path.startsWith('/light/accounts/') ? rewrite(nouns.provedAccount, body, change) : {}));
  const aboutStatus = (change) =>
    serve(({ path, body }) => (path === '/status' ? { body: JSON.stringify({ ...JSON.parse(body), ...change }) } : {}));

  /** What all validators together would sign. */
  function signAgain(shown) {
    shown.certificate.blockId = nouns.blockId(shown.header);
    const message = nouns.precommitSignBytes(chain, shown.certificate);
    shown.certificate.signers = { bitmap: Uint8Array.of(15), signatures: first.map((key) => key.sign(message)) };
  }
  const rewriting = (change) =>
    aboutBlocks((shown) => {
      change(shown);
      signAgain(shown);
    });
  const checkpointOf = async (url, height) => {
    const body = new Uint8Array(await (await fetch(`${url}/light/blocks/${height}`)).arrayBuffer());
    return `${nouns.blockId(nouns.open(nouns.lightBlock, chain.genesisHash, body, 'block', LIMIT).header)}@${height}`;
  };

  it('proves what an honest node says, by one header more than it trusts', async () => {
    for (const height of [1n, 2n, 5n, 6n]) {
      const session = node.light({ trusted: await trusted(height) });
      const { value, header, id } = await session.account(alice.address);
      const said = await node.account(alice.address);
      assert.deepEqual([value.balance, value.nonce], [said.balance, 3n]);
      assert.deepEqual([header.height, id], [6n, (await node.header(6n)).id]);
      assert.equal(session.headers, height === 6n ? 1 : 2, 'the same set needs one step');
    }
    assert.equal((await node.light({ trusted: await trusted(3n) }).account(NOBODY)).value, null);
  });

  it('proves the receipt of a transaction, before and behind the newest block that it knows', async () => {
    const [{ id }] = (await node.block(2n)).transactions;
    const session = node.light({ trusted: await trusted(1n) });
    const early = await session.receipt(id);
    assert.deepEqual([early.value.status, early.header.height], [{ kind: 'success' }, 2n]);
    await session.head();
    assert.deepEqual(await session.receipt(id), early);
    assert.equal(session.trusted.header.height, 6n);
    assert.equal(await session.receipt(`0x${'12'.repeat(32)}`), null);
    // Of another transaction.
    const [other] = (await node.block(3n)).transactions;
    const swapping = await serve(({ asked }) =>
      asked.includes('lockstep_getReceipt') ? otherReceipt(other.id, asked) : {},
    );
    await caught(new Client(swapping).light({ trusted: await trusted(1n) }).receipt(id), 'proof');
  });

  async function otherReceipt(id, asked) {
    const { id: call } = JSON.parse(asked);
    const body = JSON.stringify({ jsonrpc: '2.0', id: call, method: 'lockstep_getReceipt', params: [id, true] });
    const answer = await fetch(net.urls[0], { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    return { body: await answer.text() };
  }

  it('proves a record, and that there is none', async () => {
    const session = node.light({ trusted: await trusted(1n) });
    assert.equal((await session.record(alice.address, 'deed')).value, null);
  });

  it('catches a lie about a balance', async () => {
    await caught(ask(await aboutAccounts(({ account }) => (account.balance += 1n))), 'proof');
    await caught(ask(await aboutAccounts((shown) => (shown.account = null))), 'proof');
  });

  it('catches a wrong sibling', async () => {
    const url = await serve(({ path, body }) => {
      if (path.startsWith('/light/accounts/')) body[body.length - 1] ^= 1;
      return { body };
    });
    await caught(ask(url), 'proof');
  });

  it('catches a certificate of two of four', async () => {
    const url = await aboutBlocks(({ certificate: { signers: of } }) => {
      of.signatures = of.signatures.slice(0, 2);
      const places = [0, 1, 2, 3].filter((place) => of.bitmap[0] & (1 << place)).slice(0, 2);
      of.bitmap[0] = places.reduce((bits, place) => bits | (1 << place), 0);
    });
    await caught(ask(url), 'no_quorum');
  });

  it('catches a duplicate signer', async () => {
    const url = await aboutBlocks(({ certificate }) => {
      const [signature] = certificate.signers.signatures;
      certificate.signers = { bitmap: Uint8Array.of(7), signatures: [signature, signature, signature] };
    });
    await caught(ask(url), 'signature');
  });

  it('catches a certificate of another block', async () => {
    await caught(
      ask(await aboutBlocks(({ certificate }) => (certificate.blockId = `0x${'34'.repeat(32)}`))),
      'certificate_of_other',
    );
  });

  it('catches a header of the future, whoever has signed it', async () => {
    const { id } = await node.header(2n);
    const ahead = (ms) =>
      aboutBlocks((shown) => {
        if (nouns.blockId(shown.header) === id) return;
        shown.header.time += ms;
        signAgain(shown);
      });
    await caught(ask(await ahead(BigInt(HOUR_MS))), 'future');
    // The signatures are right: a clock that is a second off is none.
    await ask(await ahead(1_000n));
  });

  it('catches a lie about a state root', async () => {
    const { id } = await node.header(2n);
    const url = await aboutBlocks((shown) => {
      if (nouns.blockId(shown.header) === id) return;
      shown.header.stateRoot = `0x${'34'.repeat(32)}`;
      shown.certificate.blockId = nouns.blockId(shown.header);
    });
    await caught(ask(url), 'signature');
  });

  it('catches a lie about the validators', async () => {
    await caught(ask(await aboutBlocks((shown) => (shown.validators[0].power = 1_000n))), 'validators_hash');
    await caught(ask(await aboutBlocks((shown) => shown.validators.pop())), 'validators_hash');
    await caught(ask(await aboutBlocks((shown) => (shown.validators[1] = shown.validators[0]))), 'validators');
  });

  it('catches a lie about a height', async () => {
    const other = await serve(async ({ path }) => {
      if (path !== '/light/blocks/6') return {};
      return { body: Buffer.from(await (await fetch(`${net.urls[0]}/light/blocks/5`)).arrayBuffer()) };
    });
    await caught(ask(other), 'other_height');
    await caught(ask(await aboutAccounts((shown) => (shown.height = 2n))), 'proof');
  });

  it('catches a lie about the chain', async () => {
    await caught(ask(await aboutStatus({ genesis_hash: `0x${'34'.repeat(32)}` })), 'other_genesis');
    await caught(ask(await aboutStatus({ chain_id: 1 })), 'other_chain');
    await assert.rejects(ask(await aboutStatus({ scheme: 'dilithium3' })), { code: 'unsupported_scheme' });
    // A whole other chain, in order within itself.
    const other = await devnet(
      '--validators',
      '1',
      '--scheme',
      'ml-dsa-65',
      '--block-time',
      '0',
      '--blocks',
      '1000000',
    );
    stops.push(other.stop);
    await new Client(other.urls[0]).newHeads()[Symbol.asyncIterator]().next();
    await caught(ask(other.urls[0], 1n), 'not_the_checkpoint');
  });

  it('catches bytes that are no answer', async () => {
    const harms = [
      (body) => body.subarray(0, 0),
      (body) => body.subarray(0, body.length / 2),
      (body) => Buffer.concat([body, Buffer.of(0)]),
      () => Buffer.alloc(LIMIT, 7),
    ];
    for (const path of ['/light/blocks/', '/light/accounts/']) {
      for (const harm of harms) {
        const url = await serve((answer) => (answer.path.startsWith(path) ? { body: harm(answer.body) } : {}));
        await caught(ask(url), 'malformed');
      }
    }
  });

  it('does not call a lie what is none', async () => {
    const away = new Client('http://127.0.0.1:1', { retries: 0 });
    await assert.rejects(away.light({ trusted: await trusted(6n) }).account(NOBODY), {
      name: 'ConnectionError',
      code: 'unreachable',
    });
    const behind = (await trusted(6n)).replace('@6', '@60');
    await caught(node.light({ trusted: behind }).account(NOBODY), 'behind');
    assert.throws(() => node.light({ trusted: 'latest' }), { code: 'bad_argument' });
    await assert.rejects(node.light({ trusted: await trusted(6n) }).account('0x12'), { code: 'bad_argument' });
  });

  it('refuses what is too old, whether it is trusted or shown', async () => {
    const old = ({ header }) => (header.time -= 15n * BigInt(DAY_MS));
    const onlyTrusted = await rewriting((shown) => shown.header.height === 2n && old(shown));
    const from = async (url, options) =>
      new Client(url).light({ trusted: await checkpointOf(url, 2), ...options }).account(alice.address);
    await caught(from(onlyTrusted, {}), 'trusted_too_old');
    await from(onlyTrusted, { maxAgeMs: 16 * DAY_MS, maxHeadAgeMs: HOUR_MS });
    const replayed = await rewriting(old);
    await from(replayed, { maxAgeMs: 16 * DAY_MS, maxHeadAgeMs: Infinity });
    await caught(from(replayed, { maxAgeMs: 16 * DAY_MS, maxHeadAgeMs: DAY_MS }), 'stale');
    const anHourAgo = await rewriting(({ header }) => (header.time -= BigInt(HOUR_MS)));
    await caught(from(anHourAgo, {}), 'stale');
    await from(anHourAgo, { maxHeadAgeMs: 2 * HOUR_MS });
  });

  it('goes on from what it has followed, however old the block is that it began with', async () => {
    const [begun, newest] = [await node.header(1n), await node.header(6n)];
    const maxAgeMs = 1_000;
    let now = Number(begun.header.time) + maxAgeMs;
    const session = node.light({ trusted: `${begun.id}@1`, maxAgeMs, now: () => now });
    await session.account(alice.address);
    now = Number(newest.header.time) + maxAgeMs;
    assert.equal((await session.account(alice.address)).header.height, 6n);
    // Back to the first one it does not go.
    const [{ id }] = (await node.block(2n)).transactions;
    await caught(session.receipt(id), 'trusted_too_old');
    now += 1;
    await caught(session.account(alice.address), 'trusted_too_old');
  });

  it('asks witnesses, which show the same block', async () => {
    const session = node.light({ trusted: await trusted(2n) });
    await session.head();
    await new Client(net.urls[1]).witness(session);
    await assert.rejects(node.witness(session), { code: 'bad_argument' });
  });

  it('tells a witness that lies from a fork', async () => {
    const change = (shown) => {
      if (shown.header.height !== 6n) return;
      shown.header.stateRoot = `0x${'34'.repeat(32)}`;
      shown.certificate.blockId = nouns.blockId(shown.header);
    };
    const session = node.light({ trusted: await trusted(2n) });
    await session.head();
    await caught(new Client(await aboutBlocks(change)).witness(session), 'witness_differs');
    // Signed by all: what was there before it stays as it was.
    const forked = await aboutBlocks((shown) => {
      change(shown);
      if (shown.header.height === 6n) signAgain(shown);
    });
    await caught(new Client(forked).witness(session), 'fork');
    await caught(new Client(await aboutStatus({ height: 3 })).witness(session), 'behind');
    await assert.rejects(new Client(await aboutStatus({ genesis_hash: `0x${'34'.repeat(32)}` })).witness(session), {
      code: 'bad_argument',
    });
  });

  // The last one: it makes a block.
  it('takes what was right before a payment for what it is, and for nothing newer', async () => {
    const old = Buffer.from(await (await fetch(`${net.urls[0]}/light/accounts/${alice.address}`)).arrayBuffer());
    await pay();
    const replayed = (change) =>
      serve(({ path }) => (path.startsWith('/light/accounts/') ? rewrite(nouns.provedAccount, old, change) : {}));
    const stale = await ask(await replayed(() => {}));
    assert.deepEqual([stale.header.height, stale.value.nonce], [6n, 3n]);
    await caught(ask(await replayed((shown) => (shown.height = 7n))), 'proof');
  });
});
