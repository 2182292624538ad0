/** Validators as headers name them. */
import { bytes, encode, list, struct, u64 } from '../bytes/codec.js';
import { address20, hashOf, type Address, type Hash } from './words.js';

export interface Validator {
  /** Derived from the public key. */
  address: Address;
  publicKey: Uint8Array;
  /** Voting power, at least 1. */
  power: bigint;
}

export const validator = struct<Validator>({ address: address20, publicKey: bytes, power: u64 });

/** Address, count of the key, power: the least that one takes. */
export const validators = list(validator, 32);

/** The hash of a list that is in order of address; it stands in headers. */
export function validatorsHash(of: Validator[]): Hash {
  return hashOf('lockstep/validators/v1', encode(validators, of));
}
