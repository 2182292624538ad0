//! `lockstep light verify` against a node, and against a server in front of it that lies. The lies
//! are real ones: everything that the server does not lie about is what the node says.
use lockstep_actors::node::devnet_keys;
use lockstep_devnet::{Devnet, funded_accounts};
use lockstep_protocol::crypto::{self, SchemeId};
use lockstep_protocol::nouns::commit::Signers;
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::nouns::vote::{Signature, Vote, VoteKind};
use lockstep_protocol::proofs::light_client::{LightBlock, ProvedAccount};
use lockstep_protocol::types::Address;
use lockstep_protocol::validators::set::ValidatorSet;
use lockstep_protocol::wire::Wire;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use support::process::{Ended, run};
use support::{Answer, get, proxy};

const SCHEME: SchemeId = SchemeId::MlDsa65;

/// A devnet with some payments behind it.
struct World {
    devnet: Devnet,
    wire: Wire,
    alice: String,
}

impl World {
    fn new() -> World {
        let builder = Devnet::builder().validators(4).scheme(SCHEME).manual(true);
        let devnet = builder.boot().expect("it boots");
        let people = funded_accounts(SCHEME).expect("accounts");
        let world = World {
            wire: Wire::new(devnet.genesis().hash()),
            devnet,
            alice: people[0].address.to_string(),
        };
        (0..3).for_each(|nonce| world.pay(nonce));
        for _ in 0..3 {
            world.devnet.tick().expect("a block");
        }
        world
    }

    /// A block with a payment of alice.
    fn pay(&self, nonce: u64) {
        let people = funded_accounts(SCHEME).expect("accounts");
        let context = self.devnet.genesis().sign_context();
        let payment = people[0].transfer(&context, nonce, people[1].address, 1_000);
        let payment = payment.expect("it is signed");
        let bytes = self.wire.encode_transaction(&payment);
        let answer = support::post(&self.node(), "/transactions", &bytes);
        assert_eq!(answer.status, 202, "{}", answer.text());
        support::held_by_all(&self.devnet, payment.id());
        self.devnet.tick().expect("a block");
    }

    fn node(&self) -> String {
        self.devnet.urls()[0].clone()
    }

    fn set(&self) -> ValidatorSet {
        let set = self
            .devnet
            .genesis()
            .validator_set(&*crypto::scheme(SCHEME));
        set.expect("a set")
    }

    /// HASH@HEIGHT as an honest friend has it.
    fn checkpoint(&self, height: u64) -> String {
        let block = get(&self.node(), &format!("/blocks/{height}")).json();
        format!("{}@{height}", block["id"].as_str().expect("an id"))
    }

    fn verify(&self, rpc: &str, trusted: &str, account: &str) -> Ended {
        let arguments = [
            "light",
            "verify",
            "--trusted",
            trusted,
            "--rpc",
            rpc,
            "--json",
        ];
        run(&[&arguments[..], &["account", account]].concat())
    }

    /// About alice, with more to ask for.
    fn verify_with(&self, rpc: &str, trusted: &str, more: &[&str]) -> Ended {
        let arguments = [
            "light",
            "verify",
            "--json",
            "--rpc",
            rpc,
            "--trusted",
            trusted,
        ];
        run(&[&arguments[..], more, &["account", "alice"]].concat())
    }

    /// A server that changes headers and signs what it has changed, as all validators together could.
    fn rewriting(&self, change: impl Fn(&mut LightBlock) + Send + Sync + 'static) -> String {
        let wire = self.wire;
        let set = self.set();
        let context = self.devnet.sign_context();
        proxy::serve(&self.node(), move |path, mut answer| {
            if path.starts_with("/light/blocks/") {
                let mut shown = wire.decode_light_block(&answer.body).expect("a block");
                change(&mut shown);
                sign_again(&mut shown, &set, &context);
                answer.body = wire.encode_light_block(&shown);
            }
            answer
        })
    }

    /// Of what this server shows.
    fn checkpoint_of(&self, url: &str, height: u64) -> String {
        let answer = get(url, &format!("/light/blocks/{height}"));
        let shown = self.wire.decode_light_block(&answer.body).expect("a block");
        format!("{}@{height}", shown.header.id())
    }

    /// The same question to a server that lies.
    fn ask_liar(&self, lie: impl Fn(&str, Answer) -> Answer + Send + Sync + 'static) -> Ended {
        let rpc = proxy::serve(&self.node(), lie);
        self.verify(&rpc, &self.checkpoint(2), &self.alice)
    }

