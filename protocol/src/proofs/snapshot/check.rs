//! What the records of a snapshot prove, one after the other. Bounded: one record, one validator set,
//! the heights of the changes of validators, and the right edge of the tree.
use super::changes::Changes;
use super::error::SnapshotError;
use super::format::{self, Leaf, SnapshotBlock, SnapshotPart};
use crate::crypto::Scheme;
use crate::ledger::{KeyHash, Rebuild, Receipt, StateChanges};
use crate::nouns::block::{Block, Header, SealedBlock};
use crate::nouns::commit::CommitCertificate;
use crate::nouns::genesis::Genesis;
use crate::nouns::sign_bytes::SignContext;
use crate::proofs::light_client::{Checkpoint, LightBlock};
use crate::types::{BlockId, Hash, Height};
use crate::validators::set::{Validator, ValidatorSet, ValidatorSetError};
use std::sync::Arc;

/// What is known before the file is opened.
#[derive(Clone)]
pub struct Anchor {
    scheme: Arc<dyn Scheme>,
    context: SignContext,
    genesis_set: Hash,
    trusted: Option<Checkpoint>,
}

impl Anchor {
    /// The chain, and a block of it that its owner trusts beside the genesis.
    pub fn new(
        genesis: &Genesis,
        scheme: Arc<dyn Scheme>,
        trusted: Option<Checkpoint>,
    ) -> Result<Anchor, ValidatorSetError> {
        Ok(Anchor {
            context: genesis.sign_context(),
            genesis_set: genesis.validator_set(&*scheme)?.hash(),
            scheme,
            trusted,
        })
    }
}

/// What a record has turned out to be.
#[derive(Clone, Debug)]
pub enum Checked {
    /// A change of validators, proven.
    Handover(Box<LightBlock>),
    /// The block of the snapshot, proven.
    Head {
        /// The block.
        block: Arc<SealedBlock>,
        /// The proof of its decision.
        certificate: Arc<CommitCertificate>,
        /// What became of its transactions.
        receipts: Arc<Vec<Receipt>>,
    },
    /// A part of the state, to be written; it counts only when the [end](Checked::End) is there.
    Leaves(StateChanges),
    /// The whole state has the root of the head; this is its version.
    End {
        /// As [`Rebuild`] counts.
        version: u64,
    },
}

/// Reads one snapshot.
pub struct Check {
    anchor: Anchor,
    /// Of the set that decides what comes next.
    set: Hash,
    newest: Height,
    tied: bool,
    head: Option<Header>,
    changes: Changes,
    tree: Rebuild,
    last: Option<(KeyHash, usize)>,
    leaves: u64,
    ended: bool,
}

impl Check {
    /// From the opening: of this chain, and of a format that is known.
    pub fn open(anchor: Anchor, opening: &[u8]) -> Result<Check, SnapshotError> {
        let found = format::decode_opening(opening)?;
        let expected = anchor.context.genesis_hash;
        if found != expected {
            return Err(SnapshotError::OtherChain { expected, found });
        }
        Ok(Check {
            set: anchor.genesis_set,
            tied: anchor.trusted.is_none(),
            anchor,
            newest: Height(0),
            head: None,
            changes: Changes::default(),
            tree: Rebuild::default(),
            last: None,
            leaves: 0,
            ended: false,
        })
    }

