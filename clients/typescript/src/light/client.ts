/**
 * A light client: it keeps no ledger and executes nothing, and yet takes nobody's word. From one block that
 * its owner trusts it follows the chain by commit certificates, and checks an account by the Merkle proof
 * below a state root that it has followed. Pure: no network, no clock. {@link LightSession} asks nodes.
 *
 * A header counts if its own validators signed it, more than two thirds of their power, and if these
 * validators are known: because the trusted header names their hash for the height after it, or because
 * more than a third of the trusted set's power signed too. The header right after the trusted one must name
 * it as its parent as well. (arXiv 2010.07031, sections 3 and 4; `protocol/src/proofs/light_client`.)
 */
import { CLOCK_DRIFT_MS } from '../limits.js';
import { blockId, type Header } from '../nouns/block.js';
import { type LightBlock } from '../nouns/light-block.js';
import { type ChainContext } from '../nouns/sign-bytes.js';
import {
  provesAccount,
  provesApplication,
  provesRecord,
  type Account,
  type ProvedAccount,
  type ProvedApplication,
  type ProvedRecord,
  type StateRecord,
} from '../nouns/state.js';
import { type Address, type Hash } from '../nouns/words.js';
import { type Checkpoint } from './checkpoint.js';
import { demand, LightError } from './error.js';
import { ValidatorSet } from './validator-set.js';

/** A header that counts, with the set that signed it. */
export interface Trusted {
  header: Header;
  id: Hash;
  /** The validators of its height. */
  validators: ValidatorSet;
}

export class LightClient {
  readonly #chain: ChainContext;
  #trusted: Trusted;

  private constructor(chain: ChainContext, trusted: Trusted) {
    this.#chain = chain;
    this.#trusted = trusted;
  }

  /**
   * Begins at a checkpoint.
   *
   * @param chain whose it is; a server may say which: its certificate is one of this chain, or it does not start
   * @param shown the block of the checkpoint
   * @param now the owner's wall clock in milliseconds since 1970
   * @throws {@link LightError}
   */
  static start(chain: ChainContext, checkpoint: Checkpoint, shown: LightBlock, now: number): LightClient {
    const id = blockId(shown.header);
    demand('not_the_checkpoint', `the id of the block shown for checkpoint ${checkpoint.height}`, checkpoint.id, id);
    const validators = check(chain, checkpoint.height, shown, now);
    validators.demandCertified(shown.certificate, chain);
    return new LightClient(chain, { header: shown.header, id, validators });
  }

  /** The newest header that it trusts. */
  get trusted(): Trusted {
    return this.#trusted;
  }

  /** Another client that trusts the same now, and goes its own way. */
  fork(): LightClient {
    return new LightClient(this.#chain, this.#trusted);
  }

  /**
   * Takes what is shown of height `asked` as the newest trusted header, or throws and keeps the one it has.
   *
   * @throws {@link LightError} `too_far_ahead` is no lie: the validators have changed, and a header between the two may help
   */
  advance(asked: bigint, shown: LightBlock, now: number): void {
    const { height } = this.#trusted.header;
    if (asked <= height) {
      throw new LightError(
        'not_ahead',
        `height ${asked} lies not after the trusted height ${height}: ask for a later one`,
      );
    }
    const validators = check(this.#chain, asked, shown, now);
    this.#demandFollows(shown, validators);
    validators.demandCertified(shown.certificate, this.#chain);
    this.#trusted = { header: shown.header, id: shown.certificate.blockId, validators };
  }

  /**
   * What the chain holds of `address` after the trusted header: the account, or `null` if there is none.
   *
   * @throws {@link LightError} `other_height` or `proof`
   */
  account(address: Address, proved: ProvedAccount): Account | null {
    const { height, stateRoot } = this.#trusted.header;
    demand('other_height', 'the height of the proof', height, proved.height);
    if (!provesAccount(proved, stateRoot, address)) throw noProof('account');
    return proved.account;
  }

  /**
   * What the chain holds under `key` of `owner` after the trusted header, or `null`.
   *
   * @throws {@link LightError} `other_height` or `proof`
   */
  record(owner: Address, key: Uint8Array, proved: ProvedRecord): StateRecord | null {
    const { height, stateRoot } = this.#trusted.header;
    demand('other_height', 'the height of the proof', height, proved.height);
    if (!provesRecord(proved, stateRoot, owner, key)) throw noProof('record');
    return proved.record;
  }

  /**
   * What an application keeps under `key` after the trusted header, or `null`.
   *
   * @throws {@link LightError} `other_height` or `proof`
   */
  applicationState(application: string, key: Uint8Array, proved: ProvedApplication): Uint8Array | null {
    const { height, stateRoot } = this.#trusted.header;
    demand('other_height', 'the height of the proof', height, proved.height);
    if (!provesApplication(proved, stateRoot, application, key)) throw noProof('value of an application');
    return proved.value;
  }

  /** Demands that `shown`, of a later height, can be of this chain, and `set` a set of this chain. */
  #demandFollows({ header, certificate }: LightBlock, set: ValidatorSet): void {
    const trusted = this.#trusted;
    if (header.time <= trusted.header.time) {
      throw new LightError(
        'time_goes_back',
        `the header's time ${header.time} is not after the trusted header's ${trusted.header.time}`,
      );
    }
    const expected = trusted.header.nextValidatorsHash;
    if (header.height === trusted.header.height + 1n) {
      demand('other_parent', "the header's parent", trusted.id, header.previousBlock);
      demand(
        'other_validators',
        "the hash of the header's validators, which the block before it names,",
        expected,
        set.hash,
      );
    }
    if (set.hash === expected) return;
    const power = overlap(trusted.validators, set, certificate.signers);
    if (!trusted.validators.isSkipSet(power)) {
      throw new LightError(
        'too_far_ahead',
        `of the trusted validators, ${power} of ${trusted.validators.total} power signed it, no third: take a header in between first`,
      );
    }
  }
}

/** The power, in the `trusted` set, of those of `set` who signed. */
function overlap(trusted: ValidatorSet, set: ValidatorSet, signers: LightBlock['certificate']['signers']): bigint {
  return set.members(signers).reduce((sum, { validator }) => sum + trusted.powerOf(validator.address), 0n);
}

/** All that can be said of `shown` without what came before it, and before any signature is checked. */
function check(
  chain: ChainContext,
  asked: bigint,
  { header, certificate, validators }: LightBlock,
  now: number,
): ValidatorSet {
  demand('other_chain', 'the chain of the header', chain.chainId, header.chainId);
  demand('other_height', 'the height of the header', asked, header.height);
  demand('other_height', 'the height of the certificate', asked, certificate.height);
  if (header.height === 1n) demand('other_genesis', 'the genesis of block 1', chain.genesisHash, header.previousBlock);
  demand('certificate_of_other', 'the block of the certificate', blockId(header), certificate.blockId);
  if (header.time > BigInt(Math.floor(now)) + CLOCK_DRIFT_MS) {
    throw new LightError('future', `the header's time ${header.time} lies in the future of this clock's ${now}`);
  }
  const set = new ValidatorSet(validators);
  demand('validators_hash', 'the hash of the validators shown', header.validatorsHash, set.hash);
  return set;
}

function noProof(what: string): LightError {
  return new LightError('proof', `the proof does not lead from this ${what} to this state root`);
}
