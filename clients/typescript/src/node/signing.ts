/** Builds and signs transactions: the fee is the least one, unless one is given. */
import { encode } from '../bytes/codec.js';
import { ArgumentError } from '../errors.js';
import { SIGNATURE_BYTES } from '../limits.js';
import { type Signer } from '../key.js';
import { isKey } from '../signature.js';
import { seal } from '../nouns/envelope.js';
import {
  leastFee as leastFeeOf,
  transaction,
  transactionId,
  transactionSignBytes,
  type Action,
  type Transaction,
  type TransactionBody,
} from '../nouns/transaction.js';
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

/**
 * Refuses what would cost a fee for nothing. How long texts and records may be is the node's to say: it takes
 * no fee for what it refuses.
 *
 * @throws {@link ArgumentError}
 */
export function demandAction(action: Action): void {
  if (action.kind === 'update_validator' && !isKey(action.publicKey)) {
    throw new ArgumentError('that is no public key of ml-dsa-65, or a weak one');
  }
}

/** What `body` costs at least: the bytes do not depend on the fee. */
export function leastFee(chain: Chain, signer: Signer, body: TransactionBody): bigint {
  const blank = { ...unsigned(signer, body), signature: new Uint8Array(SIGNATURE_BYTES) };
  return leastFeeOf(chain.feePerByte, encode(transaction, blank).length);
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
  if (signature.length !== SIGNATURE_BYTES)
    throw new ArgumentError(`the signer's signature has ${signature.length} bytes, not ${SIGNATURE_BYTES}`);
  const whole = { ...unsigned(signer, body), signature };
  return { id: transactionId(whole), bytes: seal(transaction, chain.genesisHash, whole), transaction: whole };
}

function unsigned(signer: Signer, body: TransactionBody): Omit<Transaction, 'signature'> {
  return { sender: signer.address, body, publicKey: body.nonce === 0n ? signer.publicKey : null };
}
