//! Bytes that no honest peer sends: each is refused, counted under its reason, and changes nothing:
//! the next block comes and no actor has fallen.
mod common;

use common::{Connection, eventually, get, metric, restarts};
use lockstep_actors::node::devnet_keys;
use lockstep_devnet::Devnet;
use lockstep_protocol::block::{Header, SealedBlock};
use lockstep_protocol::crypto::Signer;
use lockstep_protocol::limits::{PROPOSAL_BYTES_MAX, TRANSACTION_BYTES_MAX, VOTE_BYTES_MAX};
use lockstep_protocol::proposal::{Proposal, ProposedBlock};
use lockstep_protocol::types::{Address, Hash, Height, Round, Timestamp};
use lockstep_protocol::vote::{Signature, SignedVote, Vote, VoteKind};
use lockstep_protocol::wire::Wire;
use std::sync::Arc;
use std::time::Duration;

const VOTE: &str = "/consensus/vote";
const PROPOSAL: &str = "/consensus/proposal";
const TRANSACTION: &str = "/transactions";

/// Node 0 of four, the keys of all of them, and a pen to write what the wire allows.
struct Target {
    devnet: Devnet,
    url: String,
    wire: Wire,
    signers: Vec<Arc<dyn Signer>>,
}

/// One bad message: what it is, where it goes, what it gets, and where it is counted.
struct Case {
    what: &'static str,
    path: &'static str,
    body: Vec<u8>,
    status: u16,
    code: &'static str,
    counted: (&'static str, &'static str),
}

impl Target {
    fn new() -> Target {
        let devnet = Devnet::builder().manual(true).boot().expect("it boots");
        let scheme = devnet.genesis().scheme;
        let signer = |index| devnet_keys::signer(scheme, index).expect("a key");
        Target {
            url: devnet.urls()[0].clone(),
            wire: Wire::new(devnet.genesis().hash()),
            signers: (0..4).map(signer).collect(),
            devnet,
        }
    }

    /// A valid precommit for nil by validator 1 at the height under decision.
    fn vote(&self) -> SignedVote {
        let vote = Vote {
            kind: VoteKind::Precommit,
            height: Height(1),
            round: Round(0),
            block_id: None,
            valid_round: None,
            validator: self.devnet.validators()[1],
        };
        let bytes = self.devnet.sign_context().vote(&vote);
        let signature = Signature(self.signers[1].sign(&bytes).expect("it signs"));
        SignedVote { vote, signature }
    }

    /// An empty block of height 1, proposed in round 0 and signed by validator `index`.
    fn proposal(&self, index: usize) -> ProposedBlock {
        let proposer = self.devnet.validators()[index];
        let header = Header {
            chain_id: self.devnet.genesis().chain_id,
            height: Height(1),
            time: Timestamp(1),
            proposer,
            previous_block: Hash::default(),
            last_commit_hash: Hash::default(),
            transactions_root: Hash::default(),
            state_root: Hash::default(),
            validators_hash: Hash::default(),
        };
        let block = Arc::new(SealedBlock::build(header, Vec::new(), None));
        let mut proposal = Proposal {
            height: Height(1),
            round: Round(0),
            block_id: block.id(),
            valid_round: None,
            proposer,
            signature: Signature(Vec::new()),
        };
        let bytes = proposal.sign_bytes(&self.devnet.sign_context());
        proposal.signature = Signature(self.signers[index].sign(&bytes).expect("it signs"));
        let polka = None;
        ProposedBlock {
            proposal,
            block,
            polka,
        }
    }

    /// A validator whose turn height 1, round 0 is or is not.
    fn validator(&self, scheduled: bool) -> usize {
        let validators = self.devnet.validators();
        let mut sorted = validators.clone();
        sorted.sort();
        let is = |address: &Address| (*address == sorted[1]) == scheduled;
        validators.iter().position(is).expect("one of four")
    }

    fn refuse(&self, case: &Case) {
        let (family, label) = case.counted;
        let before = metric(&self.url, family, label);
        let answer = Connection::open(&self.url).request("POST", case.path, &case.body);
        let answer = answer.unwrap_or_else(|error| panic!("{}: {error}", case.what));
        assert_eq!(answer.status, case.status, "{}", case.what);
        assert_eq!(answer.json()["code"], case.code, "{}", case.what);
        let after = metric(&self.url, family, label);
        assert_eq!(after - before, 1.0, "{} counts as {label}", case.what);
    }

    /// Nothing was lost: the next block comes on all four, and nobody fell.
    fn assert_unharmed(&self) {
        let next = self.devnet.heights()[0].map(|height| height + 1);
        self.devnet.tick().expect("a block comes");
        assert_eq!(self.devnet.heights(), [next; 4]);
        for url in self.devnet.urls() {
            assert_eq!(restarts(&url), 0, "{url}");
            let ready = || (get(&url, "/readyz").status == 200).then_some(());
            eventually("it is ready", ready);
        }
    }
}

