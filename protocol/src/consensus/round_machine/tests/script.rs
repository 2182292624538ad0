//! Words for the tests: what a validator hears, and what it says as text.
use crate::consensus::facts::{CheckedProposal, Fact, Verdict};
use crate::consensus::round_machine::{
    CastVote, Input, Output, Resume, RoundMachine, Rules, Step, ValidValue,
};
use crate::consensus::timeouts::{TimeoutKind, Timeouts};
use crate::crypto::simulated::Simulated;
use crate::crypto::{Scheme, Seed};
use crate::nouns::block::{Block, Header, SealedBlock};
use crate::nouns::commit::{CommitCertificate, PolkaCertificate, Signers};
use crate::nouns::vote::VoteKind;
use crate::types::{Address, BlockId, DEVNET_CHAIN_ID, Hash, Height, Round, Timestamp};
use crate::validators::set::ValidatorSet;
use std::sync::{Arc, LazyLock};

pub(super) const HEIGHT: Height = Height(1);

/// A block, by its letter.
pub(super) type Value = char;
pub(super) const A: Value = 'a';
pub(super) const B: Value = 'b';
pub(super) const C: Value = 'c';

static SET: LazyLock<Arc<ValidatorSet>> = LazyLock::new(|| {
    let member = |seed: u8| {
        let signer = Simulated.signer(&Seed([seed; 32])).unwrap();
        (signer.public_key().to_vec(), 1)
    };
    Arc::new(ValidatorSet::new(&Simulated, (0..4).map(member)).unwrap())
});

static BLOCKS: LazyLock<[Arc<SealedBlock>; 3]> =
    LazyLock::new(|| [A, B, C].map(|value| Arc::new(build(value))));

fn build(value: Value) -> SealedBlock {
    let header = Header {
        chain_id: DEVNET_CHAIN_ID,
        height: HEIGHT,
        time: Timestamp(u64::from(value)),
        proposer: Address::default(),
        previous_block: Hash::default(),
        last_commit_hash: Block::last_commit_hash(None),
        transactions_root: Block::transactions_root(&[]),
        evidence_root: Block::evidence_root(&[]),
        state_root: Hash::default(),
        receipts_root: Block::receipts_root(&[]),
        validators_hash: SET.hash(),
        next_validators_hash: SET.hash(),
    };
    let transactions = Vec::new();
    let evidence = Vec::new();
    let last_commit = None;
    SealedBlock::new(Block {
        header,
        transactions,
        evidence,
        last_commit,
    })
    .unwrap()
}

/// The block of a letter.
pub(super) fn block(value: Value) -> Arc<SealedBlock> {
    let mut blocks = BLOCKS.iter();
    let of_value = |b: &&Arc<SealedBlock>| b.header().time == Timestamp(u64::from(value));
    blocks.find(of_value).unwrap().clone()
}

/// The letter of a block.
pub(super) fn letter(id: BlockId) -> Value {
    let mut values = [A, B, C].into_iter().zip(BLOCKS.iter());
    values.find(|(_, b)| b.id() == id).unwrap().0
}

/// A proposal without an earlier polka.
pub(super) fn fresh(round: u32, value: Value) -> Input {
    proposal(round, value, None, Verdict::Valid)
}

/// A proposal that names the round of an earlier polka.
pub(super) fn again(round: u32, value: Value, valid_round: u32) -> Input {
    proposal(round, value, Some(valid_round), Verdict::Valid)
}

/// Any proposal.
pub(super) fn proposal(
    round: u32,
    value: Value,
    valid_round: Option<u32>,
    verdict: Verdict,
) -> Input {
    Input::Proposal(checked(round, value, valid_round, verdict))
}

pub(super) fn checked(
    round: u32,
    value: Value,
    valid_round: Option<u32>,
    verdict: Verdict,
) -> CheckedProposal {
    CheckedProposal {
        round: Round(round),
        valid_round: valid_round.map(Round),
        block: block(value),
        verdict,
    }
}

/// A polka on a fresh proposal's value.
pub(super) fn polka(round: u32, value: Value) -> Input {
    polka_of(round, value, None)
}

/// A polka whose prevotes carry a valid round (E9).
pub(super) fn polka_of(round: u32, value: Value, valid_round: Option<u32>) -> Input {
    Input::Fact(Fact::Polka(polka_certificate(round, value, valid_round)))
}

pub(super) fn polka_certificate(
    round: u32,
    value: Value,
    valid_round: Option<u32>,
) -> Arc<PolkaCertificate> {
    Arc::new(PolkaCertificate {
        height: HEIGHT,
        round: Round(round),
        block_id: block(value).id(),
        valid_round: valid_round.map(Round),
        signers: Signers::default(),
        by_proposal: None,
    })
}

pub(super) fn commit(round: u32, value: Value) -> Input {
    let certificate = CommitCertificate {
        height: HEIGHT,
        round: Round(round),
        block_id: block(value).id(),
        signers: Signers::default(),
    };
    Input::Fact(Fact::Commit(Arc::new(certificate)))
}

pub(super) fn nil_polka(round: u32) -> Input {
    Input::Fact(Fact::NilPolka(Round(round)))
}

pub(super) fn any_prevotes(round: u32) -> Input {
    Input::Fact(Fact::PrevotesAny(Round(round)))
}

pub(super) fn any_precommits(round: u32) -> Input {
    Input::Fact(Fact::PrecommitsAny(Round(round)))
}

pub(super) fn reached(round: u32) -> Input {
    Input::Fact(Fact::Reached(Round(round)))
}

pub(super) fn silent(round: u32) -> Input {
    Input::Fact(Fact::ProposerSilent(Round(round)))
}

