/** A user's signed wish to change the ledger: its bytes, its id, what is signed. */
import { bytes, encode, enumeration, option, struct, text, u64 } from '../bytes/codec.js';
import { hash } from '../hash.js';
import { fromHex, toHex } from '../hex.js';
import { address20, hashOf, type Address, type Hash } from './words.js';
import { signBytes, type ChainContext } from './sign-bytes.js';

/** What a transaction does. */
export type Action = Transfer | Put | Delete | UpdateValidator | DeclareReady | Call;

/** Moves `amount` (in the chain's smallest unit) to `to`. */
export interface Transfer {
  kind: 'transfer';
  to: Address;
  amount: bigint;
  /** For the receiver; at most 256 bytes of UTF-8. */
  memo: string;
}

/** Writes a record in the sender's own namespace. */
export interface Put {
  kind: 'put';
  /** 1 to 256 bytes. */
  key: Uint8Array;
  /** At most 4,096 bytes. */
  value: Uint8Array;
}

/** Removes a record of the sender. */
export interface Delete {
  kind: 'delete';
  key: Uint8Array;
}

/** A validator's vote that the owner of this key validates with this power; 0 removes it. */
export interface UpdateValidator {
  kind: 'update_validator';
  publicKey: Uint8Array;
  power: bigint;
}

/** The word of a newcomer, by its validator key, that its node runs and follows the chain. */
export interface DeclareReady {
  kind: 'declare_ready';
}

/** Has an application that the chain's genesis names do what the data says. */
export interface Call {
  kind: 'call';
  /** Its name: 1 to 32 of `a-z 0-9 -`, a letter first. */
  application: string;
  /** At most 8,192 bytes; what they say is the application's own. */
  data: Uint8Array;
}

/** The part of a transaction that its id and its signature cover. */
export interface TransactionBody {
  /** How many transactions of the sender the ledger has executed before this one. */
  nonce: bigint;
  /** What the sender pays in all, in the chain's smallest unit. */
  fee: bigint;
  /** The last height at which it may stand in a block. */
  expiresAt: bigint;
  action: Action;
}

/** A signed transaction. */
export interface Transaction {
  sender: Address;
  body: TransactionBody;
  /** The sender's key: with nonce 0 only. */
  publicKey: Uint8Array | null;
  signature: Uint8Array;
}

// The order is the byte on the wire.
export const action = enumeration<Action>({
  transfer: struct<Omit<Transfer, 'kind'>>({ to: address20, amount: u64, memo: text }),
  put: struct<Omit<Put, 'kind'>>({ key: bytes, value: bytes }),
  delete: struct<Omit<Delete, 'kind'>>({ key: bytes }),
  update_validator: struct<Omit<UpdateValidator, 'kind'>>({ publicKey: bytes, power: u64 }),
  declare_ready: struct<Omit<DeclareReady, 'kind'>>({}),
  call: struct<Omit<Call, 'kind'>>({ application: text, data: bytes }),
});

export const transactionBody = struct<TransactionBody>({ nonce: u64, fee: u64, expiresAt: u64, action });

export const transaction = struct<Transaction>({
  sender: address20,
  body: transactionBody,
  publicKey: option(bytes),
  signature: bytes,
});

/** What id and signature cover: sender and body. */
function signed(of: Pick<Transaction, 'sender' | 'body'>): Uint8Array {
  return encode(struct<Pick<Transaction, 'sender' | 'body'>>({ sender: address20, body: transactionBody }), of);
}

/** The hash of sender and body. Never of the signature: a sender can always make a second one. */
export function transactionId(of: Pick<Transaction, 'sender' | 'body'>): Hash {
  return hashOf('lockstep/transaction/v1', signed(of));
}

/** The bytes under the sender's signature. */
export function transactionSignBytes(chain: ChainContext, of: Pick<Transaction, 'sender' | 'body'>): Uint8Array {
  return signBytes(chain, 'LS-TRANS', signed(of));
}

/** The hash of what the id does not cover: public key and signature. */
export function witness(of: Pick<Transaction, 'publicKey' | 'signature'>): Hash {
  const covered = struct<Pick<Transaction, 'publicKey' | 'signature'>>({ publicKey: option(bytes), signature: bytes });
  return hashOf('lockstep/witness/v1', encode(covered, of));
}

/** What a block's Merkle root holds of the transaction with this id and witness. */
export function transactionLeaf(id: Hash, itsWitness: Hash): Hash {
  return toHex(hash('lockstep/leaf/v1', fromHex(id, 32), fromHex(itsWitness, 32)));
}

const U64_MAX = (1n << 64n) - 1n;

/** What a transaction of so many bytes (without its envelope) pays at least. */
export function leastFee(feePerByte: bigint, length: number): bigint {
  const fee = feePerByte * BigInt(length);
  return fee > U64_MAX ? U64_MAX : fee;
}