fn refused(reason: &'static str) -> (&'static str, &'static str) {
    ("messages_refused_total", reason)
}

/// What is wrong with the bytes, before they are a message. The same for all three kinds.
fn bad_bytes(target: &Target, path: &'static str, good: &[u8], limit: usize) -> Vec<Case> {
    let mut version = good.to_vec();
    version[0] = 9;
    let mut foreign = good.to_vec();
    foreign[2] ^= 1;
    let garbage = [&good[..34], &[0xff; 200][..]].concat();
    let malformed = refused("reason=\"Malformed\"");
    let case = |what, body: Vec<u8>, status, code, counted| Case {
        what,
        path,
        body,
        status,
        code,
        counted,
    };
    assert_eq!(&good[2..34], target.devnet.genesis().hash().0);
    vec![
        case("no body", vec![], 400, "malformed", malformed),
        case(
            "half an envelope",
            good[..20].to_vec(),
            400,
            "malformed",
            malformed,
        ),
        case(
            "an envelope alone",
            good[..34].to_vec(),
            400,
            "malformed",
            malformed,
        ),
        case(
            "an envelope around garbage",
            garbage,
            400,
            "malformed",
            malformed,
        ),
        case(
            "a byte missing",
            good[..good.len() - 1].to_vec(),
            400,
            "malformed",
            malformed,
        ),
        case(
            "a byte too many",
            [good, &[0]].concat(),
            400,
            "malformed",
            malformed,
        ),
        case(
            "another version",
            version,
            400,
            "version",
            refused("reason=\"Version\""),
        ),
        case(
            "another chain",
            foreign,
            400,
            "foreign_chain",
            refused("reason=\"ForeignChain\""),
        ),
        case(
            "too long",
            vec![0; limit + 1],
            413,
            "too_large",
            refused("reason=\"TooLarge\""),
        ),
    ]
}

#[test]
fn bytes_that_are_no_message_of_this_chain_are_refused_and_counted() {
    let target = Target::new();
    let vote = target.wire.encode_vote(&target.vote());
    let proposal = target.proposal(target.validator(true));
    let proposal = target.wire.encode_proposal(&proposal);
    let people = lockstep_devnet::funded_accounts(target.devnet.genesis().scheme);
    let alice = &people.expect("accounts")[0];
    let transfer = alice.transfer(&target.devnet.sign_context(), 0, alice.address, 1);
    let transfer = target.wire.encode_transaction(&transfer.expect("it signs"));
    let mut cases = bad_bytes(&target, VOTE, &vote, VOTE_BYTES_MAX);
    cases.extend(bad_bytes(&target, PROPOSAL, &proposal, PROPOSAL_BYTES_MAX));
    cases.extend(bad_bytes(
        &target,
        TRANSACTION,
        &transfer,
        TRANSACTION_BYTES_MAX,
    ));
    cases.iter().for_each(|case| target.refuse(case));
    target.assert_unharmed();
}

#[test]
fn votes_that_no_honest_validator_sends_are_refused_and_counted() {
    let target = Target::new();
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
    let target = Target::new();
    let (turn, other) = (target.validator(true), target.validator(false));
    let mut mismatched = target.proposal(turn);
    mismatched.proposal.block_id = Hash([1; 32]);
    let mut forged = target.proposal(turn);
    forged.proposal.signature.0[100] ^= 1;
    let mut unknown = target.proposal(turn);
    unknown.proposal.proposer = Address([9; 20]);
    let wrong = target.proposal(other);
    let family = "proposals_received_total";
    let cases = [
        (
            "another block",
            mismatched,
            400,
            "body_mismatch",
            refused("reason=\"BodyMismatch\""),
        ),
        (
            "a forgery",
            forged,
            403,
            "bad_signature",
            (family, "result=\"bad_signature\""),
        ),
        (
            "a stranger",
            unknown,
            403,
            "unknown_validator",
            (family, "\"unknown_validator\""),
        ),
        (
            "out of turn",
            wrong,
            403,
            "wrong_proposer",
            (family, "result=\"wrong_proposer\""),
        ),
    ];
    for (what, message, status, code, counted) in cases {
        target.refuse(&Case {
            what,
            path: PROPOSAL,
            body: target.wire.encode_proposal(&message),
            status,
            code,
            counted,
        });
    }
    let evidence = metric(&target.url, "evidence_total", "");
    assert_eq!(evidence, 1.0, "only a signed proposal out of turn is proof");
    target.assert_unharmed();
}

