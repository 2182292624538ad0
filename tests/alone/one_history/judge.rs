//! Whether clients saw one history. The judge knows the calls, the chain that the nodes end up
//! with, and the rules below; it executes the chain itself.
//!
//! | Rule | Broken if |
//! |---|---|
//! | fork | two nodes have different blocks at a height, or a block has another parent |
//! | block | an answer names a block, or a state root, that the chain does not have at its height |
//! | nonce | a block carries a transaction out of its turn, or twice |
//! | receipt | an answer is not what the execution came to, or the chain has no such transaction |
//! | receipts | two nodes have different receipts at the end |
//! | lost | whoever took it lives on and does not know it, or at the end it has no final state |
//! | expired | a node called it expired, and a block carries it |
//! | height | a node's height goes back between an answer and a question that came after it |
//! | taken back | a node told that a transaction is committed, and later that it is not |
//! | read | balance, nonce or record are others than the chain comes to at the height of the answer |
use super::history::{At, Call, History, Receipt, Told};
use super::ledger::{Block, Ledger};
use lockstep_protocol::types::{Address, Hash};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What the nodes have at the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending {
    pub(crate) genesis: BTreeMap<Address, u64>,
    pub(crate) genesis_hash: Hash,
    /// From height 1, as one node has it.
    pub(crate) chain: Vec<Block>,
    /// The ids of the same heights, as each node has them.
    pub(crate) ids: Vec<Vec<Hash>>,
    /// The receipts of all transactions, as each node has them.
    pub(crate) receipts: Vec<BTreeMap<Hash, Receipt>>,
}

/// A rule that was broken, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) rule: &'static str,
    pub(crate) what: String,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Transactions that some node took.
    pub(crate) accepted: usize,
    /// … and of which somebody was told that a block carries them.
    pub(crate) told_committed: usize,
    /// … and that a block carries.
    pub(crate) committed: usize,
    /// … that had expired, or whose nonce another one used.
    pub(crate) overtaken: usize,
    /// … that only killed nodes had taken, and nobody knew any more at the audit.
    pub(crate) forgotten_by_the_killed: usize,
    /// Reads that were compared with the chain.
    pub(crate) reads: usize,
    /// Pairs of height and block id that were compared.
    pub(crate) block_ids: usize,
}

/// All that was broken; empty if nothing was.
pub(crate) fn judge(history: &History, ending: &Ending) -> (Vec<Violation>, Figures) {
    let mut judge = Judge {
        history,
        ending,
        places: BTreeMap::new(),
        outcomes: BTreeMap::new(),
        used: BTreeMap::new(),
        violations: Vec::new(),
        figures: Figures::default(),
    };
    judge.forks();
    judge.replay();
    judge.answers();
    judge.receipts_agree();
    judge.accepted();
    judge.by_gateway();
    (judge.violations, judge.figures)
}

struct Judge<'a> {
    history: &'a History,
    ending: &'a Ending,
    /// Height and index of each transaction in the chain.
    places: BTreeMap<Hash, (u64, u64)>,
    /// What each transaction came to: code of failure, fee.
    outcomes: BTreeMap<Hash, (Option<&'static str>, u64)>,
    /// Who used a nonce.
    used: BTreeMap<(Address, u64), Hash>,
    violations: Vec<Violation>,
    figures: Figures,
}

impl<'a> Judge<'a> {
    fn broken(&mut self, rule: &'static str, what: impl Into<String>) {
        let what = what.into();
        self.violations.push(Violation { rule, what });
    }

    fn forks(&mut self) {
        let mut parent = self.ending.genesis_hash;
        for (block, height) in self.ending.chain.iter().zip(1..) {
            if block.height != height || block.parent != parent {
                self.broken("fork", format!("block {height} does not follow its parent"));
            }
            parent = block.id;
        }
        for (node, ids) in self.ending.ids.iter().enumerate() {
            let chain = self.ending.chain.iter().map(|block| block.id);
            if !chain.eq(ids.iter().copied()) {
                self.broken("fork", format!("node {node} has another chain"));
            }
        }
    }

    /// Executes the chain, and compares each read with the state at its height.
    fn replay(&mut self) {
        let mut reads: BTreeMap<u64, Vec<&'a Call>> = BTreeMap::new();
        for call in &self.history.calls {
            if let Told::Account(at, ..) | Told::Record(at, ..) = &call.told {
                reads.entry(at.height).or_default().push(call);
            }
        }
        let mut ledger = Ledger::of(&self.ending.genesis);
        self.compare(&ledger, reads.remove(&0).unwrap_or_default());
        for block in &self.ending.chain {
            for (entry, index) in block.transactions.iter().zip(0..) {
                match ledger.execute(block, entry) {
                    Ok(failed) => drop(self.outcomes.insert(entry.id, (failed, entry.fee))),
                    Err(why) => self.broken("nonce", format!("{} {why}", entry.id)),
                }
                let place = (block.height, index);
                if let Some(before) = self.places.insert(entry.id, place) {
                    self.broken(
                        "nonce",
                        format!("{} stands at {before:?} and {place:?}", entry.id),
                    );
                }
                self.used.insert((entry.sender, entry.nonce), entry.id);
            }
            self.compare(&ledger, reads.remove(&block.height).unwrap_or_default());
        }
        for call in reads.into_values().flatten() {
            self.broken("read", format!("of a height that nobody has: {call:?}"));
        }
    }

