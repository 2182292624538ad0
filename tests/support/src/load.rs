//! Transfers without a pause, as users would send them.
use crate::chain::number;
use crate::{Connection, get};
use lockstep_devnet::{Devnet, FundedAccount, funded_accounts};
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::types::Address;
use lockstep_protocol::wire::Wire;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Transfers that are sent before the account is looked at again: some may have been lost with the
/// actor that held them.
const BATCH: u64 = 8;

/// Sends transfers until it is dropped.
pub struct Load {
    stop: Arc<AtomicBool>,
    taken: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

struct Sender {
    url: String,
    account: FundedAccount,
    to: Address,
    context: SignContext,
    wire: Wire,
}

impl Load {
    /// One account sends through each of these nodes.
    pub fn on(devnet: &Devnet, nodes: &[usize]) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let taken = Arc::default();
        let people = funded_accounts(devnet.genesis().scheme).expect("accounts");
        let to = people[0].address;
        let senders = nodes.iter().zip(people.into_iter().skip(1));
        let senders = senders.map(|(node, account)| Sender {
            url: devnet.urls()[*node].clone(),
            account,
            to,
            context: devnet.sign_context(),
            wire: Wire::new(devnet.genesis().hash()),
        });
        let start = |sender: Sender| {
            let (stop, taken) = (Arc::clone(&stop), Arc::clone(&taken));
            std::thread::spawn(move || sender.run(&stop, &taken))
        };
        let threads = senders.map(start).collect();
        Load {
            stop,
            taken,
            threads,
        }
    }

    /// How many transfers were taken up to now.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A test that fails fails for its own reason.
            let _ = thread.join();
        }
    }
}

impl Sender {
    fn run(&self, stop: &AtomicBool, taken: &AtomicU64) {
        let account = format!("/accounts/{}", self.account.address);
        while !stop.load(Ordering::Relaxed) {
            let nonce = number(&get(&self.url, &account).json()["nonce"]);
            let mut connection = Connection::open(&self.url);
            for nonce in nonce..nonce + BATCH {
                let transfer = self.account.transfer(&self.context, nonce, self.to, 1);
                let bytes = self.wire.encode_transaction(&transfer.expect("it signs"));
                match connection.request("POST", "/transactions", &bytes) {
                    Ok(answer) if answer.status == 202 => taken.fetch_add(1, Ordering::Relaxed),
                    // It waits already, there is no room, or whoever should take it has fallen.
                    Ok(_) | Err(_) => break,
                };
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
