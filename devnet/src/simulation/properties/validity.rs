//! Every committed block is the child of the one before it on the same node, carries that one's
//! commit and the body that its header names, and no height is committed twice or left out, crashes included.
use super::{Property, Scene, Sight};
use lockstep_protocol::nouns::block::Header;
use lockstep_protocol::types::{BlockId, Height};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct Validity {
    heads: BTreeMap<usize, (BlockId, Header)>,
}

impl Property for Validity {
    fn see(&mut self, scene: &Scene, node: usize, sight: &Sight<'_>) -> Result<(), String> {
        let Sight::Committed(decided) = sight else {
            return Ok(());
        };
        let header = decided.block.header();
        let head = self
            .heads
            .insert(node, (decided.block.id(), header.clone()));
        let problem = match &head {
            _ if !decided.block.block().body_matches_header() => Some("another body"),
            None if header.height != Height(1) => Some("the first block is not block 1"),
            None if header.previous_block != scene.context.genesis_hash => Some("foreign genesis"),
            None => None,
            Some((_, parent)) if header.height != parent.height.next() => Some("a height is lost"),
            Some((id, _)) if header.previous_block != *id => Some("not a child of the head"),
            Some((_, parent)) if header.time <= parent.time => Some("time stands still"),
            Some((id, _)) => {
                let commit = decided.block.block().last_commit.as_ref();
                match commit {
                    Some(commit) if commit.block_id != *id => Some("carries a foreign commit"),
                    None => Some("carries no commit"),
                    Some(commit) => {
                        let verified = commit.verify(scene.at(commit.height), &scene.context);
                        verified.err().map(|_| "carries a forged commit")
                    }
                }
            }
        };
        match problem {
            None => Ok(()),
            Some(problem) => Err(format!("node {node}, height {}: {problem}", header.height)),
        }
    }
}
