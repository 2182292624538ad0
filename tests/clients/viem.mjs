// viem, unmodified: blocks, balances, receipts, new heads by polling and over the WebSocket.
import { createPublicClient, createWalletClient, defineChain, getAddress, http, toHex, webSocket } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { assert, assertConsecutive, expected, PATIENCE_MS, run, within } from "./expected.mjs";

const chain = defineChain({
  id: expected.chainId,
  name: "Lockstep devnet",
  nativeCurrency: { name: "unit", symbol: "UNIT", decimals: 0 },
  rpcUrls: { default: { http: [expected.http], webSocket: [expected.webSocket] } },
});

const polling = createPublicClient({ chain, transport: http(), pollingInterval: 100 });
const pushed = createPublicClient({ chain, transport: webSocket() });

async function reads(client) {
  assert.equal(await client.getChainId(), expected.chainId);
  const latest = await client.getBlock();
  assert.ok(latest.number >= BigInt(expected.height));
  const again = await client.getBlock({ blockHash: latest.hash });
  assert.deepEqual(again, latest);
  const age = Math.abs(Date.now() / 1000 - Number(latest.timestamp));
  assert.ok(age < 3600, `a block's time is in seconds: ${latest.timestamp}`);
  const parent = await client.getBlock({ blockNumber: latest.number - 1n });
  assert.equal(parent.hash, latest.parentHash);
  const genesis = await client.getBlock({ blockTag: "earliest" });
  assert.equal(genesis.hash, expected.genesisHash);
  assert.equal((await client.getBlock({ blockNumber: 1n })).parentHash, genesis.hash);
  for (const blockTag of ["finalized", "safe"]) {
    assert.ok((await client.getBlock({ blockTag })).number >= latest.number);
  }
  await assert.rejects(client.getBlock({ blockNumber: 10n ** 9n }), /could not be found/);

  assert.equal(await client.getBalance({ address: expected.bob }), BigInt(expected.bobBalance));
  // With the checksum that Ethereum puts on every address.
  const address = getAddress(expected.bob);
  assert.equal(await client.getBalance({ address }), BigInt(expected.bobBalance));
  assert.equal(await client.getTransactionCount({ address: expected.alice }), expected.aliceNonce);
  assert.equal(await client.getCode({ address: expected.bob }), undefined);
  assert.deepEqual(await client.getLogs(), []);
  await client.getGasPrice();
  const history = await client.getFeeHistory({ blockCount: 2, rewardPercentiles: [25, 75] });
  assert.equal(history.gasUsedRatio.length, 2);
}

async function transaction(client) {
  const hash = expected.transaction;
  const found = await client.getTransaction({ hash });
  assert.equal(found.from, expected.alice);
  assert.equal(found.to, expected.bob);
  assert.equal(found.value, BigInt(expected.amount));
  const receipt = await client.getTransactionReceipt({ hash });
  assert.equal(receipt.status, "success");
  assert.equal(receipt.blockHash, found.blockHash);
  assert.equal(receipt.gasUsed, found.gas);
  assert.deepEqual(await client.waitForTransactionReceipt({ hash }), receipt);
  const blockNumber = receipt.blockNumber;
  const block = await client.getBlock({ blockNumber, includeTransactions: true });
  const listed = block.transactions.find((listed) => listed.hash === hash);
  assert.equal(listed.value, found.value);
  assert.ok(block.gasUsed >= receipt.gasUsed);
  const unknown = { hash: `0x${"7".repeat(64)}` };
  await assert.rejects(client.getTransaction(unknown), /could not be found/);
  await assert.rejects(client.getTransactionReceipt(unknown), /could not be found/);
}

// A state by the hash of its block (EIP-1898), and the nonce that counts what waits.
async function states(client) {
  const { hash, number } = await client.getBlock();
  for (const block of [{ blockHash: hash }, { blockHash: hash, requireCanonical: true },
    { blockNumber: toHex(number) }]) {
    const params = [expected.bob, block];
    assert.equal(BigInt(await client.request({ method: "eth_getBalance", params })), BigInt(expected.bobBalance));
  }
  const waiting = { address: expected.alice, blockTag: "pending" };
  assert.equal(await client.getTransactionCount(waiting), expected.aliceNonce);
}

async function submits(client) {
  const hash = await client.sendRawTransaction({ serializedTransaction: expected.raw });
  assert.equal(hash, expected.rawId);
  const receipt = await within("a receipt", client.waitForTransactionReceipt({ hash }));
  assert.equal(receipt.status, "success");
}

async function refusals(client) {
  assert.deepEqual(await client.call({ to: expected.bob, data: "0x" }), { data: undefined });
  const proof = client.getProof({ address: expected.bob, storageKeys: [] });
  await assert.rejects(proof, /does not exist/i);
}

// A wallet that lets the node sign, and one that signs as Ethereum does: both hear why not.
async function sends(transport) {
  const pay = { to: expected.bob, value: 1n };
  const account = expected.alice;
  const asks = createWalletClient({ chain, transport, account });
  await assert.rejects(asks.sendTransaction(pay), /holds nobody's key.*lockstep_sendTransaction/s);
  const own = privateKeyToAccount(`0x${"11".repeat(32)}`);
  const signs = createWalletClient({ chain, transport, account: own });
  await assert.rejects(signs.sendTransaction(pay), /is an Ethereum transaction.*lockstep tx/s);
}

// Where nothing is pushed, by filters.
async function polls(client) {
  const filter = await client.createBlockFilter();
  const seen = [];
  const late = Date.now() + PATIENCE_MS;
  while (seen.length < 2) {
    assert.ok(Date.now() < late, `blocks are told: ${seen}`);
    seen.push(...(await client.getFilterChanges({ filter })));
  }
  const blocks = await Promise.all(seen.map((blockHash) => client.getBlock({ blockHash })));
  assertConsecutive(blocks.map((block) => block.number));
  assert.equal(await client.uninstallFilter({ filter }), true);
}

async function newBlocks(client) {
  const numbers = await within(
    "new blocks",
    new Promise((resolve, reject) => {
      const numbers = [];
      const unwatch = client.watchBlocks({
        emitMissed: true,
        onError: reject,
        onBlock: (block) => {
          numbers.push(block.number);
          if (numbers.length === 3) {
            unwatch();
            resolve(numbers);
          }
        },
      });
    }),
  );
  assertConsecutive(numbers);
}

run(async () => {
  for (const client of [polling, pushed]) {
    await reads(client);
    await transaction(client);
    await states(client);
    await refusals(client);
    await polls(client);
    await newBlocks(client);
  }
  await submits(pushed);
  await sends(http());
});
