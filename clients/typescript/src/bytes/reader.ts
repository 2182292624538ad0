/** Reads canonical bytes from front to back; whatever is missing or out of bounds is `malformed`. */
import { BytesError } from '../errors.js';

export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #kind: string;
  #at = 0;

  /** `kind` is what the bytes should be, for the error's sentence. */
  constructor(bytes: Uint8Array, kind: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#kind = kind;
  }

  /** Bytes that have not been read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  malformed(reason: string): BytesError {
    return new BytesError('malformed', `malformed ${this.#kind}: ${reason}`);
  }

  u8(): number {
    return this.#view.getUint8(this.#step(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#step(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#step(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#step(8), true);
  }

  /** A copy of the next `length` bytes. */
  take(length: number): Uint8Array {
    const from = this.#step(length);
    return this.#bytes.slice(from, from + length);
  }

  /** Demands that every byte has been read. */
  end(): void {
    if (this.left > 0) throw this.malformed(`${this.left} bytes are left over`);
  }

  /** Where the next `length` bytes begin. */
  #step(length: number): number {
    if (length > this.left) throw this.malformed(`it ends ${length - this.left} bytes too early`);
    const from = this.#at;
    this.#at += length;
    return from;
  }
}