    fn compare(&mut self, ledger: &Ledger, reads: Vec<&Call>) {
        self.figures.reads += reads.len();
        for call in reads {
            let is_right = match &call.told {
                Told::Account(_, address, balance, nonce) => {
                    let account = ledger.account(address);
                    (account.balance, account.nonce) == (*balance, *nonce)
                }
                Told::Record(_, owner, key, record) => ledger.record(owner, key) == record.as_ref(),
                _ => true,
            };
            if !is_right {
                self.broken("read", format!("{call:?}"));
            }
        }
    }

    /// What each answer says of blocks and receipts.
    fn answers(&mut self) {
        for call in &self.history.calls {
            match &call.told {
                Told::Account(at, ..) | Told::Record(at, ..) => self.names_block(call, at),
                Told::Block(at, transactions) => {
                    self.names_block(call, at);
                    let block = self.block(at.height);
                    let carried = block.map(|block| block.transactions.iter().map(|t| t.id));
                    if at.height > 0
                        && !carried.is_some_and(|ids| ids.eq(transactions.iter().copied()))
                    {
                        self.broken("block", format!("it carries others: {call:?}"));
                    }
                }
                Told::Committed(receipt) => self.receipt(&format!("{call:?}"), receipt),
                Told::Over(id, word) if word == "expired" && self.places.contains_key(id) => {
                    self.broken("expired", format!("{call:?}"));
                }
                _ => {}
            }
        }
    }

