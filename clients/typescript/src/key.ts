/** Keys of accounts and of validators. */
import { randomBytes } from '@noble/hashes/utils.js';
import { ArgumentError } from './errors.js';
import { hash } from './hash.js';
import { fromHex, toHex, type Hex } from './hex.js';
import { addressOf, SCHEME, type Address } from './nouns/words.js';
import { keyPair, sign } from './signature.js';

/** The names of the accounts that every devnet funds. */
export type DevnetName = 'alice' | 'bob' | 'carol' | 'dave';

/**
 * A key pair of ML-DSA-65. The secret half stays in this object, and is in no text and no JSON that is
 * made of it. (Other keys sign through {@link Signer}.)
 */
export class Key implements Signer {
  readonly publicKey: Uint8Array;
  readonly address: Address;
  readonly #seed: Uint8Array;
  readonly #secretKey: Uint8Array;

  private constructor(seed: Uint8Array) {
    this.#seed = seed.slice();
    // ξ binds the scheme's name: no key serves two schemes.
    const pair = keyPair(hash('lockstep/keygen/v1', SCHEME, seed));
    this.publicKey = pair.publicKey;
    this.#secretKey = pair.secretKey;
    this.address = addressOf(pair.publicKey);
  }

  /**
   * The key of a secret seed of 32 bytes: always the same one, and the same as `lockstep keys` makes of it.
   *
   * @throws {@link ArgumentError} if it has another length
   */
  static fromSeed(seed: Uint8Array | Hex): Key {
    const bytes = typeof seed === 'string' ? fromHex(seed, 32) : seed;
    if (bytes.length !== 32) throw new ArgumentError(`a seed has 32 bytes, not ${bytes.length}`);
    return new Key(bytes);
  }

  /** A new key. It is gone with this object unless its {@link exportSeed | seed} is kept. */
  static generate(): Key {
    return new Key(randomBytes(32));
  }

  /** An account that every devnet funds. Its key is public: anyone can spend what it holds. */
  static devnet(name: DevnetName): Key {
    return new Key(hash('lockstep/devnet/account/v1', name));
  }

  /** A signature of `message`; two calls give different ones. */
  sign(message: Uint8Array): Uint8Array {
    return sign(this.#secretKey, message);
  }

  /** The secret seed, from which {@link fromSeed} makes this key again: whoever has it can spend. */
  exportSeed(): Hex {
    return toHex(this.#seed);
  }

  toJSON(): { address: Address } {
    return { address: this.address };
  }
}

/** Whoever signs: a {@link Key}, or a device or service that keeps one. */
export interface Signer {
  readonly address: Address;
  readonly publicKey: Uint8Array;
  /** ML-DSA-65 with the empty context over exactly these bytes. */
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>;
}
