//! `cargo +nightly fuzz run light_block --features libfuzzer`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    lockstep_fuzz::targets::light_block(bytes);
});
