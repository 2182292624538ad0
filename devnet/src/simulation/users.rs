//! Clients of the simulated chain: a few accounts that pay each other, so that blocks change state,
//! and the validators as far as they vote on who validates.
use super::keys::{self, address};
use super::plan::{Change, Plan};
use super::random::Random;
use lockstep_protocol::crypto::simulated::Simulated;
use lockstep_protocol::crypto::{Seed, Signer};
use lockstep_protocol::genesis::GenesisAccount;
use lockstep_protocol::ledger::{MemoryState, account};
use lockstep_protocol::limits::EXPIRY_HEIGHTS_MAX;
use lockstep_protocol::parameters::Parameters;
use lockstep_protocol::quorum::Power;
use lockstep_protocol::sign_bytes::SignContext;
use lockstep_protocol::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::types::{Hash, Height};
use lockstep_protocol::validator_schedule::ValidatorSchedule;
use lockstep_protocol::validator_set::ValidatorSet;
use std::sync::Arc;

const USERS: u8 = 3;
const BALANCE: u64 = 1_000_000;
/// One proposal in this many thousand carries a transaction: executing costs far more than voting.
const BUSY_PERMILLE: u64 = 60;

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
    /// The set that a change begins with, the first height that asks for it, whom it is about, and
    /// the power that it gets.
    changes: Vec<(Hash, Height, Vec<u8>, Power)>,
}

/// A validator votes in so many of a thousand blocks that could hold its vote, so that votes of
/// several blocks must add up.
const VOTES_PERMILLE: u64 = 600;

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
        wishes
    }

    /// What is wanted of the next block.
    fn wanted(&self, validators: &ValidatorSchedule) -> Option<Action> {
        let newest = validators.next().hash();
        let height = validators.height();
        // Sets come back: of all that begin with this one, the newest whose time has come.
        let mut newest_first = self.changes.iter().rev();
        let next = newest_first.find(|(set, from, ..)| *set == newest && *from <= height);
        next.map(|(_, _, key, power)| Action::UpdateValidator {
            public_key: key.clone(),
            power: *power,
        })
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
        if let Some(action) = self.wishes.wanted(validators) {
            let is_one = |who: &&Arc<dyn Signer>| {
                let address = address(&***who);
                validators.current().index_of(&address).is_some()
            };
            let voters = self.wishes.voters.iter().filter(is_one);
            let voters = voters.filter(|_| random.chance(VOTES_PERMILLE));
            all.extend(voters.filter_map(|voter| self.sign(&**voter, action.clone())));
        }
        all
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
        let action = Action::Transfer {
            to: address(&**receiver),
            amount: random.below(BALANCE * 2),
            memo: String::new(),
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
