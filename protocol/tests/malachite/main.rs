//! Differential test against a second implementation of Tendermint: the driver of Malachite
//! (`arc-malachitebft-core-driver`), which others wrote from the same paper.
//!
//! - [`ctx`] are the smallest types that driver accepts: no bytes, no keys, no signatures.
//! - [`reference`] wraps it behind [`neutral`] inputs and outputs, so that a comparison never names
//!   a type of either side.
//! - [`generator`] makes a [`scenario`] from a seed: inputs, and what the reference answered.
//! - [`coverage`] shows that those sequences meet what is worth comparing; [`compare`] says which
//!   part of an answer the rules determine.
//! - [`literal`] is a third implementation, the rules of the paper without any cleverness, and
//!   Lockstep's extensions as switches.
//! - [`lockstep`] is Lockstep's own round machine and tally behind the same words; [`world`] has its
//!   keys and blocks. [`paper`] compares it under the paper's rules, [`mutants`] shows that the comparison can
//!   fail, and [`extended`] compares it as nodes run it.
//! - [`smoke`] shows that the reference follows the rules of the paper; [`quirks`] pins where it
//!   does not, or does so in another order: a comparison must allow for exactly those.
//!
//! A node's own votes and proposals are fed back here, as the owner of that driver has to do.

mod compare;
mod coverage;
mod ctx;
mod extended;
mod generator;
mod literal;
mod lockstep;
mod mutants;
mod neutral;
mod paper;
mod quirks;
mod reference;
mod rng;
mod scenario;
mod script;
mod smoke;
mod world;
