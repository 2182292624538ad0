//! The chain as an outsider checks it: from a node's JSON, with the sign bytes of the protocol and
//! nothing of the node's own arithmetic.
use crate::get;
use lockstep_protocol::crypto::{self, SchemeId, VerifyingKey};
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::nouns::vote::{Vote, VoteKind};
use lockstep_protocol::types::{Address, Hash, Height, Round};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The validators as `GET /validators` names them.
pub struct Validators {
    context: SignContext,
    members: Vec<(Address, Arc<dyn VerifyingKey>)>,
}

impl Validators {
    /// Asks a node; checks that each address belongs to its key and that the list is sorted.
    pub fn of(url: &str, scheme: SchemeId, context: SignContext) -> Validators {
        let answer = get(url, "/validators").json();
        let rows = answer["validators"].as_array().expect("a list");
        let members: Vec<_> = rows.iter().map(|row| member(row, scheme)).collect();
        assert!(
            members.windows(2).all(|two| two[0].0.0 < two[1].0.0),
            "validators rise by address"
        );
        assert_eq!(answer["total_power"], rows.len());
        Validators { context, members }
    }

    /// In the order of their list.
    pub fn addresses(&self) -> Vec<Address> {
        self.members.iter().map(|(address, _)| *address).collect()
    }

    /// `V[(h + r) mod n]`.
    pub fn scheduled(&self, height: u64, round: u64) -> Address {
        let turn = (height + round) % self.members.len() as u64;
        self.members[usize::try_from(turn).expect("it fits")].0
    }

    /// Who has validly precommitted this block; fails if any member of its certificate has not.
    pub fn signers(&self, block: &Value) -> BTreeSet<Address> {
        let commit = &block["commit"];
        assert_eq!(commit["block_id"], block["id"]);
        assert_eq!(commit["height"], block["header"]["height"]);
        let signed = self.context.vote(&Vote {
            kind: VoteKind::Precommit,
            height: Height(number(&commit["height"])),
            round: Round(number(&commit["round"]) as u32),
            block_id: Some(hash(&commit["block_id"])),
            valid_round: None,
            validator: Address::default(),
        });
        let precommits = commit["precommits"].as_array().expect("a list");
        let verified = precommits.iter().map(|precommit| {
            let (address, key) = &self.members[number(&precommit["index"]) as usize];
            assert_eq!(precommit["validator"], address.to_string());
            let signature = unhex(text(&precommit["signature"]));
            let verdict = key.verify(&signed, &signature);
            verdict.unwrap_or_else(|error| panic!("the precommit of {address}: {error}"));
            *address
        });
        let signers: BTreeSet<Address> = verified.collect();
        assert_eq!(signers.len(), precommits.len(), "each signs once");
        signers
    }
}

fn member(row: &Value, scheme: SchemeId) -> (Address, Arc<dyn VerifyingKey>) {
    let public_key = unhex(text(&row["public_key"]));
    let address = Address::of(scheme, &public_key);
    assert_eq!(row["address"], address.to_string());
    let key = crypto::scheme(scheme).prepare(&public_key);
    (address, key.expect("a public key"))
}

/// A number of the answer.
pub fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("no number: {value}"))
}

/// An amount of money: decimal digits as text.
pub fn amount(value: &Value) -> u64 {
    let digits = text(value).parse();
    digits.unwrap_or_else(|error| panic!("no amount: {value}: {error}"))
}

/// A text of the answer.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// 32 bytes, written as hex digits.
pub fn hash(value: &Value) -> Hash {
    text(value).parse().expect("a hash")
}

/// The bytes that these hex digits after `0x` stand for.
pub fn unhex(text: &str) -> Vec<u8> {
    let digits = text.strip_prefix("0x").expect("0x").as_bytes();
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).expect("ASCII");
        u8::from_str_radix(pair, 16).expect("hex digits")
    };
    digits.chunks(2).map(byte).collect()
}
