//! A chain whose first nine heights one validator decided alone, and whose newest is 20: four equal
//! ones decide now, he among them.
use super::*;
use crate::application::Applications;
use crate::consensus::testkit::{Cast, block, block_by, precommit};
use crate::crypto::Scheme;
use crate::crypto::simulated::Simulated;
use crate::ledger::{ChainRules, Head, MemoryState, Receipt};
use crate::limits::{FORKS_MAX, OLD_FORK_CHECKS_MAX};
#[cfg(feature = "mutants")]
use crate::mutation::{Mutation, must_be_noticed};
use crate::nouns::block::Header;
use crate::nouns::genesis::{Genesis, GenesisValidator};
use crate::nouns::parameters::Parameters;
use crate::types::ChainId;
use crate::validators::schedule::ValidatorSchedule;
use crate::validators::set::Validator;

const HEAD: Height = Height(20);
const PEER: Address = Address([9; 20]);

/// What is durable.
#[derive(Default)]
struct Decisions(BTreeMap<Height, Arc<CommitCertificate>>);

impl DecisionReader for Decisions {
    fn certificate(&self, height: Height) -> Result<Option<Arc<CommitCertificate>>, ReadError> {
        Ok(self.0.get(&height).cloned())
    }

    fn locked_polka(&self) -> Result<Option<PolkaCertificate>, ReadError> {
        Ok(None)
    }
}

fn genesis(cast: &Cast) -> Genesis {
    let validator = |validator: &Validator| GenesisValidator {
        public_key: validator.public_key.to_vec(),
        power: validator.power,
    };
    Genesis {
        chain_id: ChainId(7),
        scheme: Simulated.id(),
        time: Timestamp(0),
        parameters: Parameters::default(),
        validators: cast.set.iter().map(validator).collect(),
        accounts: Vec::new(),
        applications: Vec::new(),
    }
}

struct Desk {
    /// The first of them has more than two thirds.
    founders: Cast,
    /// The same keys, all equal.
    today: Cast,
    decisions: Decisions,
    committer: Committer,
}

impl Desk {
    fn new() -> Desk {
        let founders = Cast::with_powers(&[10, 1, 1, 1]);
        let today = Cast::of(4);
        let by_founder = |h| founders.commit(&block(Height(h), 1), 0, &[0]);
        let by_today = |h| today.commit(&block(Height(h), 1), 0, &[0, 1, 2]);
        let decided = (1..10).map(by_founder).chain((10..=HEAD.0).map(by_today));
        let decided = decided.map(|commit| (commit.height, Arc::new(commit)));
        let decisions = Decisions(decided.collect());
        let changes = [
            (Height(1), founders.set.clone()),
            (Height(10), today.set.clone()),
        ];
        let validators = ValidatorSchedule::of_changes(HEAD, changes).unwrap();
        let rules = ChainRules {
            parameters: Parameters::default(),
            scheme: Arc::new(Simulated),
            context: today.context,
            genesis_validators: founders.set.clone(),
            applications: Applications::none(),
        };
        let changes = Ledger::genesis_changes(&genesis(&founders)).unwrap();
        let head = Head {
            height: HEAD,
            block_id: block(HEAD, 1).id(),
            time: Timestamp(1),
            state_root: changes.root,
            state_version: changes.version,
            certificate: decisions.0.get(&HEAD).cloned(),
        };
        let state = MemoryState::new(&changes);
        let ledger = Ledger::on(Arc::new(rules), Arc::new(state), head, validators);
        let config = CommitterConfig {
            me: today.address(3),
            waiting_blocks_max: 100,
            trusted: TrustedBlock::default(),
        };
        Desk {
            founders,
            today,
            decisions,
            committer: Committer::new(config, ledger),
        }
    }

    fn step(&mut self, input: Input) -> Vec<Output> {
        self.committer.step(&self.decisions, input)
    }

