//! `lockstep tx declare-ready`: a newcomer's word that its node runs and follows. It asks that node
//! itself, and says nothing for one that is behind: the others will count on its votes.
use super::update_validator::{at, newest, power_of};
use super::{Common, Sender};
use crate::endpoint::Url;
use crate::failure::Failure;
use clap::Args;
use lockstep_protocol::limits::READY_AGE_HEIGHTS_MAX;
use lockstep_protocol::nouns::transaction::Action;
use lockstep_protocol::types::{Address, Height};
use serde::Deserialize;
use serde_json::{Value, json};

/// `lockstep tx declare-ready`
///
/// Signed with the key of the newcomer's own node (--from HOME/validator.key), and handed to that
/// node (--rpc). The key's account pays the fee: send it something first.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    common: Common,
}

/// How far the asked node is.
#[derive(Deserialize)]
struct NodeProgress {
    validator: Address,
    height: Height,
    target_height: Height,
    catching_up: bool,
    halted: Value,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let common = &arguments.common;
    let sender = Sender::new(common)?;
    let newcomer = sender.address(&common.from)?;
    check(&sender, newcomer)?;
    let mut outcome = sender.deliver(Action::DeclareReady)?;
    if let Some(height) = outcome.done_at() {
        match decided(&sender, height, newcomer) {
            Ok((value, sentence)) => outcome.then("decided", value, sentence),
            Err(failure) => outcome.fail(failure),
        }
    }
    outcome.end(common.json)
}

/// What can be seen without a block.
fn check(sender: &Sender<'_>, newcomer: Address) -> Result<(), Failure> {
    let node = &sender.node;
    let progress = node.json("/status")?;
    let progress: NodeProgress = serde_json::from_value(progress).map_err(|_| node.strange())?;
    progress.speaks_for(newcomer, &node.url)?;
    let newest = newest(node)?;
    if power_of(&newest, newcomer) > 0 {
        return Err(Failure::usage(format!(
            "{newcomer} is a validator of height {} already: nothing is left to declare",
            newest.height
        )));
    }
    Ok(())
}

impl NodeProgress {
    /// Whether the node at `url` is the one of `newcomer`, and follows the chain.
    fn speaks_for(&self, newcomer: Address, url: &Url) -> Result<(), Failure> {
        let NodeProgress {
            validator,
            height,
            target_height,
            ..
        } = self;
        if *validator != newcomer {
            return Err(Failure::usage(format!(
                "{url} is the node of {validator}, and only the own node of {newcomer} knows \
                 whether it is ready: name that one with --rpc"
            )));
        }
        if !self.halted.is_null() {
            return Err(Failure::safety(format!(
                "{url} has stopped for safety at height {height}, so it is not ready: lockstep \
                 status says why"
            )));
        }
        if self.catching_up {
            return Err(Failure::retry(format!(
                "{url} is catching up, at height {height} of {target_height}: declare it ready once \
                 it follows, as lockstep status shows; its word counts for {READY_AGE_HEIGHTS_MAX} \
                 heights only"
            )));
        }
        Ok(())
    }
}

/// Whether the word in the block of `height` was what was missing.
fn decided(
    sender: &Sender<'_>,
    height: Height,
    newcomer: Address,
) -> Result<(Value, String), Failure> {
    let from = height.next().next();
    let set = at(&sender.node, Some(from))?;
    let power = power_of(&set, newcomer);
    if power > 0 {
        let total = set.total_power;
        let sentence =
            format!("yes: {newcomer} has power {power} of {total} from height {from} on");
        return Ok((json!(from), sentence));
    }
    let last = height.0.saturating_add(READY_AGE_HEIGHTS_MAX);
    let sentence = format!(
        "not yet: by height {last} validators with more than two thirds of the power must have \
         asked for it, or it must be declared again"
    );
    Ok((Value::Null, sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_node_that_follows_speaks_for_a_newcomer() {
        let newcomer = Address([7; 20]);
        let said = |changed: fn(&mut NodeProgress)| {
            let mut progress = NodeProgress {
                validator: newcomer,
                height: Height(40),
                target_height: Height(40),
                catching_up: false,
                halted: Value::Null,
            };
            changed(&mut progress);
            let said = progress.speaks_for(newcomer, &"http://here:1".parse().expect("a URL"));
            said.map_err(|failure| (failure.exit_code, failure.message))
        };
        assert_eq!(said(|_| {}), Ok(()));
        type Change = fn(&mut NodeProgress);
        let cases: [(Change, u8, &str); 3] = [
            (|it| it.validator = Address([8; 20]), 2, "--rpc"),
            (|it| it.halted = json!("a fork"), 4, "stopped for safety"),
            (|it| it.catching_up = true, 1, "once it follows"),
        ];
        for (change, exit_code, part) in cases {
            let (code, message) = said(change).expect_err("it may not");
            assert_eq!(code, exit_code, "{message}");
            assert!(message.contains(part), "{message}");
        }
    }
}
