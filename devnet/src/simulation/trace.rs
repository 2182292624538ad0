//! The hash over everything that happened, in order: equal seeds must give equal hashes, in debug
//! and in release builds (P14).
use lockstep_protocol::types::Hash;

/// FNV-1a over 64-bit words, with a mix so that every bit of a word reaches every later state.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    hash: u64,
    events: u64,
}

impl Trace {
    pub(crate) fn new(seed: u64) -> Trace {
        let mut trace = Trace {
            hash: 0xcbf2_9ce4_8422_2325,
            events: 0,
        };
        trace.word(seed);
        trace
    }

    /// An event begins.
    pub(crate) fn event(&mut self, at_us: u64, node: usize, kind: u64) {
        self.events += 1;
        self.word(at_us);
        self.word((kind << 16) | node as u64);
    }

    /// What the event was about.
    pub(crate) fn word(&mut self, word: u64) {
        self.hash = (self.hash ^ word).wrapping_mul(0x0000_0100_0000_01b3);
        self.hash ^= self.hash >> 29;
    }

    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }
}

/// The first eight bytes of a hash: enough to tell two values apart.
pub(crate) fn word_of(hash: &Hash) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&hash.0[..8]);
    u64::from_le_bytes(word)
}
