/** What became of a transaction that a block has executed. */
import { encode, enumeration, struct, u32, u64, type Codec } from '../bytes/codec.js';
import { hash32, hashOf, type Hash } from './words.js';

/** Why a transaction of a block could not do what it says; its place is its byte on the wire. */
export const FAILURE_CODES = [
  'insufficient_balance',
  'balance_overflow',
  'no_such_record',
  'not_a_validator',
  'nothing_to_change',
  'last_validator',
  'too_many_validators',
  'power_overflow',
  'invalid_validator_key',
  'validator_too_powerful',
  'not_a_candidate',
  'already_a_validator',
] as const;

export type FailureCode = (typeof FAILURE_CODES)[number];

/** How an executed transaction ended. Its nonce is used up and its fee paid either way. */
export type Status = { kind: 'success' } | { kind: 'failed'; code: FailureCode };

/** The outcome of one transaction of a block; the header's receipts root covers it. */
export interface ReceiptNoun {
  transaction: Hash;
  status: Status;
  /** In the chain's smallest unit. */
  fee: bigint;
  /** The transaction's canonical bytes, which the fee is for. */
  bytes: number;
}

const failureCode: Codec<FailureCode> = {
  write: (to, value) => to.u8(FAILURE_CODES.indexOf(value)),
  read(from) {
    const place = from.u8();
    const code = FAILURE_CODES[place];
    if (code === undefined) throw from.malformed(`there is no failure ${place}`);
    return code;
  },
};

const status = enumeration<Status>({
  success: struct<object>({}),
  failed: struct<{ code: FailureCode }>({ code: failureCode }),
});

export const receiptNoun = struct<ReceiptNoun>({ transaction: hash32, status, fee: u64, bytes: u32 });

/** What the header's receipts root holds of it. */
export function receiptLeaf(of: ReceiptNoun): Hash {
  return hashOf('lockstep/receipt/v1', encode(receiptNoun, of));
}
