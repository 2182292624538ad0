//! `lockstep light verify`: what a node says, checked here against a block that is trusted. Exit 0:
//! it is proved. Exit 3: what was shown does not follow, so somebody lies or is broken.
use super::node::{Node, Rpc, Status};
use super::record::{Key, readable};
use super::{Failure, say, wall_clock, who};
use crate::config::genesis::hex;
use crate::wallet::Keyring;
use clap::{Args, Subcommand};
use lockstep_protocol::crypto;
use lockstep_protocol::ledger::{Account, Record};
use lockstep_protocol::light_client::{
    Bisection, Chain, Checkpoint, LightBlock, LightClient, LightError, Trusted,
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
    /// What an account keeps under a key, or that it keeps nothing there
    Record {
        /// Whose: an address, the name of a key, or on a devnet alice, bob, carol, dave
        #[arg(value_name = "OWNER")]
        owner: String,
        /// Its key: a text, or 0x and hex digits
        #[arg(value_name = "KEY", value_parser = Key::parse)]
        key: Key,
    },
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    let Command::Verify(arguments) = command;
    // A build that verifies wrongly could neither accuse nor acquit.
    crypto::self_test().map_err(|error| Failure::safety(error.to_string()))?;
    let session = Session::open(arguments.rpc.node()?)?;
    let address = |text| who::address(text, &arguments.keyring, &session.status);
    let proved = match &arguments.subject {
        Subject::Account { account } => {
            let address = address(account)?;
            session.account(arguments.trusted, address)
        }
        Subject::Record { owner, key } => {
            let owner = address(owner)?;
            session.record(arguments.trusted, owner, &key.0)
        }
    };
    match proved {
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

/// What is proved, and of which header.
struct Proved {
    fact: Fact,
    trusted: Trusted,
    status: Status,
    headers: u64,
}

enum Fact {
    Account(Address, Option<Account>),
    Record(Address, Vec<u8>, Option<Record>),
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

    fn account(mut self, checkpoint: Checkpoint, address: Address) -> Result<Proved, Doubt> {
        let bytes = self.bytes(&format!("/light/accounts/{address}"))?;
        let shown = self.status.wire().decode_proved_account(&bytes);
        let shown = shown.map_err(|error| self.malformed(&error))?;
        let client = self.follow(checkpoint, shown.height)?;
        let held = client.account(&address, &shown);
        let held = held.map_err(|error| self.lie(&error))?;
        Ok(self.proved(&client, Fact::Account(address, held)))
    }

    fn record(
        mut self,
        checkpoint: Checkpoint,
        owner: Address,
        key: &[u8],
    ) -> Result<Proved, Doubt> {
        let bytes = self.bytes(&format!("/light/records/{owner}/{}", hex(key)))?;
        let shown = self.status.wire().decode_proved_record(&bytes);
        let shown = shown.map_err(|error| self.malformed(&error))?;
        let client = self.follow(checkpoint, shown.height)?;
        let kept = client.record(&owner, key, &shown);
        let kept = kept.map_err(|error| self.lie(&error))?.cloned();
        Ok(self.proved(&client, Fact::Record(owner, key.to_vec(), kept)))
    }

    /// A client that trusts the header of `goal`, from the checkpoint on.
    fn follow(&mut self, checkpoint: Checkpoint, goal: Height) -> Result<LightClient, Doubt> {
        if goal < checkpoint.height {
            return Err(Doubt::Failed(Failure::retry(format!(
                "{} is at height {goal}, the trusted block at {}: wait until it has caught up, or \
                 ask another node",
                self.node.url, checkpoint.height
            ))));
        }
        let chain = Chain {
            scheme: crypto::scheme(self.status.scheme),
            context: self.status.context(),
        };
        let shown = self.block(checkpoint.height)?;
        let client = LightClient::start(chain, checkpoint, &shown, wall_clock()?);
        let mut client = client.map_err(|error| self.lie(&error))?;
        let mut path = Bisection::to(goal);
        while let Some(height) = path.wanted(&client) {
            let shown = self.block(height)?;
            let taken = path.take(&mut client, &shown, wall_clock()?);
            taken.map_err(|error| self.lie(&error))?;
        }
        Ok(client)
    }

    fn proved(self, client: &LightClient, fact: Fact) -> Proved {
        Proved {
            fact,
            trusted: client.trusted().clone(),
            status: self.status,
            headers: self.headers,
        }
    }

    fn block(&mut self, height: Height) -> Result<LightBlock, Doubt> {
        let bytes = self.bytes(&format!("/light/blocks/{height}"))?;
        self.headers += 1;
        let shown = self.status.wire().decode_light_block(&bytes);
        shown.map_err(|error| self.malformed(&error))
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
        let header = &self.trusted.header;
        let age_ms = wall_clock()?.0.saturating_sub(header.time.0);
        if arguments.json {
            return say(format_args!("{:#}", self.document(age_ms)));
        }
        say(format_args!("Proved, whoever said it"))?;
        self.fact.print()?;
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
        let header = &self.trusted.header;
        let mut document = self.fact.document();
        let about = json!({
            "verified": true,
            "height": header.height,
            "block_id": self.trusted.id,
            "state_root": header.state_root,
            "time": header.time,
            "age_ms": age_ms,
            "chain_id": header.chain_id,
            "genesis_hash": self.status.genesis_hash,
            "scheme": self.status.scheme,
            "headers": self.headers,
        });
        for (key, value) in about.as_object().into_iter().flatten() {
            document[key] = value.clone();
        }
        document
    }
}

impl Fact {
    fn print(&self) -> Result<(), Failure> {
        match self {
            Fact::Account(address, held) => {
                say(format_args!("  account       {address}"))?;
                let Some(held) = held else {
                    return say(format_args!("                there is no such account"));
                };
                say(format_args!("  balance       {}", held.balance))?;
                say(format_args!("  nonce         {}", held.nonce))
            }
            Fact::Record(owner, key, kept) => {
                say(format_args!("  owner         {owner}"))?;
                say(format_args!("  key           {}", readable(key)))?;
                let Some(kept) = kept else {
                    return say(format_args!("                there is no such record"));
                };
                say(format_args!("  value         {}", readable(&kept.value)))?;
                say(format_args!("  since block   {}", kept.height))
            }
        }
    }

    fn document(&self) -> Value {
        match self {
            Fact::Account(address, held) => {
                let (exists, held) = (held.is_some(), held.unwrap_or_default());
                json!({
                    "address": address,
                    "exists": exists,
                    "balance": held.balance.to_string(),
                    "nonce": held.nonce,
                })
            }
            Fact::Record(owner, key, kept) => json!({
                "owner": owner,
                "key": hex(key),
                "exists": kept.is_some(),
                "record": kept,
            }),
        }
    }
}
