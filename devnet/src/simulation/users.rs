//! Clients of the simulated chain: a few accounts that pay each other, so that blocks change state.
use super::keys::{self, address};
use super::random::Random;
use lockstep_protocol::crypto::{Seed, Signer};
use lockstep_protocol::genesis::GenesisAccount;
use lockstep_protocol::ledger::{MemoryState, account};
use lockstep_protocol::limits::EXPIRY_HEIGHTS_MAX;
use lockstep_protocol::parameters::Parameters;
use lockstep_protocol::sign_bytes::SignContext;
use lockstep_protocol::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::types::Height;
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
}

impl Users {
    /// Candidates for the next block.
    pub(crate) fn transactions(&self, random: &mut Random) -> Vec<Transaction> {
        if !random.chance(BUSY_PERMILLE) {
            return Vec::new();
        }
        let from = random.index(self.signers.len());
        let to = random.index(self.signers.len());
        let (Some(signer), Some(receiver)) = (self.signers.get(from), self.signers.get(to)) else {
            return Vec::new();
        };
        let sender = address(&**signer);
        let nonce = match account(&*self.state, &sender) {
            Ok(account) => account.unwrap_or_default().nonce,
            Err(_) => return Vec::new(),
        };
        let action = Action::Transfer {
            to: address(&**receiver),
            amount: random.below(BALANCE * 2),
            memo: String::new(),
        };
        let body = TransactionBody {
            nonce,
            fee: 0,
            expires_at: Height(EXPIRY_HEIGHTS_MAX),
            action,
        };
        let body = body.for_least_fee(&**signer, &self.parameters);
        let signed = Transaction::sign(&**signer, &self.context, body);
        signed.into_iter().collect()
    }
}
