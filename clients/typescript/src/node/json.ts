/** Reads a node's JSON field by field: what is not as it should be is `malformed`, never `undefined`. */
import { BytesError } from '../errors.js';
import { fromHex, type Hex } from '../hex.js';

const HASH_DIGITS = 64;
const ADDRESS_DIGITS = 40;

/** An object of JSON, whose fields are read by their kinds. */
export class Fields {
  readonly #of: Record<string, unknown>;

  constructor(value: unknown, what: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(what, value);
    this.#of = value as Record<string, unknown>;
  }

  /** Whether the field is there and not null. */
  has(name: string): boolean {
    return this.#of[name] !== undefined && this.#of[name] !== null;
  }

  object(name: string): Fields {
    return new Fields(this.#of[name], name);
  }

  list(name: string): Fields[] {
    const value = this.#of[name];
    if (!Array.isArray(value)) throw malformed(name, value);
    return value.map((one) => new Fields(one, name));
  }

  text(name: string): string {
    const value = this.#of[name];
    if (typeof value !== 'string') throw malformed(name, value);
    return value;
  }

  flag(name: string): boolean {
    const value = this.#of[name];
    if (typeof value !== 'boolean') throw malformed(name, value);
    return value;
  }

  /** A whole number that JSON has kept exactly. */
  number(name: string): number {
    const value = this.#of[name];
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw malformed(name, value);
    return value;
  }

  /** A height, a nonce, a power: a number in JSON. */
  whole(name: string): bigint {
    return BigInt(this.number(name));
  }

  /** Money: decimal digits as text. */
  amount(name: string): bigint {
    const value = this.#of[name];
    if (typeof value !== 'string' || !/^[0-9]{1,20}$/.test(value)) throw malformed(name, value);
    return BigInt(value);
  }

  hash(name: string): Hex {
    return this.#hex(name, HASH_DIGITS);
  }

  address(name: string): Hex {
    return this.#hex(name, ADDRESS_DIGITS);
  }

  bytes(name: string): Uint8Array {
    return fromHex(this.#hex(name));
  }

  /** Bytes, or a null that is said. */
  bytesOrNull(name: string): Uint8Array | null {
    return this.#of[name] === null ? null : this.bytes(name);
  }

  #hex(name: string, digits?: number): Hex {
    const value = this.#of[name];
    const isHex = typeof value === 'string' && /^0x(?:[0-9a-f]{2})*$/.test(value);
    if (!isHex || (digits !== undefined && value.length !== 2 + digits)) throw malformed(name, value);
    return value as Hex;
  }
}

function malformed(what: string, value: unknown): BytesError {
  const shown = JSON.stringify(value)?.slice(0, 80) ?? 'nothing';
  return new BytesError('malformed', `the node's answer has ${shown} as ${what}`);
}
