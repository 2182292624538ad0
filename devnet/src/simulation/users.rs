//! Clients of the simulated chain: a few accounts that pay each other and call its application, so that
//! blocks change state,
//! and the validators as far as they vote on who validates.
use super::application;
use super::keys::{self, address};
use super::plan::{Change, Plan};
use super::random::Random;
use lockstep_protocol::crypto::simulated::Simulated;
use lockstep_protocol::crypto::{Seed, Signer};
use lockstep_protocol::ledger::{MemoryState, account};
use lockstep_protocol::limits::EXPIRY_HEIGHTS_MAX;
use lockstep_protocol::nouns::genesis::GenesisAccount;
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::nouns::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::types::{Address, Hash, Height};
use lockstep_protocol::validators::schedule::ValidatorSchedule;
use lockstep_protocol::validators::set::Power;
use lockstep_protocol::validators::set::ValidatorSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const USERS: u8 = 3;
const BALANCE: u64 = 1_000_000;
/// One proposal in this many thousand carries a transaction: executing costs far more than voting.
const BUSY_PERMILLE: u64 = 60;
/// So many of a thousand of these call the application; half of the calls fail.
const CALLS_PERMILLE: u64 = 400;

/// The keys of all users.
pub(crate) fn signers() -> Vec<Arc<dyn Signer>> {
    let seeds = (0..USERS).map(|user| Seed([0xa0 + user; 32]));
    keys::sorted(seeds)
}

/// What genesis gives them.
pub(crate) fn accounts(signers: &[Arc<dyn Signer>]) -> Vec<GenesisAccount> {
    let account = |signer: &Arc<dyn Signer>| GenesisAccount {
        address: address(&**signer),
        balance: BALANCE,
    };
    signers.iter().map(account).collect()
}

/// The users as one node sees them: their next transactions follow from its committed state.
#[derive(Clone)]
pub(crate) struct Users {
    pub(crate) signers: Arc<Vec<Arc<dyn Signer>>>,
    pub(crate) context: SignContext,
    pub(crate) parameters: Parameters,
    pub(crate) state: Arc<MemoryState>,
    pub(crate) wishes: Arc<Wishes>,
}

/// What the validators want, one change after the other.
#[derive(Default)]
pub(crate) struct Wishes {
    /// Everybody who may ever vote.
    voters: Vec<Arc<dyn Signer>>,
    /// How many nodes with each of these keys run: nobody else says that one is ready. One thread
    /// runs a world.
    running: Vec<AtomicU32>,
    /// The set that a change begins with, the first height that asks for it, whom it is about, and
    /// the power that it gets.
    changes: Vec<(Hash, Height, Vec<u8>, Power)>,
}

/// A validator votes in so many of a thousand blocks that could hold its vote, so that votes of
/// several blocks must add up.
const VOTES_PERMILLE: u64 = 600;
/// … and, where the others agree with it, takes its vote back in so many, if it has one.
const WITHDRAWALS_PERMILLE: u64 = 40;
/// A newcomer that runs says that it is ready in so many of a thousand blocks.
const WORDS_PERMILLE: u64 = 600;
/// … and in so many before the votes of the same block.
const EARLY_PERMILLE: u64 = 300;

impl Wishes {
    /// Those of a plan; the validators have these keys.
    pub(crate) fn of(plan: &Plan, voters: &[Arc<dyn Signer>]) -> Wishes {
        let key = |validator: usize| voters[validator].public_key().to_vec();
        let mut powers = plan.founding.clone();
        let mut wishes = Wishes::default();
        for Change {
            from,
            validator,
            power,
        } in &plan.changes
        {
            let members = powers.iter().enumerate().filter(|(_, power)| **power > 0);
            let members = members.map(|(validator, power)| (key(validator), *power));
            let set = ValidatorSet::new(&Simulated, members).expect("a plan names sets only");
            wishes
                .changes
                .push((set.hash(), *from, key(*validator), *power));
            powers[*validator] = *power;
        }
        wishes.voters = voters.to_vec();
        wishes.running = voters.iter().map(|_| AtomicU32::new(0)).collect();
        wishes
    }

