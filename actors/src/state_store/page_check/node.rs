//! What stands in a page: nodes, and the records of trees. Plain bytes, nothing trusted.
use super::{BIG_DATA, HEADER_BYTES};

const NODE_BYTES: usize = 8;

/// What a table's record says of its tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tree {
    pub(super) flags: u16,
    pub(super) depth: u16,
    pub(super) branches: u64,
    pub(super) leaves: u64,
    pub(super) overflows: u64,
    pub(super) entries: u64,
    pub(super) root: u64,
}

pub(super) const TREE_BYTES: usize = 48;

/// One row of a leaf, or one child of a branch.
pub(super) struct Node<'p> {
    pub(super) child: u64,
    pub(super) flags: u16,
    pub(super) data_bytes: usize,
    pub(super) key: &'p [u8],
    pub(super) data: &'p [u8],
}

/// The nodes of a branch or leaf page: within the page, side by side, without gap or overlap.
pub(super) fn nodes(page: &[u8], is_leaf: bool) -> Result<Vec<Node<'_>>, &'static str> {
    let lower = usize::from(u16_at(page, 12));
    let upper = usize::from(u16_at(page, 14));
    if lower < HEADER_BYTES || lower % 2 != 0 || lower > upper || upper > page.len() {
        return Err("its bounds are impossible");
    }
    let mut used = 0;
    let nodes = page[HEADER_BYTES..lower].chunks_exact(2).map(|at| {
        let at = usize::from(u16_at(at, 0));
        let node = page
            .get(at..)
            .filter(|node| at >= upper && node.len() >= NODE_BYTES);
        let parsed = node.and_then(|node| parse(node, is_leaf));
        let (node, bytes) = parsed.ok_or("a node is outside of it")?;
        used += bytes + bytes % 2;
        Ok::<_, &str>(node)
    });
    let nodes: Vec<_> = nodes.collect::<Result<_, _>>()?;
    if nodes.is_empty() || used != page.len() - upper {
        return Err("its nodes do not fill it");
    }
    Ok(nodes)
}

fn parse(node: &[u8], is_leaf: bool) -> Option<(Node<'_>, usize)> {
    let [low, high, flags, key_bytes] = [0, 2, 4, 6].map(|at| u16_at(node, at));
    let size = u64::from(low) | u64::from(high) << 16;
    let data_bytes = if is_leaf { size as usize } else { 0 };
    let held = if is_leaf && flags & BIG_DATA != 0 {
        8
    } else {
        data_bytes
    };
    let key_end = NODE_BYTES + usize::from(key_bytes);
    let node = Node {
        child: size | u64::from(flags) << 32,
        flags,
        data_bytes,
        key: node.get(NODE_BYTES..key_end)?,
        data: node.get(key_end..key_end + held)?,
    };
    Some((node, key_end + held))
}

pub(super) fn tree_of(bytes: &[u8], at: usize) -> Tree {
    Tree {
        flags: u16_at(bytes, at + 4),
        depth: u16_at(bytes, at + 6),
        branches: u64_at(bytes, at + 8),
        leaves: u64_at(bytes, at + 16),
        overflows: u64_at(bytes, at + 24),
        entries: u64_at(bytes, at + 32),
        root: u64_at(bytes, at + 40),
    }
}

/// All callers know the length: a page, a node's header, a meta page, a table's record.
fn at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|i| bytes[at + i])
}

pub(super) fn u16_at(bytes: &[u8], offset: usize) -> u16 {
    u16::from_ne_bytes(at(bytes, offset))
}

pub(super) fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_ne_bytes(at(bytes, offset))
}

pub(super) fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from_ne_bytes(at(bytes, offset))
}
