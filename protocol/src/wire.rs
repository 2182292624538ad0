//! What crosses a socket: an envelope (protocol version, genesis hash) around canonical bytes.
//!
//! The envelope comes first so that a message of another chain is told apart, and counted, before
//! anything of it is decoded or verified.
use crate::codec::{self, AtMost, CodecError};
use crate::limits::{
    EVIDENCE_MESSAGE_BYTES_MAX, FETCHED_BYTES_MAX, LIGHT_BLOCK_BYTES_MAX, MISSING_BYTES_MAX,
    PROPOSAL_BYTES_MAX, PROPOSAL_HEAD_BYTES_MAX, PROVED_ACCOUNT_BYTES_MAX,
    PROVED_APPLICATION_BYTES_MAX, PROVED_RECORD_BYTES_MAX, PULL_BYTES_MAX, PULL_PROPOSALS_MAX,
    PULL_VOTES_MAX, PULLED_BYTES_MAX, QUESTION_BYTES_MAX, STATEMENT_BYTES_MAX, SYNC_BYTES_MAX,
    TRANSACTION_BYTES_MAX, VOTE_BYTES_MAX,
};
use crate::nouns::block::{Block, SealedBlock};
use crate::nouns::commit::{CommitCertificate, PolkaCertificate};
use crate::nouns::compact::{Assembly, CompactProposal, TransactionsWanted};
use crate::nouns::decided::DecidedBlock;
use crate::nouns::evidence::Evidence;
use crate::nouns::proposal::{Proposal, ProposedBlock};
use crate::nouns::pull::{Pull, Pulled};
use crate::nouns::standing::{Question, Statement};
use crate::nouns::transaction::Transaction;
use crate::nouns::vote::SignedVote;
use crate::proofs::light_client::{LightBlock, ProvedAccount, ProvedApplication, ProvedRecord};
use crate::types::{Hash, Height};
use borsh::{BorshDeserialize, BorshSerialize};
use std::sync::Arc;

pub use crate::limits::{TRANSACTIONS_BATCH_MAX, TRANSACTIONS_BYTES_MAX};

/// Raised with every change of bytes or rules that two nodes must share.
pub const PROTOCOL_VERSION: u16 = 7;

const ENVELOPE_BYTES: usize = 34;

/// In the head of an answer of blocks: the height that the node has committed. An answer without
/// blocks thus says why.
pub const HEIGHT_HEADER: &str = "x-lockstep-height";

/// Likewise the lowest height whose block it keeps: nothing below is a lie.
pub const EARLIEST_HEADER: &str = "x-lockstep-earliest";

/// Why a message was refused before its signature was looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Size or shape.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// Another protocol version.
    #[error("{}", of_version(*.0))]
    Version(u16),
    /// Another chain.
    #[error("the message belongs to the chain with genesis {0}: send it to a node of that chain")]
    ForeignChain(Hash),
    /// A block's body or a proposal's id do not belong to its header.
    #[error("the body is not the one that the id names")]
    BodyMismatch,
}

impl WireError {
    /// One stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            WireError::Codec(CodecError::TooLarge { .. }) => "too_large",
            WireError::Codec(CodecError::Malformed { .. }) => "malformed",
            WireError::Version(_) => "version",
            WireError::ForeignChain(_) => "foreign_chain",
            WireError::BodyMismatch => "body_mismatch",
        }
    }
}

/// What is said of a message that begins with the bytes of this number. No release has one beyond the
/// first byte: such bytes are of somebody else, and those of Ethereum begin with a list of RLP, or with
/// the type of the transaction before one.
fn of_version(version: u16) -> String {
    const RLP_LIST: u8 = 0xc0;
    match version.to_le_bytes() {
        [RLP_LIST..=u8::MAX, _] | [1..=4, RLP_LIST..=u8::MAX] => {
            "the message is an Ethereum transaction, which no \
            chain of Lockstep takes: sign one of Lockstep, as lockstep tx does"
                .into()
        }
        [_, 1..=u8::MAX] => {
            "the message is none of Lockstep: send canonical bytes, as lockstep tx does".into()
        }
        _ => format!(
            "the message speaks protocol version {version}, this node {PROTOCOL_VERSION}: use a \
             program of that version"
        ),
    }
}

