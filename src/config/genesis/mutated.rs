//! P10 for the one decoder of this room.
use super::{parse, text};
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::nouns::genesis::{Genesis, GenesisAccount, GenesisValidator};
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::types::{Address, ChainId, Timestamp};

#[allow(unreachable_pub)] // public in the fuzz package
#[path = "../../../fuzz/src/mutate.rs"]
mod mutate;

/// None panics, none is another chain unnoticed (what is
/// read is written and read again to the same), and a refusal is one short line.
#[test]
fn no_changed_genesis_panics_and_what_is_read_is_written_alike() {
    const INPUTS: usize = 20_000;
    let genesis = Genesis {
        chain_id: ChainId(7),
        scheme: SchemeId::MlDsa65,
        time: Timestamp(5),
        parameters: Parameters { fee_per_byte: 3 },
        validators: vec![GenesisValidator {
            public_key: vec![7; 9],
            power: 3,
        }],
        accounts: vec![GenesisAccount {
            address: Address([1; 20]),
            balance: u64::MAX,
        }],
        applications: Vec::new(),
    };
    let good = text(&genesis).expect("it is written");
    let small = good.split_whitespace().collect::<String>();
    let corpus = [
        good.as_bytes(),
        small.as_bytes(),
        b"{}",
        b"[[[[",
        b"\"\\u0000",
    ];
    let mut mutator = mutate::Mutator::new(corpus.map(<[u8]>::to_vec).into(), 7);
    let mut read = 0;
    let mut refused = 0;
    for _ in 0..INPUTS {
        let input = mutator.next_input(4_096);
        match parse(&String::from_utf8_lossy(&input)) {
            Ok(genesis) => {
                let again = text(&genesis).expect("it is written");
                assert_eq!(parse(&again), Ok(genesis));
                read += 1;
            }
            Err(why) => {
                assert!(why.len() < 5_000 && !why.is_empty(), "{why}");
                refused += 1;
            }
        }
    }
    println!("P10 genesis.json: {INPUTS} changed inputs, {read} read, {refused} refused");
    assert!(read > 0 && refused > INPUTS / 2);
}

/// A document nested deeper than any parser's stack.
#[test]
fn a_genesis_that_is_nested_without_end_is_refused() {
    for open in ["[", "{\"validators\":[", "{\"a\":"] {
        assert!(parse(&open.repeat(200_000)).is_err());
    }
}
