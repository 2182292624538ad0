//! A chain whose validators change: the client follows each change by what the header before it
//! names, or by what of the trusted set is left, and believes nobody who lies about it.
use super::*;

/// How many validate each height from 1 on; the next set is the same with one more or one less.
const SIZES: [usize; 14] = [4, 4, 4, 5, 5, 6, 7, 7, 6, 5, 4, 4, 4, 4];

struct Changing {
    blocks: Vec<LightBlock>,
}

impl Changing {
    fn new() -> Changing {
        let mut previous = Cast::of(4).context.genesis_hash;
        let heights = (1u64..).zip(SIZES.windows(2));
        let blocks = heights.map(|(height, sizes)| {
            let (now, next) = (Cast::of(sizes[0]), Cast::of(sizes[1]));
            let header = Header {
                next_validators_hash: next.set.hash(),
                ..header(&now, height, previous)
            };
            let shown = signed(&now, header, &quorum(&now));
            previous = shown.header.id();
            shown
        });
        Changing {
            blocks: blocks.collect(),
        }
    }

    fn block(&self, height: u64) -> LightBlock {
        self.blocks[usize::try_from(height).unwrap() - 1].clone()
    }

    fn client(&self, height: u64) -> LightClient {
        let shown = self.block(height);
        let checkpoint = Checkpoint {
            id: shown.header.id(),
            height: Height(height),
        };
        LightClient::start(chain_of(&Cast::of(4)), checkpoint, &shown, NOW).unwrap()
    }

    /// The block of a height as `cast` would have it, signed by a quorum of it.
    fn claimed(&self, height: u64, cast: &Cast) -> LightBlock {
        let header = Header {
            validators_hash: cast.set.hash(),
            ..self.block(height).header
        };
        signed(cast, header, &quorum(cast))
    }
}

/// The first positions that are one.
fn quorum(cast: &Cast) -> Vec<usize> {
    (0..cast.set.len() * 2 / 3 + 1).collect()
}

fn code(client: &mut LightClient, asked: u64, shown: &LightBlock) -> &'static str {
    let before = client.trusted().id;
    let refused = client.advance(Height(asked), shown, NOW).unwrap_err();
    assert_eq!(client.trusted().id, before, "it keeps what it has");
    refused.code()
}

#[test]
fn it_follows_every_addition_and_removal_header_by_header() {
    let chain = Changing::new();
    let mut client = chain.client(1);
    for height in 2..=13 {
        client
            .advance(Height(height), &chain.block(height), NOW)
            .unwrap();
        let expected = SIZES[usize::try_from(height).unwrap() - 1];
        assert_eq!(client.trusted().validators.len(), expected, "at {height}");
    }
}

#[test]
fn it_skips_over_changes_from_and_to_every_height() {
    let chain = Changing::new();
    for from in 1..13 {
        for to in from + 1..=13 {
            let mut client = chain.client(from);
            let mut path = Bisection::to(Height(to));
            while let Some(height) = path.wanted(&client) {
                path.take(&mut client, &chain.block(height.0), NOW).unwrap();
            }
            assert_eq!(
                client.trusted().header,
                chain.block(to).header,
                "{from} to {to}"
            );
        }
    }
}

/// The set of height 4 has a fifth member. A server shows the four that were before it, the seven
/// that come later, or strangers: each signed by a quorum of itself.
#[test]
fn another_set_than_the_named_one_is_refused_at_a_change() {
    let chain = Changing::new();
    for size in [4, 6, 7] {
        let mut client = chain.client(3);
        let lie = chain.claimed(4, &Cast::of(size));
        assert_eq!(code(&mut client, 4, &lie), "other_validators", "{size}");
        client.advance(Height(4), &chain.block(4), NOW).unwrap();
    }
    // The same members with other powers are another set.
    let mut client = chain.client(3);
    let lie = chain.claimed(4, &Cast::with_powers(&[1, 1, 1, 1, 2]));
    assert_eq!(code(&mut client, 4, &lie), "other_validators");
}

/// The true header, and beside it a set that is not the one it names.
#[test]
fn a_true_header_with_another_set_is_refused_at_a_change() {
    let chain = Changing::new();
    let mut client = chain.client(3);
    let mut lie = chain.block(4);
    lie.validators = chain.block(3).validators;
    assert_eq!(code(&mut client, 4, &lie), "validators_hash");
    let mut lie = chain.block(4);
    lie.validators[0].power = 9;
    assert_eq!(code(&mut client, 4, &lie), "validators_hash");
}

/// The quorum of the old set is none of the new one: three of five.
#[test]
fn a_certificate_that_only_the_old_set_would_take_is_refused() {
    let chain = Changing::new();
    let mut client = chain.client(3);
    let lie = signed(&Cast::of(5), chain.block(4).header, &[0, 1, 2]);
    assert_eq!(code(&mut client, 4, &lie), "no_quorum");
    // Three signatures of the four, whose bitmap fits as well.
    let mut lie = chain.block(4);
    let old = signed(&Cast::of(4), lie.header.clone(), &[0, 1, 2]);
    lie.certificate = old.certificate;
    assert_eq!(code(&mut client, 4, &lie), "no_quorum");
}

/// A header names the next set wrongly: whoever trusts it must not be led on to that set by anybody
/// but its own quorum, and the header itself needs the quorum of the true set.
#[test]
fn a_forged_name_of_the_next_set_is_refused_with_its_header() {
    let chain = Changing::new();
    let mut client = chain.client(2);
    let mut lie = chain.block(3);
    lie.header.next_validators_hash = Cast::of(7).set.hash();
    assert_eq!(code(&mut client, 3, &lie), "certificate_of_other");
    let forged = signed(&Cast::of(4), lie.header, &[0, 1]);
    assert_eq!(code(&mut client, 3, &forged), "no_quorum");
}
