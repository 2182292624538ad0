/** Proofs for whoever holds a header: that a transaction stands in its block, and what became of it. */
import { struct } from '../bytes/codec.js';
import { leads, path, type Path } from './merkle.js';
import { receiptLeaf, receiptNoun, type ReceiptNoun } from './receipt.js';
import { transactionLeaf } from './transaction.js';
import { hash32, type Hash } from './words.js';

/** That a transaction stands in a block. */
export interface TransactionProof {
  witness: Hash;
  path: Path;
}

/** What became of a transaction of a block. */
export interface ReceiptProof {
  /** The claim. */
  receipt: ReceiptNoun;
  path: Path;
}

export const transactionProof = struct<TransactionProof>({ witness: hash32, path });
export const receiptProof = struct<ReceiptProof>({ receipt: receiptNoun, path });

/** Whether the transaction `id` stands in the block whose header has this `transactionsRoot`. */
export function provesTransaction(proof: TransactionProof, transactionsRoot: Hash, id: Hash): boolean {
  return leads(proof.path, transactionLeaf(id, proof.witness), transactionsRoot);
}

/** Whether the receipt is that of the transaction `id` in the block whose header has this `receiptsRoot`. */
export function provesReceipt(proof: ReceiptProof, receiptsRoot: Hash, id: Hash): boolean {
  return proof.receipt.transaction === id && leads(proof.path, receiptLeaf(proof.receipt), receiptsRoot);
}
