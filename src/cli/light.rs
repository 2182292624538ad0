//! `lockstep light verify`: what a node says, checked here against a block that is trusted. Exit 0:
//! it is proved. Exit 3: what was shown does not follow, so somebody lies or is broken.
use super::node::{Node, Rpc, Status};
use super::{Failure, say, wall_clock, who};
use crate::wallet::Keyring;
use clap::{Args, Subcommand};
use lockstep_protocol::crypto;
use lockstep_protocol::ledger::Account;
use lockstep_protocol::light_client::{
    Bisection, Chain, Checkpoint, LightBlock, LightClient, LightError, ProvedAccount, Trusted,
};
use lockstep_protocol::types::{Address, Height};
use lockstep_protocol::wire::WireError;
use serde_json::{Value, json};

/// `lockstep light`
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Check what a node says against a block that you trust
    Verify(Verify),
}

/// `lockstep light verify`
#[derive(Args)]
pub(crate) struct Verify {
    /// The id and height of a block that you trust, from a node of your own or a published page
    #[arg(long, value_name = "HASH@HEIGHT")]
    trusted: Checkpoint,
    #[command(flatten)]
    rpc: Rpc,
    #[command(flatten)]
    keyring: Keyring,
    /// Print one JSON object
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    subject: Subject,
}

#[derive(Subcommand)]
enum Subject {
    /// What an account holds, or that there is none
    Account {
        /// Its address, the name of a key, or on a devnet alice, bob, carol, dave
        #[arg(value_name = "ADDRESS")]
        account: String,
    },
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    let Command::Verify(arguments) = command;
    let Subject::Account { account } = &arguments.subject;
    // A build that verifies wrongly could neither accuse nor acquit.
    crypto::self_test().map_err(|error| Failure::safety(error.to_string()))?;
    let session = Session::open(arguments.rpc.node()?)?;
    let address = who::address(account, &arguments.keyring, &session.status)?;
    match session.account(arguments.trusted, &address) {
        Ok(proved) => proved.print(arguments),
        Err(Doubt::Failed(failure)) => Err(failure),
        Err(Doubt::Lie { url, code, reason }) => {
            let next = match code {
                "not_the_checkpoint" => "compare HASH@HEIGHT with where you have it from, and",
                _ => "trust nothing that it says,",
            };
            let failure = Failure::corrupt(format!(
                "{url} shows what does not follow from the trusted block: {reason} ({code}); \
                 {next} ask another node"
            ));
            if arguments.json {
                let document = json!({
                    "verified": false,
                    "code": code,
                    "error": failure.message,
                    "exit_code": failure.exit_code,
                });
                say(format_args!("{document:#}"))?;
            }
            Err(failure)
        }
    }
}

/// Why nothing is proved.
enum Doubt {
    /// No lie: no answer, or not now.
    Failed(Failure),
    /// What was shown is wrong.
    Lie {
        url: String,
        code: &'static str,
        reason: String,
    },
}

impl From<Failure> for Doubt {
    fn from(failure: Failure) -> Doubt {
        Doubt::Failed(failure)
    }
}

/// A node, and the chain that it says it is of.
struct Session {
    node: Node,
    status: Status,
    headers: u64,
}

struct Proved {
    address: Address,
    account: Option<Account>,
    trusted: Trusted,
    status: Status,
    headers: u64,
}

impl Session {
    fn open(node: Node) -> Result<Session, Failure> {
        let status = node.status()?;
        Ok(Session {
            node,
            status,
            headers: 0,
        })
    }

