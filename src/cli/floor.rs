//! The signature floor: how many blocks per second this machine could make if the signatures of
//! the protocol were all the work there is.
use crate::failure::Failure;
use lockstep_protocol::crypto::{self, SchemeId, Seed};
use std::time::{Duration, Instant};

/// Enough signatures that the mean holds still: signing varies several times over.
const SIGNATURES_MIN: usize = 200;

/// What one signature costs, and what follows.
pub(crate) struct Floor {
    pub(crate) sign_us: f64,
    pub(crate) verify_us: f64,
    pub(crate) blocks_per_second: f64,
}

/// Measures on one core for `time`, then reckons for `cores`.
///
/// An eager node of n verifies every message of the others: a block costs 2n + 1 signatures (one
/// proposal, n prevotes, n precommits) and 2n² − n − 1 verifications (n − 1 of the proposal,
/// n (n − 1) of each kind of vote). Nodes that do less than that can beat the floor.
pub(crate) fn measure(
    scheme: SchemeId,
    validators: usize,
    cores: usize,
    time: Duration,
) -> Result<Floor, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::safety(error.to_string());
    let keys = crypto::scheme(scheme);
    let signer = keys
        .signer(&Seed([7; 32]))
        .map_err(|error| failed(&error))?;
    let verifier = keys
        .prepare(signer.public_key())
        .map_err(|error| failed(&error))?;
    let message = |index: usize| {
        let mut bytes = vec![1u8; 85];
        bytes.extend_from_slice(&index.to_le_bytes());
        bytes
    };
    // The first signature of a process pays for the start of its random generator.
    signer.sign(&message(0)).map_err(|error| failed(&error))?;

    let mut signatures = Vec::new();
    let began = Instant::now();
    while signatures.len() < SIGNATURES_MIN || began.elapsed() < time / 2 {
        let signature = signer
            .sign(&message(signatures.len()))
            .map_err(|error| failed(&error))?;
        signatures.push(signature);
    }
    let sign_us = mean_us(began.elapsed(), signatures.len());

    let mut verified = 0;
    let began = Instant::now();
    while verified < signatures.len() || began.elapsed() < time / 2 {
        let index = verified % signatures.len();
        verifier
            .verify(&message(index), &signatures[index])
            .map_err(|error| failed(&error))?;
        verified += 1;
    }
    let verify_us = mean_us(began.elapsed(), verified);

    let n = validators as f64;
    let cpu_us = (2.0 * n + 1.0) * sign_us + (2.0 * n * n - n - 1.0) * verify_us;
    Ok(Floor {
        sign_us,
        verify_us,
        blocks_per_second: cores as f64 * 1e6 / cpu_us,
    })
}

fn mean_us(time: Duration, count: usize) -> f64 {
    time.as_secs_f64() * 1e6 / count.max(1) as f64
}
