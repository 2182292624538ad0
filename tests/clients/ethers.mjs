// ethers, unmodified: blocks, balances, receipts, new heads by polling and over the WebSocket.
import { JsonRpcProvider, WebSocketProvider, toQuantity } from "ethers";
import { assert, assertConsecutive, expected, run, within } from "./expected.mjs";

const polling = new JsonRpcProvider(expected.http, undefined, { pollingInterval: 100 });
const pushed = new WebSocketProvider(expected.webSocket);

async function reads(provider) {
  assert.equal((await provider.getNetwork()).chainId, BigInt(expected.chainId));
  const latest = await provider.getBlock("latest");
  assert.ok(latest.number >= expected.height);
  assert.equal((await provider.getBlock(latest.hash)).number, latest.number);
  const age = Math.abs(Date.now() / 1000 - latest.timestamp);
  assert.ok(age < 3600, `a block's time is in seconds: ${latest.timestamp}`);
  const parent = await provider.getBlock(latest.number - 1);
  assert.equal(parent.hash, latest.parentHash);
  const genesis = await provider.getBlock("earliest");
  assert.equal(genesis.hash, expected.genesisHash);
  assert.equal((await provider.getBlock(1)).parentHash, genesis.hash);
  for (const tag of ["finalized", "safe"]) {
    assert.ok((await provider.getBlock(tag)).number >= latest.number);
  }
  assert.equal(await provider.getBlock(1_000_000_000), null);

  assert.equal(await provider.getBalance(expected.bob), BigInt(expected.bobBalance));
  assert.equal(await provider.getTransactionCount(expected.alice), expected.aliceNonce);
  assert.equal(await provider.getCode(expected.bob), "0x");
  assert.deepEqual(await provider.getLogs({ fromBlock: 1 }), []);
  await provider.getFeeData();
  await provider.send("eth_feeHistory", [toQuantity(2), "latest", []]);
}

async function transaction(provider) {
  const hash = expected.transaction;
  const found = await provider.getTransaction(hash);
  assert.equal(found.from.toLowerCase(), expected.alice);
  assert.equal(found.to.toLowerCase(), expected.bob);
  assert.equal(found.value, BigInt(expected.amount));
  const receipt = await provider.getTransactionReceipt(hash);
  assert.equal(receipt.status, 1);
  assert.equal(receipt.blockHash, found.blockHash);
  assert.equal(receipt.gasUsed, found.gasLimit);
  assert.equal((await provider.waitForTransaction(hash)).hash, receipt.hash);
  const block = await provider.getBlock(receipt.blockNumber, true);
  assert.equal(block.getPrefetchedTransaction(hash).value, found.value);
  const unknown = `0x${"7".repeat(64)}`;
  assert.equal(await provider.getTransaction(unknown), null);
  assert.equal(await provider.getTransactionReceipt(unknown), null);
}

async function refusals(provider) {
  await assert.rejects(provider.send("eth_getProof", [expected.bob, [], "latest"]), {
    code: "UNSUPPORTED_OPERATION",
  });
}

// What is told of blocks over the WebSocket is enough to wait for a receipt.
async function submits(provider) {
  const receipt = new Promise((resolve) => provider.once(expected.rawId, resolve));
  const hash = await provider.send("eth_sendRawTransaction", [expected.raw]);
  assert.equal(hash, expected.rawId);
  assert.equal((await within("a receipt", receipt)).status, 1);
  const waited = await within("a receipt", provider.waitForTransaction(hash));
  assert.equal(waited.hash, hash);
}

// eth_subscribe itself: heads as they come, each the child of the one before, until it is ended.
async function subscription(provider) {
  const heads = [];
  const id = await provider.send("eth_subscribe", ["newHeads"]);
  const told = new Promise((resolve) => {
    provider.websocket.addEventListener("message", ({ data }) => {
      const { params } = JSON.parse(data);
      if (params?.subscription === id && heads.push(params.result) === 3) resolve();
    });
  });
  await within("three heads", told);
  assertConsecutive(heads.map((head) => head.number));
  assert.equal(heads[1].parentHash, heads[0].hash);
  assert.equal(heads[2].parentHash, heads[1].hash);
  assert.equal((await provider.getBlock(heads[2].hash)).number, Number(heads[2].number));
  assert.equal(await provider.send("eth_unsubscribe", [id]), true);
  assert.equal(await provider.send("eth_unsubscribe", [id]), false);
}

async function newBlocks(provider) {
  const numbers = await within(
    "new blocks",
    new Promise((resolve) => {
      const numbers = [];
      provider.on("block", (number) => {
        numbers.push(number);
        if (numbers.length === 3) {
          provider.off("block");
          resolve(numbers);
        }
      });
    }),
  );
  assertConsecutive(numbers);
}

run(async () => {
  for (const provider of [polling, pushed]) {
    await reads(provider);
    await transaction(provider);
    await refusals(provider);
    await newBlocks(provider);
  }
  await subscription(pushed);
  await submits(pushed);
});
