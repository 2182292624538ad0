/** Headers and commit certificates. */
import { bytes, encode, list, struct, u32, u64 } from '../bytes/codec.js';
import { address20, hash32, hashOf, type Address, type Hash } from './words.js';

/** What a block id covers. */
export interface Header {
  chainId: bigint;
  /** From 1. */
  height: bigint;
  /** Milliseconds since 1970, by the clock of whoever built it. */
  time: bigint;
  /** The validator that built the block. */
  proposer: Address;
  /** The id of the parent; the genesis hash for height 1. */
  previousBlock: Hash;
  lastCommitHash: Hash;
  transactionsRoot: Hash;
  evidenceRoot: Hash;
  /** The root of the state *after* this block. */
  stateRoot: Hash;
  receiptsRoot: Hash;
  /** The hash of the validators of this height. */
  validatorsHash: Hash;
  /** The hash of the validators of the next height. */
  nextValidatorsHash: Hash;
}

export const header = struct<Header>({
  chainId: u64,
  height: u64,
  time: u64,
  proposer: address20,
  previousBlock: hash32,
  lastCommitHash: hash32,
  transactionsRoot: hash32,
  evidenceRoot: hash32,
  stateRoot: hash32,
  receiptsRoot: hash32,
  validatorsHash: hash32,
  nextValidatorsHash: hash32,
});

/** The block id: it names every byte of the block. */
export function blockId(of: Header): Hash {
  return hashOf('lockstep/header/v1', encode(header, of));
}

/** Members of a certificate in order of their place in the validator set. */
export interface Signers {
  /** A bit for each validator, lowest first; spare bits are zero. */
  bitmap: Uint8Array;
  /** As many as bits are set. */
  signatures: Uint8Array[];
}

/** More than two thirds of the power precommitted one block: the proof of its decision. */
export interface CommitCertificate {
  height: bigint;
  round: number;
  blockId: Hash;
  signers: Signers;
}

const signers = struct<Signers>({ bitmap: bytes, signatures: list(bytes, 4) });

export const commitCertificate = struct<CommitCertificate>({ height: u64, round: u32, blockId: hash32, signers });

/** What the next header holds of a certificate. */
export function commitHash(of: CommitCertificate): Hash {
  return hashOf('lockstep/commit/v1', encode(commitCertificate, of));
}
