/** Asks a node, and believes only what follows from the trusted block. */
import { decode, type Codec } from '../bytes/codec.js';
import { ArgumentError, BytesError, RefusedError } from '../errors.js';
import { fromHex, toHex } from '../hex.js';
import {
  INCLUSION_BYTES_MAX,
  LIGHT_BLOCK_BYTES_MAX,
  PROVED_ACCOUNT_BYTES_MAX,
  PROVED_APPLICATION_BYTES_MAX,
  PROVED_RECORD_BYTES_MAX,
} from '../limits.js';
import { demandName } from '../node/applications.js';
import { chainOf, demandScheme, headOf, type Chain } from '../node/answers.js';
import { Fields } from '../node/json.js';
import { pause, type CallOptions, type Transport } from '../node/transport.js';
import { open } from '../nouns/envelope.js';
import { provesReceipt, receiptProof, type ReceiptProof } from '../nouns/inclusion.js';
import { lightBlock, type LightBlock } from '../nouns/light-block.js';
import { type ReceiptNoun } from '../nouns/receipt.js';
import { provedAccount, provedApplication, provedRecord, type Account, type StateRecord } from '../nouns/state.js';
import { parseAddress, type Hash } from '../nouns/words.js';
import { blockId, type Header } from '../nouns/block.js';
import { demandYoung } from './age.js';
import { Bisection } from './bisection.js';
import { parseCheckpoint, type Checkpoint } from './checkpoint.js';
import { LightClient, type Trusted } from './client.js';
import { LightError } from './error.js';

const DAY_MS = 86_400_000;
const WITNESS_PATIENCE_MS = 2_000;
const WITNESS_LOOK_MS = 100;

export interface LightOptions {
  /** The block that is trusted, as `HASH@HEIGHT` or its parts: from a node of your own, or a published page. */
  trusted: string | Checkpoint;
  /** How old the header may be from which the chain is followed, in milliseconds; 14 days by default. */
  maxAgeMs?: number;
  /** How old the newest block that is shown may be; 10 minutes by default, `Infinity` where blocks come at a word only. */
  maxHeadAgeMs?: number;
  /** Milliseconds since 1970; the machine's clock by default. */
  now?: () => number;
}

/** What was proved, and by which block. */
export interface Proved<T> {
  value: T;
  /** The state or the root is that of this block, which follows from the trusted one. */
  header: Header;
  id: Hash;
}

/**
 * One node and one trusted block. Each question follows the chain to the height of the answer: one header
 * more while the validators are much the same. A {@link LightError} is a lie, or a fault, of the node.
 */
export class LightSession {
  readonly #transport: Transport;
  readonly #checkpoint: Checkpoint;
  readonly #maxAgeMs: number;
  readonly #maxHeadAgeMs: number;
  readonly #now: () => number;
  #chain: Chain | null = null;
  #start: LightClient | null = null;
  #newest: LightClient | null = null;
  #headers = 0;

  /** @throws {@link ArgumentError} if `trusted` is no checkpoint */
  constructor(transport: Transport, options: LightOptions) {
    const { trusted } = options;
    this.#transport = transport;
    this.#checkpoint = typeof trusted === 'string' ? parseCheckpoint(trusted) : trusted;
    this.#maxAgeMs = options.maxAgeMs ?? 14 * DAY_MS;
    this.#maxHeadAgeMs = options.maxHeadAgeMs ?? 600_000;
    this.#now = options.now ?? Date.now;
  }

  /** How many headers have been asked for. */
  get headers(): number {
    return this.#headers;
  }

  /** The newest header that has been followed; `null` before the first question. */
  get trusted(): Trusted | null {
    return this.#newest?.trusted ?? null;
  }

  /** What `address` holds after the newest block; `null`: there is no such account. */
  async account(address: string, options: CallOptions = {}): Promise<Proved<Account | null>> {
    const of = parseAddress(address);
    const chain = await this.#itsChain(options);
    const shown = await ask(
      this.#transport,
      chain,
      `/light/accounts/${of}`,
      provedAccount,
      PROVED_ACCOUNT_BYTES_MAX,
      options,
    );
    const client = await this.#followYoung(shown.height, options);
    return proved(client.trusted, client.account(of, shown));
  }

