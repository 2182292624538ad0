//! Signatures on their way to be checked, and those that failed: each is checked once, however many
//! ask, and a replay of a bad one costs nothing.
use super::entry::Entry;
use super::limits::{CHECKS_OF_PEERS_MAX, CHECKS_OF_PEOPLE_MAX, REFUSED_KEPT_MAX};
use super::refusal::MempoolRefusal;
use super::{Source, Ticket};
use crate::ledger::{ChainRules, Signatures};
use crate::nouns::transaction::Transaction;
use crate::recent::Recent;
use crate::types::{Address, Hash};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A transaction whose signature is being checked.
#[derive(Clone, Debug)]
pub(super) struct UnderCheck {
    pub(super) entry: Entry,
    pub(super) public_key: Arc<[u8]>,
    pub(super) source: Source,
    /// Who waits for the verdict.
    pub(super) tickets: Vec<Ticket>,
}

/// All of them, by sender and leaf: a second signature under one id is another question.
#[derive(Clone, Debug)]
pub(super) struct Checks {
    under_way: BTreeMap<Address, BTreeMap<Hash, UnderCheck>>,
    senders: BTreeMap<Hash, Address>,
    of_people: usize,
    of_peers: usize,
    refused: Recent<Hash, MempoolRefusal>,
}

impl Checks {
    pub(super) fn new() -> Checks {
        Checks {
            under_way: BTreeMap::new(),
            senders: BTreeMap::new(),
            of_people: 0,
            of_peers: 0,
            refused: Recent::new(REFUSED_KEPT_MAX),
        }
    }

    /// Whoever asks for what is being checked waits for the same verdict.
    pub(super) fn join(&mut self, sender: &Address, leaf: &Hash, ticket: Ticket) -> bool {
        let under_way = self.under_way.get_mut(sender);
        let check = under_way.and_then(|checks| checks.get_mut(leaf));
        check.map(|check| check.tickets.push(ticket)).is_some()
    }

    /// What is being checked under this leaf.
    pub(super) fn by_leaf(&self, leaf: &Hash) -> Option<&Entry> {
        let checks = self.under_way.get(self.senders.get(leaf)?)?;
        checks.get(leaf).map(|check| &check.entry)
    }

    /// What is known to be bad, and why.
    pub(super) fn refused(&self, leaf: &Hash) -> Option<&MempoolRefusal> {
        self.refused.get(leaf)
    }

    /// The key that a transaction under check brings for this sender, proven by its address.
    pub(super) fn key_of(&self, sender: &Address) -> Option<Arc<[u8]>> {
        let mut checks = self.under_way.get(sender)?.values();
        let first = checks.find(|check| check.entry.transaction.public_key.is_some())?;
        Some(first.public_key.clone())
    }

    pub(super) fn has_room(&self, source: Source) -> bool {
        match source {
            Source::People => self.of_people < CHECKS_OF_PEOPLE_MAX,
            Source::Peer => self.of_peers < CHECKS_OF_PEERS_MAX,
        }
    }

    pub(super) fn begin(&mut self, leaf: Hash, check: UnderCheck) {
        *self.count(check.source) = self.count(check.source).saturating_add(1);
        self.senders.insert(leaf, check.entry.sender());
        let sender = self.under_way.entry(check.entry.sender()).or_default();
        sender.insert(leaf, check);
    }

    pub(super) fn end(&mut self, sender: &Address, leaf: &Hash) -> Option<UnderCheck> {
        let checks = self.under_way.get_mut(sender)?;
        let check = checks.remove(leaf)?;
        self.senders.remove(leaf);
        if checks.is_empty() {
            self.under_way.remove(sender);
        }
        *self.count(check.source) = self.count(check.source).saturating_sub(1);
        Some(check)
    }

    pub(super) fn remember(&mut self, leaf: Hash, refusal: MempoolRefusal) {
        self.refused.note(leaf, refusal);
    }

    pub(super) fn len(&self) -> usize {
        self.of_people.saturating_add(self.of_peers)
    }

    fn count(&mut self, source: Source) -> &mut usize {
        match source {
            Source::People => &mut self.of_people,
            Source::Peer => &mut self.of_peers,
        }
    }
}

/// A signature to check: the answer goes back with its `leaf`.
#[derive(Clone, Debug)]
pub struct Check {
    /// What is checked, signature and key included.
    pub leaf: Hash,
    /// The transaction.
    pub transaction: Arc<Transaction>,
    /// The sender's key.
    pub public_key: Arc<[u8]>,
}

/// What a check gave.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Whose transaction.
    pub sender: Address,
    /// What was checked.
    pub leaf: Hash,
    /// Why it was not accepted.
    pub verdict: Result<(), MempoolRefusal>,
}

/// Checks signatures apart from the mempool, on a thread of its own that the shell gives it, with keys
/// that stay prepared; one that is known to verify costs a hash.
pub struct Checker {
    rules: Arc<ChainRules>,
    signatures: Signatures,
}

impl Checker {
    /// Knows nothing yet.
    pub fn new(rules: Arc<ChainRules>) -> Checker {
        let signatures = Signatures::default();
        Checker { rules, signatures }
    }

    /// Checks one signature.
    pub fn check(&mut self, check: &Check) -> Checked {
        let Check {
            leaf,
            transaction,
            public_key,
        } = check;
        let scheme = &*self.rules.scheme;
        let context = &self.rules.context;
        let verdict = self
            .signatures
            .verify(scheme, context, (leaf, transaction), public_key);
        Checked {
            sender: transaction.sender,
            leaf: *leaf,
            verdict: verdict.map_err(MempoolRefusal::from),
        }
    }

    /// How many signatures have really been verified.
    pub fn verified(&self) -> u64 {
        self.signatures.verified()
    }
}