    /// A node with this key has begun.
    pub(crate) fn begun(&self, who: &Address) {
        if let Some(running) = self.running_of(who) {
            running.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// … or ended.
    pub(crate) fn ended(&self, who: &Address) {
        if let Some(running) = self.running_of(who) {
            running.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn running_of(&self, who: &Address) -> Option<&AtomicU32> {
        let mut known = self.voters.iter().zip(&self.running);
        let found = known.find(|(voter, _)| address(&***voter) == *who);
        found.map(|(_, running)| running)
    }

    /// Whose power is to be which, by the next block.
    fn wanted(&self, validators: &ValidatorSchedule) -> Option<(&[u8], Power)> {
        let newest = validators.next().hash();
        let height = validators.height();
        // Sets come back: of all that begin with this one, the newest whose time has come.
        let mut newest_first = self.changes.iter().rev();
        let next = newest_first.find(|(set, from, ..)| *set == newest && *from <= height);
        next.map(|(_, _, key, power)| (&**key, *power))
    }

    /// The newcomer with this key, if it is one and its node runs.
    fn newcomer(&self, key: &[u8], validators: &ValidatorSchedule) -> Option<&Arc<dyn Signer>> {
        let found = self.voters.iter().find(|voter| voter.public_key() == key)?;
        let who = address(&**found);
        let runs = self.running_of(&who)?.load(Ordering::Relaxed) > 0;
        let is_new = validators.next().index_of(&who).is_none();
        (is_new && runs).then_some(found)
    }
}

impl Users {
    /// Candidates for the next block.
    pub(crate) fn transactions(
        &self,
        random: &mut Random,
        validators: &ValidatorSchedule,
    ) -> Vec<Transaction> {
        let mut all = self.transfers(random);
        if let Some((key, power)) = self.wishes.wanted(validators) {
            let mut votes = self.votes(random, validators, (key, power));
            let newcomer = self.wishes.newcomer(key, validators);
            let word = newcomer.filter(|_| random.chance(WORDS_PERMILLE));
            let word = word.and_then(|newcomer| self.sign(&**newcomer, Action::DeclareReady));
            if let Some(word) = word {
                let last = votes.len();
                let is_early = random.chance(EARLY_PERMILLE);
                votes.insert(if is_early { 0 } else { last }, word);
            }
            all.extend(votes);
        }
        all
    }

    /// What those say who decide the next block; some have second thoughts.
    fn votes(
        &self,
        random: &mut Random,
        validators: &ValidatorSchedule,
        (key, power): (&[u8], Power),
    ) -> Vec<Transaction> {
        let newest = validators.next();
        let mut members = newest.iter();
        let member = members.find(|member| member.public_key == key);
        let has = member.map_or(0, |member| member.power);
        let vote = |power| Action::UpdateValidator {
            public_key: key.to_vec(),
            power,
        };
        let mut votes = Vec::new();
        for voter in &self.wishes.voters {
            let is_one = validators.current().index_of(&address(&**voter)).is_some();
            let wish = if is_one && random.chance(VOTES_PERMILLE) {
                vote(power)
            } else if is_one && random.chance(WITHDRAWALS_PERMILLE) {
                vote(has)
            } else {
                continue;
            };
            votes.extend(self.sign(&**voter, wish));
        }
        votes
    }

    fn transfers(&self, random: &mut Random) -> Vec<Transaction> {
        if !random.chance(BUSY_PERMILLE) {
            return Vec::new();
        }
        let from = random.index(self.signers.len());
        let to = random.index(self.signers.len());
        let (Some(signer), Some(receiver)) = (self.signers.get(from), self.signers.get(to)) else {
            return Vec::new();
        };
        let action = match random.chance(CALLS_PERMILLE) {
            true => application::call(random.below(256) as u8),
            false => Action::Transfer {
                to: address(&**receiver),
                amount: random.below(BALANCE * 2),
                memo: String::new(),
            },
        };
        self.sign(&**signer, action).into_iter().collect()
    }

    fn sign(&self, signer: &dyn Signer, action: Action) -> Option<Transaction> {
        let sender = address(signer);
        let known = account(&*self.state, &sender).ok()?;
        let body = TransactionBody {
            nonce: known.unwrap_or_default().nonce,
            fee: 0,
            expires_at: Height(EXPIRY_HEIGHTS_MAX),
            action,
        };
        let body = body.for_least_fee(signer, &self.parameters);
        Transaction::sign(signer, &self.context, body).ok()
    }
}
