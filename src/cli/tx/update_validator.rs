//! `lockstep tx update-validator`: a validator's vote. It signs with the key of the validator's own
//! node (`--from HOME/validator.key`): the ledger counts the vote of whoever has that key, and no
//! second copy of it should exist.
use super::{Common, Sender};
use crate::cli::node::Node;
use crate::failure::Failure;
use crate::hex::unhex;
use clap::Args;
use lockstep_protocol::crypto;
use lockstep_protocol::limits::READY_AGE_HEIGHTS_MAX;
use lockstep_protocol::nouns::transaction::Action;
use lockstep_protocol::types::{Address, Height};
use lockstep_protocol::validators::set::Power;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::Path;

/// `lockstep tx update-validator`
#[derive(Args)]
#[command(
    override_usage = "lockstep tx update-validator [OPTIONS] --from <NAME>\n       --key <PUBLICKEY> <--power <N>|--remove|--withdraw>"
)]
pub(crate) struct Arguments {
    /// Who: the public key (0x and hex digits), a file that holds it, as lockstep init --genesis
    /// writes, or the address of a validator of the newest height
    #[arg(long, value_name = "PUBLICKEY")]
    key: String,
    #[command(flatten)]
    change: Change,
    #[command(flatten)]
    common: Common,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Change {
    /// The voting power that it gets
    #[arg(long, value_name = "N", value_parser = power)]
    power: Option<Power>,
    /// It validates no more
    #[arg(long)]
    remove: bool,
    /// Take back the vote for this key: ask for what it has already
    #[arg(long)]
    withdraw: bool,
}

fn power(text: &str) -> Result<Power, String> {
    match text.parse::<Power>() {
        Ok(0) => Err("a validator has at least 1: --remove asks that it validates no more".into()),
        Ok(power) => Ok(power),
        Err(error) => Err(error.to_string()),
    }
}

/// What `GET /validators` answers.
#[derive(Deserialize)]
pub(super) struct Validators {
    pub(super) height: Height,
    pub(super) total_power: Power,
    validators: Vec<Validator>,
}

#[derive(Deserialize)]
struct Validator {
    address: Address,
    power: Power,
    public_key: String,
}

/// Longer than any public key in hex.
const TEXT_BYTES_MAX: u64 = 16_384;

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let sender = Sender::new(&arguments.common)?;
    let public_key = public_key(&sender, &arguments.key)?;
    // The ledger refuses such a key only in a block, and keeps the fee.
    crypto::scheme(sender.status.scheme)
        .prepare(&public_key)
        .map_err(|error| wrong(&arguments.key, &format!("is none: {error}")))?;
    let whom = Address::of(sender.status.scheme, &public_key);
    let withdraws = arguments.change.withdraw;
    let power = match arguments.change.power {
        Some(power) => power,
        None if withdraws => power_of(&newest(&sender.node)?, whom),
        None => 0,
    };
    let mut outcome = sender.deliver(Action::UpdateValidator { public_key, power })?;
    if let Some(height) = outcome.done_at() {
        let ended = match taken_back(&sender.node, height, whom, power, withdraws) {
            Ok(None) => decided(&sender.node, height, whom, power).map(|it| ("decided", it)),
            Ok(Some(it)) => Ok(("withdrawn", it)),
            Err(failure) => Err(failure),
        };
        match ended {
            Ok((name, (value, sentence))) => outcome.then(name, value, sentence),
            Err(failure) => outcome.fail(failure),
        }
    }
    outcome.end(arguments.common.json)
}

/// Whether the vote in the block of `height` took an older one back: the sets before and after that
/// block give the same power. `None` if it asked for a change, as it was meant to.
fn taken_back(
    node: &Node,
    height: Height,
    whom: Address,
    power: Power,
    was_meant: bool,
) -> Result<Option<(Value, String)>, Failure> {
    let from = height.next().next();
    let before = power_of(&at(node, Some(height.next()))?, whom);
    let after = power_of(&at(node, Some(from))?, whom);
    if (before, after) == (power, power) {
        let sentence = format!("yes: {whom} keeps power {power} unless others decide");
        return Ok(Some((json!(true), sentence)));
    }
    let sentence = format!(
        "no: the power of {whom} has changed meanwhile, to {after} from height {from} on, so this is \
         a vote for {power}: withdraw again"
    );
    Ok(was_meant.then_some((json!(false), sentence)))
}

/// Whether the vote in the block of `height` was the one that was missing: the set of two heights
/// later says so.
fn decided(
    node: &Node,
    height: Height,
    whom: Address,
    power: Power,
) -> Result<(Value, String), Failure> {
    let from = height.next().next();
    let set = at(node, Some(from))?;
    let has = power_of(&set, whom);
    let is_decided = has == power;
    let total = set.total_power;
    let sentence = if is_decided {
        format!("yes: {whom} has power {power} of {total} from height {from} on")
    } else if has == 0 {
        format!(
            "not yet: validators with more than two thirds of the power must ask for the same, and \
             {whom} must have declared itself ready, in the {READY_AGE_HEIGHTS_MAX} heights before \
             (lockstep tx declare-ready)"
        )
    } else {
        "not yet: validators with more than two thirds of the power must ask for the same".into()
    };
    Ok((json!(is_decided.then_some(from)), sentence))
}

/// What it has there, which is none if it is not a member.
pub(super) fn power_of(set: &Validators, who: Address) -> Power {
    let mut members = set.validators.iter();
    let found = members.find(|validator| validator.address == who);
    found.map_or(0, |validator| validator.power)
}

/// The newest set that is certain.
pub(super) fn newest(node: &Node) -> Result<Validators, Failure> {
    let height = at(node, None)?.height.next();
    at(node, Some(height)).or_else(|_| at(node, None))
}

/// The validators of a height; of the height under decision if none is named.
pub(super) fn at(node: &Node, height: Option<Height>) -> Result<Validators, Failure> {
    let path = match height {
        Some(height) => format!("/validators?height={height}"),
        None => "/validators".into(),
    };
    serde_json::from_value(node.json(&path)?).map_err(|_| node.strange())
}

fn public_key(sender: &Sender<'_>, text: &str) -> Result<Vec<u8>, Failure> {
    if let Ok(address) = text.parse::<Address>() {
        return of_validator(sender, address);
    }
    if text.starts_with("0x") {
        return unhex(text).ok_or_else(|| wrong(text, "is no hex"));
    }
    let next = "name a public key, a file that holds one, or the address of a validator";
    let held = crate::config::read_text(Path::new(text), TEXT_BYTES_MAX, next)?;
    unhex(held.trim()).ok_or_else(|| {
        Failure::usage(format!(
            "the file {} holds no public key (0x and hex digits): name the .pub file that lockstep init \
             --genesis writes, or a validator's address; the key of a node stays with it",
            Path::new(text).display()
        ))
    })
}

/// The newest set knows the keys of those who validate.
fn of_validator(sender: &Sender<'_>, address: Address) -> Result<Vec<u8>, Failure> {
    let newest = newest(&sender.node)?;
    let found = newest.validators.iter().find(|v| v.address == address);
    found.and_then(|found| unhex(&found.public_key)).ok_or_else(|| {
        Failure::usage(format!(
            "{address} is no validator of height {}, so its public key is not known: name the key \
             itself with --key",
            newest.height
        ))
    })
}

fn wrong(text: &str, why: &str) -> Failure {
    let shown: String = text.chars().take(60).collect();
    Failure::usage(format!(
        "the public key {shown} {why}: copy it whole, as lockstep init --genesis prints it"
    ))
}
