//! A client's bytes in pieces of any lengths: for tests, and for the fuzzer.
use super::super::End;
use super::{Frames, Read};

/// What has become of them.
pub(crate) struct Given {
    read: Vec<Read>,
    pub(super) end: Option<End>,
    /// The most bytes that were held when more were asked for.
    pub(crate) held: usize,
}

impl Given {
    /// What each was, a ping and a pong by its name.
    pub(crate) fn whole(&self) -> Vec<Vec<u8>> {
        let read = self.read.iter().map(|read| match read {
            Read::Request(request) => request.to_vec(),
            Read::Ping(payload) => [b"ping", &payload[..]].concat(),
            Read::Pong => b"pong".to_vec(),
        });
        read.collect()
    }

    pub(crate) fn refusal(&self) -> Option<String> {
        self.end.as_ref().map(|end| format!("{end:?}"))
    }
}

pub(crate) fn given(mut bytes: &[u8], pieces: &[usize]) -> Given {
    let mut frames = Frames::new();
    let mut pieces = pieces.iter().cycle();
    let mut read = Vec::new();
    let mut end = None;
    let mut held = 0;
    loop {
        match frames.next() {
            Ok(Some(next)) => read.push(next),
            Err(why) => end = Some(why),
            Ok(None) => {
                let parts = frames.parts.as_ref().map_or(0, |parts| parts.len());
                held = held.max(frames.bytes.len() + parts);
                if let Some(length) = pieces.next().filter(|_| !bytes.is_empty()) {
                    let (piece, rest) = bytes.split_at((*length).clamp(1, bytes.len()));
                    frames.add(piece);
                    bytes = rest;
                    continue;
                }
                return Given { read, end, held };
            }
        }
        if end.is_some() {
            return Given { read, end, held };
        }
    }
}
