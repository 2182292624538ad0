//! What the validators did lately, as the newest blocks show it.
use super::deeds::{Look, count};
use crate::rpc_gateway::seed::Seed;
use crate::state_store::StoreError;
use lockstep_protocol::ledger;
use lockstep_protocol::types::{Address, Height};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Adds to each validator of the page what it did in the newest blocks that are kept, at most so many.
pub(super) fn add(seed: &Seed, page: &mut Value, blocks: u64) -> Result<(), StoreError> {
    let look = look(seed, blocks)?;
    page["recent"] =
        json!({ "from_height": look.first, "to_height": look.head, "blocks": look.read });
    let rows = page["validators"].as_array_mut();
    for row in rows.into_iter().flatten() {
        let address = row["address"].as_str().and_then(|text| text.parse().ok());
        let of = address.and_then(|address: Address| look.deeds.get(&address));
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

fn look(seed: &Seed, asked: u64) -> Result<Look, StoreError> {
    let mut last = seed.shares.recent.last();
    let head = seed.head().height;
    match &*last {
        Some(look) if (look.asked, look.head) == (asked, head) => Ok(look.clone()),
        _ => Ok(last.insert(read(seed, asked)?).clone()),
    }
}

/// From one view of the store: to begin a read takes a lock that the node's own thread takes as well,
/// and a hundred blocks would begin hundreds of them.
fn read(seed: &Seed, asked: u64) -> Result<Look, StoreError> {
    let schedule = seed.view.validators();
    let view = seed.store.view()?;
    let newest = view.head()?;
    let head = newest.height;
    let first = Height((head.0 + 1).saturating_sub(asked)).max(Height(1));
    let mut deeds = BTreeMap::new();
    let (mut earliest, mut read) = (None, 0);
    for height in (first.0..=head.0).map(Height) {
        let decided = view.block(height)?.zip(view.certificate(height)?);
        let Some((block, certificate)) = decided else {
            continue;
        };
        earliest.get_or_insert(height);
        let members: Vec<Address> = match schedule.at(height) {
            Some(set) => set.iter().map(|validator| validator.address).collect(),
            None => match ledger::validator_set_of(&view, newest.state_version, height)? {
                Some(record) => record.validators.iter().map(|it| it.address).collect(),
                None => continue,
            },
        };
        count(&certificate, block.header().time, &members, &mut deeds);
        read += 1;
    }
    Ok(Look {
        asked,
        first: earliest.unwrap_or(head),
        head,
        read,
        deeds: Arc::new(deeds),
    })
}
