// Prints a verdict for each transaction: "accepted", or the stable code with which a node refuses it.
//
//   npm run --silent verdicts -- ../../tests/vectors/protocol/mutated.json < transactions.hex
//
// The file says of which chain and state ("chain" and "state" in it). A line on stdin is the hex of one whole
// message, with or without 0x.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fromHex, verdict } from '../dist/index.js';

/** The applications of the vectors' chain: whether they take these bytes for a call (`notes`: `name=value`). */
const APPLICATIONS = new Map([['notes', (data) => data.includes(0x3d)]]);

/** The state that a file of vectors names. */
export function stateOf({ chain, state }) {
  const accounts = state.accounts.map(({ address, balance, nonce, public_key: key }) => {
    const publicKey = key === null ? null : fromHex(key);
    return [address, { balance: BigInt(balance), nonce: BigInt(nonce), publicKey }];
  });
  return {
    chain: { chainId: BigInt(chain.chain_id), genesisHash: chain.genesis_hash },
    feePerByte: BigInt(state.fee_per_byte),
    height: BigInt(state.height),
    accounts: new Map(accounts),
    applications: APPLICATIONS,
  };
}

const [, script, file] = process.argv;
if (import.meta.url === new URL(script, 'file:').href) {
  if (file === undefined)
    throw new Error('name a file with "chain" and "state", as tests/vectors/protocol/mutated.json');
  const state = stateOf(JSON.parse(readFileSync(file, 'utf8')));
  let lines = [];
  for await (const line of createInterface({ input: process.stdin })) {
    lines.push(verdict(fromHex(line.startsWith('0x') ? line : `0x${line}`), state));
    if (lines.length === 1_000) {
      process.stdout.write(`${lines.join('\n')}\n`);
      lines = [];
    }
  }
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
}
