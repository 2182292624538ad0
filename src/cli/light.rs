//! `lockstep light verify`: what a node says, checked here against a block that is trusted, and
//! against other nodes. Exit 0: it is proved. Exit 3: what was shown does not follow, or is too old,
//! so somebody lies or is broken. Exit 4: two nodes show different blocks of one height.
mod doubt;
mod max_age;
mod proved;
mod session;
mod witness;

use super::node::{Rpc, read_url};
use super::query::{application_key, application_name};
use super::record::Key;
use super::who;
use crate::endpoint::Url;
use crate::failure::Failure;
use crate::wallet::Keyring;
use clap::{Args, Subcommand};
use doubt::Doubt;
use lockstep_protocol::crypto;
use lockstep_protocol::proofs::light_client::Checkpoint;
use max_age::{MaxAge, MaxHeadAge};
use proved::Proved;
use session::{Session, Start};

/// `lockstep light`
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Check what a node says against a block that you trust
    ///
    /// The node shows headers, the certificates of their validators, and a proof; each is checked here
    /// from the trusted block on. Of two blocks the age is checked by this machine's clock: of the one
    /// that you trust (--max-age), because its validators may have sold or lost their keys since, and
    /// of the newest one that is shown (--max-head-age), because what was right once can be shown
    /// again. A block from the future is refused. Nodes named with --witness must show the same block.
    Verify(Verify),
}

/// `lockstep light verify`
#[derive(Args)]
pub(crate) struct Verify {
    /// The id and height of a block that you trust, from a node of your own or a published page
    #[arg(long, value_name = "HASH@HEIGHT")]
    trusted: Checkpoint,
    /// How old the trusted block may be: a number with s, m, h or d
    #[arg(long, value_name = "DURATION", default_value = "14d")]
    max_age: MaxAge,
    /// How old the newest block that the node shows may be; off where blocks come at a word only
    #[arg(long, value_name = "DURATION", default_value = "10m")]
    max_head_age: MaxHeadAge,
    /// Another node, run by somebody else, that must show the same block; may be repeated
    #[arg(long, value_name = "URL")]
    witness: Vec<String>,
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
    #[command(
        override_usage = "lockstep light verify --trusted <HASH@HEIGHT>\n       record [OPTIONS] <OWNER> <KEY>"
    )]
    Record {
        /// Whose: an address, the name of a key, or on a devnet alice, bob, carol, dave
        #[arg(value_name = "OWNER")]
        owner: String,
        /// Its key: a text, or 0x and hex digits
        #[arg(value_name = "KEY", value_parser = Key::parse)]
        key: Key,
    },
    /// What an application keeps under a key, or that it keeps nothing there
    #[command(
        override_usage = "lockstep light verify --trusted <HASH@HEIGHT>\n       application [OPTIONS] <NAME> <KEY>"
    )]
    Application {
        /// Its name
        #[arg(value_name = "NAME", value_parser = application_name)]
        name: String,
        /// The key: a text, or 0x and hex digits
        #[arg(value_name = "KEY", value_parser = application_key)]
        key: Key,
    },
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    let Command::Verify(arguments) = command;
    // A build that verifies wrongly could neither accuse nor acquit.
    crypto::self_test().map_err(|error| Failure::safety(error.to_string()))?;
    match prove(arguments) {
        Ok(proved) => proved.print(arguments),
        Err(doubt) => Err(doubt.report(arguments.json)),
    }
}

fn prove(arguments: &Verify) -> Result<Proved, Doubt> {
    let node = arguments.rpc.node()?;
    let witnesses = arguments.witness.iter();
    let witnesses = witnesses.map(|url| read_url("--witness", url));
    let witnesses: Vec<Url> = witnesses.collect::<Result<_, _>>()?;
    different(&node.url, &witnesses)?;
    let session = Session::open(node)?;
    let address = |text| who::address(text, &arguments.keyring, &session.status);
    let start = Start {
        checkpoint: arguments.trusted,
        start_age_max_ms: arguments.max_age.ms,
        shown_age_max_ms: arguments.max_head_age.ms(),
    };
    let mut proved = match &arguments.subject {
        Subject::Account { account } => {
            let address = address(account)?;
            session.account(&start, address)
        }
        Subject::Record { owner, key } => {
            let owner = address(owner)?;
            session.record(&start, owner, key.bytes()?)
        }
        Subject::Application { name, key } => session.application(&start, name, key.bytes()?),
    }?;
    for url in &witnesses {
        let witness = witness::ask(url, arguments.trusted, &proved)?;
        proved.witnesses.push(witness);
    }
    Ok(proved)
}

/// A node agrees with itself: it is no witness of its own.
fn different(node: &Url, witnesses: &[Url]) -> Result<(), Failure> {
    let mut known = vec![node];
    for witness in witnesses {
        if known.contains(&witness) {
            return Err(Failure::usage(format!(
                "--witness {witness} is named already: name another node, run by somebody else"
            )));
        }
        known.push(witness);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_no_witness_of_its_own() {
        let judged = |witnesses: &[&str]| {
            let url = |text: &str| text.parse::<Url>().expect("a URL");
            let witnesses: Vec<Url> = witnesses.iter().map(|text| url(text)).collect();
            different(&url("http://a:1"), &witnesses).map_err(|failure| failure.exit_code)
        };
        assert_eq!(
            judged(&["http://b:1", "http://a:2", "http://a:1/b"]),
            Ok(())
        );
        for same in [&["a:1"][..], &["http://A:1/"], &["b:1", "http://b:1"]] {
            assert_eq!(judged(same), Err(2), "{same:?}");
        }
    }
}
