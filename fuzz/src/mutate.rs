//! Changed inputs from good ones, the same on every machine: xorshift, no clock.

/// Makes inputs.
pub struct Mutator {
    state: u64,
    corpus: Vec<Vec<u8>>,
}

/// Numbers at which lengths, tags and options break.
const EDGES: [u64; 10] = [
    0,
    1,
    2,
    0x7f,
    0xff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    1 << 63,
    u64::MAX,
];

impl Mutator {
    /// From these inputs; equal seeds make equal sequences.
    pub fn new(corpus: Vec<Vec<u8>>, seed: u64) -> Mutator {
        assert!(!corpus.is_empty(), "a corpus has a first input");
        let state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        Mutator { state, corpus }
    }

    fn number(&mut self, below: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) as usize % below.max(1)
    }

    /// The next input, at most `limit` bytes.
    pub fn next_input(&mut self, limit: usize) -> Vec<u8> {
        let pick = self.number(self.corpus.len());
        let mut bytes = self.corpus[pick].clone();
        for _ in 0..=self.number(4) {
            self.change(&mut bytes);
        }
        bytes.truncate(limit);
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.number(bytes.len());
        match self.number(8) {
            0 => bytes.truncate(at),
            1 => {
                let byte = self.number(256) as u8;
                bytes.insert(at, byte);
            }
            2 if !bytes.is_empty() => _ = bytes.remove(at),
            3 => {
                // A length, a tag or a number at its edge.
                let edge = EDGES[self.number(EDGES.len())].to_le_bytes();
                let width = [1, 2, 4, 8][self.number(4)];
                for (place, byte) in bytes[at..].iter_mut().zip(&edge[..width]) {
                    *place = *byte;
                }
            }
            4 => {
                // The end of another input.
                let other = self.number(self.corpus.len());
                let other = self.corpus[other].clone();
                let from = self.number(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            5 => {
                let to = (at + 1 + self.number(64)).min(bytes.len());
                let piece = bytes[at..to].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                let bit = self.number(8);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
        }
    }
}
