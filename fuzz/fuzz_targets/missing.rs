//! `cargo +nightly fuzz run missing --features libfuzzer`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    lockstep_fuzz::targets::missing(bytes);
});
