/** The Merkle tree over a block's transactions, and over its receipts: the shape of RFC 6962. */
import { enumeration, list, struct } from '../bytes/codec.js';
import { hash } from '../hash.js';
import { fromHex, toHex } from '../hex.js';
import { PATH_STEPS_MAX } from '../limits.js';
import { hash32, type Hash } from './words.js';

/** What stands beside a leaf, or beside a node above it. */
export type PathStep = { kind: 'left'; sibling: Hash } | { kind: 'right'; sibling: Hash };

/** From the leaf up. It shows that a leaf stands under a root, not in which place. */
export type Path = PathStep[];

const sibling = struct<{ sibling: Hash }>({ sibling: hash32 });
export const path = list(enumeration<PathStep>({ left: sibling, right: sibling }), 33);

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** The root over `leaves` in order; the empty list has the hash of nothing. */
export function merkleRoot(leaves: Hash[]): Hash {
  const [only] = leaves;
  if (only === undefined) return toHex(hash());
  if (leaves.length === 1) return bottom(only);
  const left = 2 ** Math.floor(Math.log2(leaves.length - 1));
  return node(merkleRoot(leaves.slice(0, left)), merkleRoot(leaves.slice(left)));
}

/** Whether `leaf` stands under `root`. */
export function leads(along: Path, leaf: Hash, root: Hash): boolean {
  if (along.length > PATH_STEPS_MAX) return false;
  const up = (below: Hash, step: PathStep): Hash =>
    step.kind === 'left' ? node(step.sibling, below) : node(below, step.sibling);
  return along.reduce(up, bottom(leaf)) === root;
}

function bottom(leaf: Hash): Hash {
  return toHex(hash(LEAF, fromHex(leaf, 32)));
}

function node(left: Hash, right: Hash): Hash {
  return toHex(hash(NODE, fromHex(left, 32), fromHex(right, 32)));
}
