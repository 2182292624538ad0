/** The field words: hashes, addresses, and how they are written. */
import { type Codec } from '../bytes/codec.js';
import { ArgumentError } from '../errors.js';
import { hash } from '../hash.js';
import { fromHex, toHex, type Hex } from '../hex.js';
import { APPLICATION_NAME_BYTES_MAX } from '../limits.js';

/** SHA-256: `0x` and 64 lower-case digits. */
export type Hash = Hex;
/** Who an account or a validator is: `0x` and 40 lower-case digits. */
export type Address = Hex;

/** Whether an application, or an event, can have this name: 1 to 32 of `a-z 0-9 -`, a letter first. */
export function isName(name: string): boolean {
  return name.length <= APPLICATION_NAME_BYTES_MAX && /^[a-z][a-z0-9-]*$/.test(name);
}

/** The scheme whose keys this client has. */
export const SCHEME = 'ml-dsa-65';

/** The hash of nothing that has one. */
export const ZERO_HASH: Hash = `0x${'00'.repeat(32)}`;

function digits(length: number): Codec<Hex> {
  return {
    write: (to, value) => to.put(fromHex(value, length)),
    read: (from) => toHex(from.take(length)),
  };
}

export const hash32 = digits(32);
export const address20 = digits(20);

/** The hash over parts; hashes among them stand for their bytes. */
export function hashOf(...parts: (Uint8Array | string)[]): Hash {
  return toHex(hash(...parts));
}

/** The address of a public key: the first 20 bytes of SHA-256(scheme name ‖ public key). */
export function addressOf(publicKey: Uint8Array): Address {
  return toHex(hash(SCHEME, publicKey).subarray(0, 20));
}

/**
 * With a checksum in the case of its letters, for people who copy by hand: as in EIP-55, but over
 * SHA-256 of the lower-case digits.
 */
export function checksummed(address: Address): Hex {
  const lower = toHex(fromHex(address, 20)).slice(2);
  const marks = toHex(hash(lower)).slice(2);
  const marked = [...lower].map((digit, at) =>
    Number.parseInt(marks.charAt(at), 16) >= 8 ? digit.toUpperCase() : digit,
  );
  return `0x${marked.join('')}`;
}

/**
 * Reads an address in any case; letters of both cases must be those of its checksum.
 *
 * @throws {@link ArgumentError} if it is none, or has a typing error
 */
export function parseAddress(text: string): Address {
  const lower = toHex(fromHex(text, 20));
  const isMixed = /[a-f]/.test(text.slice(2)) && /[A-F]/.test(text.slice(2));
  if (isMixed && text !== checksummed(lower)) {
    throw new ArgumentError(
      `the letters of ${text} do not fit its checksum: there is a typing error in it, or another kind of checksum`,
    );
  }
  return lower;
}
