//! The Merkle tree over a block's transactions: RFC 6962 shape, SHA-256, leaves and nodes told
//! apart by a prefix byte so that no node can be shown as a leaf.
use crate::types::Hash;

/// The root over `leaves` in order. The empty list has the hash of the empty string.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::of(&[]),
        [only] => Hash::of(&[&[0], &only.0]),
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            Hash::of(&[&[1], &root(left).0, &root(right).0])
        }
    }
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
        let node = |a: Hash, b: Hash| Hash::of(&[&[1], &a.0, &b.0]);
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
