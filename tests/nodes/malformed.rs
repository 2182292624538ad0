//! Messages that no honest peer sends: each is refused, counted under its reason, and changes
//! nothing: the next block comes and no actor has fallen.
use lockstep_devnet::funded_accounts;
use lockstep_protocol::limits::{PROPOSAL_BYTES_MAX, TRANSACTION_BYTES_MAX, VOTE_BYTES_MAX};
use lockstep_protocol::nouns::vote::Signature;
use lockstep_protocol::types::{Address, Hash, Round};
use support::target::{Case, PROPOSAL, TRANSACTION, Target, VOTE};
use support::{eventually, metric};

const REFUSED: &str = "messages_refused_total";

/// What is wrong with the bytes before they are a message; the same for all three kinds.
fn bad_bytes(path: &'static str, good: &[u8], limit: usize) -> Vec<Case> {
    let mut version = good.to_vec();
    version[0] = 9;
    let mut foreign = good.to_vec();
    foreign[2] ^= 1;
    let envelope = &good[..34];
    let but_one = &good[..good.len() - 1];
    let malformed = (400, "malformed", "reason=\"Malformed\"");
    let cases = [
        ("no body", vec![], malformed),
        ("half an envelope", good[..20].to_vec(), malformed),
        ("an envelope alone", envelope.to_vec(), malformed),
        (
            "garbage inside",
            [envelope, &[0xff; 200]].concat(),
            malformed,
        ),
        ("a byte missing", but_one.to_vec(), malformed),
        ("a byte too many", [good, &[0]].concat(), malformed),
        (
            "another version",
            version,
            (400, "version", "reason=\"Version\""),
        ),
        (
            "another chain",
            foreign,
            (400, "foreign_chain", "reason=\"ForeignChain\""),
        ),
        (
            "too long",
            vec![0; limit + 1],
            (413, "too_large", "reason=\"TooLarge\""),
        ),
    ];
    let case = |(what, body, (status, code, reason))| Case {
        what,
        path,
        body,
        status,
        code,
        counted: (REFUSED, reason),
    };
    cases.into_iter().map(case).collect()
}

#[test]
fn bytes_that_are_no_message_of_this_chain_are_refused_and_counted() {
    let target = Target::boot();
    let vote = target.wire.encode_vote(&target.vote());
    let proposal = target.proposal(target.validator(true));
    let proposal = target.wire.encode_proposal(&proposal);
    let people = funded_accounts(target.devnet.genesis().scheme);
    let alice = &people.expect("accounts")[0];
    let transfer = alice.transfer(&target.devnet.sign_context(), 0, alice.address, 1);
    let transfer = target.wire.encode_transaction(&transfer.expect("it signs"));
    let mut cases = bad_bytes(VOTE, &vote, VOTE_BYTES_MAX);
    cases.extend(bad_bytes(PROPOSAL, &proposal, PROPOSAL_BYTES_MAX));
    cases.extend(bad_bytes(TRANSACTION, &transfer, TRANSACTION_BYTES_MAX));
    cases.iter().for_each(|case| target.refuse(case));
    target.assert_unharmed();
}

#[test]
fn votes_that_no_honest_validator_sends_are_refused_and_counted() {
    let target = Target::boot();
    let mut unknown = target.vote();
    unknown.vote.validator = Address([9; 20]);
    let mut contradictory = target.vote();
    contradictory.vote.valid_round = Some(Round(0));
    let mut unsigned = target.vote();
    unsigned.signature = Signature(Vec::new());
    let mut forged = target.vote();
    forged.signature.0[100] ^= 1;
    let mut borrowed = target.vote();
    borrowed.vote.validator = target.devnet.validators()[2];
    let cases = [
        ("an unknown validator", unknown, 403, "unknown_validator"),
        ("fields that contradict", contradictory, 400, "malformed"),
        ("no signature", unsigned, 403, "bad_signature"),
        ("a forged signature", forged, 403, "bad_signature"),
        ("another's signature", borrowed, 403, "bad_signature"),
    ];
    for (what, vote, status, code) in cases {
        let label = match code {
            "unknown_validator" => "kind=\"Precommit\",result=\"unknown_validator\"",
            "malformed" => "kind=\"Precommit\",result=\"malformed\"",
            _ => "kind=\"Precommit\",result=\"bad_signature\"",
        };
        target.refuse(&Case {
            what,
            path: VOTE,
            body: target.wire.encode_vote(&vote),
            status,
            code,
            counted: ("votes_received_total", label),
        });
    }
    target.assert_unharmed();
}

