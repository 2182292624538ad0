//! How things look as JSON: in this project's words, and in those of Ethereum's tools. Events, pages
//! and calls all use these; they know the protocol only.
pub(super) mod ethereum;
pub(super) mod transaction;

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(2 + bytes.len() * 2);
    text.push_str("0x");
    for byte in bytes {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