  /** What `owner` keeps under `key` (bytes, or a text) after the newest block; `null`: nothing. */
  async record(
    owner: string,
    key: Uint8Array | string,
    options: CallOptions = {},
  ): Promise<Proved<StateRecord | null>> {
    const of = parseAddress(owner);
    const itsKey = typeof key === 'string' ? new TextEncoder().encode(key) : key;
    const chain = await this.#itsChain(options);
    const path = `/light/records/${of}/${toHex(itsKey)}`;
    const shown = await ask(this.#transport, chain, path, provedRecord, PROVED_RECORD_BYTES_MAX, options);
    const client = await this.#followYoung(shown.height, options);
    return proved(client.trusted, client.record(of, itsKey, shown));
  }

  /** What an application keeps under `key` (bytes, or a text) after the newest block; `null`: nothing. */
  async applicationState(
    application: string,
    key: Uint8Array | string,
    options: CallOptions = {},
  ): Promise<Proved<Uint8Array | null>> {
    demandName(application);
    const itsKey = typeof key === 'string' ? new TextEncoder().encode(key) : key;
    const chain = await this.#itsChain(options);
    const path = `/light/applications/${application}/state/${toHex(itsKey)}`;
    const shown = await ask(this.#transport, chain, path, provedApplication, PROVED_APPLICATION_BYTES_MAX, options);
    const client = await this.#followYoung(shown.height, options);
    return proved(client.trusted, client.applicationState(application, itsKey, shown));
  }

  /** What became of a transaction; `null`: the node shows no block that carries it, which proves nothing. */
  async receipt(id: Hash, options: CallOptions = {}): Promise<Proved<ReceiptNoun> | null> {
    const answer = await this.#transport.rpc('lockstep_getReceipt', [toHex(fromHex(id, 32)), true], options);
    if (answer === null) return null;
    const fields = new Fields(answer, 'receipt');
    const proof = receiptProofOf(fields);
    const { trusted } = await this.#follow(fields.whole('height'), options);
    if (!provesReceipt(proof, trusted.header.receiptsRoot, id)) {
      throw new LightError('proof', "the proof does not lead from this receipt to the block's root");
    }
    return proved(trusted, proof.receipt);
  }

  /** Follows to the newest header that the node has. */
  async head(options: CallOptions = {}): Promise<Proved<null>> {
    await this.#itsChain(options);
    const { height } = headOf(new Fields(await this.#transport.get('/status', options), 'status'));
    const client = await this.#followYoung(height, options);
    return proved(client.trusted, null);
  }

  /**
   * Demands that another node, run by somebody else, shows the newest header that has been followed here.
   * Whoever controls one node can show a chain that enough sold keys have signed; it cannot answer for another.
   *
   * @throws {@link LightError} `fork` if both follow from the trusted block, `witness_differs` if the other's does not
   */
  async demandWitness(other: Transport, options: CallOptions = {}): Promise<void> {
    if (other.url === this.#transport.url)
      throw new ArgumentError(`${other.url} is asked already: name another node, run by somebody else`);
    const {
      header: { height },
      id,
    } = (this.#newest ?? (await this.#begin(options))).trusted;
    const chain = await this.#itsChain(options);
    await caughtUp(other, chain, height, options);
    const shown = blockId((await askBlock(other, chain, height, options)).header);
    if (shown === id) return;
    const witness = new LightSession(other, {
      trusted: this.#checkpoint,
      maxAgeMs: Infinity,
      maxHeadAgeMs: Infinity,
      now: this.#now,
    });
    // No answer any more is no proof either.
    const theirs = await witness.#follow(height, options).catch(() => null);
    const isCertified = theirs?.trusted.id === shown;
    const words = `at height ${height} ${this.#transport.url} shows block ${id} and witness ${other.url} shows ${shown}`;
    throw isCertified
      ? new LightError(
          'fork',
          `${words}: both follow from the trusted block, so its validators have signed twice; believe neither`,
        )
      : new LightError(
          'witness_differs',
          `${words}, which does not follow from the trusted block: the witness lies or is broken`,
        );
  }

  async #itsChain(options: CallOptions): Promise<Chain> {
    if (this.#chain !== null) return this.#chain;
    const chain = chainOf(new Fields(await this.#transport.get('/status', options), 'status'));
    demandScheme(chain);
    return (this.#chain = chain);
  }

  /** A client that trusts the header of `goal`, which is young enough. */
  async #followYoung(goal: bigint, options: CallOptions): Promise<LightClient> {
    const client = await this.#follow(goal, options);
    demandYoung(client.trusted, this.#maxHeadAgeMs, 'stale', this.#now());
    return client;
  }

  /** A client that trusts the header of `goal`, from the nearest one that is trusted already. */
  async #follow(goal: bigint, options: CallOptions): Promise<LightClient> {
    const start = await this.#begin(options);
    if (goal < this.#checkpoint.height) {
      throw new LightError(
        'behind',
        `${this.#transport.url} answers for height ${goal}, before the trusted block ${this.#checkpoint.height}: wait until it has caught up, or trust an earlier block`,
      );
    }
    const newest = this.#newest ?? start;
    const client = (goal < newest.trusted.header.height ? start : newest).fork();
    // Whoever has followed all along trusts newer validators than those of the checkpoint.
    demandYoung(client.trusted, this.#maxAgeMs, 'trusted_too_old', this.#now());
    const chain = await this.#itsChain(options);
    const way = new Bisection(goal);
    for (let height = way.wanted(client); height !== null; height = way.wanted(client)) {
      way.take(client, await this.#block(chain, height, options), this.#now());
    }
    if (client.trusted.header.height >= newest.trusted.header.height) this.#newest = client;
    return client;
  }

  async #begin(options: CallOptions): Promise<LightClient> {
    if (this.#start !== null) return this.#start;
    const chain = await this.#itsChain(options);
    const shown = await this.#block(chain, this.#checkpoint.height, options);
    return (this.#start = LightClient.start(chain, this.#checkpoint, shown, this.#now()));
  }

  async #block(chain: Chain, height: bigint, options: CallOptions): Promise<LightBlock> {
    this.#headers += 1;
    return askBlock(this.#transport, chain, height, options);
  }
}

async function askBlock(transport: Transport, chain: Chain, height: bigint, options: CallOptions): Promise<LightBlock> {
  try {
    return await ask(transport, chain, `/light/blocks/${height}`, lightBlock, LIGHT_BLOCK_BYTES_MAX, options);
  } catch (error) {
    // A block that the node does not have yet is no lie.
    if (!(error instanceof RefusedError && error.code === 'unknown_block')) throw error;
    throw new LightError(
      'behind',
      `${transport.url} has no block ${height}: wait until it has caught up, or ask another node`,
      { cause: error },
    );
  }
}

/** What a node shows under `path`, in canonical bytes. */
async function ask<T>(
  transport: Transport,
  chain: Chain,
  path: string,
  codec: Codec<T>,
  limit: number,
  options: CallOptions,
): Promise<T> {
  try {
    return open(codec, chain.genesisHash, await transport.bytes(path, limit, options), path, limit);
  } catch (error) {
    throw asShown(error);
  }
}

/** Waits a moment for a witness that hears of a block later; refuses one of another chain. */
async function caughtUp(other: Transport, chain: Chain, height: bigint, options: CallOptions): Promise<void> {
  for (const until = Date.now() + WITNESS_PATIENCE_MS; ; await pause(WITNESS_LOOK_MS, options.signal)) {
    const status = new Fields(await other.get('/status', options), 'status');
    const theirs = chainOf(status);
    if (theirs.genesisHash !== chain.genesisHash || theirs.scheme !== chain.scheme) {
      throw new ArgumentError(`witness ${other.url} is of another chain: name a node of this one`);
    }
    if (headOf(status).height >= height) return;
    if (Date.now() > until)
      throw new LightError(
        'behind',
        `witness ${other.url} has not reached height ${height}: wait, or name another one`,
      );
  }
}

/** What no node of this chain says is a lie as well. */
function asShown(error: unknown): unknown {
  if (!(error instanceof BytesError)) return error;
  const code = error.code === 'foreign_chain' ? 'other_genesis' : 'malformed';
  return new LightError(code, error.message, { cause: error });
}

function proved<T>({ header, id }: Trusted, value: T): Proved<T> {
  return { value, header, id };
}

function receiptProofOf(answer: Fields): ReceiptProof {
  try {
    return decode(receiptProof, answer.bytes('proof'), 'receipt', INCLUSION_BYTES_MAX);
  } catch (error) {
    throw asShown(error);
  }
}