    /// A second decision of an old height, by the key that once was enough.
    fn second(&self, height: u64) -> CommitCertificate {
        self.founders.commit(&block(Height(height), 2), 0, &[0])
    }

    /// Somebody proposes a block on another parent, which brings this along.
    fn proposes(&mut self, commit: CommitCertificate) -> Vec<Output> {
        let hash = self.today.set.hash();
        let header = Header {
            chain_id: ChainId(7),
            time: Timestamp(5),
            receipts_root: crate::nouns::block::Block::receipts_root(&Vec::<Receipt>::new()),
            ..block_by(hash, HEAD.next(), 1).header().clone()
        };
        let block = SealedBlock::build(header, vec![], vec![], Some(commit));
        self.step(Input::Execute(Arc::new(block)))
    }

    /// A block that is valid on the head, decided by all; another time makes another block.
    fn decided(&mut self, time: u64, round: u32) -> DecidedBlock {
        let out = self.step(Input::Prepare {
            height: self.committer.ledger.head().height.next(),
            round: Round(0),
            now: Timestamp(time),
            transactions: vec![],
        });
        let [Output::Prepared(_, _, block)] = &out[..] else {
            panic!("no block: {out:?}");
        };
        let certificate = self.today.commit(block, round, &[0, 1, 2]);
        DecidedBlock {
            block: block.clone(),
            certificate: Arc::new(certificate),
        }
    }

    /// A block that the founder's set of long ago has certified.
    fn foreign(&self, height: u64) -> DecidedBlock {
        let block = block_by(self.founders.set.hash(), Height(height), 7);
        let certificate = Arc::new(self.founders.commit(&block, 0, &[0]));
        DecidedBlock { block, certificate }
    }
}

/// Height and whether it stops this node.
fn forks(out: &[Output]) -> Vec<(u64, bool)> {
    let forks = out.iter().filter_map(|output| match output {
        Output::Fork(known) => Some((known.fork.height().0, known.stops)),
        _ => None,
    });
    forks.collect()
}

fn old_decisions_stop_nobody() {
    let mut desk = Desk::new();
    let out = desk.proposes(desk.second(5));
    assert_eq!(forks(&out), [(5, false)]);
    let stops = |o: &Output| matches!(o, Output::StopVoting(_) | Output::StopSync);
    assert!(!out.iter().any(stops), "{out:?}");
    let is_kept = |o: &Output| matches!(o, Output::KeepEvidence(Some(_), _));
    assert!(out.iter().any(is_kept), "who made it is accused");
    let valid = |o: &Output| matches!(o, Output::Executed(_, Err(InvalidBlock::Parent { .. })));
    assert!(out.iter().any(valid), "{out:?}");
    assert_eq!(forks(&desk.proposes(desk.second(5))), [], "told once");
    // A peer answers it.
    let block = block_by(desk.founders.set.hash(), Height(6), 2);
    let certificate = Arc::new(desk.founders.commit(&block, 0, &[0]));
    let answer = vec![DecidedBlock { block, certificate }];
    let out = desk.step(Input::Synced(PEER, answer));
    assert_eq!(forks(&out), [(6, false)]);
    // And the chain goes on.
    let next = desk.decided(9, 0);
    let out = desk.step(Input::Decided(next));
    assert!(matches!(out[..], [Output::Write(_)]), "{out:?}");
}

/// Whoever once had two thirds halted every correct node for good with one message.
#[test]
fn a_second_decision_of_an_old_height_is_told_and_stops_nobody() {
    old_decisions_stop_nobody();
}

#[cfg(feature = "mutants")]
#[test]
fn that_an_old_fork_stops_is_noticed() {
    must_be_noticed(Mutation::OldForkStops, old_decisions_stop_nobody);
}

#[test]
fn a_second_decision_of_the_newest_height_stops_this_node() {
    let mut desk = Desk::new();
    let forged = desk.founders.commit(&block(HEAD, 2), 0, &[0]);
    assert_eq!(forks(&desk.proposes(forged)), [], "not by those of old");
    let second = desk.today.commit(&block(HEAD, 2), 3, &[1, 2, 3]);
    assert_eq!(forks(&desk.proposes(second.clone())), [(20, true)]);
    assert_eq!(forks(&desk.proposes(second)), []);
}

