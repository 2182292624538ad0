/** What calls of {@link Client} take, and what is told of validators. */
import { ArgumentError } from './errors.js';
import { type SubscribeOptions } from './node/connections.js';
import { type BuildOptions } from './node/signing.js';
import { type Validator } from './nouns/validator.js';
import { type Hash } from './nouns/words.js';

/** Bytes, or a text that stands for its UTF-8 bytes. */
export type Data = Uint8Array | string;

/** A payment. */
export interface TransferOptions extends BuildOptions {
  /** An address; one of both cases needs its checksum. */
  to: string;
  /** In the chain's smallest unit. */
  amount: bigint;
  /** For the receiver; at most 256 bytes of UTF-8. */
  memo?: string | undefined;
}

/** A record that is kept, or written over. */
export interface PutOptions extends BuildOptions {
  /** 1 to 256 bytes. */
  key: Data;
  /** At most 4,096 bytes. */
  value: Data;
}

/** A record that is removed. */
export interface DeleteOptions extends BuildOptions {
  key: Data;
}

/** A validator's vote about another one, or about itself. */
export interface UpdateValidatorOptions extends BuildOptions {
  publicKey: Uint8Array;
  /** 0n removes it. */
  power: bigint;
}

/** What an application of the chain is to do. */
export interface ApplicationCallOptions extends BuildOptions {
  /** Its name. */
  application: string;
  /** At most 8,192 bytes; what they say is the application's own. */
  data: Data;
}

export interface NewHeadsOptions extends SubscribeOptions {
  /** The first height to be told; by default that of the next block. */
  from?: bigint | undefined;
}

export interface ReceiptsOptions extends SubscribeOptions {
  /** The first height of which receipts are told; by default that of the next block. */
  from?: bigint | undefined;
  /** Only of transactions that this address sends or receives; by default of all. */
  address?: string | undefined;
}

/** The validators of a height. */
export interface Validators {
  height: bigint;
  hash: Hash;
  totalPower: bigint;
  validators: Validator[];
}

export function bytesOf(data: Data): Uint8Array {
  if (typeof data === 'string') return new TextEncoder().encode(data);
  if (data instanceof Uint8Array) return data;
  throw new ArgumentError('expected bytes (a Uint8Array), or a text');
}