    fn block(&self, height: u64) -> Option<&'a Block> {
        let index = usize::try_from(height.checked_sub(1)?).ok()?;
        self.ending.chain.get(index)
    }

    fn names_block(&mut self, call: &Call, at: &At) {
        self.figures.block_ids += usize::from(at.block.is_some());
        let (id, root) = match (at.height, self.block(at.height)) {
            (0, _) => (Some(self.ending.genesis_hash), at.state_root),
            (_, Some(block)) => (Some(block.id), Some(block.state_root)),
            (_, None) => (None, None),
        };
        let same_root = at.state_root.is_none() || at.state_root == root;
        if id.is_none() || (at.block.is_some() && at.block != id) || !same_root {
            self.broken("block", format!("{call:?}"));
        }
    }

    fn receipt(&mut self, what: &str, receipt: &Receipt) {
        self.figures.block_ids += 1;
        let place = self.places.get(&receipt.id).copied();
        let block = self.block(receipt.height);
        let came_to = self.outcomes.get(&receipt.id);
        let is_there = place == Some((receipt.height, receipt.index));
        let is_right = came_to.is_some_and(|(failed, fee)| {
            receipt.failed.as_deref() == *failed && receipt.fee == *fee
        });
        if !is_there || !is_right || block.map(|block| block.id) != Some(receipt.block) {
            self.broken("receipt", what);
        }
    }

    fn receipts_agree(&mut self) {
        let Some(first) = self.ending.receipts.first() else {
            return;
        };
        for (node, receipts) in self.ending.receipts.iter().enumerate() {
            if receipts != first {
                self.broken("receipts", format!("node {node} has others than node 0"));
            }
        }
        let lacking = self.places.keys().filter(|id| !first.contains_key(*id));
        if let Some(id) = lacking.clone().next() {
            let what = format!("{} transactions have none, {id} first", lacking.count());
            self.broken("receipts", what);
        }
        for receipt in first.values() {
            self.receipt(&format!("at the end: {receipt:?}"), receipt);
        }
    }

    /// What becomes of each transaction that a node took.
    fn accepted(&mut self) {
        let mut takers: BTreeMap<Hash, Vec<&'a Call>> = BTreeMap::new();
        let mut known_at_audit: BTreeSet<(usize, Hash)> = BTreeSet::new();
        let (from, until) = self.history.audit;
        let mut told_committed = BTreeSet::new();
        for call in &self.history.calls {
            let in_audit = call.began >= from && call.began < until;
            match &call.told {
                Told::Accepted(id) => takers.entry(*id).or_default().push(call),
                Told::Committed(receipt) => drop(told_committed.insert(receipt.id)),
                Told::Waiting(id) | Told::Over(id, _) if in_audit => {
                    known_at_audit.insert((call.gateway, *id));
                }
                _ => {}
            }
        }
        let head = self.ending.chain.last().map_or(0, |block| block.height);
        self.figures.accepted = takers.len();
        for (id, calls) in takers {
            self.figures.told_committed += usize::from(told_committed.contains(&id));
            if self.places.contains_key(&id) {
                self.figures.committed += 1;
            }
            let signed = self.history.signed.get(&id);
            let is_overtaken = signed.is_none_or(|signed| {
                let other = self.used.get(&(signed.sender, signed.nonce));
                signed.expires_at <= head || other.is_some_and(|other| *other != id)
            });
            if !self.places.contains_key(&id) && is_overtaken {
                self.figures.overtaken += 1;
            } else if !self.places.contains_key(&id) {
                self.broken(
                    "lost",
                    format!("{id} has no final state; taken: {:?}", calls[0]),
                );
            }
            let before = calls.into_iter().filter(|call| call.began < from);
            let before: Vec<&Call> = before.collect();
            if !before.is_empty() {
                self.kept(&id, &before, &known_at_audit);
            }
        }
    }

    /// Whoever took it and lives on knew it at the audit, unless it was over by then.
    fn kept(&mut self, id: &Hash, calls: &[&Call], known: &BTreeSet<(usize, Hash)>) {
        let head = self.head_at_audit();
        let over_by_then = self
            .places
            .get(id)
            .is_some_and(|(height, _)| *height <= head)
            || self.history.signed.get(id).is_none_or(|signed| {
                let other = self.used.get(&(signed.sender, signed.nonce));
                let place = other.and_then(|other| self.places.get(other));
                signed.expires_at <= head || place.is_some_and(|(height, _)| *height <= head)
            });
        if over_by_then {
            return;
        }
        let living: Vec<&&Call> = calls
            .iter()
            .filter(|call| self.history.lived_on(call))
            .collect();
        let forgot = living
            .iter()
            .find(|call| !known.contains(&(call.gateway, *id)));
        if let Some(call) = forgot {
            self.broken(
                "lost",
                format!("its taker lives on and does not know it: {call:?}"),
            );
        } else if living.is_empty() && !known.iter().any(|(_, kept)| kept == id) {
            self.figures.forgotten_by_the_killed += 1;
        }
    }

    /// The least height that a node told during the audit.
    fn head_at_audit(&self) -> u64 {
        let (from, until) = self.history.audit;
        let heads = self
            .history
            .calls
            .iter()
            .filter_map(|call| match call.told {
                Told::Head(height) if call.began >= from && call.began < until => Some(height),
                _ => None,
            });
        heads.min().unwrap_or(0)
    }

    /// Each node for itself, in the order of real time: what was answered before a question was
    /// asked holds in its answer, whoever asked.
    fn by_gateway(&mut self) {
        let mut by_gateway: BTreeMap<usize, Vec<&'a Call>> = BTreeMap::new();
        for call in &self.history.calls {
            by_gateway.entry(call.gateway).or_default().push(call);
        }
        for calls in by_gateway.into_values() {
            self.in_order(&calls);
        }
    }

    fn in_order(&mut self, calls: &[&'a Call]) {
        let mut by_end = calls.to_vec();
        by_end.sort_by_key(|call| call.ended);
        let mut by_start = calls.to_vec();
        by_start.sort_by_key(|call| call.began);
        let mut ended = by_end.into_iter().peekable();
        let mut highest = 0;
        let mut committed: BTreeMap<Hash, Duration> = BTreeMap::new();
        for call in by_start {
            while let Some(before) = ended.next_if(|before| before.ended < call.began) {
                highest = highest.max(least_height(&before.told));
                if let Told::Committed(receipt) = &before.told {
                    committed.entry(receipt.id).or_insert(before.ended);
                }
            }
            if newest(&call.told).is_some_and(|height| height < highest) {
                self.broken("height", format!("{highest} was there before: {call:?}"));
            }
            let denied = match &call.told {
                Told::Unknown(id) | Told::Waiting(id) | Told::Over(id, _) => Some(id),
                _ => None,
            };
            if denied.is_some_and(|id| committed.contains_key(id)) {
                self.broken("taken back", format!("{call:?}"));
            }
        }
    }
}

/// The node has committed at least this height, if it says so.
fn least_height(told: &Told) -> u64 {
    match told {
        Told::Account(at, ..) | Told::Record(at, ..) | Told::Block(at, _) => at.height,
        Told::Committed(receipt) => receipt.height,
        Told::Head(height) => *height,
        _ => 0,
    }
}

/// The newest height, if that was the question.
fn newest(told: &Told) -> Option<u64> {
    match told {
        Told::Account(at, ..) | Told::Record(at, ..) | Told::Block(at, _) => {
            at.newest.then_some(at.height)
        }
        Told::Head(height) => Some(*height),
        _ => None,
    }
}
