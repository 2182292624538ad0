/** Bytes as text: `0x` and hex digits. */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { ArgumentError } from './errors.js';

/** `0x` and hex digits, two for each byte. */
export type Hex = `0x${string}`;

/** `0x` and lower-case digits. */
export function toHex(bytes: Uint8Array): Hex {
  return `0x${bytesToHex(bytes)}`;
}

/**
 * The bytes of `text`, in either case.
 *
 * @throws {@link ArgumentError} if it is no `0x` hex, or not of `length` bytes.
 */
export function fromHex(text: string, length?: number): Uint8Array {
  const isHex = typeof text === 'string' && /^0x(?:[0-9a-fA-F]{2})*$/.test(text);
  if (!isHex || (length !== undefined && text.length !== 2 + 2 * length)) {
    const expected = length === undefined ? 'hex digits, two a byte' : `${2 * length} hex digits`;
    throw new ArgumentError(`expected 0x and ${expected}, got ${JSON.stringify(String(text).slice(0, 80))}`);
  }
  return hexToBytes(text.slice(2));
}

/** Whether both hold the same bytes. Not in constant time: for public values only. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
