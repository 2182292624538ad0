//! `cargo +nightly fuzz run http --features libfuzzer`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    lockstep_fuzz::http::throw(bytes);
});
