/** Writes canonical bytes; a number that its field cannot hold is an {@link ArgumentError}. */
import { ArgumentError } from '../errors.js';

const U64_MAX = (1n << 64n) - 1n;

export class Writer {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  // The place first, then the view: making room may move the buffer.

  u8(value: number): void {
    const at = this.#room(1);
    this.#view.setUint8(at, whole(value, 0xff));
  }

  u16(value: number): void {
    const at = this.#room(2);
    this.#view.setUint16(at, whole(value, 0xffff), true);
  }

  u32(value: number): void {
    const at = this.#room(4);
    this.#view.setUint32(at, whole(value, 0xffff_ffff), true);
  }

  u64(value: bigint): void {
    if (typeof value !== 'bigint' || value < 0n || value > U64_MAX) {
      throw new ArgumentError(`expected a bigint from 0n to 2n ** 64n - 1n, got ${String(value)}`);
    }
    const at = this.#room(8);
    this.#view.setBigUint64(at, value, true);
  }

  put(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** What has been written. */
  done(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Where the next `length` bytes go. */
  #room(length: number): number {
    const at = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}

function whole(value: number, most: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new ArgumentError(`expected a whole number from 0 to ${most}, got ${String(value)}`);
}
