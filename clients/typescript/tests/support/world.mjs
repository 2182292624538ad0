// Chains for the light client: real keys, real signatures, headers that say what a test wants.
import { Key, LightClient, ValidatorSet, nouns } from '../../dist/index.js';
import { StateTree } from './state-tree.mjs';

export const NOW = 1_000_000;
export const RICH = `0x${'05'.repeat(20)}`;
export const ZERO = `0x${'00'.repeat(32)}`;
export const chain = { chainId: 7n, genesisHash: `0x${'9e'.repeat(32)}` };

const KEYS = Array.from({ length: 12 }, (_, index) => Key.fromSeed(new Uint8Array(32).fill(index + 1)));

/** The first `count` validators, or those with these powers, in order of address. */
export class Cast {
  constructor(powers) {
    const members = (typeof powers === 'number' ? Array(powers).fill(1n) : powers).map((power, index) => ({
      key: KEYS[index],
      power,
    }));
    this.members = members.sort((a, b) => (a.key.address < b.key.address ? -1 : 1));
    this.validators = this.members.map(({ key, power }) => ({ address: key.address, publicKey: key.publicKey, power }));
    this.hash = new ValidatorSet(this.validators).hash;
  }

  /** The places of those who are, or are not, members of `others`. */
  places(others, belong) {
    const theirs = new Set(others.members.map(({ key }) => key));
    return this.members.flatMap(({ key }, place) => (theirs.has(key) === belong ? [place] : []));
  }

  quorum() {
    return Array.from({ length: Math.floor((this.members.length * 2) / 3) + 1 }, (_, place) => place);
  }

  /** Places and signatures as a certificate carries them. */
  signers(signed) {
    const bitmap = new Uint8Array(Math.ceil(this.members.length / 8));
    for (const [place] of signed) bitmap[place >> 3] |= 1 << (place & 7);
    return { bitmap, signatures: signed.map(([, signature]) => signature) };
  }

  /** A header that the validators of these places have signed. */
  signed(header, places) {
    const blockId = nouns.blockId(header);
    const message = nouns.precommitSignBytes(chain, { height: header.height, round: 0, blockId });
    const signatures = places.map((place) => [place, this.members[place].key.sign(message)]);
    const certificate = { height: header.height, round: 0, blockId, signers: this.signers(signatures) };
    return { header, certificate, validators: this.validators };
  }

  /** A header of this set; its time is its height in seconds. */
  header(height, previousBlock, more = {}) {
    return {
      chainId: chain.chainId,
      height,
      time: height * 1_000n,
      proposer: this.members[0].key.address,
      previousBlock,
      lastCommitHash: ZERO,
      transactionsRoot: ZERO,
      evidenceRoot: ZERO,
      stateRoot: ZERO,
      receiptsRoot: ZERO,
      validatorsHash: this.hash,
      nextValidatorsHash: this.hash,
      ...more,
    };
  }
}

const bytesOf = (address) => Buffer.from(address.slice(2), 'hex');
const u64 = (value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
};

/** Ten headers of four validators over a state with accounts, the same as `protocol`'s own tests have. */
export class World {
  constructor() {
    this.cast = new Cast(4);
    const account = (number) => [
      ['account/', Buffer.alloc(20, number)],
      Buffer.concat([u64(100n * BigInt(number)), u64(0n)]),
    ];
    this.tree = new StateTree(Array.from({ length: 19 }, (_, index) => account(index + 1)));
    this.blocks = [];
    let previous = chain.genesisHash;
    for (let height = 1n; height <= 10n; height += 1n) {
      const shown = this.cast.signed(this.cast.header(height, previous, { stateRoot: this.tree.root }), [0, 1, 2]);
      this.blocks.push(shown);
      previous = nouns.blockId(shown.header);
    }
  }

  /** A copy: tests change it. */
  block(height) {
    return structuredClone(this.blocks[Number(height) - 1]);
  }

  checkpoint(height) {
    return { id: nouns.blockId(this.block(height).header), height };
  }

  client(height) {
    return LightClient.start(chain, this.checkpoint(height), this.block(height), NOW);
  }

  proved(height, address) {
    const held = /^0x(0[1-9a-f]|1[0-3])\1{19}$/.exec(address);
    const account = held ? { balance: 100n * BigInt(Number.parseInt(held[1], 16)), nonce: 0n } : null;
    return { height, account, path: this.tree.path('account/', bytesOf(address)) };
  }

  provedRecord(height, owner, key) {
    return { height, record: null, path: this.tree.path('record/', bytesOf(owner), key) };
  }

  /** The same header with a change, signed anew by three of four: by a majority that lies. */
  forged(height, change) {
    return this.cast.signed({ ...this.block(height).header, ...change }, [1, 2, 3]);
  }
}
