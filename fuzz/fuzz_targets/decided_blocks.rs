//! `cargo +nightly fuzz run decided_blocks --features libfuzzer`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    lockstep_fuzz::targets::decided_blocks(bytes);
});
