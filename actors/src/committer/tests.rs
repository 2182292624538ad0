use super::*;
use crate::fixture::{World, address, opened, view_before_all};
use crate::round_driver::RoundDriver;
use crate::runtime::{Actors, Inbox};
use crate::state_store::StateStore;
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::ledger::Draft;
use lockstep_protocol::nouns::evidence::Evidence;
use lockstep_protocol::nouns::vote::VoteKind;
use lockstep_protocol::types::Timestamp;
use tempfile::TempDir;

/// A chain at genesis, and a Committer whose messages nobody reads.
struct Desk {
    world: World,
    _dir: TempDir,
    /// On the same head.
    ledger: Ledger,
    committer: Committer,
}

impl Desk {
    fn with(change: impl FnOnce(&mut Ports)) -> Desk {
        let (world, dir, store) = opened();
        let ledger = world.ledger(&store);
        let mut ports = Ports::default();
        change(&mut ports);
        let seed = Seed {
            rules: world.rules.clone(),
            me: address(101),
            trusted: TrustedBlock::default(),
            store,
            view: view_before_all(ledger.validators().clone()),
            metrics: Metrics::new(Actors::default()),
            fatal: Fatal::detached(),
            ports,
            on_commit: None,
        };
        Desk {
            ledger: world.ledger(&seed.store),
            committer: Committer::new(seed, ledger),
            _dir: dir,
            world,
        }
    }

    /// This validator precommits two blocks of height 1.
    fn offence(&mut self, number: u8, round: u32) -> Evidence {
        let [a, b] = [5_000, 6_000].map(|now| {
            let draft = Draft {
                proposer: address(101),
                now: Timestamp(now),
                transactions: vec![],
                evidence: vec![],
            };
            let block = self.ledger.prepare(draft).expect("a block").block;
            let kind = VoteKind::Precommit;
            self.world.vote(kind, number, 1, round, &block)
        });
        Evidence::of_votes(a, b)
    }

    fn told(&mut self, evidence: &Evidence) -> Admission {
        let told = Input::EvidenceTold(Box::new(evidence.clone()));
        self.committer.step(told).expect("an answer")
    }
}

/// A write of evidence that found no place at the store felled this actor, four times within five
/// seconds and the node ended.
#[test]
fn evidence_that_finds_the_disk_behind_waits_in_memory_and_fells_nobody() {
    let store = Inbox::<StateStore>::new(1);
    let mut desk = Desk::with(|ports| ports.keep_evidence = store.port());
    for round in 0..3 {
        let evidence = desk.offence(102, round);
        assert_eq!(desk.told(&evidence), Admission::Counted);
    }
    let seen = desk.offence(103, 0);
    desk.committer.step(Input::EvidenceFound(Box::new(seen)));
    assert_eq!(store.port::<PersistEvidence>().depth(), 1, "the first");
    assert_eq!(desk.committer.brain.evidence_waiting(), 4);
}

/// Two nodes with one key may each be told the other's votes by nobody: only those who count them
/// see that they differ.
#[test]
fn proof_that_this_key_signed_twice_stops_this_node_by_whatever_way_it_comes() {
    let driver = Inbox::<RoundDriver>::new(9);
    let mut desk = Desk::with(|ports| ports.own_equivocation = driver.port());
    let of_another = desk.offence(102, 0);
    desk.told(&of_another);
    assert_eq!(driver.port::<OwnEquivocationSeen>().depth(), 0);
    let own = desk.offence(101, 0);
    assert_eq!(desk.told(&own), Admission::Counted);
    assert_eq!(desk.told(&own), Admission::Duplicate);
    assert_eq!(driver.port::<OwnEquivocationSeen>().depth(), 1);
    let found = desk.offence(101, 1);
    desk.committer.step(Input::EvidenceFound(Box::new(found)));
    assert_eq!(driver.port::<OwnEquivocationSeen>().depth(), 2);
}
