/** Asks a node of Lockstep, and sends it transactions. */
import { RefusedError } from './errors.js';
import { fromHex, toHex } from './hex.js';
import { type Signer } from './key.js';
import { LightSession, type LightOptions } from './light/session.js';
import {
  accountOf,
  blockOf,
  chainOf,
  demandScheme,
  headOf,
  receiptOf,
  type AccountAnswer,
  type Block,
  type BlockHead,
  type Chain,
  type Head,
  type Receipt,
} from './node/answers.js';
import {
  applications,
  applicationState,
  query,
  type Application,
  type ApplicationState,
  type QueryAnswer,
} from './node/applications.js';
import { Fields } from './node/json.js';
import { send, sendAndWait, wait, type Submission, type WaitOptions } from './node/outcome.js';
import {
  demandAction,
  EXPIRES_AFTER,
  signTransaction,
  type BuildOptions,
  type SignedTransaction,
} from './node/signing.js';
import { untilEnded } from './node/connections.js';
import { header, heads, receipts, type ReceiptEvent } from './node/subscriptions.js';
import { Transport, type CallOptions, type TransportOptions } from './node/transport.js';
import { type StateRecord } from './nouns/state.js';
import { type Action } from './nouns/transaction.js';
import { parseAddress, type Hash } from './nouns/words.js';
import {
  bytesOf,
  type ApplicationCallOptions,
  type Data,
  type DeleteOptions,
  type NewHeadsOptions,
  type PutOptions,
  type ReceiptsOptions,
  type TransferOptions,
  type UpdateValidatorOptions,
  type Validators,
} from './options.js';

/**
 * One node. What it answers is its word; {@link light} proves it.
 *
 * Every method throws a {@link LockstepError} with a stable `code`, takes `signal` and `timeoutMs`, and asks a
 * node that is away or busy a few times before it gives up.
 */
export class Client {
  readonly #transport: Transport;
  #chain: Chain | null = null;

  /** @throws {@link ArgumentError} if `url` is no URL of a node, as `http://127.0.0.1:8545` */
  constructor(url: string, options: TransportOptions = {}) {
    this.#transport = new Transport(url, options);
  }

  get url(): string {
    return this.#transport.url;
  }

  /** Number, genesis, scheme and price of the chain: asked for once, they never change. */
  async chain(options: CallOptions = {}): Promise<Chain> {
    this.#chain ??= chainOf(await this.#get('/status', options));
    return this.#chain;
  }