/// Reads and writes messages of one chain.
#[derive(Clone, Copy, Debug)]
pub struct Wire {
    genesis_hash: Hash,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct ProposalBody {
    proposal: Proposal,
    block: Block,
    polka: Option<PolkaCertificate>,
}

impl ProposalBody {
    /// The block belongs to the proposal's id.
    fn proposed(self) -> Result<ProposedBlock, WireError> {
        let block = SealedBlock::new(self.block).map_err(|_| WireError::BodyMismatch)?;
        if block.id() != self.proposal.block_id {
            return Err(WireError::BodyMismatch);
        }
        Ok(ProposedBlock {
            proposal: self.proposal,
            block: Arc::new(block),
            polka: self.polka.map(Arc::new),
        })
    }
}

/// What [`ProposalBody`] reads, borrowed.
fn parts(message: &ProposedBlock) -> (&Proposal, &Block, Option<&PolkaCertificate>) {
    let ProposedBlock {
        proposal,
        block,
        polka,
    } = message;
    (proposal, block.block(), polka.as_deref())
}

/// How the body of a noun is written and read that crosses a socket as it is, and how many bytes
/// it has at the most. Nothing of it is verified here.
macro_rules! bodies {
    ($($body:literal: $encode:ident, $decode:ident, $noun:ty, $kind:literal, $limit:ident;)*) => {
        impl Wire {
            $(
                #[doc = concat!("The bytes of ", $body, ".")]
                pub fn $encode(&self, noun: &$noun) -> Vec<u8> {
                    self.seal(noun)
                }

                #[doc = concat!("Reads ", $body, ". Nothing of it is verified here.")]
                pub fn $decode(&self, bytes: &[u8]) -> Result<$noun, WireError> {
                    self.open($kind, bytes, $limit)
                }
            )*
        }
    };
}

bodies! {
    "`POST /consensus/vote`": encode_vote, decode_vote, SignedVote, "vote", VOTE_BYTES_MAX;
    "`POST /consensus/evidence`":
        encode_evidence, decode_evidence, Evidence, "evidence", EVIDENCE_MESSAGE_BYTES_MAX;
    "`POST /consensus/compact` (whether its parts belong together, [`Assembly::new`] says)":
        encode_compact, decode_compact, CompactProposal, "compact proposal", PROPOSAL_BYTES_MAX;
    "`POST /consensus/transactions`":
        encode_wanted, decode_wanted, TransactionsWanted, "question for transactions",
        MISSING_BYTES_MAX;
    "`POST /consensus/pull`": encode_pull, decode_pull, Pull, "pull", PULL_BYTES_MAX;
    "`POST /consensus/standing`":
        encode_question, decode_question, Question, "question", QUESTION_BYTES_MAX;
    "an answer to `POST /consensus/standing`":
        encode_statement, decode_statement, Statement, "statement", STATEMENT_BYTES_MAX;
    "`POST /transactions`":
        encode_transaction, decode_transaction, Transaction, "transaction", TRANSACTION_BYTES_MAX;
    "an answer to `GET /light/blocks/{height}`":
        encode_light_block, decode_light_block, LightBlock, "light block", LIGHT_BLOCK_BYTES_MAX;
    "an answer to `GET /light/accounts/{address}`":
        encode_proved_account, decode_proved_account, ProvedAccount, "proved account",
        PROVED_ACCOUNT_BYTES_MAX;
    "an answer to `GET /light/records/{address}/{key}`":
        encode_proved_record, decode_proved_record, ProvedRecord, "proved record",
        PROVED_RECORD_BYTES_MAX;
    "an answer to `GET /light/applications/{name}/state/{key}`":
        encode_proved_application, decode_proved_application, ProvedApplication,
        "proved value of an application", PROVED_APPLICATION_BYTES_MAX;
}

impl Wire {
    /// For the chain with this genesis.
    pub fn new(genesis_hash: Hash) -> Wire {
        Wire { genesis_hash }
    }

    /// The bytes of `POST /consensus/proposal`.
    pub fn encode_proposal(&self, message: &ProposedBlock) -> Vec<u8> {
        self.seal(&parts(message))
    }

    /// Reads the body of `POST /consensus/proposal`; the block belongs to the proposal's id.
    pub fn decode_proposal(&self, bytes: &[u8]) -> Result<ProposedBlock, WireError> {
        let body: ProposalBody = self.open("proposal", bytes, PROPOSAL_BYTES_MAX)?;
        body.proposed()
    }

    /// The same, ready to be filled: its parts belong to the proposal's id.
    pub fn decode_assembly(&self, bytes: &[u8]) -> Result<Assembly, WireError> {
        let compact = self.decode_compact(bytes)?;
        Assembly::new(compact).map_err(|_| WireError::BodyMismatch)
    }

    /// The bytes of an answer to `POST /consensus/transactions`.
    pub fn encode_fetched(&self, transactions: &[&Transaction]) -> Vec<u8> {
        self.seal(&transactions)
    }

    /// Reads an answer to `POST /consensus/transactions`. Nothing of it is verified here.
    pub fn decode_fetched(&self, bytes: &[u8]) -> Result<Vec<Transaction>, WireError> {
        self.open("answer of transactions", bytes, FETCHED_BYTES_MAX)
    }

    /// The bytes of an answer to `POST /consensus/pull`.
    pub fn encode_pulled(&self, pulled: &Pulled) -> Vec<u8> {
        let proposals: Vec<_> = pulled.proposals.iter().map(|m| parts(m)).collect();
        self.seal(&(pulled.committed, proposals, &pulled.votes))
    }