/// Claims first and bytes later, or never: the claim alone is enough to be refused.
#[test]
fn a_body_that_announces_too_much_is_refused_before_it_arrives() {
    let target = Target::new();
    let too_large = refused("reason=\"TooLarge\"").1;
    let before = metric(&target.url, "messages_refused_total", too_large);
    for path in [VOTE, PROPOSAL, TRANSACTION] {
        let mut connection = Connection::open(&target.url);
        let head = format!("POST {path} HTTP/1.1\r\nhost: n\r\ncontent-length: 999999999\r\n\r\nx");
        connection.send(head.as_bytes());
        let answer = connection.answer().expect("an answer");
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (413, &"too_large".into()),
            "{path}"
        );
    }
    let after = metric(&target.url, "messages_refused_total", too_large);
    assert_eq!(after - before, 3.0);
    target.assert_unharmed();
}

#[test]
fn a_chunked_body_that_never_ends_is_refused_at_the_limit() {
    let target = Target::new();
    let too_large = refused("reason=\"TooLarge\"").1;
    let before = metric(&target.url, "messages_refused_total", too_large);
    let mut connection = Connection::open(&target.url);
    let head = format!("POST {VOTE} HTTP/1.1\r\nhost: n\r\ntransfer-encoding: chunked\r\n\r\n");
    connection.send(head.as_bytes());
    let chunk = [b"400\r\n".as_slice(), &[0; 0x400], b"\r\n"].concat();
    (0..VOTE_BYTES_MAX / 0x400 + 1).for_each(|_| connection.send(&chunk));
    assert_eq!(connection.answer().expect("an answer").status, 413);
    let after = metric(&target.url, "messages_refused_total", too_large);
    assert_eq!(after - before, 1.0);
    target.assert_unharmed();
}

#[test]
fn whoever_sends_too_slowly_is_let_go_and_nobody_waits_for_him() {
    let target = Target::new();
    let slow = refused("reason=\"Slow\"").1;
    let half_body = format!("POST {VOTE} HTTP/1.1\r\nhost: n\r\ncontent-length: 100\r\n\r\nx");
    let slow_ones: Vec<_> = [half_body.as_str(), "POST /consensus/vo"]
        .map(|bytes| {
            let mut connection = Connection::open(&target.url);
            connection.send(bytes.as_bytes());
            std::thread::spawn(move || connection.answer().map(|answer| answer.status).ok())
        })
        .into_iter()
        .collect();
    // Meanwhile:
    target.devnet.tick().expect("a block comes");
    for one in slow_ones {
        let status = one.join().expect("it ends");
        assert!(matches!(status, None | Some(408)), "{status:?}");
    }
    assert_eq!(metric(&target.url, "messages_refused_total", slow), 1.0);
    target.assert_unharmed();
}

#[test]
fn thousands_of_bad_messages_are_noise() {
    const EACH: usize = 700;
    let target = Target::new();
    let genesis = target.devnet.genesis().hash();
    std::thread::scope(|scope| {
        for path in [VOTE, PROPOSAL, TRANSACTION] {
            let url = &target.url;
            scope.spawn(move || {
                let mut connection = Connection::open(url);
                for number in 0..EACH {
                    let Hash(noise) = Hash::of(&[path.as_bytes(), &number.to_le_bytes()]);
                    let envelope = [&1u16.to_le_bytes()[..], &genesis.0].concat();
                    let bytes = match number % 2 {
                        0 => noise.to_vec(),
                        _ => [envelope, noise.repeat(number % 8)].concat(),
                    };
                    let answer = connection.request("POST", path, &bytes).expect("an answer");
                    assert_eq!(answer.status, 400, "{path} {number}");
                }
            });
        }
        (0..3).for_each(|_| drop(target.devnet.tick().expect("blocks go on")));
    });
    let counted = metric(&target.url, "messages_refused_total", "");
    assert_eq!(counted, (3 * EACH) as f64);
    target.assert_unharmed();
}

/// Nobody has signed it, so it must not make a node believe that it is behind.
#[test]
fn an_unsigned_vote_of_a_far_height_leaves_the_node_where_it_is() {
    let target = Target::new();
    let mut far = target.vote();
    far.vote.height = Height(1_000_000_000);
    far.signature = Signature(Vec::new());
    let body = target.wire.encode_vote(&far);
    let answer = Connection::open(&target.url).request("POST", VOTE, &body);
    assert_eq!(
        answer.expect("an answer").status,
        202,
        "dropped, as too early"
    );
    for _ in 0..20 {
        let status = get(&target.url, "/status").json();
        assert_eq!(status["catching_up"], false);
        std::thread::sleep(Duration::from_millis(10));
    }
    target.assert_unharmed();
}
