/** What a node answers, as values of this package. */
import { type Header } from '../nouns/block.js';
import { FAILURE_CODES, type CallEvent, type FailureCode } from '../nouns/receipt.js';
import { type ChainContext } from '../nouns/sign-bytes.js';
import { type Action } from '../nouns/transaction.js';
import { SCHEME, type Address, type Hash } from '../nouns/words.js';
import { LockstepError, BytesError } from '../errors.js';
import { Fields } from './json.js';

/** A chain as its node describes it; what its transactions are bound to. */
export interface Chain extends ChainContext {
  /** How it signs: this client signs on chains of `ml-dsa-65` only. */
  scheme: string;
  /** What a transaction pays at least for each of its bytes, in the chain's smallest unit. */
  feePerByte: bigint;
  protocolVersion: number;
}

/** The newest committed block. */
export interface Head {
  height: bigint;
  id: Hash;
  stateRoot: Hash;
  /** Milliseconds since 1970. */
  time: bigint;
}

/** What an account holds, as the node says; a {@link LightSession} proves it. */
export interface AccountAnswer {
  address: Address;
  /** Whether it has ever been paid, or paid. */
  exists: boolean;
  /** In the chain's smallest unit. */
  balance: bigint;
  /** How many of its transactions have been executed. */
  nonce: bigint;
  /** The nonce of its next transaction, after those that wait. */
  nextNonce: bigint;
  /** Of the newest block. */
  height: bigint;
}

/** How a transaction of a block ended. */
export interface Ending {
  id: Hash;
  status: 'success' | 'failed';
  /** Why it did not do what it says; `null` on success. */
  code: FailureCode | null;
  /** With `application_failed` the application's own number, else `null`. */
  applicationCode: number | null;
  /** The same for people. */
  sentence: string | null;
  /** What was paid, in the chain's smallest unit; also by one that failed. */
  fee: bigint;
  /** Its canonical bytes. */
  bytes: number;
  /** What the application of a call has told; of what has failed, and of other transactions, none. */
  events: CallEvent[];
  height: bigint;
}

/** What became of a transaction that a block carries. */
export interface Receipt extends Ending {
  /** Its place in the block. */
  index: number;
}

/** A committed header. */
export interface BlockHead {
  id: Hash;
  header: Header;
}

/** A committed block. */
export interface Block extends BlockHead {
  transactions: { id: Hash; sender: Address; nonce: bigint; fee: bigint; expiresAt: bigint; action: Action }[];
}

export function chainOf(status: Fields): Chain {
  return {
    chainId: status.whole('chain_id'),
    genesisHash: status.hash('genesis_hash'),
    scheme: status.text('scheme'),
    feePerByte: status.object('parameters').whole('fee_per_byte'),
    protocolVersion: status.number('protocol_version'),
  };
}

/** @throws {@link LockstepError} `unsupported_scheme` where this client can make no signature */
export function demandScheme(chain: Chain): void {
  if (chain.scheme === SCHEME) return;
  throw new LockstepError(
    'unsupported_scheme',
    `this chain signs with ${chain.scheme}, this client only with ${SCHEME}: start a devnet with lockstep devnet --scheme ${SCHEME}`,
  );
}

export function headOf(status: Fields): Head {
  return {
    height: status.whole('height'),
    id: status.hash('latest_block_hash'),
    stateRoot: status.hash('state_root'),
    time: status.whole('latest_block_time'),
  };
}

export function accountOf(answer: Fields): AccountAnswer {
  return {
    address: answer.address('address'),
    exists: answer.flag('exists'),
    balance: answer.amount('balance'),
    nonce: answer.whole('nonce'),
    nextNonce: answer.whole('next_nonce'),
    height: answer.whole('height'),
  };
}

export function receiptOf(answer: Fields): Receipt {
  return { ...endingOf(answer), index: answer.number('index') };
}

export function endingOf(answer: Fields): Ending {
  const status = answer.text('status');
  if (status !== 'success' && status !== 'failed')
    throw new BytesError('malformed', 'a receipt says neither success nor failed');
  const hasFailed = status === 'failed';
  const code = hasFailed ? failureCode(answer.text('code')) : null;
  return {
    id: answer.hash('transaction'),
    status,
    code,
    applicationCode: code === 'application_failed' ? answer.number('application_code') : null,
    sentence: hasFailed ? answer.text('sentence') : null,
    fee: answer.amount('fee'),
    bytes: answer.number('bytes'),
    events: answer.list('events').map((event) => ({ name: event.text('name'), data: event.bytes('data') })),
    height: answer.whole('height'),
  };
}

function failureCode(word: string): FailureCode {
  const known = FAILURE_CODES.find((code) => code === word);
  if (known === undefined) throw new BytesError('malformed', 'a receipt has a failure that this client does not know');
  return known;
}

export function headerOf(answer: Fields): Header {
  return {
    chainId: answer.whole('chain_id'),
    height: answer.whole('height'),
    time: answer.whole('time'),
    proposer: answer.address('proposer'),
    previousBlock: answer.hash('previous_block'),
    lastCommitHash: answer.hash('last_commit_hash'),
    transactionsRoot: answer.hash('transactions_root'),
    evidenceRoot: answer.hash('evidence_root'),
    stateRoot: answer.hash('state_root'),
    receiptsRoot: answer.hash('receipts_root'),
    validatorsHash: answer.hash('validators_hash'),
    nextValidatorsHash: answer.hash('next_validators_hash'),
  };
}

export function blockOf(answer: Fields): Block {
  const transactions = answer.list('transactions').map((one) => {
    const body = one.object('body');
    return {
      id: one.hash('id'),
      sender: one.address('sender'),
      nonce: body.whole('nonce'),
      fee: body.amount('fee'),
      expiresAt: body.whole('expires_at'),
      action: actionOf(body.object('action')),
    };
  });
  return { id: answer.hash('id'), header: headerOf(answer.object('header')), transactions };
}

function actionOf(answer: Fields): Action {
  const kind = answer.text('kind');
  switch (kind) {
    case 'transfer':
      return { kind, to: answer.address('to'), amount: answer.amount('amount'), memo: answer.text('memo') };
    case 'put':
      return { kind, key: answer.bytes('key'), value: answer.bytes('value') };
    case 'delete':
      return { kind, key: answer.bytes('key') };
    case 'update_validator':
      return { kind, publicKey: answer.bytes('public_key'), power: answer.whole('power') };
    case 'declare_ready':
      return { kind };
    case 'call':
      return { kind, application: answer.text('application'), data: answer.bytes('data') };
    default:
      throw new BytesError('malformed', 'a block has an action that this client does not know');
  }
}
