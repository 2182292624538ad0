//! Fuzz targets: every decoder that meets bytes from outside, the brains that meet anybody's bytes
//! before a handler does, and both listeners of a node.
//!
//! The targets are plain functions. libFuzzer runs them (`fuzz_targets/`, nightly), a small
//! deterministic mutator runs them on stable (`src/bin/run.rs`), and the commit tier of the
//! workspace runs them with a counting allocator (`tests/mutated`). The corpora in `corpus/`
//! begin with the golden bytes of the protocol; what the fuzzer adds and is worth keeping is
//! committed beside them.
pub mod brains;
pub mod http;
pub mod mutate;
pub mod targets;