    /// A server that changes every header with its certificate and set.
    fn about_blocks(
        &self,
        lie: impl Fn(&mut LightBlock, &ValidatorSet) + Send + Sync + 'static,
    ) -> Ended {
        let wire = self.wire;
        let set = Arc::new(self.set());
        self.ask_liar(move |path, mut answer| {
            if path.starts_with("/light/blocks/") {
                let mut shown = wire.decode_light_block(&answer.body).expect("a block");
                lie(&mut shown, &set);
                answer.body = wire.encode_light_block(&shown);
            }
            answer
        })
    }

    /// A server that changes the account with its proof.
    fn about_accounts(&self, lie: impl Fn(&mut ProvedAccount) + Send + Sync + 'static) -> Ended {
        let wire = self.wire;
        self.ask_liar(move |path, mut answer| {
            if path.starts_with("/light/accounts/") {
                let mut shown = wire
                    .decode_proved_account(&answer.body)
                    .expect("an account");
                lie(&mut shown);
                answer.body = wire.encode_proved_account(&shown);
            }
            answer
        })
    }
}

fn assert_caught(ended: &Ended, code: &str) {
    assert_eq!(
        ended.code,
        Some(3),
        "{code}: {} {}",
        ended.stdout,
        ended.stderr
    );
    let said: Value = serde_json::from_str(&ended.stdout).expect("one object");
    assert_eq!(said["verified"], false);
    assert_eq!(said["code"], code, "{said}");
    assert!(
        ended.stderr.contains("ask another node"),
        "{}",
        ended.stderr
    );
}

#[test]
fn what_an_honest_node_says_is_proved() {
    let world = World::new();
    for height in [1, 2, 5, 6] {
        let proved = world.verify(&world.node(), &world.checkpoint(height), &world.alice);
        let proved: Value = serde_json::from_str(&proved.ok().stdout).expect("one object");
        assert_eq!(proved["verified"], true);
        assert_eq!(proved["height"], 6);
        let said = get(&world.node(), &format!("/accounts/{}", world.alice)).json();
        assert_eq!(proved["balance"], said["balance"]);
        assert_eq!((&proved["nonce"], &said["nonce"]), (&json!(3), &json!(3)));
        let headers = if height == 6 { 1 } else { 2 };
        assert_eq!(proved["headers"], headers, "the same set needs one step");
    }
    let nobody = format!("0x{}", "12".repeat(20));
    let proved = world
        .verify(&world.node(), &world.checkpoint(3), &nobody)
        .ok();
    let proved: Value = serde_json::from_str(&proved.stdout).expect("one object");
    assert_eq!(
        (&proved["exists"], &proved["balance"]),
        (&json!(false), &json!("0"))
    );
}

#[test]
fn people_read_what_is_proved() {
    let world = World::new();
    let rpc = world.node();
    let trusted = world.checkpoint(4);
    let arguments = ["light", "verify", "--trusted", &trusted, "--rpc", &rpc];
    let ended = run(&[&arguments[..], &["account", "alice"]].concat()).ok();
    for word in [
        "Proved",
        &world.alice,
        "balance",
        "6, 0x",
        &trusted,
        "state root",
    ] {
        assert!(ended.stdout.contains(word), "{word} in {}", ended.stdout);
    }
}

#[test]
fn a_lie_about_a_balance_is_caught() {
    let world = World::new();
    let richer = world.about_accounts(|shown| {
        if let Some(account) = &mut shown.proof.account {
            account.balance += 1;
        }
    });
    assert_caught(&richer, "proof");
    assert_caught(
        &world.about_accounts(|shown| shown.proof.account = None),
        "proof",
    );
}

#[test]
fn a_wrong_sibling_is_caught() {
    let world = World::new();
    let wire = world.wire;
    let ended = world.ask_liar(move |path, mut answer| {
        if path.starts_with("/light/accounts/") {
            let last = answer.body.len() - 1;
            answer.body[last] ^= 1;
            wire.decode_proved_account(&answer.body)
                .expect("it still reads");
        }
        answer
    });
    assert_caught(&ended, "proof");
}

#[test]
fn a_certificate_of_two_of_four_is_caught() {
    let world = World::new();
    let two = world.about_blocks(|shown, set| {
        let members = shown.certificate.signers.members(set).expect("members");
        let two: Vec<_> = members.iter().take(2).copied().collect();
        shown.certificate.signers = Signers::collect(set, two);
    });
    assert_caught(&two, "no_quorum");
}

