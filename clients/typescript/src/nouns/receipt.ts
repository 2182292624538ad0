/** What became of a transaction that a block has executed. */
import { bytes, encode, enumeration, list, struct, text, u32, u64, type Codec } from '../bytes/codec.js';
import { ArgumentError } from '../errors.js';
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
  'application_failed',
  'work_exhausted',
] as const;

export type FailureCode = (typeof FAILURE_CODES)[number];

/** How an executed transaction ended. Its nonce is used up and its fee paid either way. */
export type Status = { kind: 'success' } | ({ kind: 'failed' } & Failure);

/** Why a transaction of a block has failed. */
export interface Failure {
  code: FailureCode;
  /** With `application_failed` the application's own number; `null` with any other code. */
  applicationCode: number | null;
}

/** Something that an application has told in a call. */
export interface CallEvent {
  /** What has happened: 1 to 32 of `a-z 0-9 -`, a letter first. */
  name: string;
  /** With what, as the application writes it. */
  data: Uint8Array;
}

/** The outcome of one transaction of a block; the header's receipts root covers it. */
export interface ReceiptNoun {
  transaction: Hash;
  status: Status;
  /** In the chain's smallest unit. */
  fee: bigint;
  /** The transaction's canonical bytes, which the fee is for. */
  bytes: number;
  /** What the application of a call has told; of what has failed, and of other transactions, none. */
  events: CallEvent[];
}

const failure: Codec<Failure> = {
  write(to, { code, applicationCode }) {
    to.u8(FAILURE_CODES.indexOf(code));
    if (code !== 'application_failed') return;
    if (applicationCode === null) throw new ArgumentError('application_failed comes with a number of the application');
    to.u32(applicationCode);
  },
  read(from) {
    const place = from.u8();
    const code = FAILURE_CODES[place];
    if (code === undefined) throw from.malformed(`there is no failure ${place}`);
    return { code, applicationCode: code === 'application_failed' ? from.u32() : null };
  },
};

const status = enumeration<Status>({
  success: struct<object>({}),
  failed: failure,
});

/** Two counts: the least that one takes. */
const events = list(struct<CallEvent>({ name: text, data: bytes }), 8);

export const receiptNoun = struct<ReceiptNoun>({ transaction: hash32, status, fee: u64, bytes: u32, events });

/** What the header's receipts root holds of it. */
export function receiptLeaf(of: ReceiptNoun): Hash {
  return hashOf('lockstep/receipt/v1', encode(receiptNoun, of));
}
