// web3.js, unmodified: blocks, balances, receipts, new heads over the WebSocket.
import { Web3 } from "web3";
import { assert, assertConsecutive, expected, run, within } from "./expected.mjs";

const asked = new Web3(expected.http);
const pushed = new Web3(expected.webSocket);

async function reads({ eth }) {
  assert.equal(await eth.getChainId(), BigInt(expected.chainId));
  const latest = await eth.getBlock("latest");
  assert.ok(latest.number >= BigInt(expected.height));
  const parent = await eth.getBlock(latest.number - 1n);
  assert.equal(parent.hash, latest.parentHash);
  assert.equal((await eth.getBlock("earliest")).hash, expected.genesisHash);
  assert.equal(await eth.getBalance(expected.bob), BigInt(expected.bobBalance));
  assert.equal(await eth.getTransactionCount(expected.alice), BigInt(expected.aliceNonce));
  assert.equal(await eth.getCode(expected.bob), "0x");
}

async function transaction({ eth }) {
  const found = await eth.getTransaction(expected.transaction);
  assert.equal(found.from, expected.alice);
  assert.equal(found.to, expected.bob);
  assert.equal(found.value, BigInt(expected.amount));
  const receipt = await eth.getTransactionReceipt(expected.transaction);
  assert.equal(receipt.status, 1n);
  assert.equal(receipt.blockHash, found.blockHash);
}

// A method that there is not is no contract that reverted.
async function refusals({ eth }) {
  assert.equal(await eth.call({ to: expected.bob, data: "0x" }), "0x");
  const error = await eth.getProof(expected.bob, []).then(
    () => assert.fail("it is answered"),
    (error) => error,
  );
  assert.doesNotMatch(`${error.name} ${error.message}`, /revert|ContractExecution/i);
}

async function newHeads({ eth }) {
  const numbers = [];
  const subscription = await eth.subscribe("newHeads");
  const told = new Promise((resolve, reject) => {
    subscription.on("data", (head) => numbers.push(head.number) === 3 && resolve());
    subscription.on("error", reject);
  });
  await within("three heads", told);
  assertConsecutive(numbers);
  await subscription.unsubscribe();
}

run(async () => {
  for (const web3 of [asked, pushed]) {
    await reads(web3);
    await transaction(web3);
    await refusals(web3);
  }
  await newHeads(pushed);
});