    fn account(mut self, checkpoint: Checkpoint, address: &Address) -> Result<Proved, Doubt> {
        let proved = self.proof(address)?;
        if proved.height < checkpoint.height {
            return Err(Doubt::Failed(Failure::retry(format!(
                "{} is at height {}, the trusted block at {}: wait until it has caught up, or ask \
                 another node",
                self.node.url, proved.height, checkpoint.height
            ))));
        }
        let chain = Chain {
            scheme: crypto::scheme(self.status.scheme),
            context: self.status.context(),
        };
        let shown = self.block(checkpoint.height)?;
        let client = LightClient::start(chain, checkpoint, &shown, wall_clock()?);
        let mut client = client.map_err(|error| self.lie(&error))?;
        let mut path = Bisection::to(proved.height);
        while let Some(height) = path.wanted(&client) {
            let shown = self.block(height)?;
            let taken = path.take(&mut client, &shown, wall_clock()?);
            taken.map_err(|error| self.lie(&error))?;
        }
        let account = client.account(address, &proved);
        Ok(Proved {
            address: *address,
            account: account.map_err(|error| self.lie(&error))?,
            trusted: client.trusted().clone(),
            status: self.status,
            headers: self.headers,
        })
    }

    fn block(&mut self, height: Height) -> Result<LightBlock, Doubt> {
        let bytes = self.bytes(&format!("/light/blocks/{height}"))?;
        self.headers += 1;
        let shown = self.status.wire().decode_light_block(&bytes);
        shown.map_err(|error| self.malformed(&error))
    }

    fn proof(&self, address: &Address) -> Result<ProvedAccount, Doubt> {
        let bytes = self.bytes(&format!("/light/accounts/{address}"))?;
        let proved = self.status.wire().decode_proved_account(&bytes);
        proved.map_err(|error| self.malformed(&error))
    }

    fn bytes(&self, path: &str) -> Result<Vec<u8>, Doubt> {
        let answer = self.node.get(path)?;
        match answer.status {
            200 => Ok(answer.body),
            _ => Err(self.node.refusal(&answer).into()),
        }
    }

    fn lie(&self, error: &LightError) -> Doubt {
        Doubt::Lie {
            url: self.node.url.clone(),
            code: error.code(),
            reason: error.to_string(),
        }
    }

    fn malformed(&self, error: &WireError) -> Doubt {
        let code = match error {
            WireError::ForeignChain(_) => "other_genesis",
            _ => "malformed",
        };
        Doubt::Lie {
            url: self.node.url.clone(),
            code,
            reason: error.to_string(),
        }
    }
}

impl Proved {
    fn print(&self, arguments: &Verify) -> Result<(), Failure> {
        let (header, held) = (&self.trusted.header, self.account.unwrap_or_default());
        let age_ms = wall_clock()?.0.saturating_sub(header.time.0);
        if arguments.json {
            return say(format_args!("{:#}", self.document(age_ms)));
        }
        say(format_args!("Proved, whoever said it"))?;
        say(format_args!("  account       {}", self.address))?;
        match self.account {
            Some(_) => {
                say(format_args!("  balance       {}", held.balance))?;
                say(format_args!("  nonce         {}", held.nonce))?;
            }
            None => say(format_args!("                there is no such account"))?,
        }
        say(format_args!(
            "  after block   {}, {}, {:.1} s ago",
            header.height,
            self.trusted.id,
            age_ms as f64 / 1e3
        ))?;
        say(format_args!("  state root    {}", header.state_root))?;
        say(format_args!(
            "  chain         {}, genesis {}",
            header.chain_id, self.status.genesis_hash
        ))?;
        say(format_args!(
            "  from          {}, by {} headers",
            arguments.trusted, self.headers
        ))
    }

    fn document(&self, age_ms: u64) -> Value {
        let (header, held) = (&self.trusted.header, self.account.unwrap_or_default());
        json!({
            "verified": true,
            "address": self.address,
            "exists": self.account.is_some(),
            "balance": held.balance,
            "nonce": held.nonce,
            "height": header.height,
            "block_id": self.trusted.id,
            "state_root": header.state_root,
            "time": header.time,
            "age_ms": age_ms,
            "chain_id": header.chain_id,
            "genesis_hash": self.status.genesis_hash,
            "scheme": self.status.scheme,
            "headers": self.headers,
        })
    }
}
