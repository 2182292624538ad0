/**
 * Canonical bytes: borsh (https://borsh.io), with exactly one encoding for each value. A {@link Codec}
 * reads and writes one kind; codecs of larger kinds are put together from those of their fields.
 */
import { BytesError } from '../errors.js';
import { Reader } from './reader.js';
import { Writer } from './writer.js';

/** How values of one kind are written and read. */
export interface Codec<T> {
  write(to: Writer, value: T): void;
  read(from: Reader): T;
}

/** What a codec reads. */
export type Of<C> = C extends Codec<infer T> ? T : never;

/** The canonical bytes of `value`. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = new Writer();
  codec.write(writer, value);
  return writer.done();
}

/**
 * Reads one value, and demands that it uses every byte.
 *
 * @param kind what the bytes should be, for the error's sentence
 * @param limit bytes at the most; more are not looked at
 * @throws {@link BytesError} `too_large` or `malformed`
 */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array, kind: string, limit: number): T {
  if (bytes.length > limit) {
    throw new BytesError('too_large', `${bytes.length} bytes are more than the limit of ${limit}`);
  }
  const reader = new Reader(bytes, kind);
  const value = codec.read(reader);
  reader.end();
  return value;
}

export const u32: Codec<number> = { write: (to, value) => to.u32(value), read: (from) => from.u32() };
export const u64: Codec<bigint> = { write: (to, value) => to.u64(value), read: (from) => from.u64() };

/** A count (u32) and so many bytes. How many there may be is the rule of whoever uses them. */
export const bytes: Codec<Uint8Array> = {
  write(to, value) {
    to.u32(value.length);
    to.put(value);
  },
  read: (from) => from.take(from.u32()),
};

/** The same for UTF-8. Other bytes are refused, and so is half of a surrogate pair. */
export const text: Codec<string> = {
  write(to, value) {
    if (/\p{Surrogate}/u.test(value)) throw new BytesError('malformed', 'the text holds half of a surrogate pair');
    bytes.write(to, new TextEncoder().encode(value));
  },
  read(from) {
    const read = bytes.read(from);
    try {
      // A byte order mark is a character like others.
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(read);
    } catch {
      throw from.malformed('a text is no UTF-8');
    }
  },
};

/** A byte 0, or a byte 1 and the value. */
export function option<T>(of: Codec<T>): Codec<T | null> {
  return {
    write(to, value) {
      to.u8(value === null ? 0 : 1);
      if (value !== null) of.write(to, value);
    },
    read(from) {
      const tag = from.u8();
      if (tag > 1) throw from.malformed(`an option begins with 0 or 1, not ${tag}`);
      return tag === 0 ? null : of.read(from);
    },
  };
}

/** A count (u32) and the elements, each of which takes at least `least` bytes (1 or more). */
export function list<T>(of: Codec<T>, least: number): Codec<T[]> {
  return {
    write(to, values) {
      to.u32(values.length);
      for (const value of values) of.write(to, value);
    },
    read(from) {
      const count = from.u32();
      // A count that lies makes no room.
      if (count > from.left / least) throw from.malformed(`a list of ${count} does not fit into what is left`);
      return Array.from({ length: count }, () => of.read(from));
    },
  };
}

/** The fields in their order. */
export function struct<T extends object>(fields: { [K in keyof T]: Codec<T[K]> }): Codec<T> {
  const names = Object.keys(fields) as (keyof T)[];
  return {
    write(to, value) {
      for (const name of names) fields[name].write(to, value[name]);
    },
    read(from) {
      const value = {} as T;
      for (const name of names) value[name] = fields[name].read(from);
      return value;
    },
  };
}

/** The shapes of an enum: each is a struct, told apart by `kind`. */
type Variants<T extends { kind: string }> = {
  [K in T['kind']]: Codec<Omit<Extract<T, { kind: K }>, 'kind'>>;
};

/** A byte, which is the variant's place in the order given here, and the variant's fields. */
export function enumeration<T extends { kind: string }>(variants: Variants<T>): Codec<T> {
  const kinds = Object.keys(variants) as T['kind'][];
  return {
    write(to, value) {
      const kind: T['kind'] = value.kind;
      to.u8(kinds.indexOf(kind));
      (variants[kind] as Codec<unknown>).write(to, value);
    },
    read(from) {
      const place = from.u8();
      const kind = kinds[place];
      if (kind === undefined) throw from.malformed(`there is no variant ${place}`);
      return { kind, ...(variants[kind] as Codec<object>).read(from) } as unknown as T;
    },
  };
}
