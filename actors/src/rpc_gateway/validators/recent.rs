//! What the validators did lately, as the newest blocks show it.
use super::members;
use crate::rpc_gateway::blocks;
use crate::rpc_gateway::seed::Seed;
use crate::state_store::StoreError;
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::types::{Address, Height, Round, Timestamp};
use lockstep_protocol::validators::set::{Validator, turn};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Of one validator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Deeds {
    /// Rounds in which it was the proposer.
    turns: u64,
    /// Those of them that ended without a block.
    failed_turns: u64,
    /// Certificates with its precommit. None holds more precommits than it needs, so that whoever is
    /// a little slower than the others is left out.
    certificates: u64,
    /// The newest block that it proposed in the round that decided it.
    last: Option<(Height, Timestamp)>,
}

/// Adds to each validator of the page what it did in the newest blocks that are kept, at most so many.
pub(super) fn add(seed: &Seed, page: &mut Value, blocks: u64) -> Result<(), StoreError> {
    let head = seed.head().height;
    let first = Height((head.0 + 1).saturating_sub(blocks));
    let first = first.max(seed.store.earliest()?).max(Height(1));
    let mut deeds = BTreeMap::new();
    let mut read = 0_u64;
    for height in (first.0..=head.0).map(Height) {
        let decided = blocks::decided(seed, height)?;
        let members = members(seed, height)?;
        if let Some((decided, members)) = decided.zip(members) {
            count(&decided, &members, &mut deeds);
            read += 1;
        }
    }
    page["recent"] = json!({ "from_height": first, "to_height": head, "blocks": read });
    let rows = page["validators"].as_array_mut();
    for row in rows.into_iter().flatten() {
        let address = row["address"].as_str().and_then(|text| text.parse().ok());
        let of = address.and_then(|address: Address| deeds.get(&address));
        let of = of.copied().unwrap_or_default();
        row["turns"] = json!(of.turns);
        row["failed_turns"] = json!(of.failed_turns);
        row["certificates"] = json!(of.certificates);
        row["last_proposed"] = json!(
            of.last
                .map(|(height, time)| json!({ "height": height, "time": time }))
        );
    }
    Ok(())
}

fn count(decided: &DecidedBlock, members: &[Validator], deeds: &mut BTreeMap<Address, Deeds>) {
    let certificate = &decided.certificate;
    let height = certificate.height;
    let signers = certificate.signers.members_of(members.len());
    for (index, _) in signers.unwrap_or_default() {
        if let Some(signer) = members.get(index) {
            deeds.entry(signer.address).or_default().certificates += 1;
        }
    }
    for round in (0..=certificate.round.0).map(Round) {
        let proposer = members.get(turn(members.len(), height, round));
        let Some(proposer) = proposer else { continue };
        let of = deeds.entry(proposer.address).or_default();
        of.turns += 1;
        if round < certificate.round {
            of.failed_turns += 1;
        } else {
            of.last = Some((height, decided.block.header().time));
        }
    }
}
