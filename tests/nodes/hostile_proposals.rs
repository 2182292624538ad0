//! Proposals that a faulty validator can sign: polkas that prove nothing, lengths that lie, blocks
//! that are invalid (faults 18 to 20, 22 and 24 of the design, and the advisories on certificates).
//! Each has its status, its code and its count, and the chain goes on.
use lockstep_devnet::{Devnet, funded_accounts};
use lockstep_protocol::codec;
use lockstep_protocol::crypto;
use lockstep_protocol::limits::{BAD_POLKAS_BURST_MAX, BAD_POLKAS_PER_SECOND};
use lockstep_protocol::nouns::block::{Block, SealedBlock};
use lockstep_protocol::nouns::commit::Signers;
use lockstep_protocol::nouns::proposal::ProposedBlock;
use lockstep_protocol::nouns::transaction::Transaction;
use lockstep_protocol::nouns::vote::{Signature, Vote, VoteKind};
use lockstep_protocol::types::{Hash, Height, Round, Timestamp};
use lockstep_protocol::wire::PROTOCOL_VERSION;
use std::sync::Arc;
use std::time::Instant;
use support::target::{Case, PROPOSAL, Target};
use support::{Connection, get, metric, post};

const PROPOSALS: &str = "proposals_received_total";

/// A prevote for nil, of nobody yet.
fn prevote(height: u64, round: u32) -> Vote {
    Vote {
        kind: VoteKind::Prevote,
        height: Height(height),
        round: Round(round),
        block_id: None,
        valid_round: None,
        validator: Default::default(),
    }
}

/// What lies behind the signed part of a proposal of round 1 with valid round 0: its polka, as raw
/// as a faulty proposer can write it.
struct Polka {
    height: Height,
    round: Round,
    block_id: Hash,
    valid_round: Option<Round>,
    bitmap: Vec<u8>,
    signatures: Vec<Signature>,
    by_proposal: Option<u16>,
}

/// The proposer of height 1, round 1, with its block and a good polka.
struct Faulty {
    message: ProposedBlock,
    votes: Vec<(usize, Signature)>,
}

impl Faulty {
    fn new(target: &Target) -> Faulty {
        let validators = target.devnet.validators();
        let mut sorted = validators.clone();
        sorted.sort();
        let position = |index: usize| sorted.iter().position(|a| *a == validators[index]);
        let proposer = (0..4)
            .find(|index| position(*index) == Some(2))
            .expect("its turn");
        let mut message = target.proposal(proposer);
        message.proposal.round = Round(1);
        message.proposal.valid_round = Some(Round(0));
        target.sign_proposal(proposer, &mut message);
        let for_block = Vote {
            block_id: Some(message.proposal.block_id),
            ..prevote(1, 0)
        };
        let mut votes: Vec<(usize, Signature)> = (0..4)
            .map(|index| {
                let signed = target.signed(index, &for_block);
                (position(index).expect("a member"), signed.signature)
            })
            .collect();
        votes.sort_by_key(|(position, _)| *position);
        Faulty { message, votes }
    }

    fn polka(&self) -> Polka {
        Polka {
            height: Height(1),
            round: Round(0),
            block_id: self.message.proposal.block_id,
            valid_round: None,
            bitmap: vec![0b0111],
            signatures: self.votes[..3].iter().map(|(_, s)| s.clone()).collect(),
            by_proposal: None,
        }
    }

    fn body(&self, target: &Target, polka: Option<&Polka>) -> Vec<u8> {
        let genesis = target.devnet.genesis().hash();
        let message = (&self.message.proposal, self.message.block.block());
        let head = codec::encode(&(PROTOCOL_VERSION, genesis, message));
        let Some(p) = polka else {
            return [head, vec![0]].concat();
        };
        let place = (p.height, p.round, p.block_id, p.valid_round);
        let tail = codec::encode(&(1u8, place, &p.bitmap, &p.signatures, p.by_proposal));
        [head, tail].concat()
    }
}

type Change = fn(&mut Polka);

/// Polkas that belong to something else than their proposal.
const MISPLACED: [(&str, Change); 3] = [
    ("of another height", |p| p.height = Height(2)),
    ("of another round", |p| p.round = Round(1)),
    ("of another block", |p| p.block_id = Hash([1; 32])),
];

