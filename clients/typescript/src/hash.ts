/** SHA-256, as every id and every tree of the protocol uses it. */
import { sha256 } from '@noble/hashes/sha2.js';

const ascii = new TextEncoder();

/** SHA-256 over the parts, one behind the other. A text stands for its UTF-8 bytes. */
export function hash(...parts: (Uint8Array | string)[]): Uint8Array {
  const hasher = sha256.create();
  for (const part of parts) hasher.update(typeof part === 'string' ? ascii.encode(part) : part);
  return hasher.digest();
}
