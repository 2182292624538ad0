/**
 * New blocks and receipts as they come: each once and in order, whatever breaks. A node numbers its events, but
 * keeps only the newest; so what was missed is read by height.
 */
import { BytesError, LockstepError, RefusedError } from '../errors.js';
import { type Address, type Hash } from '../nouns/words.js';
import { blockOf, endingOf, headerOf, headOf, type Block, type BlockHead, type Ending } from './answers.js';
import { connections, patiently, type SubscribeOptions } from './connections.js';
import { type ServerEvent } from './events.js';
import { Fields } from './json.js';
import { type CallOptions, type Transport } from './transport.js';

/** A receipt with whom it concerns. */
export interface ReceiptEvent extends Ending {
  blockId: Hash;
  sender: Address;
  /** Whom a transfer pays; `null` for other actions. */
  to: Address | null;
}

/**
 * Every header from `from` on (by default from the next one), in order, each once.
 *
 * @throws {@link RefusedError} `pruned` where the node does not keep what is missing
 */
export async function* heads(
  transport: Transport,
  from: bigint | undefined,
  options: SubscribeOptions,
): AsyncGenerator<BlockHead> {
  let next = from ?? null;
  for await (const event of connections(transport, '/events?topics=newBlocks', options)) {
    if (event !== null && event.name !== 'newBlocks') continue;
    // Connected anew: what came meanwhile is not told again.
    const head = event === null ? null : blockHead(parsed(event));
    const newest = head === null ? await newestHeight(transport, options) : head.header.height;
    next ??= head === null ? newest + 1n : newest;
    for (; next <= newest; next += 1n) {
      const height = next;
      const isHere = head !== null && height === newest;
      yield isHere ? head : await patiently(() => header(transport, height, callOf(options)), options);
    }
  }
}

/**
 * Every receipt from the height `from` on (by default from the next one), in order, each once; with `address`
 * those of transactions that it sends or receives.
 *
 * @throws {@link RefusedError} `pruned` where the node does not keep what is missing
 */
export async function* receipts(
  transport: Transport,
  { from, address, ...options }: { from?: bigint | undefined; address?: Address | undefined } & SubscribeOptions,
): AsyncGenerator<ReceiptEvent> {
  const path = `/events?topics=newBlocks,receipts${address === undefined ? '' : `&address=${address}`}`;
  // The lowest height that has not been told whole, what of it has been, and whether the stream tells the rest.
  let next = from ?? null;
  let told = new Set<Hash>();
  let isLive = false;

  async function* upTo(height: bigint): AsyncGenerator<ReceiptEvent> {
    for (next ??= height; next < height; next += 1n) {
      if (!isLive) yield* missed(transport, next, address, told, options);
      told = new Set();
      isLive = false;
    }
  }

  for await (const event of connections(transport, path, options)) {
    if (event === null) {
      isLive = false;
      yield* upTo((await newestHeight(transport, options)) + 1n);
    } else if (event.name === 'newBlocks') {
      const { height } = blockHead(parsed(event)).header;
      yield* upTo(height);
      isLive = height === next;
    } else if (event.name === 'receipts') {
      const receipt = receiptEvent(parsed(event));
      if (receipt.height !== next || told.has(receipt.id)) continue;
      told.add(receipt.id);
      yield receipt;
    }
  }
}

/** The receipts of a block but for those that have been told. */
async function* missed(
  transport: Transport,
  height: bigint,
  address: Address | undefined,
  told: ReadonlySet<Hash>,
  options: SubscribeOptions,
): AsyncGenerator<ReceiptEvent> {
  const ask = (path: string): Promise<unknown> => patiently(() => transport.get(path, callOf(options)), options);
  const block = blockOf(new Fields(await ask(`/blocks/${height}`), 'block'));
  for (const transaction of block.transactions) {
    const { id, sender } = transaction;
    const to = receiverOf(transaction);
    const concerns = address === undefined || address === sender || address === to;
    if (!concerns || told.has(id)) continue;
    const ending = endingOf(new Fields(await ask(`/receipts/${id}`), 'receipt'));
    yield { ...ending, blockId: block.id, sender, to };
  }
}

function receiverOf({ action }: Block['transactions'][number]): Address | null {
  return action.kind === 'transfer' ? action.to : null;
}

/** The header of a height that is committed. */
export async function header(transport: Transport, height: bigint, call: CallOptions): Promise<BlockHead> {
  const answer = await transport.rpc('lockstep_getCommit', [Number(height)], call);
  if (answer === null) throw new RefusedError('unknown_block', `no block ${height} here yet`, 404);
  const commit = new Fields(answer, 'block');
  return { id: commit.hash('block_id'), header: headerOf(commit.object('header')) };
}

async function newestHeight(transport: Transport, options: SubscribeOptions): Promise<bigint> {
  const status = await patiently(() => transport.get('/status', callOf(options)), options);
  return headOf(new Fields(status, 'status')).height;
}

/** What one call of a subscription takes of its options. */
function callOf({ signal }: SubscribeOptions): CallOptions {
  return { signal };
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
