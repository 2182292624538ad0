//! `cargo +nightly fuzz run batch --features libfuzzer`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    lockstep_fuzz::brains::batch(bytes);
});