#[test]
fn a_duplicate_signer_is_caught() {
    let world = World::new();
    let twice = world.about_blocks(|shown, set| {
        let members = shown.certificate.signers.members(set).expect("members");
        let (_, signature) = members[0];
        let everybody = (0..3).map(|index| (index, signature));
        shown.certificate.signers = Signers::collect(set, everybody);
    });
    assert_caught(&twice, "signature");
}

#[test]
fn a_certificate_of_another_block_is_caught() {
    let world = World::new();
    let other = world.about_blocks(|shown, _| shown.certificate.block_id.0[0] ^= 1);
    assert_caught(&other, "certificate_of_other");
}

/// What all validators together would sign: their keys are public on a devnet.
fn sign_again(shown: &mut LightBlock, set: &ValidatorSet, context: &SignContext) {
    shown.certificate.block_id = shown.header.id();
    let precommit = context.vote(&Vote {
        kind: VoteKind::Precommit,
        height: shown.certificate.height,
        round: shown.certificate.round,
        block_id: Some(shown.header.id()),
        valid_round: None,
        validator: Address::default(),
    });
    let signatures = (0..4).map(|index| {
        let signer = devnet_keys::signer(SCHEME, index).expect("a key");
        let address = Address::of(SCHEME, signer.public_key());
        let place = set
            .iter()
            .position(|validator| validator.address == address);
        let signature = Signature(signer.sign(&precommit).expect("it signs"));
        (place.expect("a validator"), signature)
    });
    let signatures: BTreeMap<usize, Signature> = signatures.collect();
    let members = signatures
        .iter()
        .map(|(place, signature)| (*place, signature));
    shown.certificate.signers = Signers::collect(set, members);
}

/// Even with every validator's signature: a block that is not yet can be no answer of now.
#[test]
fn a_header_of_the_future_is_caught() {
    let world = World::new();
    let trusted = world.checkpoint(2);
    let context = world.devnet.sign_context();
    let ahead = |by_ms: u64| {
        let trusted = trusted.clone();
        world.about_blocks(move |shown, set| {
            if !trusted.starts_with(&shown.header.id().to_string()) {
                shown.header.time.0 += by_ms;
                sign_again(shown, set, &context);
            }
        })
    };
    assert_caught(&ahead(3_600_000), "future");
    // The signatures are right: a clock that is a second off is none.
    ahead(1_000).ok();
}

#[test]
fn a_lie_about_a_state_root_is_caught() {
    let world = World::new();
    let trusted = world.checkpoint(2);
    let forged = world.about_blocks(move |shown, _| {
        // The block that is trusted is known by its id; any other one may be tried.
        if !trusted.starts_with(&shown.header.id().to_string()) {
            shown.header.state_root.0[0] ^= 1;
            shown.certificate.block_id = shown.header.id();
        }
    });
    assert_caught(&forged, "signature");
}

#[test]
fn a_lie_about_the_validators_is_caught() {
    let world = World::new();
    let powers = world.about_blocks(|shown, _| shown.validators[0].power = 1_000);
    assert_caught(&powers, "validators_hash");
    let fewer = world.about_blocks(|shown, _| drop(shown.validators.pop()));
    assert_caught(&fewer, "validators_hash");
    let twice = world.about_blocks(|shown, _| shown.validators[1] = shown.validators[0].clone());
    assert_caught(&twice, "validators");
}

#[test]
fn a_lie_about_a_height_is_caught() {
    let world = World::new();
    let node = world.node();
    let before = world.ask_liar(move |path, answer| match path {
        "/light/blocks/6" => get(&node, "/light/blocks/5"),
        _ => answer,
    });
    assert_caught(&before, "other_height");
    // What was right before the last payment, shown as what is right now.
    let old = get(&world.node(), &format!("/light/accounts/{}", world.alice));
    let wire = world.wire;
    let mut old = wire.decode_proved_account(&old.body).expect("an account");
    world.pay(3);
    let stale = old.clone();
    let honest = world.about_accounts({
        let old = old.clone();
        move |shown| *shown = old.clone()
    });
    old.height.0 += 1;
    let ended = world.about_accounts(move |shown| *shown = old.clone());
    assert_caught(&ended, "proof");
    // As old as it is it is true, and says how old.
    let said: Value = serde_json::from_str(&honest.ok().stdout).expect("one object");
    assert_eq!(said["height"], json!(stale.height));
    let early = world.about_accounts(|shown| shown.height.0 = 2);
    assert_caught(&early, "proof");
}