    /// Takes the bytes of the next record, without their length.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Checked, SnapshotError> {
        let record = format::decode_record(bytes)?;
        if self.ended {
            return Err(SnapshotError::Shape("something follows its end"));
        }
        match record {
            SnapshotPart::Handover(shown) => self.handover(shown),
            SnapshotPart::Block(head) => self.begin(*head),
            SnapshotPart::Leaves(leaves) => self.leaves(leaves),
            SnapshotPart::End => self.end(),
        }
    }

    /// Whether the end has come, behind which there is nothing.
    pub fn is_complete(&self) -> bool {
        self.ended
    }

    /// How many leaves have come so far.
    pub fn leaf_count(&self) -> u64 {
        self.leaves
    }

    fn handover(&mut self, shown: Box<LightBlock>) -> Result<Checked, SnapshotError> {
        if self.head.is_some() {
            return Err(SnapshotError::Shape(
                "a change of validators after the block",
            ));
        }
        let header = &shown.header;
        self.certified(header, &shown.certificate, &shown.validators)?;
        if !is_handover(header) {
            return Err(unproven(header, "it changes no validators"));
        }
        self.set = header.next_validators_hash;
        self.changes.show(header.height.next());
        Ok(Checked::Handover(shown))
    }

    fn begin(&mut self, head: SnapshotBlock) -> Result<Checked, SnapshotError> {
        if self.head.is_some() {
            return Err(SnapshotError::Shape("a second block"));
        }
        let header = head.block.header.clone();
        self.certified(&header, &head.certificate, &head.validators)?;
        if Block::receipts_root(&head.receipts) != header.receipts_root {
            return Err(unproven(
                &header,
                "its receipts are not those of its header",
            ));
        }
        let wrong = "the block's body is not the one that its header names";
        let block = SealedBlock::new(head.block).map_err(|_| unproven(&header, wrong))?;
        if let Some(trusted) = self.anchor.trusted.filter(|_| !self.tied) {
            let head = header.height;
            return Err(SnapshotError::TrustedHeight { trusted, head });
        }
        self.changes.expect(header.height);
        self.head = Some(header);
        Ok(Checked::Head {
            block: Arc::new(block),
            certificate: Arc::new(head.certificate),
            receipts: Arc::new(head.receipts),
        })
    }

    /// The header is the next that matters, its validators are those that are known to decide it,
    /// and more than two thirds of them have.
    fn certified(
        &mut self,
        header: &Header,
        certificate: &CommitCertificate,
        validators: &[Validator],
    ) -> Result<(), SnapshotError> {
        let height = header.height;
        if header.chain_id != self.anchor.context.chain_id {
            return Err(unproven(header, "it is a block of another chain"));
        }
        if height <= self.newest {
            return Err(unproven(header, "its heights do not rise"));
        }
        let members = validators.iter();
        let members = members.map(|v| (v.public_key.clone(), v.power));
        let set = ValidatorSet::new(&*self.anchor.scheme, members)
            .map_err(|reason| SnapshotError::Validators(height, reason))?;
        if !set.iter().eq(validators) {
            return Err(unproven(header, "its validators do not rise by address"));
        }
        if set.hash() != self.set || header.validators_hash != self.set {
            return Err(unproven(
                header,
                "its validators are not those of its height",
            ));
        }
        let id = header.id();
        if (certificate.height, certificate.block_id) != (height, id) {
            return Err(unproven(header, "the certificate is that of another block"));
        }
        certificate
            .verify(&set, &self.anchor.context)
            .map_err(|reason| SnapshotError::Certificate(height, reason))?;
        self.compare_trusted(height, id)?;
        self.newest = height;
        Ok(())
    }

    fn compare_trusted(&mut self, height: Height, found: BlockId) -> Result<(), SnapshotError> {
        match self.anchor.trusted {
            Some(trusted) if trusted.height == height => {
                let expected = trusted.id;
                if found != expected {
                    return Err(SnapshotError::NotTheTrusted {
                        height,
                        expected,
                        found,
                    });
                }
                self.tied = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn leaves(&mut self, leaves: Vec<Leaf>) -> Result<Checked, SnapshotError> {
        if self.head.is_none() {
            return Err(SnapshotError::Shape("a part of the state before the block"));
        }
        let odd = SnapshotError::Shape("its state is not cut as it has to be");
        let (Some(first), Some(last)) = (leaves.first(), leaves.last()) else {
            return Err(odd);
        };
        if let Some((before, bytes)) = &self.last
            && !(first.key > *before && format::begins_anew(*bytes, first))
        {
            return Err(odd);
        }
        let rise = leaves.is_sorted_by(|a, b| a.key < b.key);
        let there = leaves.iter().all(|leaf| !leaf.value.is_empty());
        let bytes = format::cut_bytes(&leaves).filter(|_| rise && there);
        self.last = Some((last.key, bytes.ok_or(odd)?));
        self.leaves = self
            .leaves
            .saturating_add(u64::try_from(leaves.len()).unwrap_or(u64::MAX));
        for leaf in &leaves {
            self.changes.look(&leaf.key, &leaf.value)?;
        }
        let pairs = leaves.into_iter().map(Leaf::into_pair);
        Ok(Checked::Leaves(self.tree.add(pairs.collect())?))
    }

    fn end(&mut self) -> Result<Checked, SnapshotError> {
        let early = SnapshotError::Shape("it ends before its state");
        let header = self.head.as_ref().ok_or(early.clone())?;
        let (version, found) = self.tree.newest().ok_or(early)?;
        let (height, expected) = (header.height, header.state_root);
        if found != expected {
            return Err(SnapshotError::StateRoot {
                height,
                expected,
                found,
            });
        }
        if !self.changes.are_those_of_the_state(height) {
            let what = "the changes of validators that it shows are not those that its state lists";
            return Err(unproven(header, what));
        }
        self.ended = true;
        Ok(Checked::End { version })
    }
}

/// Whether other validators decide the next height: then header and certificate outlive their block,
/// because a later snapshot needs them.
pub fn is_handover(header: &Header) -> bool {
    header.next_validators_hash != header.validators_hash
}

fn unproven(header: &Header, what: &'static str) -> SnapshotError {
    SnapshotError::Unproven(header.height, what)
}
