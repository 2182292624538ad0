/** Hands a transaction in and follows it to its end. */
import { ConnectionError, LockstepError } from '../errors.js';
import { type Hash } from '../nouns/words.js';
import { toHex } from '../hex.js';
import { receiptOf, type Receipt } from './answers.js';
import { Fields } from './json.js';
import { type SignedTransaction } from './signing.js';
import { mayPass, pause, type CallOptions, type Transport } from './transport.js';

/** Of a call that waits for a block. */
export interface WaitOptions {
  signal?: AbortSignal | undefined;
  /** Milliseconds in all; 60,000 by default. Then `timeout`: the transaction may still be carried. */
  timeoutMs?: number | undefined;
}

/**
 * A transaction has not done what it says. `code` is that of its failure, where a block carries it;
 * `expired`, `replaced`, or why the node gave it up, where none will; `receipt_not_kept` where its block is
 * not kept any more.
 */
export class TransactionError extends LockstepError {
  override readonly name: string = 'TransactionError';
  readonly id: Hash;
  /** Of one that failed in a block: its nonce is used up, and its fee paid. */
  readonly receipt: Receipt | null;

  constructor(id: Hash, code: string, message: string, receipt: Receipt | null = null) {
    super(code, message);
    this.id = id;
    this.receipt = receipt;
  }
}

const WAIT_MS = 60_000;
/** A node holds a question for so long; after it the same is asked again. */
const SLICE_MS = 10_000;
const LOOK_MS = 250;

/** Where a transaction is: `known` to a block or to the node already, in line, or behind a gap of nonces. */
export type Submission = 'pending' | 'queued' | 'known';

export async function send(
  transport: Transport,
  transaction: Pick<SignedTransaction, 'bytes'>,
  options: CallOptions,
): Promise<Submission> {
  const answer = await transport.rpc('lockstep_sendTransaction', [toHex(transaction.bytes)], options);
  return new Fields(answer, 'answer').text('status') as Submission;
}

/** Sends the same bytes until they have an end; it makes no difference how often they have been sent. */
export async function sendAndWait(
  transport: Transport,
  transaction: SignedTransaction,
  options: WaitOptions,
): Promise<Receipt> {
  return within(transaction.id, options, async (leftMs) => {
    const slice = Math.min(leftMs, SLICE_MS);
    const call = { signal: options.signal, timeoutMs: slice + 5_000 };
    const params = [toHex(transaction.bytes), Math.max(1, Math.floor(slice))];
    return transport.rpc('lockstep_sendTransactionAndWait', params, call);
  });
}

/** Waits for the end of a transaction that somebody has sent. */
export async function wait(transport: Transport, id: Hash, options: WaitOptions): Promise<Receipt> {
  return within(id, options, async () => {
    const answer = await transport.rpc('lockstep_getTransaction', [id], { signal: options.signal });
    const status = new Fields(answer, 'transaction').text('status');
    if (status === 'pending' || status === 'unknown') await pause(LOOK_MS, options.signal);
    return answer;
  });
}

/** Asks again until the answer is an end, or the time is over. */
async function within(
  id: Hash,
  { signal, timeoutMs }: WaitOptions,
  ask: (leftMs: number) => Promise<unknown>,
): Promise<Receipt> {
  const until = Date.now() + (timeoutMs ?? WAIT_MS);
  let last: unknown;
  for (let left = until - Date.now(); left > 0; left = until - Date.now()) {
    try {
      const receipt = endOf(id, new Fields(await ask(left), 'transaction'));
      if (receipt !== null) return receipt;
    } catch (error) {
      if (!mayPass(error)) throw error;
      last = error;
      await pause(LOOK_MS, signal);
    }
  }
  const message = `transaction ${id} has no end yet: wait for it, or send the same bytes again`;
  throw new ConnectionError('timeout', message, { cause: last });
}

/** The receipt of a success; `null`: it may still be carried. */
function endOf(id: Hash, answer: Fields): Receipt | null {
  const status = answer.text('status');
  switch (status) {
    case 'pending':
    case 'unknown':
      return null;
    case 'committed':
    case 'failed': {
      if (!answer.has('receipt')) {
        throw new TransactionError(
          id,
          'receipt_not_kept',
          `a block carries transaction ${id}, but its receipt is not kept here any more`,
        );
      }
      const receipt = receiptOf(answer.object('receipt'));
      if (receipt.code === null) return receipt;
      throw new TransactionError(id, receipt.code, receipt.sentence ?? receipt.code, receipt);
    }
    case 'replaced':
      throw new TransactionError(id, status, `transaction ${answer.hash('by')} of the same nonce took its place`);
    case 'dropped':
      throw new TransactionError(
        id,
        answer.text('code'),
        `the node has given transaction ${id} up: ${answer.text('code')}`,
      );
    default:
      throw new TransactionError(id, status, `transaction ${id} is ${status}: sign it anew`);
  }
}