#[test]
fn a_second_decision_of_the_height_under_way_stops_this_node() {
    let mut desk = Desk::new();
    let (ours, theirs) = (desk.decided(9, 0), desk.decided(10, 1));
    let out = desk.step(Input::Decided(ours.clone()));
    assert!(matches!(out[..], [Output::Write(_)]), "{out:?}");
    let foreign = desk.foreign(21);
    let out = desk.step(Input::Synced(PEER, vec![foreign]));
    assert_eq!(forks(&out), [], "those of old decide nothing here");
    let out = desk.step(Input::Synced(PEER, vec![ours]));
    assert_eq!(forks(&out), [], "the same block");
    let out = desk.step(Input::Synced(PEER, vec![theirs]));
    assert_eq!(forks(&out), [(21, true)]);
}

#[test]
fn a_fork_stops_after_a_restart_if_it_did_before_and_an_old_one_does_not() {
    let mut desk = Desk::new();
    let old = desk.proposes(desk.second(5));
    let second = desk.today.commit(&block(HEAD, 2), 3, &[1, 2, 3]);
    let new = desk.proposes(second);
    let known = old
        .into_iter()
        .chain(new)
        .filter_map(|output| match output {
            Output::Fork(known) => Some(KnownFork::clone(&known)),
            _ => None,
        });
    let forks_kept = known.collect();
    let mut again = Desk::new();
    let out = again.step(Input::Restored(Kept {
        forks: forks_kept,
        ..Kept::default()
    }));
    assert_eq!(forks(&out), [(5, false), (20, true)]);
    assert_eq!(forks(&again.proposes(again.second(5))), []);
}

/// What proposals bring along costs signature checks only twice on one head, and is noticed all the
/// same when it comes again.
#[test]
fn certificates_of_old_heights_cost_few_checks_on_one_head() {
    let mut desk = Desk::new();
    for height in 1..=OLD_FORK_CHECKS_MAX as u64 {
        let mut forged = desk.second(height);
        forged.round = Round(8);
        assert_eq!(forks(&desk.proposes(forged)), []);
    }
    assert_eq!(forks(&desk.proposes(desk.second(7))), [], "not looked at");
    let next = desk.decided(9, 0);
    let out = desk.step(Input::Decided(next));
    let [Output::Write(batches)] = &out[..] else {
        panic!("{out:?}");
    };
    desk.step(Input::Stored(batches.clone()));
    let again = vec![DecidedBlock {
        block: block(Height(7), 2),
        certificate: Arc::new(desk.second(7)),
    }];
    assert_eq!(forks(&desk.step(Input::Synced(PEER, again))), [(7, false)]);
}

/// Old forks do not take the place of one that stops.
#[test]
fn forks_of_old_heights_are_kept_to_a_limit_and_leave_room_for_new_ones() {
    let mut desk = Desk::new();
    let mut told = Vec::new();
    for height in 1..=9 {
        // As if each came on another head.
        desk.committer.forks.forget_checks();
        told.extend(forks(&desk.proposes(desk.second(height))));
    }
    assert_eq!(told.len(), FORKS_MAX);
    let second = desk.today.commit(&block(HEAD, 2), 3, &[1, 2, 3]);
    assert_eq!(forks(&desk.proposes(second)), [(20, true)]);
}

fn discarded_blocks_are_reported() {
    let mut desk = Desk::new();
    let foreign = vec![desk.foreign(21), desk.foreign(22)];
    let out = desk.step(Input::Synced(PEER, foreign));
    let reports = |o: &Output| matches!(o, Output::Discarded(Height(21), PEER));
    assert!(out.iter().any(reports), "{out:?}");
    assert_eq!(out.len(), 1, "nobody stops: {out:?}");
    let right = desk.decided(9, 0);
    let out = desk.step(Input::Synced(PEER, vec![right]));
    assert!(matches!(out[..], [Output::Write(_)]), "{out:?}");
}

