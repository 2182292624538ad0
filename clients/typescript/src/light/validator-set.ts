/** The validators of one height: what they weigh, and who of them signed. */
import { type CommitCertificate, type Signers } from '../nouns/block.js';
import { precommitSignBytes, type ChainContext } from '../nouns/sign-bytes.js';
import { validatorsHash, type Validator } from '../nouns/validator.js';
import { addressOf, type Address, type Hash } from '../nouns/words.js';
import { VALIDATORS_MAX } from '../limits.js';
import { isKey, verify } from '../signature.js';
import { LightError } from './error.js';

const POWER_MAX = (1n << 64n) - 1n;

/** Sorted by address, each once, every power at least 1, the total below 2⁶⁴. */
export class ValidatorSet {
  readonly validators: readonly Validator[];
  readonly total: bigint;
  readonly hash: Hash;
  readonly #places: ReadonlyMap<Address, number>;

  /**
   * From keys and powers in any order; addresses are made anew.
   *
   * @throws {@link LightError} `validators` if they are no set
   */
  constructor(members: readonly Pick<Validator, 'publicKey' | 'power'>[]) {
    this.validators = members.map(checked).sort((a, b) => (a.address < b.address ? -1 : 1));
    const count = members.length;
    if (count < 1 || count > VALIDATORS_MAX) throw wrong(`a set has 1 to ${VALIDATORS_MAX} validators, not ${count}`);
    this.#places = new Map(this.validators.map(({ address }, place) => [address, place]));
    if (this.#places.size !== count) throw wrong('a validator stands in the set twice');
    this.total = this.validators.reduce((sum, { power }) => sum + power, 0n);
    if (this.total > POWER_MAX) throw wrong('the total voting power does not fit into 64 bits');
    this.hash = validatorsHash([...this.validators]);
  }

  /** More than two thirds of the whole. */
  isQuorum(power: bigint): boolean {
    return 3n * power > 2n * this.total;
  }

  /** More than a third of the whole: one of them is correct. */
  isSkipSet(power: bigint): boolean {
    return 3n * power > this.total;
  }

  /** The power of `address`; 0n if it is no member. */
  powerOf(address: Address): bigint {
    const place = this.#places.get(address);
    return place === undefined ? 0n : (this.validators[place]?.power ?? 0n);
  }

  /**
   * Who signed, with their signatures, in order.
   *
   * @throws {@link LightError} `certificate` if bitmap and signatures do not fit this set
   */
  members({ bitmap, signatures }: Signers): { validator: Validator; signature: Uint8Array }[] {
    const isSet = (place: number): boolean => (((bitmap[place >> 3] ?? 0) >> (place & 7)) & 1) === 1;
    const count = this.validators.length;
    const all = Array.from({ length: 8 * bitmap.length }, (_, place) => place).filter(isSet);
    const fits = bitmap.length === Math.ceil(count / 8) && all.every((place) => place < count);
    const members = all.flatMap((place, at) => {
      const [validator, signature] = [this.validators[place], signatures[at]];
      return validator && signature ? [{ validator, signature }] : [];
    });
    if (!fits || members.length !== signatures.length || all.length !== signatures.length) {
      throw new LightError('certificate', 'the signer bitmap does not fit the validator set');
    }
    return members;
  }

  /**
   * Demands that the certificate has the shape, the power and every signature that it needs.
   *
   * @throws {@link LightError} `certificate`, `no_quorum` or `signature`
   */
  demandCertified(certificate: CommitCertificate, chain: ChainContext): void {
    const members = this.members(certificate.signers);
    const power = members.reduce((sum, { validator }) => sum + validator.power, 0n);
    if (!this.isQuorum(power)) {
      throw new LightError('no_quorum', `the signers hold ${power} of ${this.total} power: no quorum`);
    }
    const message = precommitSignBytes(chain, certificate);
    for (const { validator, signature } of members) {
      if (!verify(validator.publicKey, message, signature)) {
        throw new LightError('signature', `the signature of validator ${validator.address} does not verify`);
      }
    }
  }
}

function checked({ publicKey, power }: Pick<Validator, 'publicKey' | 'power'>): Validator {
  if (!isKey(publicKey)) throw wrong('a public key is none of this chain, or a weak one');
  const address = addressOf(publicKey);
  if (power < 1n) throw wrong(`validator ${address} has no voting power`);
  return { address, publicKey, power };
}

function wrong(message: string): LightError {
  return new LightError('validators', message);
}
