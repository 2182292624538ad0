/** Limits of the protocol, in bytes unless the name says otherwise (`protocol/src/limits.rs`). */

/** The version of bytes and rules that this client speaks. */
export const PROTOCOL_VERSION = 7;
/** A transaction with its envelope. */
export const TRANSACTION_BYTES_MAX = 12_288;
/** The memo of a transfer. */
export const MEMO_BYTES_MAX = 256;
/** The key of a record; it has at least one byte. */
export const RECORD_KEY_BYTES_MAX = 256;
/** The value of a record. */
export const RECORD_VALUE_BYTES_MAX = 4_096;
/** The name of an application, or of an event; it has at least one byte. */
export const APPLICATION_NAME_BYTES_MAX = 32;
/** The data of a call. */
export const CALL_DATA_BYTES_MAX = 8_192;
/** A key of an application's state; it has at least one byte. */
export const STATE_KEY_BYTES_MAX = 64;
/** A value of an application's state; it has at least one byte. */
export const STATE_VALUE_BYTES_MAX = 4_096;
/** All events of one call, each with its name and 8 bytes more. */
export const EVENTS_BYTES_MAX = 3_072;
/** Heights that a transaction may lie ahead of its block. */
export const EXPIRY_HEIGHTS_MAX = 100_000n;
/** Nonces that a transaction may be ahead of its account, and still wait. */
export const NONCES_AHEAD_MAX = 256n;
/** Validators of one set. */
export const VALIDATORS_MAX = 128;
/** A signature of ML-DSA-65. */
export const SIGNATURE_BYTES = 3_309;
/** A public key of ML-DSA-65. */
export const PUBLIC_KEY_BYTES = 1_952;
/** A certificate of the largest set. */
export const CERTIFICATE_BYTES_MAX = VALIDATORS_MAX * (SIGNATURE_BYTES + 8) + 256;
/** Header, certificate and set, with the envelope. */
export const LIGHT_BLOCK_BYTES_MAX = CERTIFICATE_BYTES_MAX + VALIDATORS_MAX * 2_048 + 4_096;
/** An account with its proof and the envelope. */
export const PROVED_ACCOUNT_BYTES_MAX = 20 * 1024;
/** A record with its proof and the envelope. */
export const PROVED_RECORD_BYTES_MAX = PROVED_ACCOUNT_BYTES_MAX + RECORD_VALUE_BYTES_MAX;
/** A value of an application with its proof and the envelope. */
export const PROVED_APPLICATION_BYTES_MAX = PROVED_ACCOUNT_BYTES_MAX + STATE_VALUE_BYTES_MAX;
/** Siblings beside a path in the state tree: one for each bit of a key. */
export const STATE_SIBLINGS_MAX = 256;
/** Steps from a leaf of a block's tree to its root. */
export const PATH_STEPS_MAX = 32;
/** A proof that a transaction or a receipt, with all its events, stands in a block. */
export const INCLUSION_BYTES_MAX = 2_048 + EVENTS_BYTES_MAX;
/** Milliseconds that a header's time may lie ahead of the caller's clock. */
export const CLOCK_DRIFT_MS = 10_000n;
