/**
 * Client and light client of Lockstep. See README.md.
 *
 * @packageDocumentation
 */
export { Client } from './client.js';
export {
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
export { ArgumentError, BytesError, ConnectionError, LockstepError, RefusedError, type ClientCode } from './errors.js';
export { equal, fromHex, toHex, type Hex } from './hex.js';
export { Key, type DevnetName, type Signer } from './key.js';
export { PROTOCOL_VERSION } from './limits.js';

export { decode, encode, type Codec, type Of } from './bytes/codec.js';
export * as limits from './limits.js';
export * as nouns from './nouns/index.js';
export type { BlockHead, Block, AccountAnswer, Chain, Ending, Head, Receipt } from './node/answers.js';
export { type Application, type ApplicationState, type QueryAnswer } from './node/applications.js';
export { TransactionError, type Submission, type WaitOptions } from './node/outcome.js';
export { leastFee, signTransaction, type BuildOptions, type SignedTransaction } from './node/signing.js';
export { type SubscribeOptions } from './node/connections.js';
export { type ReceiptEvent } from './node/subscriptions.js';
export { type CallOptions, type TransportOptions } from './node/transport.js';
export { addressOf, checksummed, parseAddress, type Address, type Hash } from './nouns/words.js';
export { type CommitCertificate, type Header } from './nouns/block.js';
export { type LightBlock } from './nouns/light-block.js';
export { type CallEvent, type FailureCode } from './nouns/receipt.js';
export { type ChainContext } from './nouns/sign-bytes.js';
export {
  type Account,
  type ProvedAccount,
  type ProvedApplication,
  type ProvedRecord,
  type StateRecord,
} from './nouns/state.js';
export { type Action, type Transaction, type TransactionBody } from './nouns/transaction.js';
export { type Validator } from './nouns/validator.js';

export { Bisection } from './light/bisection.js';
export { formatCheckpoint, parseCheckpoint, type Checkpoint, type CheckpointText } from './light/checkpoint.js';
export { LightClient, type Trusted } from './light/client.js';
export { LightError, type LightCode } from './light/error.js';
export { LightSession, type LightOptions, type Proved } from './light/session.js';
export { ValidatorSet } from './light/validator-set.js';
export { verdict, type LedgerState, type Verdict } from './verdict.js';
export { verify } from './signature.js';
