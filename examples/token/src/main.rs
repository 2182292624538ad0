//! A node that runs the token, with every subcommand of Lockstep.
use lockstep_protocol::application::{Application, Applications};
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    lockstep::run(Applications::of([
        Arc::new(token::Token) as Arc<dyn Application>
    ]))
}
