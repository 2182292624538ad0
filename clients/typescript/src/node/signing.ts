/** Builds and signs transactions: the fee is the least one, unless one is given. */
import { encode } from '../bytes/codec.js';
import { ArgumentError } from '../errors.js';
import {
  EXPIRY_HEIGHTS_MAX,
  MEMO_BYTES_MAX,
  PUBLIC_KEY_BYTES,
  RECORD_KEY_BYTES_MAX,
  RECORD_VALUE_BYTES_MAX,
  SIGNATURE_BYTES,
} from '../limits.js';
import { type Signer } from '../key.js';
import { seal } from '../nouns/envelope.js';
import { transaction, transactionId, transactionSignBytes, type Action, type Transaction, type TransactionBody } from '../nouns/transaction.js';
import { type Hash } from '../nouns/words.js';
import { type Chain } from './answers.js';

/** Heights after which a transaction expires, unless its sender says: some hours at a block a second. */
export const EXPIRES_AFTER = 10_000n;

/** What a sender may choose; the client finds what is left out. */
export interface BuildOptions {
  /** In the chain's smallest unit; the least one by default. */
  fee?: bigint | undefined;
  /** By default the node's word, which counts what waits: give it where several are signed before one is sent. */
  nonce?: bigint | undefined;
  /** The last height at which it may stand in a block; 10,000 ahead by default. */
  expiresAt?: bigint | undefined;
}

/** A transaction that is ready to send: the same bytes may be sent again and again. */
export interface SignedTransaction {
  /** Known before it is sent; no two signatures change it. */
  id: Hash;
  /** What a node takes: the transaction in its envelope. */
  bytes: Uint8Array;
  transaction: Transaction;
}

/** @throws {@link ArgumentError} if no chain takes this action */
export function demandAction(action: Action): void {
  switch (action.kind) {
    case 'transfer':
      return demandBytes('a memo', new TextEncoder().encode(action.memo), 0, MEMO_BYTES_MAX);
    case 'put':
      demandBytes("a record's key", action.key, 1, RECORD_KEY_BYTES_MAX);
      return demandBytes("a record's value", action.value, 0, RECORD_VALUE_BYTES_MAX);
    case 'delete':
      return demandBytes("a record's key", action.key, 1, RECORD_KEY_BYTES_MAX);
    case 'update_validator':
      return demandBytes('a public key', action.publicKey, PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES);
    case 'declare_ready':
  }
}

function demandBytes(what: string, bytes: Uint8Array, least: number, most: number): void {
  if (bytes.length >= least && bytes.length <= most) return;
  const range = least === most ? `${least}` : `${least} to ${most}`;
  throw new ArgumentError(`${what} has ${range} bytes, not ${bytes.length}`);
}

/** What `body` costs at least: the bytes do not depend on the fee. */
export function leastFee(chain: Chain, signer: Signer, body: TransactionBody): bigint {
  const blank = { ...unsigned(signer, body), signature: new Uint8Array(SIGNATURE_BYTES) };
  return chain.feePerByte * BigInt(encode(transaction, blank).length);
}

/**
 * Signs. No network: whoever knows chain, nonce and expiry can do it on a machine without one.
 *
 * @throws {@link ArgumentError} for a body that no chain takes, or a signer whose signature is none
 */
export async function signTransaction(
  chain: Chain,
  signer: Signer,
  given: Omit<TransactionBody, 'fee'> & { fee?: bigint | undefined },
): Promise<SignedTransaction> {
  demandAction(given.action);
  const body: TransactionBody = { ...given, fee: given.fee ?? leastFee(chain, signer, { ...given, fee: 0n }) };
  const signature = await signer.sign(transactionSignBytes(chain, { sender: signer.address, body }));
  if (signature.length !== SIGNATURE_BYTES) throw new ArgumentError(`the signer's signature has ${signature.length} bytes, not ${SIGNATURE_BYTES}`);
  const whole = { ...unsigned(signer, body), signature };
  return { id: transactionId(whole), bytes: seal(transaction, chain.genesisHash, whole), transaction: whole };
}

function unsigned(signer: Signer, body: TransactionBody): Omit<Transaction, 'signature'> {
  return { sender: signer.address, body, publicKey: body.nonce === 0n ? signer.publicKey : null };
}

/** The expiry of a transaction that is signed at `height`. */
export function expiryAt(height: bigint, wanted: bigint | undefined): bigint {
  const latest = height + EXPIRY_HEIGHTS_MAX;
  if (wanted !== undefined && wanted > latest) {
    throw new ArgumentError(`a transaction expires at ${latest} at the latest, ${EXPIRY_HEIGHTS_MAX} heights ahead`);
  }
  return wanted ?? height + EXPIRES_AFTER;
}

