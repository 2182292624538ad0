//! `cargo +nightly fuzz run statement --features libfuzzer`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    lockstep_fuzz::targets::statement(bytes);
});