/// Polkas that prove nothing: lengths, positions, order, members, quorums.
const PROOFLESS: [(&str, Change); 11] = [
    ("an empty bitmap", |p| p.bitmap.clear()),
    ("a bitmap that is too long", |p| p.bitmap.push(0)),
    ("a bitmap of a kilobyte", |p| p.bitmap = vec![0xff; 1_000]),
    ("members beyond the set", |p| p.bitmap[0] = 0b1111_0111),
    ("more members than signatures", |p| p.bitmap[0] = 0b1111),
    ("more signatures than members", |p| p.bitmap[0] = 0b0011),
    ("one signature for two members", |p| {
        p.signatures[1] = p.signatures[0].clone();
    }),
    ("signatures in another order", |p| p.signatures.swap(0, 1)),
    ("no more than two thirds", |p| {
        p.bitmap[0] = 0b0011;
        p.signatures.truncate(2);
    }),
    ("votes with another valid round", |p| {
        p.valid_round = Some(Round(0));
    }),
    ("a proposer beyond the set", |p| p.by_proposal = Some(99)),
];

/// Fault 24 and the advisories on certificates.
#[test]
fn proposals_with_polkas_that_prove_nothing_are_refused() {
    let target = Target::boot();
    let faulty = Faulty::new(&target);
    let malformed = (400, "malformed", "result=\"malformed\"");
    let refused = (403, "bad_signature", "result=\"bad_signature\"");
    let misplaced = MISPLACED.iter().map(|case| (case, malformed));
    let proofless = PROOFLESS.iter().map(|case| (case, refused));
    for ((what, change), (status, code, label)) in misplaced.chain(proofless) {
        let mut polka = faulty.polka();
        change(&mut polka);
        target.refuse(&Case {
            what,
            path: PROPOSAL,
            body: faulty.body(&target, Some(&polka)),
            status,
            code,
            counted: (PROPOSALS, label),
        });
    }
    target.assert_unharmed();
}

/// They come at no cost of the sender's, each another one, beside proposals that verify.
#[test]
fn polkas_that_do_not_verify_are_looked_at_a_few_times_and_then_once_a_second() {
    let target = Target::boot();
    let faulty = Faulty::new(&target);
    let began = Instant::now();
    let (mut looked_at, mut over_budget) = (0, 0);
    for number in 0..60u8 {
        let mut polka = faulty.polka();
        polka.signatures[2].0[7] ^= number + 1;
        let body = faulty.body(&target, Some(&polka));
        match post(&target.peer_url, PROPOSAL, &body).status {
            403 => looked_at += 1,
            429 => over_budget += 1,
            status => panic!("{status}"),
        }
    }
    let most = BAD_POLKAS_BURST_MAX + BAD_POLKAS_PER_SECOND * (began.elapsed().as_secs() + 1);
    assert!(
        looked_at >= BAD_POLKAS_BURST_MAX && looked_at <= most,
        "{looked_at}"
    );
    assert_eq!(looked_at + over_budget, 60);
    let counted = metric(&target.url, PROPOSALS, "result=\"over_budget\"");
    assert_eq!(counted, over_budget as f64);
    assert_eq!(metric(&target.url, "evidence_total", ""), 0.0);
    target.assert_unharmed();
}

#[test]
fn valid_rounds_that_contradict_their_proposal_are_refused() {
    let target = Target::boot();
    let mut faulty = Faulty::new(&target);
    let malformed = (PROPOSALS, "result=\"malformed\"");
    let refuse = |what, body| {
        let path = PROPOSAL;
        let status = 400;
        let code = "malformed";
        let counted = malformed;
        target.refuse(&Case {
            what,
            path,
            body,
            status,
            code,
            counted,
        });
    };
    refuse(
        "a valid round without its polka",
        faulty.body(&target, None),
    );
    let polka = faulty.polka();
    let validators = target.devnet.validators();
    let proposer = faulty.message.proposal.proposer;
    let index = validators
        .iter()
        .position(|a| *a == proposer)
        .expect("it is there");
    for valid_round in [Round(1), Round(2), Round(u32::MAX)] {
        faulty.message.proposal.valid_round = Some(valid_round);
        target.sign_proposal(index, &mut faulty.message);
        refuse(
            "a valid round that is not before",
            faulty.body(&target, Some(&polka)),
        );
    }
    faulty.message.proposal.valid_round = None;
    target.sign_proposal(index, &mut faulty.message);
    refuse(
        "a polka without a valid round",
        faulty.body(&target, Some(&polka)),
    );
    target.assert_unharmed();
}

