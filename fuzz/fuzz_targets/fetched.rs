//! `cargo +nightly fuzz run fetched --features libfuzzer`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    lockstep_fuzz::targets::fetched(bytes);
});
