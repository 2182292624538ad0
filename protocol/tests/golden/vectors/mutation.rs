//! Changes of a transaction's bytes, each the same for the same seed: most of one byte, where the
//! fields stand more often than in the signature, some of a length, and some signed anew.
use super::cases::Case;
use super::world::World;
use lockstep_protocol::codec;
use lockstep_protocol::nouns::transaction::{Transaction, TransactionBody};
use lockstep_protocol::wire::Wire;

/// SplitMix64.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, count: usize) -> usize {
        let count = u64::try_from(count.max(1)).unwrap();
        usize::try_from(self.roll() % count).unwrap()
    }

    fn byte(&mut self) -> u8 {
        // Tags and lengths are small numbers.
        match self.below(4) {
            0 => u8::try_from(self.below(5)).unwrap(),
            1 => 0xff,
            _ => self.roll().to_le_bytes()[0],
        }
    }

    /// A place, among the first bytes more often than not.
    fn place(&mut self, length: usize) -> usize {
        let within = if self.below(3) == 0 {
            length
        } else {
            length.min(130)
        };
        self.below(within)
    }
}

/// One that a node might be sent instead of the case's own.
pub(crate) fn mutated(world: &World, cases: &[Case], dice: &mut Dice) -> Vec<u8> {
    let case = &cases[dice.below(cases.len())];
    let wire = Wire::new(world.context().genesis_hash);
    if dice.below(8) == 0
        && let Some(signed) = signed_anew(world, case, dice)
    {
        return wire.encode_transaction(&signed);
    }
    let mut bytes = wire.encode_transaction(&case.transaction);
    for _ in 0..1 + dice.below(8) / 7 {
        change(&mut bytes, dice);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let at = dice.place(bytes.len());
    match dice.below(16) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, dice.byte()),
        2 => drop((at < bytes.len()).then(|| bytes.remove(at))),
        3 => bytes.push(dice.byte()),
        4 => bytes.extend(std::iter::repeat_n(dice.byte(), dice.below(10_000))),
        5 => drop((!bytes.is_empty()).then(|| bytes[at] ^= 1 << dice.below(8))),
        _ => drop((!bytes.is_empty()).then(|| bytes[at] = dice.byte())),
    }
}

/// With a byte of its body changed and then signed by the case's own signer.
fn signed_anew(world: &World, case: &Case, dice: &mut Dice) -> Option<Transaction> {
    let mut body = codec::encode(&case.transaction.body);
    let at = dice.below(body.len());
    body[at] = dice.byte();
    let body: TransactionBody = codec::decode("body", &body, 1 << 14).ok()?;
    Some(case.signer.sign(world.context(), body))
}
