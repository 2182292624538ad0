//! Room devnet.
