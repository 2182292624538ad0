//! A node under attack: what an attacker needs to write messages that are almost right, and what
//! must be true afterwards.
use crate::{Connection, eventually, get, metric, restarts};
use lockstep_actors::node::devnet_keys;
use lockstep_devnet::Devnet;
use lockstep_protocol::crypto::Signer;
use lockstep_protocol::nouns::block::{Header, SealedBlock};
use lockstep_protocol::nouns::proposal::{Proposal, ProposedBlock};
use lockstep_protocol::nouns::vote::{Signature, SignedVote, Vote, VoteKind};
use lockstep_protocol::types::{Address, Hash, Height, Round, Timestamp};
use lockstep_protocol::wire::Wire;
use std::sync::Arc;

/// Where votes go.
pub const VOTE: &str = "/consensus/vote";
/// Where whole proposals go.
pub const PROPOSAL: &str = "/consensus/proposal";
/// Where transactions go.
pub const TRANSACTION: &str = "/transactions";

/// Node 0 of four, the keys of all of them, and a pen to write what the wire allows.
pub struct Target {
    /// All four of them.
    pub devnet: Devnet,
    /// Where it answers people.
    pub url: String,
    /// Where it listens to the other nodes.
    pub peer_url: String,
    /// Of their chain.
    pub wire: Wire,
    signers: Vec<Arc<dyn Signer>>,
}

/// One bad message: what it is, where it goes, what it gets, and where it is counted.
pub struct Case {
    /// For whoever reads the failure.
    pub what: &'static str,
    /// Where it is posted.
    pub path: &'static str,
    /// What is posted.
    pub body: Vec<u8>,
    /// The status that it has to get.
    pub status: u16,
    /// The code in the answer.
    pub code: &'static str,
    /// The metric that counts it, and a part of its labels.
    pub counted: (&'static str, &'static str),
}

impl Target {
    /// Four nodes that make blocks when they are told to.
    pub fn boot() -> Target {
        let devnet = Devnet::builder().manual(true).boot().expect("it boots");
        let scheme = devnet.genesis().scheme;
        let signer = |index| devnet_keys::signer(scheme, index).expect("a key");
        Target {
            url: devnet.urls()[0].clone(),
            peer_url: devnet.peer_urls()[0].clone(),
            wire: Wire::new(devnet.genesis().hash()),
            signers: (0..4).map(signer).collect(),
            devnet,
        }
    }

    /// A valid precommit for nil by validator 1 at the height under decision.
    pub fn vote(&self) -> SignedVote {
        let vote = Vote {
            kind: VoteKind::Precommit,
            height: Height(1),
            round: Round(0),
            block_id: None,
            valid_round: None,
            validator: self.devnet.validators()[1],
        };
        let bytes = self.devnet.sign_context().vote(&vote);
        let signature = self.sign(1, &bytes);
        SignedVote { vote, signature }
    }

    /// What validator `index` would have signed.
    pub fn sign(&self, index: usize, bytes: &[u8]) -> Signature {
        Signature(self.signers[index].sign(bytes).expect("it signs"))
    }

    /// A vote of height 1, round 0, by validator `index`.
    pub fn vote_of(&self, index: usize, kind: VoteKind, id: Option<Hash>) -> SignedVote {
        let vote = Vote {
            kind,
            block_id: id,
            ..self.vote().vote
        };
        self.signed(index, &vote)
    }

    /// An empty block of height 1, proposed in round 0 and signed by validator `index`.
    pub fn proposal(&self, index: usize) -> ProposedBlock {
        let proposer = self.devnet.validators()[index];
        let header = Header {
            chain_id: self.devnet.genesis().chain_id,
            height: Height(1),
            time: Timestamp(1),
            proposer,
            previous_block: Hash::default(),
            last_commit_hash: Hash::default(),
            transactions_root: Hash::default(),
            evidence_root: Hash::default(),
            state_root: Hash::default(),
            receipts_root: Hash::default(),
            validators_hash: Hash::default(),
            next_validators_hash: Hash::default(),
        };
        let block = Arc::new(SealedBlock::build(header, Vec::new(), Vec::new(), None));
        let mut proposal = Proposal {
            height: Height(1),
            round: Round(0),
            block_id: block.id(),
            valid_round: None,
            proposer,
            signature: Signature(Vec::new()),
        };
        let bytes = proposal.sign_bytes(&self.devnet.sign_context());
        proposal.signature = self.sign(index, &bytes);
        let polka = None;
        ProposedBlock {
            proposal,
            block,
            polka,
        }
    }

    /// Signs the message as it is now.
    pub fn sign_proposal(&self, index: usize, message: &mut ProposedBlock) {
        let proposal = &mut message.proposal;
        let bytes = proposal.sign_bytes(&self.devnet.sign_context());
        proposal.signature = self.sign(index, &bytes);
    }

    /// This vote by validator `index`, signed.
    pub fn signed(&self, index: usize, vote: &Vote) -> SignedVote {
        let vote = Vote {
            validator: self.devnet.validators()[index],
            ..vote.clone()
        };
        let signature = self.sign(index, &self.devnet.sign_context().vote(&vote));
        SignedVote { vote, signature }
    }

    /// A validator whose turn height 1, round 0 is or is not.
    pub fn validator(&self, scheduled: bool) -> usize {
        let validators = self.devnet.validators();
        let mut sorted = validators.clone();
        sorted.sort();
        let is = |address: &Address| (*address == sorted[1]) == scheduled;
        // Rather not the target itself: a message of its own key stops it.
        let others = (1..validators.len()).chain([0]);
        let mut fit = others.filter(|index| is(&validators[*index]));
        fit.next().expect("one of four")
    }

    /// Posts it, and fails unless it is refused and counted as it says.
    pub fn refuse(&self, case: &Case) {
        let (family, label) = case.counted;
        let before = metric(&self.url, family, label);
        let answer = Connection::open(&self.peer_url).request("POST", case.path, &case.body);
        let answer = answer.unwrap_or_else(|error| panic!("{}: {error}", case.what));
        assert_eq!(answer.status, case.status, "{}", case.what);
        assert_eq!(answer.json()["code"], case.code, "{}", case.what);
        let after = metric(&self.url, family, label);
        assert_eq!(after - before, 1.0, "{} counts as {label}", case.what);
    }

    /// Nothing was lost: the next block comes on all four, and nobody fell.
    pub fn assert_unharmed(&self) {
        let next = self.devnet.heights()[0].map(|height| height + 1);
        self.devnet.tick().expect("a block comes");
        assert_eq!(self.devnet.heights(), [next; 4]);
        for url in self.devnet.urls() {
            assert_eq!(restarts(&url), 0, "{url}");
            let ready = || (get(&url, "/readyz").status == 200).then_some(());
            eventually("it is ready", ready);
        }
    }
}
