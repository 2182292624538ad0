// The state tree as a node keeps it, small enough for tests: a bit of the key's hash at each level, a value
// that stands alone below a place stands in that place.
import { createHash } from 'node:crypto';

const sha256 = (...parts) => parts.reduce((hasher, part) => hasher.update(part), createHash('sha256')).digest();
const bit = (key, index) => (key[index >> 3] >> (7 - (index & 7))) & 1;
const hex = (bytes) => `0x${Buffer.from(bytes).toString('hex')}`;
const EMPTY = Buffer.from('SPARSE_MERKLE_PLACEHOLDER_HASH__');

/** Of entries [what is hashed to the key, value]. */
export class StateTree {
  constructor(entries) {
    this.leaves = entries.map(([key, value]) => ({ key: sha256(...key), valueHash: sha256(value) }));
  }

  get root() {
    return hex(this.#node(this.leaves, 0).hash);
  }

  /** The path to a key, which may be absent. */
  path(...parts) {
    const key = sha256(...parts);
    const siblings = [];
    let under = this.leaves;
    for (let depth = 0; under.length > 1; depth += 1) {
      const beside = under.filter((leaf) => bit(leaf.key, depth) !== bit(key, depth));
      siblings.unshift(this.#node(beside, depth + 1).noun);
      under = under.filter((leaf) => bit(leaf.key, depth) === bit(key, depth));
    }
    const [leaf] = under;
    return { leaf: leaf ? { keyHash: hex(leaf.key), valueHash: hex(leaf.valueHash) } : null, siblings };
  }

  #node(leaves, depth) {
    const [leaf] = leaves;
    if (leaf === undefined) return { hash: EMPTY, noun: { kind: 'null' } };
    if (leaves.length === 1) {
      const noun = { kind: 'leaf', keyHash: hex(leaf.key), valueHash: hex(leaf.valueHash) };
      return { hash: sha256('JMT::LeafNode', leaf.key, leaf.valueHash), noun };
    }
    const [left, right] = [0, 1].map(
      (side) =>
        this.#node(
          leaves.filter(({ key }) => bit(key, depth) === side),
          depth + 1,
        ).hash,
    );
    return {
      hash: sha256('JMT::IntrnalNode', left, right),
      noun: { kind: 'internal', left: hex(left), right: hex(right) },
    };
  }
}
