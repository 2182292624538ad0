//! Room actors.

pub mod state_store;
