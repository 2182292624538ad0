/** New blocks and receipts as they come, over breaks of the connection. */
import { BytesError, LockstepError, RefusedError } from '../errors.js';
import { type Address, type Hash } from '../nouns/words.js';
import { endingOf, headerOf, headOf, type BlockHead, type Ending } from './answers.js';
import { openEvents, type ServerEvent } from './events.js';
import { Fields } from './json.js';
import { mayPass, pause, type Transport } from './transport.js';

export interface SubscribeOptions {
  /** Ends the subscription: the loop over it ends, without an error. */
  signal?: AbortSignal | undefined;
  /** Milliseconds for which the node may be away before the loop throws; 60,000 by default. */
  patienceMs?: number | undefined;
}

/** A receipt with whom it concerns. */
export interface ReceiptEvent extends Ending {
  blockId: Hash;
  sender: Address;
  /** Whom a transfer pays; `null` for other actions. */
  to: Address | null;
}

const PATIENCE_MS = 60_000;
const BACK_OFF_MS = 100;
const BACK_OFF_MS_MAX = 5_000;

/**
 * Every header from `from` on (by default from the next one), in order, each once. What a break or a slow
 * reader has missed is read by height.
 *
 * @throws {@link RefusedError} `pruned` where the node does not keep what is missing
 */
export async function* heads(transport: Transport, from: bigint | undefined, options: SubscribeOptions): AsyncGenerator<BlockHead> {
  let next = from ?? null;
  for await (const told of connections(transport, () => '/events?topics=newBlocks', options)) {
    // Connected anew: what came meanwhile is not told again.
    const head = told === null ? null : told.name === 'newBlocks' ? blockHead(parsed(told)) : undefined;
    if (head === undefined) continue;
    const newest = head?.header.height ?? headOf(new Fields(await transport.get('/status', options), 'status')).height;
    next ??= head === null ? newest + 1n : newest;
    for (; next <= newest; next += 1n) {
      yield head !== null && next === newest ? head : await header(transport, next, options);
    }
  }
}

/**
 * Receipts as they come; with `address` those of transactions that it sends or receives.
 *
 * @throws {@link RefusedError} `events_gone` where more was missed than the node keeps: read it by height
 */
export async function* receipts(transport: Transport, address: Address | undefined, options: SubscribeOptions): AsyncGenerator<ReceiptEvent> {
  const base = `/events?topics=receipts${address === undefined ? '' : `&address=${address}`}`;
  let next: number | null = null;
  const path = (): string => (next === null ? base : `${base}&from_seq=${next}`);
  for await (const told of connections(transport, path, options)) {
    if (told === null || told.name !== 'receipts') continue;
    if (told.seq !== null) next = told.seq + 1;
    yield receiptEvent(parsed(told));
  }
}

/** The header of a height that is committed. */
export async function header(transport: Transport, height: bigint, options: { signal?: AbortSignal | undefined }): Promise<BlockHead> {
  const answer = await transport.rpc('lockstep_getCommit', [Number(height)], { signal: options.signal });
  if (answer === null) throw new RefusedError('unknown_block', `no block ${height} here yet`, 404);
  const commit = new Fields(answer, 'block');
  return { id: commit.hash('block_id'), header: headerOf(commit.object('header')) };
}

/** Events of one connection after the other; `null` says that a new one has begun. */
async function* connections(transport: Transport, path: () => string, { signal, patienceMs }: SubscribeOptions): AsyncGenerator<ServerEvent | null> {
  let awaySince = Date.now();
  for (let tried = 0; !signal?.aborted; tried += 1) {
    try {
      const stream = await openEvents(transport, path(), signal);
      tried = 0;
      try {
        yield null;
        yield* stream.events;
      } finally {
        await stream.close();
      }
      awaySince = Date.now();
    } catch (error) {
      if (signal?.aborted) return;
      if (tried === 0) awaySince = Date.now();
      const isOver = Date.now() - awaySince > (patienceMs ?? PATIENCE_MS);
      if (isOver || !mayPass(error)) throw error;
    }
    await pause(Math.min(BACK_OFF_MS * 2 ** tried, BACK_OFF_MS_MAX), signal).catch(() => {});
  }
}

function parsed(event: ServerEvent): Fields {
  try {
    return new Fields(JSON.parse(event.data), event.name);
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    throw new BytesError('malformed', 'an event is no JSON', { cause: error });
  }
}

function blockHead(event: Fields): BlockHead {
  return { id: event.hash('id'), header: headerOf(event.object('header')) };
}

function receiptEvent(event: Fields): ReceiptEvent {
  const to = event.has('to') ? event.address('to') : null;
  return { ...endingOf(event), blockId: event.hash('block_id'), sender: event.address('sender'), to };
}
