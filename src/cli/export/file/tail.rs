//! The end of a file, where a kill may have left half a line.
use super::{Grown, refuse};
use crate::failure::Failure;
use crate::limits::EXPORT_LINE_BYTES_MAX;
use std::io::{Read, Seek, SeekFrom};

/// What is read at once, from the end towards the beginning.
const PART_BYTES: u64 = 16 << 10;
/// What of a line says where it belongs.
const SHOWN_BYTES: u64 = 512;

/// A whole line: where it begins and ends, and its first bytes.
pub(super) struct Line {
    pub(super) start: u64,
    pub(super) text: String,
}

impl Grown {
    /// Cuts off what is behind the last end of a line. `head` bytes are none of its business.
    pub(super) fn cut_half_a_line(&mut self, head: u64) -> Result<u64, Failure> {
        let len = self.len()?;
        let end = self.line_start(len, head)?;
        if end < len {
            self.cut(end)?;
        }
        Ok(end)
    }

    /// The whole line that ends at `end`; `None`: only the head is before it.
    pub(super) fn line_before(&mut self, end: u64, head: u64) -> Result<Option<Line>, Failure> {
        if end <= head {
            return Ok(None);
        }
        let start = self.line_start(end - 1, head)?;
        let bytes = self.bytes(start, (end - start).min(SHOWN_BYTES))?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Some(Line { start, text }))
    }

    /// Behind the last end of a line before `end`, or behind the head.
    fn line_start(&mut self, end: u64, head: u64) -> Result<u64, Failure> {
        let mut at = end;
        while at > head {
            if end - at > EXPORT_LINE_BYTES_MAX {
                return Err(self.foreign());
            }
            let from = at.saturating_sub(PART_BYTES).max(head);
            let part = self.bytes(from, at - from)?;
            if let Some(place) = part.iter().rposition(|byte| *byte == b'\n') {
                return Ok(from + place as u64 + 1);
            }
            at = from;
        }
        Ok(head)
    }

    fn bytes(&mut self, from: u64, count: u64) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        let file = &mut self.file;
        let read = file
            .seek(SeekFrom::Start(from))
            .and_then(|_| file.take(count).read_to_end(&mut bytes));
        match read {
            Ok(_) if bytes.len() as u64 == count => Ok(bytes),
            Ok(_) => Err(self.damaged("it became shorter while it was read")),
            Err(error) => Err(refuse("read", &self.path, &error)),
        }
    }
}
