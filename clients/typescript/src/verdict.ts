/**
 * What a node answers to the bytes of a transaction, without a node: "accepted", or the stable code of its
 * refusal, if nothing else waits. For comparing implementations, and for a look before something is sent.
 */
import { BytesError } from './errors.js';
import {
  CALL_DATA_BYTES_MAX,
  EXPIRY_HEIGHTS_MAX,
  MEMO_BYTES_MAX,
  NONCES_AHEAD_MAX,
  RECORD_KEY_BYTES_MAX,
  RECORD_VALUE_BYTES_MAX,
  TRANSACTION_BYTES_MAX,
} from './limits.js';
import { encode } from './bytes/codec.js';
import { open } from './nouns/envelope.js';
import { type ChainContext } from './nouns/sign-bytes.js';
import { leastFee, transaction, transactionSignBytes, type Action, type Call, type Transaction } from './nouns/transaction.js';
import { addressOf, isName, type Address } from './nouns/words.js';
import { isKey, verify } from './signature.js';

/** "accepted", or the code of a refusal. */
export type Verdict = 'accepted' | (string & {});

/** What a verdict depends on besides the bytes. */
export interface LedgerState {
  chain: ChainContext;
  feePerByte: bigint;
  /** Of the next block. */
  height: bigint;
  /** Whoever is not here holds nothing and has sent nothing. */
  accounts: ReadonlyMap<Address, { balance: bigint; nonce: bigint; publicKey: Uint8Array | null }>;
  /** Those of the chain by their names: whether one takes these bytes for a call. By default there is none. */
  applications?: ReadonlyMap<string, (data: Uint8Array) => boolean> | undefined;
}

/** The cheapest check first, the signature last, as in `protocol/src/mempool/admission.rs`. */
export function verdict(bytes: Uint8Array, state: LedgerState): Verdict {
  let read: Transaction;
  try {
    read = open(transaction, state.chain.genesisHash, bytes, 'transaction', TRANSACTION_BYTES_MAX);
  } catch (error) {
    if (error instanceof BytesError) return error.code;
    throw error;
  }
  return formFault(read, state) ?? accountFault(read, state) ?? signatureFault(read, state) ?? 'accepted';
}

/** What can be said without any account. */
function formFault(of: Transaction, { feePerByte, height, applications }: LedgerState): string | null {
  const { action, expiresAt, fee } = of.body;
  const fault = action.kind === 'call' ? callFault(action, applications) : actionFault(action);
  if (fault !== null) return fault;
  if (fee < leastFee(feePerByte, encode(transaction, of).length)) return 'underpriced';
  if (expiresAt < height) return 'expired';
  return expiresAt > height + EXPIRY_HEIGHTS_MAX ? 'expiry_too_far' : null;
}

function actionFault(action: Action): string | null {
  if (action.kind === 'transfer') {
    return new TextEncoder().encode(action.memo).length > MEMO_BYTES_MAX ? 'memo_too_large' : null;
  }
  if (action.kind !== 'put' && action.kind !== 'delete') return null;
  if (action.kind === 'put' && action.value.length > RECORD_VALUE_BYTES_MAX) return 'value_too_large';
  return action.key.length < 1 || action.key.length > RECORD_KEY_BYTES_MAX ? 'record_key_length' : null;
}

function callFault({ application, data }: Call, applications: LedgerState['applications']): string | null {
  if (!isName(application)) return 'invalid_application_name';
  const takes = applications?.get(application);
  if (takes === undefined) return 'unknown_application';
  if (data.length > CALL_DATA_BYTES_MAX) return 'call_too_large';
  return takes(data) ? null : 'call_refused';
}

const NOBODY = { balance: 0n, nonce: 0n, publicKey: null };

function accountFault({ sender, body }: Transaction, { accounts }: LedgerState): string | null {
  const { balance, nonce } = accounts.get(sender) ?? NOBODY;
  if (body.nonce < nonce) return 'nonce_too_low';
  if (body.nonce >= nonce + NONCES_AHEAD_MAX) return 'nonce_too_high';
  return body.fee > balance ? 'unfunded' : null;
}

function signatureFault(of: Transaction, { accounts, chain }: LedgerState): string | null {
  const recorded = accounts.get(of.sender)?.publicKey ?? null;
  const given = of.publicKey;
  if (recorded !== null && given !== null) return 'key_on_record';
  if (recorded === null && given !== null && of.body.nonce > 0n) return 'key_too_late';
  const key = recorded ?? given;
  if (key === null) return 'unknown_key';
  if (recorded === null && addressOf(key) !== of.sender) return 'foreign_key';
  if (!isKey(key)) return 'bad_key';
  return verify(key, transactionSignBytes(chain, of), of.signature) ? null : 'bad_signature';
}