    /// Reads an answer to `POST /consensus/pull`. Signatures are not verified here.
    pub fn decode_pulled(&self, bytes: &[u8]) -> Result<Pulled, WireError> {
        let kind = "answer to a pull";
        let (committed, proposals, votes): (Height, Vec<ProposalBody>, Vec<SignedVote>) =
            self.open(kind, bytes, PULLED_BYTES_MAX)?;
        if proposals.len() > PULL_PROPOSALS_MAX || votes.len() > PULL_VOTES_MAX {
            let reason = "more messages than an answer has".into();
            return Err(CodecError::Malformed { kind, reason }.into());
        }
        let proposals = proposals
            .into_iter()
            .map(|body| body.proposed().map(Arc::new));
        Ok(Pulled {
            committed,
            proposals: proposals.collect::<Result<_, _>>()?,
            votes,
        })
    }

    /// Reads the signed part of a proposal from the beginning of its body, whose rest may not have
    /// come yet.
    pub fn decode_proposal_head(&self, bytes: &[u8]) -> Result<Proposal, WireError> {
        let kind = "proposal";
        let head = bytes.get(..PROPOSAL_HEAD_BYTES_MAX).unwrap_or(bytes);
        let mut body = self.open_envelope(kind, head)?;
        Proposal::deserialize(&mut body).map_err(|error| {
            let reason = error.to_string();
            CodecError::Malformed { kind, reason }.into()
        })
    }

    /// The bytes of `POST /mempool/transactions`, of the canonical bytes of each transaction.
    pub fn encode_transactions<T: AsRef<[u8]>>(&self, transactions: &[T]) -> Vec<u8> {
        let count = u32::try_from(transactions.len()).unwrap_or(u32::MAX);
        let mut bytes = self.seal(&count);
        for transaction in transactions {
            bytes.extend_from_slice(transaction.as_ref());
        }
        bytes
    }

    /// Reads the body of `POST /mempool/transactions`.
    pub fn decode_transactions(&self, bytes: &[u8]) -> Result<Vec<Transaction>, WireError> {
        type Batch = AtMost<Transaction, TRANSACTIONS_BATCH_MAX>;
        let batch = self.open::<Batch>("transactions", bytes, TRANSACTIONS_BYTES_MAX)?;
        Ok(batch.0)
    }

    /// The bytes of an answer to `GET /sync/blocks`.
    pub fn encode_blocks(&self, blocks: &[DecidedBlock]) -> Vec<u8> {
        let pairs: Vec<(&Block, &CommitCertificate)> = blocks
            .iter()
            .map(|d| (d.block.block(), &*d.certificate))
            .collect();
        self.seal(&pairs)
    }

    /// Reads an answer to `GET /sync/blocks`. Certificates are not verified here.
    pub fn decode_blocks(&self, bytes: &[u8]) -> Result<Vec<DecidedBlock>, WireError> {
        let pairs: Vec<(Block, CommitCertificate)> = self.open("blocks", bytes, SYNC_BYTES_MAX)?;
        let decided = |(block, certificate)| {
            let block = SealedBlock::new(block).map_err(|_| WireError::BodyMismatch)?;
            Ok(DecidedBlock {
                block: Arc::new(block),
                certificate: Arc::new(certificate),
            })
        };
        pairs.into_iter().map(decided).collect()
    }

    fn seal<T: BorshSerialize>(&self, body: &T) -> Vec<u8> {
        codec::encode(&(PROTOCOL_VERSION, &self.genesis_hash, body))
    }

    fn open<T: BorshDeserialize>(
        &self,
        kind: &'static str,
        bytes: &[u8],
        limit: usize,
    ) -> Result<T, WireError> {
        if bytes.len() > limit {
            return Err(CodecError::TooLarge {
                limit,
                actual: bytes.len(),
            }
            .into());
        }
        let body = self.open_envelope(kind, bytes)?;
        Ok(codec::decode(kind, body, limit)?)
    }

    /// What lies in the envelope, if it is one of this chain.
    fn open_envelope<'a>(
        &self,
        kind: &'static str,
        bytes: &'a [u8],
    ) -> Result<&'a [u8], WireError> {
        let Some((envelope, body)) = bytes.split_at_checked(ENVELOPE_BYTES) else {
            let reason = "shorter than its envelope".into();
            return Err(CodecError::Malformed { kind, reason }.into());
        };
        let (version, genesis): (u16, Hash) = codec::decode(kind, envelope, ENVELOPE_BYTES)?;
        if version != PROTOCOL_VERSION {
            return Err(WireError::Version(version));
        }
        if genesis != self.genesis_hash {
            return Err(WireError::ForeignChain(genesis));
        }
        Ok(body)
    }
}

#[cfg(test)]
mod tests;
