/**
 * ML-DSA-65 (FIPS 204) with the empty context, by `@noble/post-quantum`. The only file that names it.
 * Lengths are checked first, then degenerate keys, then the library is asked.
 */
import { randomBytes } from '@noble/hashes/utils.js';
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js';
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from './limits.js';

/** The part of a public key before t1. */
const RHO_BYTES = 32;

/**
 * Whether a chain takes this key: of the exact length, and t1 not all zero. With t1 = 0 anyone can sign,
 * by the standard itself.
 */
export function isKey(publicKey: Uint8Array): boolean {
  return publicKey.length === PUBLIC_KEY_BYTES && publicKey.subarray(RHO_BYTES).some((byte) => byte !== 0);
}

/** Whether `signature` is one of `message` by the owner of `publicKey`. Never throws for wrong bytes. */
export function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES || !isKey(publicKey)) return false;
  return ml_dsa65.verify(signature, message, publicKey);
}

/** Hedged as FIPS 204 recommends: equal messages give different signatures. */
export function sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array {
  return ml_dsa65.sign(message, secretKey, { extraEntropy: randomBytes(32) });
}

/** The key pair of the seed ξ of FIPS 204. */
export function keyPair(xi: Uint8Array): { publicKey: Uint8Array; secretKey: Uint8Array } {
  return ml_dsa65.keygen(xi);
}