pub(super) fn nobody_left(kind: VoteKind, round: u32) -> Input {
    Input::Fact(Fact::NobodyLeft(kind, Round(round)))
}

pub(super) fn propose_timeout(round: u32) -> Input {
    Input::Timeout(TimeoutKind::Propose, Round(round))
}

pub(super) fn prevote_timeout(round: u32) -> Input {
    Input::Timeout(TimeoutKind::Prevote, Round(round))
}

pub(super) fn precommit_timeout(round: u32) -> Input {
    Input::Timeout(TimeoutKind::Precommit, Round(round))
}

pub(super) fn resend_timeout(round: u32) -> Input {
    Input::Timeout(TimeoutKind::Resend, Round(round))
}

pub(super) fn built(round: u32, value: Value) -> Input {
    Input::BlockBuilt(Round(round), block(value))
}

/// Validator `me`, its height not begun.
pub(super) fn machine(me: usize, rules: Rules) -> RoundMachine {
    let me = SET.get(me).unwrap().address;
    RoundMachine::new(HEIGHT, me, SET.clone(), Timeouts::DEVNET).with_rules(rules)
}

/// One validator that is talked to.
#[derive(Clone)]
pub(super) struct Node(pub(super) RoundMachine);

impl Node {
    /// Validator `me` under the extended rules, in round 0.
    pub(super) fn started(me: usize) -> Node {
        Node::with_rules(me, Rules::Extended)
    }

    /// The same under other rules.
    pub(super) fn with_rules(me: usize, rules: Rules) -> Node {
        let mut machine = machine(me, rules);
        machine.step(Input::StartRound(Round::ZERO));
        Node(machine)
    }

    /// Validator `me` after a restart, with what it says.
    pub(super) fn resumed(me: usize, resume: Resume) -> (Node, String) {
        let (machine, out) = machine(me, Rules::Extended).resume(resume);
        (Node(machine), text(&out))
    }

    /// Validator 0 in round 1, nothing said in it yet, locked on `a` since round 0.
    pub(super) fn locked_on_a() -> Node {
        let mut node = Node::started(0);
        node.hears(fresh(0, A));
        node.hears(polka(0, A));
        node.hears(precommit_timeout(0));
        assert_eq!(node.stands(), (1, Step::Propose));
        node.holds("a 0", "a 0");
        node
    }

    /// Takes one input; all outputs as text.
    pub(super) fn hears(&mut self, input: Input) -> String {
        text(&self.0.step(input))
    }

    /// Takes one input and says exactly this.
    #[track_caller]
    pub(super) fn answers(&mut self, input: Input, expected: &str) {
        assert_eq!(self.hears(input.clone()), expected, "{input:?}");
    }

    /// Takes one input, says nothing, and stands and holds as before.
    #[track_caller]
    pub(super) fn ignores(&mut self, input: Input) {
        let before = (self.stands(), self.held());
        self.answers(input, "");
        assert_eq!((self.stands(), self.held()), before);
    }

    /// Round and step.
    pub(super) fn stands(&self) -> (u32, Step) {
        (self.0.round().0, self.0.current_step())
    }

    /// Lock and valid value as text.
    pub(super) fn held(&self) -> (String, String) {
        let none = || "none".to_owned();
        let locked = self.0.locked();
        let locked = locked.map(|l| format!("{} {}", letter(l.block_id), l.round));
        let valid = self.0.valid();
        let valid = valid.map(|v| format!("{} {}", letter(v.block.id()), v.polka.round));
        (locked.unwrap_or_else(none), valid.unwrap_or_else(none))
    }

    /// Asserts the lock.
    #[track_caller]
    pub(super) fn holds_lock(&self, locked: &str) {
        assert_eq!(self.held().0, locked);
    }

    /// Asserts lock and valid value.
    #[track_caller]
    pub(super) fn holds(&self, locked: &str, valid: &str) {
        assert_eq!(self.held(), (locked.to_owned(), valid.to_owned()));
    }
}

/// A lock as a restart finds it.
pub(super) fn lock(value: Value, round: u32) -> ValidValue {
    let polka = polka_certificate(round, value, None);
    let block = block(value);
    ValidValue { block, polka }
}

/// Outputs as text, in order.
pub(super) fn text(outputs: &[Output]) -> String {
    let words: Vec<String> = outputs.iter().map(word).collect();
    words.join("; ")
}

fn word(output: &Output) -> String {
    match output {
        Output::EnterRound(round) => format!("enter {round}"),
        Output::BuildBlock(round) => format!("build {round}"),
        Output::Propose(round, block, polka) => {
            let from = polka.as_ref().map(|polka| polka.round);
            format!("propose {round} {}{}", letter(block.id()), since(from))
        }
        Output::CastVote(vote) => vote_word(vote),
        Output::Schedule(kind, round, _) => format!("timer {kind:?} {round}").to_lowercase(),
        Output::Resend(round) => format!("resend {round}"),
        Output::Decide(block, by) => format!("decide {} {}", by.round, letter(block.id())),
        Output::InvalidDecision(by) => format!("halt {} {}", by.round, letter(by.block_id)),
    }
}

fn vote_word(vote: &CastVote) -> String {
    let kind = match vote.kind {
        VoteKind::Prevote => "prevote",
        VoteKind::Precommit => "precommit",
    };
    let value = vote
        .block_id
        .map_or("nil".to_owned(), |id| letter(id).to_string());
    format!("{kind} {} {value}{}", vote.round, since(vote.valid_round))
}

fn since(valid_round: Option<Round>) -> String {
    valid_round.map_or(String::new(), |round| format!(" since {round}"))
}
