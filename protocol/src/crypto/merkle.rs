//! The Merkle tree over a block's transactions, and over its receipts: RFC 6962 shape, SHA-256,
//! leaves and nodes told apart by a prefix byte so that no node can be shown as a leaf.
use crate::types::Hash;
use borsh::{BorshDeserialize, BorshSerialize};

/// Steps from a leaf to its root: no tree of ours has more than 2³² leaves.
const STEPS_MAX: usize = 32;

/// What stands beside a leaf and the nodes above it, from the leaf up. It shows that a leaf is under
/// a root, not in which place: the root does not cover how many leaves there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Path(Vec<PathStep>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
enum PathStep {
    /// The sibling stands left.
    Left(Hash),
    /// The sibling stands right.
    Right(Hash),
}

impl Path {
    /// From the leaf at `index` of `leaves`, if there is one.
    pub fn new(leaves: &[Hash], index: usize) -> Option<Path> {
        let mut steps = Vec::new();
        let (mut under, mut index) = (leaves, index);
        leaves.get(index)?;
        while under.len() > 1 {
            let (left, right) = under.split_at(split(under.len()));
            match index.checked_sub(left.len()) {
                None => {
                    steps.push(PathStep::Right(root(right)));
                    under = left;
                }
                Some(in_right) => {
                    steps.push(PathStep::Left(root(left)));
                    (under, index) = (right, in_right);
                }
            }
        }
        steps.reverse();
        Some(Path(steps))
    }

    /// Whether `leaf` stands under `root`.
    pub fn leads(&self, leaf: &Hash, root: &Hash) -> bool {
        let up = |below: Hash, step: &PathStep| match step {
            PathStep::Left(left) => node(left, &below),
            PathStep::Right(right) => node(&below, right),
        };
        let top = self.0.iter().fold(bottom(leaf), up);
        self.0.len() <= STEPS_MAX && top == *root
    }
}

/// The root over `leaves` in order. The empty list has the hash of the empty string.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::of(&[]),
        [only] => bottom(only),
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node(&root(left), &root(right))
        }
    }
}

fn bottom(leaf: &Hash) -> Hash {
    Hash::of(&[&[0], &leaf.0])
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Hash::of(&[&[1], &left.0, &right.0])
}

/// The largest power of two below `count` (RFC 6962, section 2.1). `count` is at least 2.
fn split(count: usize) -> usize {
    let half = count.saturating_sub(1);
    1usize
        .checked_shl(half.checked_ilog2().unwrap_or(0))
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(hash: &Hash) -> Hash {
        Hash::of(&[&[0], &hash.0])
    }

    #[test]
    fn the_tree_splits_at_the_largest_power_of_two() {
        let l: Vec<Hash> = (0..5u8).map(|i| Hash::of(&[&[i]])).collect();
        let node = |a: Hash, b: Hash| Hash::of(&[&[1], &a.0, &b.0]); // by hand
        let four = node(
            node(leaf(&l[0]), leaf(&l[1])),
            node(leaf(&l[2]), leaf(&l[3])),
        );
        assert_eq!(root(&l), node(four, leaf(&l[4])));
        assert_eq!(
            root(&l[..3]),
            node(node(leaf(&l[0]), leaf(&l[1])), leaf(&l[2]))
        );
    }

    #[test]
    fn a_path_leads_from_each_leaf_to_the_root_and_from_nothing_else() {
        for count in 1..20u8 {
            let leaves: Vec<Hash> = (0..count).map(|i| Hash::of(&[&[i]])).collect();
            let top = root(&leaves);
            for (index, at) in leaves.iter().enumerate() {
                let path = Path::new(&leaves, index).unwrap();
                assert!(path.0.len() <= 5);
                assert!(path.leads(at, &top));
                assert!(!path.leads(at, &root(&leaves[1..])));
                assert!(!path.leads(&Hash::default(), &top));
                for other in leaves.iter().filter(|other| *other != at) {
                    assert!(!path.leads(other, &top));
                }
                // A node is no leaf, however the path is cut.
                for cut in 1..=path.0.len() {
                    let shorter = Path(path.0[cut..].to_vec());
                    assert!(!shorter.leads(at, &top));
                }
                for step in 0..path.0.len() {
                    let mut turned = path.clone();
                    turned.0[step] = match turned.0[step] {
                        PathStep::Left(hash) => PathStep::Right(hash),
                        PathStep::Right(hash) => PathStep::Left(hash),
                    };
                    assert!(!turned.leads(at, &top));
                }
            }
            assert_eq!(Path::new(&leaves, leaves.len()), None);
        }
    }

    #[test]
    fn a_path_longer_than_any_tree_is_refused() {
        let mut top = leaf(&Hash::default());
        let mut steps = Vec::new();
        for _ in 0..=STEPS_MAX {
            steps.push(PathStep::Right(top));
            top = node(&top, &top);
        }
        assert!(!Path(steps.clone()).leads(&Hash::default(), &top));
        let Some(PathStep::Right(below)) = steps.pop() else {
            panic!()
        };
        assert!(Path(steps).leads(&Hash::default(), &below));
    }

    #[test]
    fn order_and_count_change_the_root() {
        let l: Vec<Hash> = (0..3u8).map(|i| Hash::of(&[&[i]])).collect();
        let roots = [
            root(&[]),
            root(&l[..1]),
            root(&l[..2]),
            root(&[l[1], l[0]]),
            root(&l),
        ];
        for (i, a) in roots.iter().enumerate() {
            assert!(roots.iter().skip(i + 1).all(|b| a != b));
        }
    }
}
