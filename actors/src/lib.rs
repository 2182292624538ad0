//! Room actors.
