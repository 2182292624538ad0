//! Who decides which height, from the blocks alone: a second opinion that shares nothing with the
//! ledger but the nouns. The properties judge each height by the set that this names.
//!
//! It knows no refusals but two: a vote of who is no validator, and one for what is so already. No
//! world asks for a change that would be refused otherwise.
use lockstep_protocol::block::Block;
use lockstep_protocol::crypto::simulated::Simulated;
use lockstep_protocol::quorum::Power;
use lockstep_protocol::transaction::Action;
use lockstep_protocol::types::{Address, Height};
use lockstep_protocol::validator_set::ValidatorSet;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The sets of all heights up to the second after the newest block.
pub(crate) struct Succession {
    /// By the first height that each decides.
    sets: BTreeMap<Height, Arc<ValidatorSet>>,
    votes: BTreeMap<Vec<u8>, BTreeMap<Address, Power>>,
    newest: Height,
}

impl Succession {
    /// Of a chain that begins.
    pub(crate) fn new(founders: Arc<ValidatorSet>) -> Succession {
        Succession {
            sets: BTreeMap::from([(Height(1), founders)]),
            votes: BTreeMap::new(),
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
            if let Action::UpdateValidator { public_key, power } = &transaction.body.action {
                self.vote(height, transaction.sender, public_key, *power);
            }
        }
    }

    fn vote(&mut self, height: Height, voter: Address, whom: &[u8], power: Power) {
        let from = height.next().next();
        let (electors, newest) = (self.at(height).clone(), self.at(from).clone());
        let power_of = |set: &ValidatorSet, who: &Address| {
            let members = set.iter().filter(|member| member.address == *who);
            members.map(|member| u128::from(member.power)).sum::<u128>()
        };
        let known = newest.iter().find(|member| member.public_key == whom);
        if power_of(&electors, &voter) == 0 || known.map_or(0, |known| known.power) == power {
            return;
        }
        let votes = self.votes.entry(whom.to_vec()).or_default();
        votes.insert(voter, power);
        let agree = votes.iter().filter(|(_, wanted)| **wanted == power);
        let agree: u128 = agree.map(|(voter, _)| power_of(&electors, voter)).sum();
        if 3 * agree > 2 * u128::from(electors.total()) {
            self.votes.remove(whom);
            let others = newest.iter().filter(|member| member.public_key != whom);
            let others = others.map(|member| (member.public_key.clone(), member.power));
            let changed = others.chain((power > 0).then(|| (whom.to_vec(), power)));
            let changed = ValidatorSet::new(&Simulated, changed).expect("no world asks for less");
            self.sets.insert(from, Arc::new(changed));
        }
    }
}
