/** Hands a transaction in and follows it to its end. */
import { BytesError, ConnectionError, LockstepError } from '../errors.js';
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
/** What a node's answer may be late. */
const GRACE_MS = 1_000;

/** Where a transaction is: `known` to a block or to the node already, in line, or behind a gap of nonces. */
export type Submission = (typeof SUBMISSIONS)[number];

const SUBMISSIONS = ['pending', 'queued', 'known'] as const;

export async function send(
  transport: Transport,
  transaction: Pick<SignedTransaction, 'bytes'>,
  options: CallOptions,
): Promise<Submission> {
  const answer = await transport.rpc('lockstep_sendTransaction', [toHex(transaction.bytes)], options);
  const word = new Fields(answer, 'answer').text('status');
  const known = SUBMISSIONS.find((submission) => submission === word);
  if (known === undefined)
    throw new BytesError('malformed', 'the node takes a transaction with a word that nobody knows');
  return known;
}

/** Sends the same bytes until they have an end; it makes no difference how often they have been sent. */
export async function sendAndWait(
  transport: Transport,
  transaction: SignedTransaction,
  options: WaitOptions,
): Promise<Receipt> {
  return within(transaction.id, options, async (leftMs, signal) => {
    const slice = Math.min(leftMs, SLICE_MS);
    const params = [toHex(transaction.bytes), Math.max(1, Math.floor(slice))];
    return transport.rpc('lockstep_sendTransactionAndWait', params, { signal, timeoutMs: slice + GRACE_MS });
  });
}

/** Waits for the end of a transaction that somebody has sent. */
export async function wait(transport: Transport, id: Hash, options: WaitOptions): Promise<Receipt> {
  return within(id, options, async (_, signal) => transport.rpc('lockstep_getTransaction', [id], { signal }));
}

/** Asks again until the answer is an end, or the time is over. */
async function within(
  id: Hash,
  { signal, timeoutMs }: WaitOptions,
  ask: (leftMs: number, signal: AbortSignal) => Promise<unknown>,
): Promise<Receipt> {
  const until = Date.now() + (timeoutMs ?? WAIT_MS);
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), until - Date.now() + GRACE_MS);
  const either = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
  let last: unknown;
  try {
    for (let left = until - Date.now(); left > 0; left = until - Date.now()) {
      const answer = await ask(left, either).catch((error: unknown) => {
        if (!mayPass(error)) throw error;
        last = error;
        return null;
      });
      const receipt = answer === null ? null : endOf(id, new Fields(answer, 'transaction'));
      if (receipt !== null) return receipt;
      // A node that has no place for one more to wait says so at once.
      await pause(LOOK_MS, either);
    }
  } catch (error) {
    if (!late.signal.aborted || signal?.aborted) throw error;
    last = error;
  } finally {
    clearTimeout(timer);
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
