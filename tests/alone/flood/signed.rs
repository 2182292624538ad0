//! What one faulty validator can sign: proposals of its own turn with polkas that do not verify, each
//! another one, and proposals of rounds that are far away. All at the heights under way.
use super::*;
use lockstep_protocol::crypto::Signer;
use lockstep_protocol::nouns::block::{Header, SealedBlock};
use lockstep_protocol::nouns::commit::{PolkaCertificate, Signers};
use lockstep_protocol::nouns::proposal::{Proposal, ProposedBlock};
use lockstep_protocol::types::Timestamp;
use lockstep_protocol::validators::set::ValidatorSet;
use std::sync::Arc;

/// Whose key it is. Its own node goes on as well.
const FAULTY: u8 = 1;
const VALIDATORS: u64 = 4;
/// Blocks in a second, at the most.
const HEIGHTS_PER_SECOND: u64 = 12;
/// Proposals with bad polkas of each height in which round 1 is its turn, before they are changed.
const POLKAS_PER_HEIGHT: u64 = 4;
/// The first far round, and how many of its own turns there.
const FAR_ROUND: u64 = 1_000;
const FAR_ROUNDS: u64 = 3;

struct Faulty {
    genesis: Genesis,
    set: ValidatorSet,
    signer: Arc<dyn Signer>,
    address: Address,
    position: u64,
}

impl Faulty {
    fn new() -> Faulty {
        let genesis = thrower().genesis;
        let scheme = lockstep_protocol::crypto::scheme(genesis.scheme);
        let set = genesis.validator_set(&*scheme).expect("a set");
        let signer = devnet_keys::signer(genesis.scheme, FAULTY).expect("a key");
        let address = Address::of(genesis.scheme, signer.public_key());
        let position = set.index_of(&address).expect("a member") as u64;
        Faulty {
            genesis,
            set,
            signer,
            address,
            position,
        }
    }

    fn is_its_turn(&self, height: u64, round: u64) -> bool {
        let round = Round(u32::try_from(round).expect("it fits"));
        self.set.proposer(Height(height), round) == self.address
    }

    fn block(&self, height: u64, tag: u64) -> Arc<SealedBlock> {
        let header = Header {
            chain_id: self.genesis.chain_id,
            height: Height(height),
            time: Timestamp(tag),
            proposer: self.address,
            previous_block: Hash::default(),
            last_commit_hash: Hash::default(),
            transactions_root: Hash::default(),
            evidence_root: Hash::default(),
            state_root: Hash::default(),
            receipts_root: Hash::default(),
            validators_hash: Hash::default(),
            next_validators_hash: Hash::default(),
        };
        Arc::new(SealedBlock::build(header, Vec::new(), Vec::new(), None))
    }

    fn proposal(&self, height: u64, round: u64, tag: u64, valid_round: Option<Round>) -> Vec<u8> {
        let block = self.block(height, tag);
        let mut proposal = Proposal {
            height: Height(height),
            round: Round(u32::try_from(round).expect("it fits")),
            block_id: block.id(),
            valid_round,
            proposer: self.address,
            signature: Signature(Vec::new()),
        };
        let bytes = proposal.sign_bytes(&self.genesis.sign_context());
        proposal.signature = Signature(self.signer.sign(&bytes).expect("it signs"));
        let polka = valid_round.map(|round| Arc::new(self.bad_polka(&block, round)));
        let wire = Wire::new(self.genesis.hash());
        wire.encode_proposal(&ProposedBlock {
            proposal,
            block,
            polka,
        })
    }

    /// Its own prevote is good, if it comes first, and the others' are none.
    fn bad_polka(&self, block: &SealedBlock, round: Round) -> PolkaCertificate {
        let prevote = Vote {
            kind: VoteKind::Prevote,
            height: block.height(),
            round,
            block_id: Some(block.id()),
            valid_round: None,
            validator: self.address,
        };
        let bytes = self.genesis.sign_context().vote(&prevote);
        let own = Signature(self.signer.sign(&bytes).expect("it signs"));
        let none = Signature(vec![7; own.0.len()]);
        let mut members: Vec<usize> = (0..VALIDATORS as usize).collect();
        // The last one counts least.
        members.retain(|member| *member as u64 != (self.position + 1) % VALIDATORS);
        let signature = |member: &usize| {
            let is_own = *member as u64 == self.position;
            (*member, if is_own { &own } else { &none })
        };
        PolkaCertificate {
            height: block.height(),
            round,
            block_id: block.id(),
            valid_round: None,
            signers: Signers::collect(&self.set, members.iter().map(signature)),
            by_proposal: None,
        }
    }

