//! The node of Lockstep alone: [`lockstep::run`] without applications.
use lockstep_protocol::application::Applications;
use std::process::ExitCode;

fn main() -> ExitCode {
    lockstep::run(Applications::none())
}