#[test]
fn a_lie_about_the_chain_is_caught() {
    let world = World::new();
    let status = |key: &'static str, value: Value| {
        move |path: &str, mut answer: Answer| {
            if path == "/status" {
                let mut status = answer.json();
                status[key] = value.clone();
                answer.body = status.to_string().into_bytes();
            }
            answer
        }
    };
    let genesis = format!("0x{}", "34".repeat(32));
    let ended = world.ask_liar(status("genesis_hash", json!(genesis)));
    assert_caught(&ended, "other_genesis");
    let ended = world.ask_liar(status("chain_id", json!(1)));
    assert_caught(&ended, "other_chain");
    let ended = world.ask_liar(status("scheme", json!("dilithium3")));
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    // A whole other chain, in order within itself.
    let other = Devnet::builder().validators(3).scheme(SCHEME).manual(true);
    let other = other.boot().expect("it boots");
    for _ in 0..4 {
        other.tick().expect("a block");
    }
    let ended = world.verify(&other.urls()[0], &world.checkpoint(2), &world.alice);
    assert_caught(&ended, "not_the_checkpoint");
}

#[test]
fn bytes_that_are_no_answer_are_caught() {
    let world = World::new();
    for path in ["/light/blocks/", "/light/accounts/"] {
        for harm in [
            |body: &mut Vec<u8>| body.clear(),
            |body: &mut Vec<u8>| body.truncate(body.len() / 2),
            |body: &mut Vec<u8>| body.push(0),
            |body: &mut Vec<u8>| body.resize(1 << 20, 7),
        ] {
            let ended = world.ask_liar(move |asked, mut answer| {
                if asked.starts_with(path) {
                    harm(&mut answer.body);
                }
                answer
            });
            assert_caught(&ended, "malformed");
        }
    }
}

#[test]
fn what_is_no_lie_is_not_called_one() {
    let world = World::new();
    let node = world.node();
    let trusted = world.checkpoint(6);
    let ended = world.verify("http://127.0.0.1:1", &trusted, &world.alice);
    ended.assert_refused(1, &["no answer", "is the node running"]);
    let behind = trusted.replace("@6", "@60");
    let ended = world.verify(&node, &behind, &world.alice);
    ended.assert_refused(1, &["at height 6", "wait until it has caught up"]);
    for wrong in ["6", "0x12@6", "latest"] {
        let ended = world.verify(&node, wrong, &world.alice);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains("HASH@HEIGHT"), "{}", ended.stderr);
    }
    let ended = world.verify(&node, &trusted, "0x12");
    ended.assert_refused(2, &["copy the whole address"]);
}

#[test]
fn the_routes_refuse_what_they_cannot_answer() {
    let devnet = Devnet::builder().validators(1).manual(true).boot();
    let devnet = devnet.expect("it boots");
    let url = &devnet.urls()[0];
    let address = format!("0x{}", "12".repeat(20));
    for (path, status, code) in [
        ("/light/blocks/1", 404, "unknown_block"),
        ("/light/blocks/0", 404, "unknown_block"),
        ("/light/blocks/-1", 400, "malformed"),
        ("/light/blocks/18446744073709551616", 400, "malformed"),
        ("/light/accounts/0x12", 400, "malformed"),
        (&*format!("/light/accounts/{address}"), 404, "unknown_block"),
        ("/receipts/0x12", 400, "malformed"),
        ("/records/0x12/0x00", 400, "malformed"),
        (&*format!("/records/{address}/0x"), 400, "malformed"),
        (&*format!("/records/{address}/0x0"), 400, "malformed"),
        (
            &*format!("/records/{address}/0x{}", "00".repeat(257)),
            400,
            "malformed",
        ),
        (&*format!("/records/{address}/0x00"), 404, "unknown_record"),
        (
            &*format!("/light/records/{address}/0x00"),
            404,
            "unknown_block",
        ),
        (
            &*format!("/receipts/0x{}", "12".repeat(32)),
            404,
            "unknown_receipt",
        ),
    ] {
        let answer = get(url, path);
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.json()["code"], code, "{path}");
    }
}

const DAY_MS: u64 = 86_400_000;

