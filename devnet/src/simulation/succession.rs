//! Who decides which height, from the blocks alone: a second opinion that shares nothing with the
//! ledger but the nouns. The properties judge each height by the set that this names.
//!
//! It knows no refusals but these: a vote of who is no validator, one that takes back what is not
//! there, and the word of a newcomer that is none, or that nobody asks for. No world asks for a change
//! that would be refused otherwise.
use lockstep_protocol::crypto::Scheme;
use lockstep_protocol::crypto::simulated::Simulated;
use lockstep_protocol::nouns::block::Block;
use lockstep_protocol::nouns::transaction::Action;
use lockstep_protocol::types::{Address, Height};
use lockstep_protocol::validators::set::Power;
use lockstep_protocol::validators::set::ValidatorSet;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The sets of all heights up to the second after the newest block.
pub(crate) struct Succession {
    /// By the first height that each decides.
    sets: BTreeMap<Height, Arc<ValidatorSet>>,
    votes: BTreeMap<Vec<u8>, BTreeMap<Address, (Power, Height)>>,
    /// When each newcomer has said that it is ready.
    words: BTreeMap<Address, Height>,
    newest: Height,
}

/// For how many heights votes and words count: written down here once more.
const VOTES_LAST: u64 = 10_000;
const WORDS_LAST: u64 = 100;

fn address_of(key: &[u8]) -> Address {
    Address::of(Simulated.id(), key)
}

fn power_of(set: &ValidatorSet, who: &Address) -> u128 {
    let members = set.iter().filter(|member| member.address == *who);
    members.map(|member| u128::from(member.power)).sum()
}

impl Succession {
    /// Of a chain that begins.
    pub(crate) fn new(founders: Arc<ValidatorSet>) -> Succession {
        Succession {
            sets: BTreeMap::from([(Height(1), founders)]),
            votes: BTreeMap::new(),
            words: BTreeMap::new(),
            newest: Height(0),
        }
    }

    /// Who decides `height`, as far as the blocks say.
    pub(crate) fn at(&self, height: Height) -> &Arc<ValidatorSet> {
        let mut up_to = self.sets.range(..=height.max(Height(1)));
        let (_, set) = up_to.next_back().expect("the founders decide height 1");
        set
    }

    /// The last height that such a set decides, if another follows it.
    pub(crate) fn last(&self, is_such: impl Fn(&ValidatorSet) -> bool) -> Option<Height> {
        let mut newest_first = self.sets.iter().rev();
        let (after, newest) = newest_first.next()?;
        let mut after = Some(*after).filter(|_| !is_such(newest))?;
        for (first, set) in newest_first {
            if is_such(set) {
                return Some(after.previous());
            }
            after = *first;
        }
        None
    }

    /// How often the set has changed.
    pub(crate) fn changes(&self) -> u64 {
        self.sets.len() as u64 - 1
    }

    /// The first committed block of a height.
    pub(crate) fn note(&mut self, block: &Block) {
        let height = block.header.height;
        if height != self.newest.next() {
            return;
        }
        self.newest = height;
        for transaction in &block.transactions {
            let sender = transaction.sender;
            match &transaction.body.action {
                Action::UpdateValidator { public_key, power } => {
                    self.vote(height, sender, public_key, *power);
                }
                Action::DeclareReady => self.word(height, sender),
                Action::Transfer { .. }
                | Action::Put { .. }
                | Action::Delete { .. }
                | Action::Call { .. } => {}
            }
        }
    }

    fn vote(&mut self, height: Height, voter: Address, whom: &[u8], power: Power) {
        let newest = self.at(height.next().next());
        let has = power_of(newest, &address_of(whom));
        if power_of(self.at(height), &voter) == 0 {
            return;
        }
        self.forget_votes(height, whom);
        let votes = self.votes.entry(whom.to_vec()).or_default();
        if has == u128::from(power) {
            if votes.remove(&voter).is_some() && votes.is_empty() {
                self.words.remove(&address_of(whom));
            }
            return;
        }
        votes.insert(voter, (power, height));
        let word = self.words.get(&address_of(whom));
        let is_ready = word.is_some_and(|said| height.0 - said.0 <= WORDS_LAST);
        if has > 0 || is_ready {
            self.complete(height, whom, |wanted| wanted == power);
        }
    }

    fn word(&mut self, height: Height, newcomer: Address) {
        let mut asked = self.votes.keys();
        let Some(whom) = asked.find(|key| address_of(key) == newcomer).cloned() else {
            return;
        };
        self.forget_votes(height, &whom);
        let is_asked = self.votes.get(&whom).is_some_and(|votes| !votes.is_empty());
        if is_asked && power_of(self.at(height.next().next()), &newcomer) == 0 {
            self.words.insert(newcomer, height);
            self.complete(height, &whom, |_| true);
        }
    }

    /// Those that no longer count.
    fn forget_votes(&mut self, height: Height, whom: &[u8]) {
        let electors = self.at(height).clone();
        if let Some(votes) = self.votes.get_mut(whom) {
            votes.retain(|voter, (_, given)| {
                power_of(&electors, voter) > 0 && height.0 - given.0 <= VOTES_LAST
            });
        }
    }

    /// Makes the change that more than two thirds want, if they do. A vote completes what it asks for:
    /// others that wait may have come to weigh more by a change since, and wait for one more vote.
    fn complete(&mut self, height: Height, whom: &[u8], is_asked: impl Fn(Power) -> bool) {
        let from = height.next().next();
        let (electors, newest) = (self.at(height).clone(), self.at(from).clone());
        let Some(votes) = self.votes.get(whom) else {
            return;
        };
        let wanted = votes.values().map(|(power, _)| *power);
        let mut wanted = wanted.filter(|power| is_asked(*power));
        let decided = wanted.find(|power| {
            let agree = votes.iter().filter(|(_, (wanted, _))| wanted == power);
            let agree: u128 = agree.map(|(voter, _)| power_of(&electors, voter)).sum();
            3 * agree > 2 * u128::from(electors.total())
        });
        let Some(power) = decided else { return };
        self.votes.remove(whom);
        self.words.remove(&address_of(whom));
        let others = newest.iter().filter(|member| member.public_key != whom);
        let others = others.map(|member| (member.public_key.clone(), member.power));
        let changed = others.chain((power > 0).then(|| (whom.to_vec(), power)));
        let changed = ValidatorSet::new(&Simulated, changed).expect("no world asks for less");
        self.sets.insert(from, Arc::new(changed));
    }
}