    /// For the heights from `first` on: those with a polka, and those of far rounds.
    fn bodies(&self, first: u64, time: Duration) -> [Vec<Vec<u8>>; 2] {
        let heights = first..first + (time.as_secs() + 1) * HEIGHTS_PER_SECOND;
        let own_turn = heights
            .clone()
            .filter(|height| self.is_its_turn(*height, 1));
        let with_polka = own_turn.flat_map(|height| {
            let tags = 0..POLKAS_PER_HEIGHT;
            tags.map(move |tag| self.proposal(height, 1, tag, Some(Round(0))))
        });
        let far = heights.flat_map(|height| {
            let rounds = (FAR_ROUND..).filter(move |round| self.is_its_turn(height, *round));
            let rounds = rounds.take(FAR_ROUNDS as usize);
            rounds.map(move |round| self.proposal(height, round, round, None))
        });
        [with_polka.collect(), far.collect()]
    }
}

/// Sends them again and again, each polka changed so that none is known.
fn flood_polkas(url: &str, mut bodies: Vec<Vec<u8>>, stop: &AtomicBool, sent: &AtomicU64) {
    let mut connection = Connection::open(url);
    let mut number = 0u64;
    while !stop.load(Ordering::Relaxed) {
        for body in &mut bodies {
            number += 1;
            // The last bytes of the last signature: what follows says that no proposal stands in.
            let end = body.len() - 1;
            body[end - 8..end].copy_from_slice(&number.to_le_bytes());
            let answer = connection.request("POST", PROPOSAL, body);
            sent.fetch_add(1, Ordering::Relaxed);
            if !answer.is_ok_and(|answer| !answer.head.contains("connection: close")) {
                connection = Connection::open(url);
            }
            if stop.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

fn signed_proposals_are_noise(time: Duration) {
    let process = Process::start();
    eventually("blocks come", || (process.height(0) >= 5).then_some(()));
    let faulty = Faulty::new();
    let at_first = lateness(&process);
    let healthy = process.run_for(time / 3);
    let [with_polka, far] = faulty.bodies(process.height(0) + 4, time);
    let far: Vec<Toss> = far.into_iter().map(|body| posted(PROPOSAL, body)).collect();
    let healthy_late = lateness(&process);
    let (stop, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    let url = &process.peer_urls[0];
    let flooded = std::thread::scope(|scope| {
        scope.spawn(|| flood_polkas(url, with_polka, &stop, &sent));
        scope.spawn(|| flood(url, &far, &stop, &sent));
        let flooded = process.run_for(time);
        stop.store(true, Ordering::Relaxed);
        flooded
    });
    let flooded_late = lateness(&process);
    assert_timers_are_hardly_late([&at_first, &healthy_late, &flooded_late]);
    let held = flooded.held_most - flooded.held_before;
    println!(
        "P13 {} signed proposals in {time:?}: memory of all four {:+.1} MiB at the most, block time \
         {:.1} -> {:.1} ms",
        sent.into_inner(),
        held / MIB,
        healthy.block_ms,
        flooded.block_ms,
    );
    for result in ["bad_signature", "over_budget", "too_early"] {
        let label = format!("result=\"{result}\"");
        let count = metric(&process.urls[0], "proposals_received_total", &label);
        println!("  {label}: {count}");
        assert!(count > 0.0, "{label}");
    }
    assert!(held <= GROWTH_BYTES_MAX, "{:.1} MiB", held / MIB);
    assert!(
        flooded.block_ms <= 2.0 * healthy.block_ms,
        "{} against {}",
        flooded.block_ms,
        healthy.block_ms
    );
    for (index, url) in process.urls.iter().enumerate() {
        assert_eq!(restarts(url), 0);
        assert_eq!(metric(url, "evidence_total", ""), 0.0, "nothing is proven");
        let halted = &get(url, "/status").json()["halted"];
        // Whose key it is may have met what it has not signed.
        assert!(halted.is_null() || index == usize::from(FAULTY), "{halted}");
    }
}

#[test]
fn six_seconds_of_signed_proposals_are_noise() {
    let _alone = alone();
    signed_proposals_are_noise(Duration::from_secs(6));
}

#[test]
#[ignore = "the release tier: a minute"]
fn a_minute_of_signed_proposals_is_noise() {
    let _alone = alone();
    signed_proposals_are_noise(Duration::from_secs(60));
}