/// Fault 22: signed well, by validators that are none here. And signatures for another block.
#[test]
fn polkas_of_strangers_and_for_another_block_are_refused() {
    let target = Target::boot();
    let faulty = Faulty::new(&target);
    let (mut strangers, mut other_block) = (faulty.polka(), faulty.polka());
    let prevote_for = |block_id| Vote {
        block_id: Some(block_id),
        ..prevote(1, 0)
    };
    let context = target.devnet.sign_context();
    let scheme = target.devnet.genesis().scheme;
    for (place, index) in (10..13).enumerate() {
        let stranger = lockstep_actors::node::devnet_keys::signer(scheme, index).expect("a key");
        let bytes = context.vote(&prevote_for(faulty.message.proposal.block_id));
        strangers.signatures[place] = Signature(stranger.sign(&bytes).expect("it signs"));
    }
    let set = target
        .devnet
        .genesis()
        .validator_set(&*crypto::scheme(scheme))
        .expect("a set");
    let elsewhere: Vec<(usize, Signature)> = (0..4)
        .map(|index| {
            let signed = target.signed(index, &prevote_for(Hash([9; 32])));
            (
                set.index_of(&signed.vote.validator).expect("a member"),
                signed.signature,
            )
        })
        .collect();
    for (position, signature) in &elsewhere {
        if let Some(place) = other_block.signatures.get_mut(*position) {
            *place = signature.clone();
        }
    }
    assert_eq!(
        Signers::collect(&set, elsewhere.iter().map(|(i, s)| (*i, s))).count(),
        4
    );
    for (what, polka) in [
        ("of strangers", strangers),
        ("for another block", other_block),
    ] {
        let counted = (PROPOSALS, "result=\"bad_signature\"");
        let body = faulty.body(&target, Some(&polka));
        let path = PROPOSAL;
        let status = 403;
        let code = "bad_signature";
        target.refuse(&Case {
            what,
            path,
            body,
            status,
            code,
            counted,
        });
    }
    target.assert_unharmed();
}

/// Lengths that lie, wherever one stands in a proposal behind its signed part.
#[test]
fn lengths_that_lie_are_malformed() {
    let target = Target::boot();
    let faulty = Faulty::new(&target);
    let good = faulty.body(&target, Some(&faulty.polka()));
    let bitmap = codec::encode(&vec![0b0111u8]);
    let count = codec::encode(&3u32);
    let tail = codec::encode(&(
        &[0b0111u8].to_vec(),
        &faulty.polka().signatures,
        None::<u16>,
    ));
    let at = good.len() - tail.len();
    assert_eq!(&good[at..at + 5], &bitmap[..]);
    assert_eq!(&good[at + 5..at + 9], &count[..]);
    for (what, at) in [
        ("the bitmap's", at),
        ("the signatures'", at + 5),
        ("one signature's", at + 9),
    ] {
        for length in [u32::MAX, i32::MAX as u32, 3 << 20] {
            let mut body = good.clone();
            body[at..at + 4].copy_from_slice(&length.to_le_bytes());
            let counted = ("messages_refused_total", "reason=\"Malformed\"");
            let path = PROPOSAL;
            let status = 400;
            let code = "malformed";
            target.refuse(&Case {
                what,
                path,
                body,
                status,
                code,
                counted,
            });
        }
    }
    target.assert_unharmed();
}