/// What the chain was two weeks ago proves nothing of now: its validators may have sold their keys
/// since, and what was right then can be shown again.
#[test]
fn what_is_too_old_is_refused_whether_it_is_trusted_or_shown() {
    let world = World::new();
    let old = |shown: &mut LightBlock| shown.header.time.0 -= 15 * DAY_MS;
    let only_trusted = world.rewriting(move |shown| {
        if shown.header.height.0 == 2 {
            old(shown);
        }
    });
    let trusted = world.checkpoint_of(&only_trusted, 2);
    let refused = world.verify_with(&only_trusted, &trusted, &[]);
    assert_too_old(
        &refused,
        "trusted_too_old",
        14.0,
        &["newer HASH@HEIGHT", &trusted],
    );
    let more = ["--max-age", "16d", "--max-head-age", "1h"];
    let proved = world.verify_with(&only_trusted, &trusted, &more).ok();
    let said: Value = serde_json::from_str(&proved.stdout).expect("one object");
    let age = |key: &str| said[key].as_f64().expect("a number");
    assert!(age("age_seconds") < 3_600.0, "{said}");
    assert!(age("trusted_age_seconds") > 14.9 * 86_400.0, "{said}");

    let replayed = world.rewriting(old);
    let trusted = world.checkpoint_of(&replayed, 2);
    let more = ["--max-age", "384h", "--max-head-age", "off"];
    world.verify_with(&replayed, &trusted, &more).ok();
    let more = ["--max-age", "384h", "--max-head-age", "1d"];
    let refused = world.verify_with(&replayed, &trusted, &more);
    assert_too_old(
        &refused,
        "stale",
        1.0,
        &["ask another node", "15 d", &replayed],
    );
}

/// What a node showed an hour ago, shown again: every signature is right, and without being asked for
/// anything the command says nothing of now by it.
#[test]
fn what_was_right_an_hour_ago_is_refused_unless_it_is_asked_for() {
    const HOUR_MS: u64 = 3_600_000;
    let world = World::new();
    let replayed = world.rewriting(|shown| shown.header.time.0 -= HOUR_MS);
    let trusted = world.checkpoint_of(&replayed, 2);
    let refused = world.verify_with(&replayed, &trusted, &[]);
    assert_eq!(refused.code, Some(3), "{}", refused.stdout);
    let said: Value = serde_json::from_str(&refused.stdout).expect("one object");
    assert_eq!(
        (&said["verified"], &said["code"]),
        (&json!(false), &json!("stale"))
    );
    assert_eq!(said["max_age_seconds"], json!(600.0));
    assert!(said["age_seconds"].as_f64() >= Some(3_600.0), "{said}");
    for word in ["1 h", "10 min", "ask another node", "--max-head-age off"] {
        assert!(refused.stderr.contains(word), "{}", refused.stderr);
    }
    // A chain whose blocks come at a word only, or every other hour.
    for age in ["off", "2h"] {
        let more = ["--max-head-age", age];
        let proved = world.verify_with(&replayed, &trusted, &more).ok();
        let said: Value = serde_json::from_str(&proved.stdout).expect("one object");
        assert!(said["age_seconds"].as_f64() >= Some(3_600.0), "{said}");
    }
    let minutes = world.rewriting(|shown| shown.header.time.0 -= 8 * 60_000);
    let trusted = world.checkpoint_of(&minutes, 2);
    world.verify_with(&minutes, &trusted, &[]).ok();
}

fn assert_too_old(ended: &Ended, code: &str, days: f64, words: &[&str]) {
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let said: Value = serde_json::from_str(&ended.stdout).expect("one object");
    assert_eq!(
        (&said["verified"], &said["code"]),
        (&json!(false), &json!(code))
    );
    assert_eq!(said["max_age_seconds"], json!(days * 86_400.0));
    assert!(
        said["age_seconds"].as_f64() > Some(14.9 * 86_400.0),
        "{said}"
    );
    for word in words {
        assert!(ended.stderr.contains(word), "{word} in {}", ended.stderr);
    }
}

