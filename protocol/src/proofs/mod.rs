//! What convinces somebody who executes nothing, and takes nobody's word.
//!
//! ```text
//! inclusion      a transaction, and its receipt, below a header
//! light_client   from one trusted block to the newest header; accounts and records below it
//! snapshot       the whole state at one height, in a file that proves itself
//! ```
pub mod inclusion;
pub mod light_client;
pub mod snapshot;