/// BlockSync went on believing that they were on their way.
#[test]
fn blocks_that_another_set_has_certified_are_discarded_and_their_sender_is_named() {
    discarded_blocks_are_reported();
}

#[cfg(feature = "mutants")]
#[test]
fn that_a_discarded_block_is_not_reported_is_noticed() {
    must_be_noticed(Mutation::DiscardUnreported, discarded_blocks_are_reported);
}

#[test]
fn a_claim_that_this_node_s_decision_displaces_is_reported() {
    let mut desk = Desk::new();
    let first = desk.decided(9, 0);
    desk.step(Input::Decided(first));
    // While the first is on its way to the disk, 22 and 23 wait.
    let foreign = vec![desk.foreign(22), desk.foreign(23)];
    assert!(desk.step(Input::Synced(PEER, foreign)).is_empty());
    let right = block_by(desk.today.set.hash(), Height(22), 1);
    let certificate = Arc::new(desk.today.commit(&right, 0, &[0, 1, 2]));
    let block = right.clone();
    let out = desk.step(Input::Synced(
        Address([8; 20]),
        vec![DecidedBlock { block, certificate }],
    ));
    assert!(
        matches!(out[..], [Output::Discarded(Height(23), PEER)]),
        "{out:?}"
    );
}

#[test]
fn a_certified_block_that_is_invalid_here_stops_votes_and_sync() {
    let mut desk = Desk::new();
    let hash = desk.today.set.hash();
    let block = block_by(hash, HEAD.next(), 3);
    let certificate = Arc::new(desk.today.commit(&block, 0, &[0, 1, 2]));
    let out = desk.step(Input::Synced(
        PEER,
        vec![DecidedBlock { block, certificate }],
    ));
    let [
        Output::InvalidDecision(Height(21), InvalidBlock::Parent { .. }, _),
        Output::StopVoting(Height(21)),
        Output::StopSync,
    ] = &out[..]
    else {
        panic!("{out:?}");
    };
    let next = desk.decided(9, 0);
    assert!(desk.step(Input::Decided(next)).is_empty());
}

/// Two nodes with one key may each be told the other's votes by nobody: only those who count them
/// see that they differ.
#[test]
fn proof_that_this_key_signed_twice_is_said_whatever_way_it_comes() {
    let mut desk = Desk::new();
    let offence = |desk: &Desk, who: usize, round: u32| {
        let vote = |tag| {
            let id = Some(block(HEAD, tag).id());
            desk.today.vote(who, precommit(HEAD, round, id))
        };
        Box::new(Evidence::of_votes(vote(1), vote(2)))
    };
    let said = |out: Vec<Output>| {
        let own = |o: &Output| matches!(o, Output::OwnEquivocation(HEAD));
        out.iter().filter(|o| own(o)).count()
    };
    let of_another = offence(&desk, 2, 0);
    assert_eq!(said(desk.step(Input::EvidenceTold(of_another))), 0);
    let own = offence(&desk, 3, 0);
    assert_eq!(said(desk.step(Input::EvidenceTold(own.clone()))), 1);
    assert_eq!(said(desk.step(Input::EvidenceTold(own))), 0, "known");
    let found = offence(&desk, 3, 1);
    assert_eq!(said(desk.step(Input::EvidenceFound(found))), 1);
    let mut carried = block(HEAD.next(), 1).block().clone();
    carried.evidence = vec![*offence(&desk, 2, 1), *offence(&desk, 3, 2)];
    carried.header.evidence_root = crate::nouns::block::Block::evidence_root(&carried.evidence);
    let block = SealedBlock::new(carried).unwrap();
    let mut out = Vec::new();
    desk.committer.carried(&block, &mut out).unwrap();
    assert_eq!(said(out), 1);
}
