/**
 * The state tree: a Jellyfish Merkle tree (crate `jmt` 0.12, SHA-256), of which a client sees only paths.
 * It has a bit of the key's hash at each level, the highest bit of the first byte at the root.
 */
import { enumeration, list, option, struct } from '../bytes/codec.js';
import { hash } from '../hash.js';
import { equal, fromHex } from '../hex.js';
import { STATE_SIBLINGS_MAX } from '../limits.js';
import { hash32, type Hash } from './words.js';

/** A value of the state: the hash of its key, and that of its bytes. */
export interface StateLeaf {
  keyHash: Hash;
  valueHash: Hash;
}

/** What stands beside the path at one level. */
export type Sibling =
  { kind: 'null' } | { kind: 'internal'; left: Hash; right: Hash } | { kind: 'leaf'; keyHash: Hash; valueHash: Hash };

/** The path from a value, or from the place where it would stand, to the root. */
export interface StatePath {
  /** The value at the path's end; `null`: nothing is there. */
  leaf: StateLeaf | null;
  /** From the leaf up. */
  siblings: Sibling[];
}

const stateLeaf = struct<StateLeaf>({ keyHash: hash32, valueHash: hash32 });

const siblingNoun = enumeration<Sibling>({
  null: struct<object>({}),
  internal: struct<{ left: Hash; right: Hash }>({ left: hash32, right: hash32 }),
  leaf: stateLeaf,
});

export const statePath = struct<StatePath>({ leaf: option(stateLeaf), siblings: list(siblingNoun, 1) });

/** `jmt` writes the word without its e, so that it fits 16 bytes. */
const NODE_TAG = 'JMT::IntrnalNode';
const LEAF_TAG = 'JMT::LeafNode';
const EMPTY = new TextEncoder().encode('SPARSE_MERKLE_PLACEHOLDER_HASH__');

/**
 * Whether `path` shows that under `root` the key with this hash has `value`, or for `null` that it has
 * none.
 */
export function provesState(path: StatePath, root: Hash, keyHash: Uint8Array, value: Uint8Array | null): boolean {
  const { leaf, siblings } = path;
  if (siblings.length > STATE_SIBLINGS_MAX || !endFits(path, keyHash, value)) return false;
  const bottom = leaf === null ? EMPTY : leafHash(leaf);
  const top = siblings.reduce((below, sibling, index) => {
    const beside = siblingHash(sibling);
    return bit(keyHash, siblings.length - 1 - index) ? nodeHash(beside, below) : nodeHash(below, beside);
  }, bottom);
  return equal(top, fromHex(root, 32));
}

/** Whether the path ends where the claim says. */
function endFits({ leaf, siblings }: StatePath, keyHash: Uint8Array, value: Uint8Array | null): boolean {
  if (leaf === null) return value === null;
  const itsKey = fromHex(leaf.keyHash, 32);
  if (value !== null) return equal(itsKey, keyHash) && equal(fromHex(leaf.valueHash, 32), hash(value));
  // Another key stands alone where this one would: they agree as far down as the path goes.
  return !equal(itsKey, keyHash) && commonBits(itsKey, keyHash) >= siblings.length;
}

function siblingHash(sibling: Sibling): Uint8Array {
  switch (sibling.kind) {
    case 'null':
      return EMPTY;
    case 'internal':
      return nodeHash(fromHex(sibling.left, 32), fromHex(sibling.right, 32));
    case 'leaf':
      return leafHash(sibling);
  }
}

function leafHash({ keyHash, valueHash }: StateLeaf): Uint8Array {
  return hash(LEAF_TAG, fromHex(keyHash, 32), fromHex(valueHash, 32));
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return hash(NODE_TAG, left, right);
}

/** The bit at `index`, of which 0 is the highest of the first byte. */
function bit(bytes: Uint8Array, index: number): boolean {
  return (((bytes[index >> 3] ?? 0) >> (7 - (index & 7))) & 1) === 1;
}

function commonBits(a: Uint8Array, b: Uint8Array): number {
  let count = 0;
  while (count < 8 * a.length && bit(a, count) === bit(b, count)) count += 1;
  return count;
}
