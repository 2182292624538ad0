//! Nothing: what counts here is the test.
