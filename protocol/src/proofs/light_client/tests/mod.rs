//! Ten headers of four validators over a state with accounts, and every lie about them.
mod ages;
mod changes;
mod lies;
mod skipping;

use super::*;
use crate::consensus::testkit::{Cast, block};
use crate::crypto::SchemeId;
use crate::crypto::simulated::Simulated;
use crate::ledger::{Ledger, MemoryState, prove_account, prove_record};
use crate::nouns::block::SealedBlock;
use crate::nouns::genesis::{Genesis, GenesisAccount, GenesisValidator};
use crate::nouns::parameters::Parameters;
use crate::wire::Wire;

/// Late enough for every header here.
const NOW: Timestamp = Timestamp(1_000_000);
const RICH: Address = Address([5; 20]);

/// What a server shows of a header that `signers` have signed, whatever else it says.
fn signed(cast: &Cast, header: Header, signers: &[usize]) -> LightBlock {
    let sealed = SealedBlock::build(header, vec![], vec![], None);
    let certificate = cast.commit(&sealed, 0, signers);
    LightBlock::of(sealed.header(), &certificate, &cast.set)
}

/// A header of this set. Its time is its height in seconds.
fn header(cast: &Cast, height: u64, previous: BlockId) -> Header {
    Header {
        time: Timestamp(height * 1_000),
        previous_block: previous,
        validators_hash: cast.set.hash(),
        ..block(Height(height), 0).header().clone()
    }
}

fn chain_of(cast: &Cast) -> Chain {
    Chain {
        scheme: Arc::new(Simulated),
        context: cast.context,
    }
}

struct World {
    cast: Cast,
    state: MemoryState,
    /// Heights 1 to 10.
    blocks: Vec<LightBlock>,
}

impl World {
    fn new() -> World {
        let cast = Cast::of(4);
        let account = |number: u8| GenesisAccount {
            address: Address([number; 20]),
            balance: 100 * u64::from(number),
        };
        let genesis = Genesis {
            chain_id: cast.context.chain_id,
            scheme: SchemeId::MlDsa65,
            time: Timestamp(0),
            parameters: Parameters::default(),
            validators: cast
                .set
                .iter()
                .map(|v| GenesisValidator {
                    public_key: v.public_key.clone(),
                    power: v.power,
                })
                .collect(),
            accounts: (1..20).map(account).collect(),
            applications: Vec::new(),
        };
        let changes = Ledger::genesis_changes(&genesis).unwrap();
        let mut previous = cast.context.genesis_hash;
        let blocks = (1..=10).map(|height| {
            let header = Header {
                state_root: changes.root,
                ..header(&cast, height, previous)
            };
            let shown = signed(&cast, header, &[0, 1, 2]);
            previous = shown.header.id();
            shown
        });
        World {
            blocks: blocks.collect(),
            state: MemoryState::new(&changes),
            cast,
        }
    }

    fn block(&self, height: u64) -> LightBlock {
        self.blocks[usize::try_from(height).unwrap() - 1].clone()
    }

    fn checkpoint(&self, height: u64) -> Checkpoint {
        Checkpoint {
            id: self.block(height).header.id(),
            height: Height(height),
        }
    }

    /// A client that trusts this height.
    fn client(&self, height: u64) -> LightClient {
        let chain = chain_of(&self.cast);
        let shown = self.block(height);
        LightClient::start(chain, self.checkpoint(height), &shown, NOW).unwrap()
    }

    fn proved(&self, height: u64, address: &Address) -> ProvedAccount {
        ProvedAccount {
            height: Height(height),
            proof: prove_account(&self.state, address).unwrap(),
        }
    }

    /// The same header with a change, signed anew by three of four: by a majority that lies.
    fn forged(&self, height: u64, change: impl FnOnce(&mut Header)) -> LightBlock {
        let mut header = self.block(height).header;
        change(&mut header);
        signed(&self.cast, header, &[1, 2, 3])
    }
}

#[test]
fn it_follows_each_header_to_the_next() {
    let world = World::new();
    let mut client = world.client(1);
    for height in 2..=10 {
        let shown = world.block(height);
        client.advance(Height(height), &shown, NOW).unwrap();
        assert_eq!(client.trusted().header, shown.header);
        assert_eq!(client.trusted().id, shown.header.id());
    }
}

#[test]
fn it_takes_a_far_header_of_the_same_validators_at_once() {
    let world = World::new();
    let mut client = world.client(1);
    client.advance(Height(10), &world.block(10), NOW).unwrap();
    assert_eq!(client.trusted().header.height, Height(10));
}

#[test]
fn it_proves_what_an_account_holds_and_that_another_is_not_there() {
    let world = World::new();
    let mut client = world.client(3);
    client.advance(Height(7), &world.block(7), NOW).unwrap();
    let held = client.account(&RICH, &world.proved(7, &RICH)).unwrap();
    let (balance, nonce) = (500, 0);
    assert_eq!(held, Some(Account { balance, nonce }));
    let nobody = Address([99; 20]);
    let proved = world.proved(7, &nobody);
    assert_eq!(client.account(&nobody, &proved), Ok(None));
}

#[test]
fn it_proves_that_a_record_is_not_there_and_refuses_one_that_is_claimed() {
    let world = World::new();
    let client = world.client(3);
    let mut proved = ProvedRecord {
        height: Height(3),
        proof: prove_record(&world.state, &RICH, b"deed").unwrap(),
    };
    assert_eq!(client.record(&RICH, b"deed", &proved), Ok(None));
    assert!(client.record(&RICH, &[], &proved).is_err(), "another key");
    proved.height = Height(4);
    let refused = client.record(&RICH, b"deed", &proved).unwrap_err();
    assert_eq!(refused.code(), "other_height");
    proved.height = Height(3);
    let value = b"a house".to_vec();
    let height = Height(2);
    proved.proof.record = Some(Record { value, height });
    let refused = client.record(&RICH, b"deed", &proved).unwrap_err();
    assert_eq!(refused.code(), "proof");
}

#[test]
fn what_is_shown_survives_its_bytes() {
    let world = World::new();
    let wire = Wire::new(world.cast.context.genesis_hash);
    let shown = world.block(4);
    let bytes = wire.encode_light_block(&shown);
    assert_eq!(wire.decode_light_block(&bytes), Ok(shown));
    let proved = world.proved(4, &RICH);
    let bytes = wire.encode_proved_account(&proved);
    assert_eq!(wire.decode_proved_account(&bytes), Ok(proved));
    let foreign = Wire::new(Hash::default());
    assert!(foreign.decode_proved_account(&bytes).is_err());
}
