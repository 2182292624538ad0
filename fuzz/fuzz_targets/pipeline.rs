//! `cargo +nightly fuzz run pipeline --features libfuzzer`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    lockstep_fuzz::brains::pipeline(bytes);
});
