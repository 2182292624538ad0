/**
 * Every error of this package is a {@link LockstepError} with a stable `code`: the node's own word where
 * the node refuses, a word of the light client where something was not proved, one of
 * {@link ClientCode} where the client itself gives up.
 */

/** The codes that this client makes by itself. */
export type ClientCode =
  | 'unreachable'
  | 'timeout'
  | 'aborted'
  | 'malformed'
  | 'too_large'
  | 'version'
  | 'foreign_chain'
  | 'unsupported_scheme'
  | 'bad_argument'
  | 'expired'
  | 'replaced'
  | 'dropped'
  | 'receipt_not_kept';

/** The base of all errors here. */
export class LockstepError extends Error {
  override readonly name: string = 'LockstepError';
  /** One stable word for programs; the sentence in `message` may change. */
  readonly code: string;

  constructor(code: ClientCode | (string & {}), message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A caller has passed something that can never work: code `bad_argument`. */
export class ArgumentError extends LockstepError {
  override readonly name: string = 'ArgumentError';
  constructor(message: string) {
    super('bad_argument', message);
  }
}

/** Bytes that are no value of their kind: `malformed`, `too_large`, `version` or `foreign_chain`. */
export class BytesError extends LockstepError {
  override readonly name: string = 'BytesError';
}

/** No answer came: `unreachable`, `timeout` or `aborted`. What was sent may have arrived all the same. */
export class ConnectionError extends LockstepError {
  override readonly name: string = 'ConnectionError';
}

/** The node answered, and refused: `code` is its own word. */
export class RefusedError extends LockstepError {
  override readonly name: string = 'RefusedError';
  /** The status of HTTP; of JSON-RPC the number of the error, which is negative. */
  readonly status: number;

  constructor(code: string, message: string, status: number) {
    super(code, message);
    this.status = status;
  }

  /** Whether the node has no time or no room now: the same may be asked again in a moment. */
  get isBusy(): boolean {
    return BUSY_CODES.has(this.code) || BUSY_STATUSES.has(this.status);
  }
}

const BUSY_CODES = new Set(['busy', 'too_often']);
/** A proxy's words among them. */
const BUSY_STATUSES = new Set([429, 502, 503, 504]);
