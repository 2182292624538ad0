//! `cargo +nightly fuzz run pull --features libfuzzer`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    lockstep_fuzz::targets::pull(bytes);
});
