//! What `init` accepts, `start` begins; what it refuses leaves nothing behind.
use super::*;
use crate::cli::start::start;
use crate::config::Config;
use lockstep_devnet::Devnet;
use lockstep_protocol::nouns::genesis::GenesisAccount;
use lockstep_protocol::types::Address;
use proptest::prelude::*;

/// A number at an edge, or any.
fn edges() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        Just(1),
        Just(1337),
        Just(u64::MAX / 2),
        Just(u64::MAX / 2 + 1),
        Just(u64::MAX),
        any::<u64>(),
    ]
}

fn ports() -> impl Strategy<Value = Option<u16>> {
    // Two may be one, and one may be somebody's.
    prop_oneof![
        2 => Just(None),
        2 => Just(Some(29_545)),
        1 => Just(Some(1)),
        1 => Just(Some(u16::MAX)),
    ]
}

fn accounts() -> impl Strategy<Value = Vec<String>> {
    let account = (0u8..4, edges());
    let accounts = proptest::collection::vec(account, 0..4);
    accounts.prop_map(|accounts| {
        let texts = accounts.into_iter();
        let text = |(owner, balance)| format!("{}={balance}", Address([owner; 20]));
        texts.map(text).collect()
    })
}

fn schemes() -> impl Strategy<Value = SchemeId> {
    prop_oneof![Just(SchemeId::MlDsa65), Just(SchemeId::Dilithium3)]
}

prop_compose! {
    fn beginnings()(
        chain_id in edges(),
        scheme in schemes(),
        accounts in accounts(),
        fee_per_byte in edges(),
        peer_port in ports(),
        rpc_port in ports(),
    ) -> Arguments {
        let account = accounts.iter().map(|text| Account::parse(text).expect("an account"));
        Arguments {
            home: PathBuf::new(),
            genesis: None,
            peer: Vec::new(),
            trusted: None,
            chain_id,
            scheme,
            account: account.collect(),
            fee_per_byte,
            peer_port,
            rpc_port,
            json: false,
        }
    }
}

/// A validator of the chain that is joined, or somebody that it does not know.
fn peers() -> impl Strategy<Value = Vec<String>> {
    let genesis = Devnet::builder().genesis().expect("a genesis");
    let founder = Address::of(genesis.scheme, &genesis.validators[0].public_key);
    let who = prop_oneof![Just(founder), Just(Address([7; 20]))];
    let at = prop_oneof![
        Just("127.0.0.1:9545"),
        Just("[::1]:65535"),
        Just("[fe80::1%2]:9545"),
        Just("nowhere.invalid:9545"),
        Just("127.0.0.1:0"),
    ];
    proptest::collection::vec((who, at), 0..3)
        .prop_map(|all| all.iter().map(|(who, at)| format!("{who}@{at}")).collect())
}

/// A chain that may be joined, or that cannot begin.
fn geneses() -> impl Strategy<Value = Genesis> {
    (accounts(), 0u64..3, edges(), any::<bool>()).prop_map(|(balances, power, other, twice)| {
        let builder = Devnet::builder().validators(2);
        let mut genesis = builder.genesis().expect("a genesis");
        let accounts = balances.iter().enumerate().map(|(at, text)| {
            let balance = text.split_once('=').expect("two parts").1;
            GenesisAccount {
                address: Address([at as u8; 20]),
                balance: balance.parse().expect("a balance"),
            }
        });
        genesis.accounts = accounts.collect();
        genesis.validators[0].power = power;
        genesis.validators[1].power = other;
        if twice {
            genesis.validators[1] = genesis.validators[0].clone();
        }
        genesis
    })
}

/// Makes the home, and begins a node in it if it was made.
fn check(mut arguments: Arguments) -> Result<bool, TestCaseError> {
    let dir = tempfile::tempdir().expect("a directory");
    let above = dir.path().join("new");
    arguments.home = above.join("home");
    if let Err(refused) = make(&arguments) {
        prop_assert!(!above.exists(), "{}", refused.message);
        prop_assert_eq!(refused.exit_code, 2, "{}", refused.message);
        return Ok(false);
    }
    let mut config = Config::of_home(&arguments.home).expect("settings");
    // Somebody else of this machine may have the ports.
    config.peer_listen = "127.0.0.1:0".to_owned();
    config.rpc_listen = Some("127.0.0.1:0".to_owned());
    match start(&config) {
        Ok(_) => Ok(true),
        Err(refused) => Err(TestCaseError::fail(refused.message)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_init_begins_starts(arguments in beginnings()) {
        check(arguments)?;
    }

    #[test]
    fn whatever_init_joins_starts(
        mut arguments in beginnings(),
        genesis in geneses(),
        peers in peers(),
    ) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("genesis.json");
        let text = genesis::text(&genesis).expect("a text");
        std::fs::write(&path, text).expect("it is written");
        arguments.genesis = Some(path);
        arguments.peer = peers;
        check(arguments)?;
    }
}

/// Some of both, or the tests above would show nothing.
#[test]
fn an_ordinary_home_is_made_and_one_whose_balances_overflow_is_not() {
    let of = |balances: [u64; 2]| {
        let owned = balances.into_iter().enumerate();
        let text = |(owner, balance)| format!("{}={balance}", Address([owner as u8; 20]));
        let account = owned.map(|all| Account::parse(&text(all)).expect("an account"));
        let checked = check(Arguments {
            home: PathBuf::new(),
            genesis: None,
            peer: Vec::new(),
            trusted: None,
            chain_id: 1,
            scheme: SchemeId::MlDsa65,
            account: account.collect(),
            fee_per_byte: 1,
            peer_port: None,
            rpc_port: None,
            json: false,
        });
        checked.unwrap_or_else(|error| panic!("{error}"))
    };
    assert!(of([1, u64::MAX - 1]));
    assert!(!of([1, u64::MAX]));
}
