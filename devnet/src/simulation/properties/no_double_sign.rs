//! Over everything that a correct node ever sends, crashes included: one value for each height, round
//! and kind. A proposal is its sender's prevote (E1).
use super::{Property, Scene, Sight};
use crate::simulation::message::Statement;
use lockstep_protocol::nouns::vote::VoteKind;
use lockstep_protocol::types::{Height, Round};
use std::collections::BTreeMap;

type VoteSlot = (Height, Round, VoteKind);

#[derive(Default)]
pub(super) struct NoDoubleSign {
    said: BTreeMap<usize, BTreeMap<VoteSlot, Statement>>,
}

/// Heights behind a node's newest one whose statements are still compared.
const HEIGHTS_KEPT: u64 = 8;

impl Property for NoDoubleSign {
    fn see(&mut self, _: &Scene, node: usize, sight: &Sight<'_>) -> Result<(), String> {
        let Sight::Said { statement, .. } = sight else {
            return Ok(());
        };
        let said = self.said.entry(node).or_default();
        let place = (statement.height, statement.round, statement.kind);
        let first = *said.entry(place).or_insert(**statement);
        if said.len() > 256 {
            let newest = said.keys().next_back().map_or(0, |place| place.0.0);
            let oldest = Height(newest.saturating_sub(HEIGHTS_KEPT));
            *said = said.split_off(&(oldest, Round::ZERO, VoteKind::Prevote));
        }
        if first == **statement {
            Ok(())
        } else {
            Err(format!("node {node} said {first:?} and {statement:?}"))
        }
    }
}
