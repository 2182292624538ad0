// How long it takes to follow a chain: npm run bench -- [blocks]. Makes one with a devnet of LOCKSTEP_BINARY,
// whose validators change in the middle, and follows it from block 1 in this process.
import { Client, Key, LightClient, Bisection, nouns } from '../dist/index.js';
import { devnet } from '../tests/support/devnet.mjs';

const BLOCKS = Number(process.argv[2] ?? 1_000);
const LIMIT = 1 << 20;

/** Three of four validators give the first one more power: from then on another set decides. */
async function changeValidators(net, client) {
  const keys = [0, 1, 2].map((index) =>
    Key.fromSeed(
      new Uint8Array(32)
        .with(0, 0x76)
        .with(1, 0x30 + index)
        .with(2, 0xde),
    ),
  );
  for (const { address } of keys) await net.order('faucet', { to: address, amount: '1000000' });
  const votes = keys.map(async (key) => {
    await client.sendAndWait(await client.updateValidator(key, { publicKey: keys[0].publicKey, power: 2n }));
  });
  await Promise.all(votes);
}

async function chainOf(net, client) {
  for await (const { header } of client.newHeads({ from: 1n })) {
    if (header.height === BigInt(BLOCKS / 2)) await changeValidators(net, client);
    if (header.height === BigInt(BLOCKS)) break;
  }
  const bytes = [];
  for (let height = 1; height <= BLOCKS; height += 1) {
    const answer = await fetch(`${client.url}/light/blocks/${height}`);
    bytes.push(new Uint8Array(await answer.arrayBuffer()));
  }
  return bytes;
}

const net = await devnet('--scheme', 'ml-dsa-65', '--block-time', '0');
let bytes;
let chain;
try {
  const client = new Client(net.urls[0]);
  chain = await client.chain();
  bytes = await chainOf(net, client);
} finally {
  await net.stop();
}

const read = (height) =>
  nouns.open(nouns.lightBlock, chain.genesisHash, bytes[Number(height) - 1], 'light block', LIMIT);
const first = read(1n);
const start = () => LightClient.start(chain, { id: nouns.blockId(first.header), height: 1n }, first, Date.now());
const goal = BigInt(BLOCKS);

/** How long something takes, by the clock and by what this process has had of a core. */
function timed(work) {
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  work();
  const { user, system } = process.cpuUsage(cpu);
  return { ms: performance.now() - began, cpuMs: (user + system) / 1_000 };
}

const every = start();
const sets = new Set([every.trusted.validators.hash]);
let signatures = 0;
const oneByOne = timed(() => {
  for (let height = 2n; height <= goal; height += 1n) {
    const shown = read(height);
    every.advance(height, shown, Date.now());
    sets.add(every.trusted.validators.hash);
    signatures += shown.certificate.signers.signatures.length;
  }
});

const skipping = start();
let headers = 1;
const bySkipping = timed(() => {
  const way = new Bisection(goal);
  for (let height = way.wanted(skipping); height !== null; height = way.wanted(skipping)) {
    way.take(skipping, read(height), Date.now());
    headers += 1;
  }
});
if (skipping.trusted.id !== every.trusted.id) throw new Error('both ways lead to the same block');
if (sets.size < 2) throw new Error('the validators have not changed');

const megabytes = (bytes.reduce((sum, { length }) => sum + length, 0) / 1e6).toFixed(1);
const said = ({ ms, cpuMs }) => `${(ms / 1_000).toFixed(2)} s (${(cpuMs / 1_000).toFixed(2)} s of CPU)`;
const each = (oneByOne.cpuMs / BLOCKS).toFixed(2);
console.log(`chain          ${BLOCKS} blocks of 4 validators, ${sets.size} sets, ${megabytes} MB of light blocks`);
console.log(`every header   ${said(oneByOne)}, ${each} ms of CPU each, ${signatures} signatures`);
console.log(`by skipping    ${said(bySkipping)}, ${headers} headers`);
