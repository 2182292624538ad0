//! `lockstep completions` and `lockstep man`: what shells and `man` know of the command line.
use crate::failure::Failure;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::fs;
use std::path::PathBuf;

/// `lockstep completions`
#[derive(Args)]
pub(crate) struct Completions {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// `lockstep man`
#[derive(Args)]
pub(crate) struct Man {
    /// Write a page for each command into this directory, instead of the first one on stdout
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(crate) fn completions<A: CommandFactory>(arguments: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut A::command(), "lockstep", &mut script);
    print_whole(&script)
}

pub(crate) fn man<A: CommandFactory>(arguments: &Man) -> Result<(), Failure> {
    let failed = |error| Failure::retry(format!("the pages cannot be written: {error}"));
    match &arguments.output {
        None => {
            let mut page = Vec::new();
            let made = clap_mangen::Man::new(A::command()).render(&mut page);
            made.map_err(failed)?;
            print_whole(&page)
        }
        Some(dir) => {
            fs::create_dir_all(dir).map_err(failed)?;
            clap_mangen::generate_to(A::command(), dir).map_err(failed)
        }
    }
}

/// Line by line: a reader who leaves is no panic.
fn print_whole(text: &[u8]) -> Result<(), Failure> {
    let text = String::from_utf8_lossy(text);
    text.lines().try_for_each(crate::output::say_whole)
}
