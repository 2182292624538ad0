/** Why a light client does not take what it is shown. */
import { LockstepError } from '../errors.js';

/** The same words as `lockstep light verify --json` has in `code`. */
export type LightCode =
  | 'not_the_checkpoint'
  | 'other_chain'
  | 'other_genesis'
  | 'other_height'
  | 'not_ahead'
  | 'certificate_of_other'
  | 'future'
  | 'time_goes_back'
  | 'other_parent'
  | 'other_validators'
  | 'validators_hash'
  | 'validators'
  | 'no_quorum'
  | 'signature'
  | 'certificate'
  | 'too_far_ahead'
  | 'proof'
  | 'malformed'
  | 'trusted_too_old'
  | 'stale'
  | 'witness_differs'
  | 'fork'
  | 'behind';

/**
 * What was shown does not follow from what is trusted: a lie or a fault of whoever showed it, but for
 * `too_far_ahead` and `not_ahead` (ask for another header first) and `behind` (ask again later).
 */
export class LightError extends LockstepError {
  override readonly name: string = 'LightError';
  declare readonly code: LightCode;

  constructor(code: LightCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** Refuses with `code` what is not as expected. */
export function demand<T extends bigint | string>(code: LightCode, what: string, expected: T, actual: T): void {
  if (expected !== actual) throw new LightError(code, `${what} is ${actual}, expected ${expected}`);
}
