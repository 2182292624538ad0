//! `cargo +nightly fuzz run proposal_head --features libfuzzer`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    lockstep_fuzz::targets::proposal_head(bytes);
});