  /** The newest committed block. */
  async head(options: CallOptions = {}): Promise<Head> {
    return headOf(await this.#get('/status', options));
  }

  /** Balance and nonces of an address; of one that nobody has paid yet they are 0n. */
  async account(address: string, options: CallOptions = {}): Promise<AccountAnswer> {
    return accountOf(new Fields(await this.rpc('lockstep_getAccount', [parseAddress(address)], options), 'account'));
  }

  /** In the chain's smallest unit. */
  async balance(address: string, options: CallOptions = {}): Promise<bigint> {
    return (await this.account(address, options)).balance;
  }

  /** The nonce of the next transaction of `address`, after those that wait. */
  async nonce(address: string, options: CallOptions = {}): Promise<bigint> {
    return (await this.account(address, options)).nextNonce;
  }

  /** What `owner` keeps under `key`; `null`: nothing. */
  async record(owner: string, key: Data, options: CallOptions = {}): Promise<StateRecord | null> {
    const path = `/records/${parseAddress(owner)}/${toHex(bytesOf(key))}`;
    const answer = await absent('unknown_record', this.#get(path, options));
    return answer && { value: answer.bytes('value'), height: answer.whole('height') };
  }

  /** The applications of the chain, rising by name. */
  async applications(options: CallOptions = {}): Promise<Application[]> {
    return applications(this.#transport, options);
  }

  /** What an application keeps under `key` (1 to 64 bytes). */
  async applicationState(application: string, key: Data, options: CallOptions = {}): Promise<ApplicationState> {
    return applicationState(this.#transport, application, bytesOf(key), options);
  }

  /**
   * What an application answers about the newest state; `path` and `data` are the application's own.
   *
   * @throws {@link RefusedError} `unknown_application`, or `query_refused` with the application's sentence
   */
  async query(
    application: string,
    path: string,
    data: Data = new Uint8Array(),
    options: CallOptions = {},
  ): Promise<QueryAnswer> {
    return query(this.#transport, application, path, bytesOf(data), options);
  }

  /** Who decides `height`; by default the one under decision. */
  async validators(height?: bigint, options: CallOptions = {}): Promise<Validators> {
    const answer = await this.#get(`/validators${height === undefined ? '' : `?height=${height}`}`, options);
    const rows = answer.list('validators');
    return {
      height: answer.whole('height'),
      hash: answer.hash('hash'),
      totalPower: answer.whole('total_power'),
      validators: rows.map((row) => ({
        address: row.address('address'),
        publicKey: row.bytes('public_key'),
        power: row.whole('power'),
      })),
    };
  }

  /** The header of a committed height. */
  async header(height: bigint, options: CallOptions = {}): Promise<BlockHead> {
    return header(this.#transport, height, options);
  }

  /** A committed block with its transactions; the newest one by default. */
  async block(height?: bigint, options: CallOptions = {}): Promise<Block> {
    return blockOf(await this.#get(`/blocks/${height ?? 'latest'}`, options));
  }

  /** What became of a transaction; `null`: no block carries it, as far as this node keeps them. */
  async receipt(id: Hash, options: CallOptions = {}): Promise<Receipt | null> {
    const path = `/receipts/${toHex(fromHex(id, 32))}`;
    const answer = await absent('unknown_receipt', this.#get(path, options));
    return answer && receiptOf(answer);
  }

  /** Signs a payment of `amount` (in the chain's smallest unit); it is not sent. */
  async transfer(
    signer: Signer,
    { to, amount, memo, ...rest }: TransferOptions,
    options: CallOptions = {},
  ): Promise<SignedTransaction> {
    return this.sign(signer, { kind: 'transfer', to: parseAddress(to), amount, memo: memo ?? '' }, rest, options);
  }

  /** Signs the wish to keep `value` under `key`; it is not sent. */
  async put(
    signer: Signer,
    { key, value, ...rest }: PutOptions,
    options: CallOptions = {},
  ): Promise<SignedTransaction> {
    return this.sign(signer, { kind: 'put', key: bytesOf(key), value: bytesOf(value) }, rest, options);
  }

  /** Signs the wish to remove what stands under `key`; it is not sent. */
  async delete(signer: Signer, { key, ...rest }: DeleteOptions, options: CallOptions = {}): Promise<SignedTransaction> {
    return this.sign(signer, { kind: 'delete', key: bytesOf(key) }, rest, options);
  }

  /** Signs a validator's vote for the power of a public key; 0n removes it. It is not sent. */
  async updateValidator(
    signer: Signer,
    { publicKey, power, ...rest }: UpdateValidatorOptions,
    options: CallOptions = {},
  ): Promise<SignedTransaction> {
    return this.sign(signer, { kind: 'update_validator', publicKey, power }, rest, options);
  }

  /** Signs the word of a newcomer, by its validator key, that its node runs. It is not sent. */
  async declareReady(signer: Signer, given: BuildOptions = {}, options: CallOptions = {}): Promise<SignedTransaction> {
    return this.sign(signer, { kind: 'declare_ready' }, given, options);
  }

  /** Signs a call of an application; it is not sent. */
  async call(
    signer: Signer,
    { application, data, ...rest }: ApplicationCallOptions,
    options: CallOptions = {},
  ): Promise<SignedTransaction> {
    return this.sign(signer, { kind: 'call', application, data: bytesOf(data) }, rest, options);
  }

  /**
   * Signs any action, and finds fee, nonce and expiry where they are not given. It is not sent.
   *
   * @throws {@link LockstepError} `bad_argument`, `unsupported_scheme`, or what the node refuses
   */
  async sign(
    signer: Signer,
    action: Action,
    given: BuildOptions = {},
    options: CallOptions = {},
  ): Promise<SignedTransaction> {
    demandAction(action);
    const chain = await this.chain(options);
    demandScheme(chain);
    let { fee, nonce, expiresAt } = given;
    if (nonce === undefined || expiresAt === undefined) {
      const { height, nextNonce } = await this.account(signer.address, options);
      nonce ??= nextNonce;
      expiresAt ??= height + EXPIRES_AFTER;
    }
    return signTransaction(chain, signer, { action, fee, nonce, expiresAt });
  }

  /** Hands a transaction in and waits for no block. Sending the same one again changes nothing. */
  async send(transaction: Pick<SignedTransaction, 'bytes'>, options: CallOptions = {}): Promise<Submission> {
    return send(this.#transport, transaction, options);
  }

  /**
   * Hands a transaction in and waits until a block has carried it. May be repeated as often as one likes, after
   * any error too: the same bytes have one effect.
   *
   * @throws {@link TransactionError} if it has not done what it says
   * @throws {@link RefusedError} if the node does not take it
   * @throws {@link ConnectionError} `timeout` if it has no end yet
   */
  async sendAndWait(transaction: SignedTransaction, options: WaitOptions = {}): Promise<Receipt> {
    return sendAndWait(this.#transport, transaction, options);
  }

  /** Waits for the end of a transaction that was sent; throws as {@link sendAndWait} does. */
  async wait(id: Hash, options: WaitOptions = {}): Promise<Receipt> {
    return wait(this.#transport, toHex(fromHex(id, 32)), options);
  }

  /**
   * Every header from `from` on, by default from the next one, each once and in order, whatever breaks:
   * `for await (const { header } of client.newHeads()) …`. Ends when `signal` aborts.
   */
  newHeads({ from, ...options }: NewHeadsOptions = {}): AsyncGenerator<BlockHead> {
    return untilEnded(heads(this.#transport, from, options), options);
  }

  /** Every receipt from the height `from` on, by default from the next one, each once and in order, whatever breaks. */
  receipts({ address, ...options }: ReceiptsOptions = {}): AsyncGenerator<ReceiptEvent> {
    const of = address === undefined ? undefined : parseAddress(address);
    return untilEnded(receipts(this.#transport, { ...options, address: of }), options);
  }

  /** Any call of JSON-RPC, and its result as it comes (`rpc.discover` describes all). Made again where nothing came. */
  async rpc(method: string, params: unknown[], options: CallOptions = {}): Promise<unknown> {
    return this.#transport.rpc(method, params, options);
  }

  /** A light client of this node, from a block that you trust. */
  light(options: LightOptions): LightSession {
    return new LightSession(this.#transport, options);
  }

  /** Demands that this node shows what `session` has followed elsewhere; see {@link LightSession.demandWitness}. */
  async witness(session: LightSession, options: CallOptions = {}): Promise<void> {
    return session.demandWitness(this.#transport, options);
  }

  async #get(path: string, options: CallOptions): Promise<Fields> {
    return new Fields(await this.#transport.get(path, options), path);
  }
}

/** `null` where the node says that there is none. */
async function absent(code: string, answer: Promise<Fields>): Promise<Fields | null> {
  return answer.catch((error: unknown) => {
    if (error instanceof RefusedError && error.code === code) return null;
    throw error;
  });
}
