/** `HASH@HEIGHT`: the block that the owner of a light client trusts. */
import { ArgumentError } from '../errors.js';
import { type Hash } from '../nouns/words.js';

/**
 * A block that is trusted: its owner has the id from a node of their own, from another person, or from a
 * published page. Everything else is checked against it.
 */
export interface Checkpoint {
  id: Hash;
  /** From 1. */
  height: bigint;
}

/** A checkpoint as text, as `lockstep light verify --trusted` takes it. */
export type CheckpointText = `0x${string}@${bigint}`;

/** @throws {@link ArgumentError} if the text is no checkpoint */
export function parseCheckpoint(text: string): Checkpoint {
  const [, id, digits] = /^(?:0x)?([0-9a-fA-F]{64})@([0-9]{1,20})$/.exec(text) ?? [];
  const height = digits === undefined ? 0n : BigInt(digits);
  if (id === undefined || height < 1n || height >= 1n << 64n) {
    throw new ArgumentError(
      `expected HASH@HEIGHT, a block id (0x and 64 hex digits) and its height from 1, got ${JSON.stringify(text.slice(0, 100))}`,
    );
  }
  return { id: `0x${id.toLowerCase()}`, height };
}

export function formatCheckpoint({ id, height }: Checkpoint): CheckpointText {
  return `${id}@${height}`;
}
