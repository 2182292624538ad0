//! `cargo +nightly fuzz run evidence_message --features libfuzzer`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    lockstep_fuzz::targets::evidence_message(bytes);
});