/// Fault 18: a hundred megabytes, announced or not.
#[test]
fn a_hundred_megabytes_are_cut_off_at_the_first_byte_or_at_the_limit() {
    let target = Target::boot();
    let before = metric(&target.url, "messages_refused_total", "reason=\"TooLarge\"");
    let mut connection = Connection::open(&target.peer_url);
    let head =
        format!("POST {PROPOSAL} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 104857600\r\n\r\n");
    connection.send(head.as_bytes());
    assert_eq!(connection.answer().expect("an answer").status, 413);
    let after = metric(&target.url, "messages_refused_total", "reason=\"TooLarge\"");
    assert_eq!(after - before, 1.0);

    // In chunks, behind a good signature: it is read, and stops at the limit.
    let faulty = Faulty::new(&target);
    let body = faulty.body(&target, Some(&faulty.polka()));
    let mut connection = Connection::open(&target.peer_url);
    let head = format!(
        "POST {PROPOSAL} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    connection.send(head.as_bytes());
    connection.send(&[format!("{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n"].concat());
    let chunk = [b"10000\r\n".as_slice(), &vec![0; 0x10000], b"\r\n"].concat();
    (0..1_600).for_each(|_| connection.send(&chunk));
    let answer = connection.answer();
    assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status == 413));
    let after = metric(&target.url, "messages_refused_total", "reason=\"TooLarge\"");
    assert_eq!(after - before, 2.0);
    target.assert_unharmed();
}

/// Fault 19: validly signed, in turn, and invalid: nobody prevotes it, the next proposer decides.
#[test]
fn an_invalid_block_is_voted_down_and_the_next_proposer_decides() {
    let genesis = Devnet::builder().genesis().expect("a genesis");
    let alice = &funded_accounts(genesis.scheme).expect("accounts")[0];
    let transfer = alice.transfer(&genesis.sign_context(), 0, alice.address, 1);
    let mut forged = transfer.expect("it signs");
    forged.signature.0[0] ^= 1;
    let mut long = forged.clone();
    long.signature.0 = vec![7; 8_000];
    let carry = |b: &mut Block, transactions: Vec<Transaction>| {
        b.header.transactions_root = Block::transactions_root(&transactions);
        b.transactions = transactions;
    };
    type Change<'a> = &'a dyn Fn(&mut Block);
    let changes: [(&str, Change<'_>); 7] = [
        ("state root", &|b| b.header.state_root = Hash([1; 32])),
        ("parent", &|b| b.header.previous_block = Hash([1; 32])),
        ("validators", &|b| b.header.validators_hash = Hash([1; 32])),
        ("time", &|b| b.header.time = Timestamp(0)),
        ("far future", &|b| b.header.time = Timestamp(u64::MAX)),
        ("a forged transaction", &|b| carry(b, vec![forged.clone()])),
        ("more bytes than a block may have", &|b| {
            carry(b, vec![long.clone(); 230])
        }),
    ];
    // What its proposer would have built.
    let twin = Devnet::builder().manual(true).boot().expect("it boots");
    twin.tick().expect("a block comes");
    let good = twin.block(0, 1).expect("it reads").expect("block 1");
    let good = good.block.block().clone();
    drop(twin);
    for (what, change) in changes {
        let mut block = good.clone();
        change(&mut block);
        voted_down(what, block);
    }
}

/// Its proposer says it to the three others and is heard no more.
fn voted_down(what: &str, block: Block) {
    let target = Target::boot();
    let proposer = target.validator(true);
    target.devnet.kill(proposer);
    let mut message = target.proposal(proposer);
    message.block = Arc::new(SealedBlock::new(block).expect("its body is its own"));
    message.proposal.block_id = message.block.id();
    target.sign_proposal(proposer, &mut message);
    let body = target.wire.encode_proposal(&message);
    let others: Vec<usize> = (0..4).filter(|node| *node != proposer).collect();
    for node in &others {
        let answer = post(&target.devnet.peer_urls()[*node], PROPOSAL, &body);
        assert_eq!(answer.status, 202, "{what}: it must be looked at");
    }
    target.devnet.tick().expect("a block comes");
    for node in others {
        let url = &target.devnet.urls()[node];
        let block = get(url, "/blocks/1").json();
        assert!(block["commit"]["round"].as_u64() > Some(0), "{what}");
        assert_ne!(block["id"], message.block.id().to_string(), "{what}");
        assert!(get(url, "/status").json()["halted"].is_null(), "{what}");
    }
}
