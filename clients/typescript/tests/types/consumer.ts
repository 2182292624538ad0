// An application in strict TypeScript: it only has to compile. What must not is marked so.
import {
  Client,
  Key,
  LightError,
  LockstepError,
  TransactionError,
  type Address,
  type Hash,
  type Receipt,
  type Signer,
} from 'lockstep-client';

const client = new Client('http://127.0.0.1:8545', { timeoutMs: 5_000, retries: 1 });

export async function pay(to: Address, amount: bigint, signal?: AbortSignal): Promise<Receipt> {
  const payment = await client.transfer(Key.devnet('alice'), { to, amount, memo: 'rent' }, { signal });
  const id: Hash = payment.id;
  try {
    return await client.sendAndWait(payment, { signal, timeoutMs: 20_000 });
  } catch (error) {
    if (error instanceof TransactionError && error.receipt !== null)
      throw new Error(`${id}: ${error.receipt.fee} is gone`);
    if (error instanceof LockstepError && error.code === 'timeout') return client.wait(id);
    throw error;
  }
}

export async function prove(owner: string): Promise<bigint> {
  const session = client.light({ trusted: `0x${'00'.repeat(32)}@1`, maxHeadAgeMs: Infinity });
  try {
    const { value, header } = await session.account(owner);
    const height: bigint = header.height;
    return value === null ? height : value.balance;
  } catch (error) {
    if (error instanceof LightError && error.code === 'behind') return 0n;
    throw error;
  }
}

export async function watch(): Promise<void> {
  for await (const { header, id } of client.newHeads({ from: 1n })) console.log(header.stateRoot, id);
  for await (const { to, code } of client.receipts({ address: Key.generate().address })) console.log(to, code);
}

export async function note(text: string): Promise<number> {
  const told = await client.sendAndWait(await client.call(device, { application: 'notes', data: text }));
  const { value } = await client.applicationState('notes', 'milk');
  const answer: Uint8Array = (await client.query('notes', 'all')).value;
  return told.events.reduce((sum, { data }) => sum + data.length, answer.length + (value?.length ?? 0));
}

/** A device signs by itself, and later. */
export const device: Signer = {
  address: `0x${'00'.repeat(20)}`,
  publicKey: new Uint8Array(1_952),
  sign: (message) => Promise.resolve(message),
};

// @ts-expect-error money is a bigint: a number would lose what is above 2 ** 53
void client.transfer(device, { to: device.address, amount: 5 });
// @ts-expect-error heights are bigint, too
void client.header(1);
// @ts-expect-error a hash is 0x hex
void client.receipt('12');
// @ts-expect-error no such account of a devnet
Key.devnet('mallory');