#[test]
fn witnesses_that_show_the_same_block_are_named() {
    let world = World::new();
    let urls = world.devnet.urls();
    let trusted = world.checkpoint(2);
    let more = ["--witness", &urls[1], "--witness", &urls[2]];
    let proved = world.verify_with(&urls[0], &trusted, &more).ok();
    let said: Value = serde_json::from_str(&proved.stdout).expect("one object");
    let id = &said["block_id"];
    let of = |url: &str| json!({ "url": url, "height": 6, "block_id": id, "agrees": true });
    assert_eq!(said["witnesses"], json!([of(&urls[1]), of(&urls[2])]));
    let people = ["light", "verify", "--trusted", &trusted, "--rpc", &urls[0]];
    let people = run(&[&people[..], &more, &["account", "alice"]].concat()).ok();
    let line = format!("{} shows the same block", urls[2]);
    assert!(people.stdout.contains(&line), "{}", people.stdout);
}

#[test]
fn a_witness_that_shows_another_block_stops_whether_it_lies_or_the_chain_forked() {
    let world = World::new();
    let node = world.node();
    let trusted = world.checkpoint(2);
    let wire = world.wire;
    let forked = world.rewriting(|shown| {
        if shown.header.height.0 == 6 {
            shown.header.state_root.0[0] ^= 1;
        }
    });
    let liar = proxy::serve(&node, move |path, mut answer| {
        if path == "/light/blocks/6" {
            let mut shown = wire.decode_light_block(&answer.body).expect("a block");
            shown.header.state_root.0[0] ^= 1;
            shown.certificate.block_id = shown.header.id();
            answer.body = wire.encode_light_block(&shown);
        }
        answer
    });
    for (witness, code, follows) in [(&liar, "witness_differs", false), (&forked, "fork", true)] {
        let ended = world.verify_with(&node, &trusted, &["--witness", witness]);
        assert_eq!(ended.code, Some(4), "{}", ended.stderr);
        let said: Value = serde_json::from_str(&ended.stdout).expect("one object");
        assert_eq!(said["code"], code);
        assert_eq!(
            (&said["verified"], &said["exit_code"]),
            (&json!(false), &json!(4))
        );
        let ours = world.checkpoint(6);
        let theirs = world.checkpoint_of(witness, 6);
        let shown = &said["witnesses"][0];
        assert_eq!(said["block_id"], ours.trim_end_matches("@6"));
        assert_eq!(shown["block_id"], theirs.trim_end_matches("@6"));
        assert_eq!(
            (&shown["agrees"], &shown["follows"]),
            (&json!(false), &json!(follows))
        );
        for word in [
            &node,
            witness,
            ours.trim_end_matches("@6"),
            theirs.trim_end_matches("@6"),
        ] {
            assert!(ended.stderr.contains(word), "{word} in {}", ended.stderr);
        }
    }
}

#[test]
fn a_witness_that_is_behind_or_away_or_of_another_chain_is_no_lie() {
    let world = World::new();
    let node = world.node();
    let trusted = world.checkpoint(2);
    let with = |witness: &str| {
        let arguments = ["light", "verify", "--rpc", &node, "--trusted", &trusted];
        let rest = ["--witness", witness, "account", "alice"];
        run(&[&arguments[..], &rest].concat())
    };
    let says = |key: &'static str, value: Value| {
        proxy::serve(&node, move |path, mut answer| {
            if path == "/status" {
                let mut status = answer.json();
                status[key] = value.clone();
                answer.body = status.to_string().into_bytes();
            }
            answer
        })
    };
    let behind = with(&says("height", json!(3)));
    behind.assert_refused(
        1,
        &["at height 3", "of height 6", "wait until it has caught up"],
    );
    let away = with("http://127.0.0.1:1");
    away.assert_refused(1, &["a witness", "no answer", "--witness"]);
    let genesis = format!("0x{}", "34".repeat(32));
    let foreign = with(&says("genesis_hash", json!(genesis)));
    foreign.assert_refused(2, &["another chain", &genesis, "name a node of this chain"]);
    with(&node).assert_refused(2, &["named already", "another node"]);
}

#[test]
fn an_age_that_is_none_is_refused_with_what_one_looks_like() {
    let trusted = format!("0x{}@7", "12".repeat(32));
    for flag in ["--max-age", "--max-head-age"] {
        for wrong in ["", "14", "0d", "-1d", "2 weeks", "99999999999999999999d"] {
            let age = format!("{flag}={wrong}");
            let arguments = ["light", "verify", "--trusted", &trusted, &age];
            let ended = run(&[&arguments[..], &["account", "alice"]].concat());
            assert_eq!(ended.code, Some(2), "{age}: {}", ended.stderr);
            assert!(
                ended.stderr.contains("12h or 14d") || wrong.is_empty(),
                "{}",
                ended.stderr
            );
        }
    }
}