#[test]
fn proposals_that_no_honest_validator_sends_are_refused_and_counted() {
    let target = Target::boot();
    let (turn, other) = (target.validator(true), target.validator(false));
    let mut mismatched = target.proposal(turn);
    mismatched.proposal.block_id = Hash([1; 32]);
    let renamed = mismatched.clone();
    target.sign_proposal(turn, &mut mismatched);
    let mut forged = target.proposal(turn);
    forged.proposal.signature.0[100] ^= 1;
    let mut unknown = target.proposal(turn);
    unknown.proposal.proposer = Address([9; 20]);
    let wrong = target.proposal(other);
    let family = "proposals_received_total";
    let bad_signature = (403, "bad_signature", (family, "result=\"bad_signature\""));
    let mismatch = (400, "body_mismatch", (REFUSED, "reason=\"BodyMismatch\""));
    let stranger = (403, "unknown_validator", (family, "\"unknown_validator\""));
    let out_of_turn = (403, "wrong_proposer", (family, "result=\"wrong_proposer\""));
    let cases = [
        ("another block", mismatched, mismatch),
        ("another id under the old signature", renamed, bad_signature),
        ("a forgery", forged, bad_signature),
        ("a stranger", unknown, stranger),
        ("out of turn", wrong, out_of_turn),
    ];
    for (what, message, (status, code, counted)) in cases {
        target.refuse(&Case {
            what,
            path: PROPOSAL,
            body: target.wire.encode_proposal(&message),
            status,
            code,
            counted,
        });
    }
    let proved = || metric(&target.url, "evidence_total", "");
    let out_of_turn = || (proved() > 0.0).then_some(());
    eventually("a signed proposal out of turn is proof", out_of_turn);
    assert_eq!(proved(), 1.0, "and nothing else here");
    target.assert_unharmed();
}

#[test]
fn transactions_that_no_block_may_carry_are_refused_and_counted() {
    let target = Target::boot();
    let context = target.devnet.sign_context();
    let people = funded_accounts(target.devnet.genesis().scheme).expect("accounts");
    let (alice, bob) = (&people[0], &people[1]);
    let good = || {
        alice
            .transfer(&context, 0, bob.address, 1)
            .expect("it signs")
    };
    let mut forged = good();
    forged.signature.0[100] ^= 1;
    let mut unsigned = good();
    unsigned.signature = Signature(Vec::new());
    let mut stolen = good();
    stolen.sender = bob.address;
    let keyless = people[2].transfer(&context, 0, bob.address, 1);
    let mut keyless = keyless.expect("it signs");
    keyless.public_key = None;
    let cases = [
        ("a forged signature", "bad_signature", forged),
        ("no signature", "bad_signature", unsigned),
        ("the key of another", "foreign_key", stolen),
        (
            "a first transaction without its key",
            "unknown_key",
            keyless,
        ),
    ];
    for (what, code, transaction) in cases {
        target.refuse(&Case {
            what,
            path: TRANSACTION,
            body: target.wire.encode_transaction(&transaction),
            status: 400,
            code,
            counted: (REFUSED, "reason=\"Transaction\""),
        });
    }
    target.assert_unharmed();
    let block = target
        .devnet
        .block(0, 1)
        .expect("it reads")
        .expect("block 1");
    assert!(block.block.block().transactions.is_empty());
}
