//! One fixed example of every noun. Signatures are made up: only shapes matter here.
use borsh::{BorshDeserialize, BorshSerialize};
use lockstep_protocol::codec;
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::crypto::simulated::Simulated;
use lockstep_protocol::ledger::{
    Event, FailureCode, Ledger, MemoryState, Receipt, Status, prove_account, prove_application,
    prove_record,
};
use lockstep_protocol::nouns::block::{Block, Header, SealedBlock};
use lockstep_protocol::nouns::commit::{CommitCertificate, PolkaCertificate, Signers};
use lockstep_protocol::nouns::compact::{CompactProposal, TransactionsWanted};
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::nouns::evidence::Evidence;
use lockstep_protocol::nouns::genesis::{
    Genesis, GenesisAccount, GenesisApplication, GenesisValidator,
};
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::nouns::proposal::{Proposal, ProposedBlock};
use lockstep_protocol::nouns::pull::{HeldVotes, Pull, Pulled};
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::nouns::standing::{Question, Standing, Statement};
use lockstep_protocol::nouns::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::nouns::vote::{Signature, SignedVote, Vote, VoteKind};
use lockstep_protocol::proofs::inclusion::{ReceiptProof, TransactionProof};
use lockstep_protocol::proofs::light_client::{
    LightBlock, ProvedAccount, ProvedApplication, ProvedRecord,
};
use lockstep_protocol::proofs::snapshot::{
    Leaf, SnapshotBlock, SnapshotPart, decode_opening, encode_opening,
};
use lockstep_protocol::types::{Address, ChainId, Hash, Height, Round, Timestamp};
use lockstep_protocol::validators::set::{Validator, ValidatorSet};
use lockstep_protocol::wire::Wire;
use std::sync::Arc;

/// Reads a noun and writes it again.
pub(crate) type Reread = fn(&[u8]) -> Option<Vec<u8>>;

/// A noun's example: its bytes, what is computed from it, and how it is read.
pub(crate) struct Noun {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) hashes: Vec<(&'static str, Hash)>,
    pub(crate) sign_bytes: Option<Vec<u8>>,
    pub(crate) reread: Reread,
}

impl Noun {
    /// A noun that is encoded by the codec alone.
    fn plain<T: BorshSerialize + BorshDeserialize>(name: &'static str, value: &T) -> Noun {
        Noun::sealed(name, codec::encode(value), |bytes| {
            let value: T = codec::decode("noun", bytes, 1 << 20).ok()?;
            Some(codec::encode(&value))
        })
    }

    /// A noun within its envelope.
    fn sealed(name: &'static str, bytes: Vec<u8>, reread: Reread) -> Noun {
        let hashes = Vec::new();
        let sign_bytes = None;
        Noun {
            name,
            bytes,
            hashes,
            sign_bytes,
            reread,
        }
    }

    fn hash(mut self, name: &'static str, hash: Hash) -> Noun {
        self.hashes.push((name, hash));
        self
    }

    fn signs(mut self, bytes: Vec<u8>) -> Noun {
        self.sign_bytes = Some(bytes);
        self
    }
}

pub(crate) fn nouns() -> Vec<Noun> {
    let consensus = votes().into_iter().chain(proposals());
    let ledger = transactions_and_blocks().into_iter().chain(chain());
    let proofs = certificates().into_iter().chain(evidence());
    consensus
        .chain(ledger)
        .chain(proofs)
        .chain(messages())
        .chain(passed_on())
        .chain(self::proofs())
        .chain(snapshots())
        .collect()
}

const H: Height = Height(0x0102_0304_0506_0708);
const R: Round = Round(0x0a0b_0c0d);
const VALID: Option<Round> = Some(Round(3));
const V: Hash = Hash([0xb1; 32]);
const W: Hash = Hash([0xb2; 32]);

fn context() -> SignContext {
    SignContext {
        chain_id: ChainId(1337),
        genesis_hash: Hash([0x9e; 32]),
    }
}

fn signature(tag: u8) -> Signature {
    Signature(vec![0x50 | tag; 8])
}

fn vote(kind: VoteKind, block_id: Option<Hash>, valid_round: Option<Round>) -> Vote {
    let height = H;
    let round = R;
    let validator = Address([0xa1; 20]);
    Vote {
        kind,
        height,
        round,
        block_id,
        valid_round,
        validator,
    }
}

fn signed(tag: u8, vote: Vote) -> SignedVote {
    let signature = signature(tag);
    SignedVote { vote, signature }
}

fn votes() -> Vec<Noun> {
    use VoteKind::{Precommit, Prevote};
    let noun = |name, vote: Vote| Noun::plain(name, &vote).signs(context().vote(&vote));
    vec![
        noun("prevote", vote(Prevote, Some(V), VALID)),
        noun("nil prevote", vote(Prevote, None, None)),
        noun("precommit", vote(Precommit, Some(V), None)),
        noun("nil precommit", vote(Precommit, None, None)),
        Noun::plain("signed prevote", &signed(1, vote(Prevote, Some(V), VALID))),
        Noun::plain(
            "signed nil precommit",
            &signed(2, vote(Precommit, None, None)),
        ),
    ]
}

fn proposal(block_id: Hash, valid_round: Option<Round>) -> Proposal {
    let height = H;
    let round = R;
    let proposer = Address([0xa1; 20]);
    Proposal {
        height,
        round,
        block_id,
        valid_round,
        proposer,
        signature: signature(3),
    }
}

fn proposals() -> Vec<Noun> {
    let noun = |name, valid_round| {
        let proposal = proposal(V, valid_round);
        Noun::plain(name, &proposal).signs(proposal.sign_bytes(&context()))
    };
    vec![
        noun("proposal of a new value", None),
        noun("proposal of a valid value", VALID),
    ]
}

fn transaction(public_key: Option<Vec<u8>>) -> Transaction {
    let action = Action::Transfer {
        to: Address([0xa2; 20]),
        amount: 1_000_000,
        memo: "für Miete".into(),
    };
    Transaction {
        sender: Address([0xa3; 20]),
        body: TransactionBody {
            nonce: 7,
            fee: 5_400,
            expires_at: Height(1_000),
            action,
        },
        public_key,
        signature: signature(4),
    }
}

/// A block with two transactions, a piece of evidence and the certificate of its parent.
fn block() -> Block {
    let transactions = vec![transaction(Some(vec![0xd1; 32])), transaction(None)];
    let evidence = vec![accusation()];
    let last_commit = Some(commit());
    Block {
        header: Header {
            chain_id: ChainId(1337),
            height: H,
            time: Timestamp(1_700_000_000_000),
            proposer: Address([0xa1; 20]),
            previous_block: Hash([0xc1; 32]),
            last_commit_hash: Block::last_commit_hash(last_commit.as_ref()),
            transactions_root: Block::transactions_root(&transactions),
            evidence_root: Block::evidence_root(&evidence),
            state_root: Hash([0xc2; 32]),
            receipts_root: Hash([0xc4; 32]),
            validators_hash: Hash([0xc3; 32]),
            next_validators_hash: Hash([0xc4; 32]),
        },
        transactions,
        evidence,
        last_commit,
    }
}

/// Without transactions, evidence and a certificate, as at height 1.
fn first_block() -> Block {
    let header = Header {
        height: Height(1),
        last_commit_hash: Block::last_commit_hash(None),
        transactions_root: Block::transactions_root(&[]),
        evidence_root: Block::evidence_root(&[]),
        ..block().header
    };
    Block {
        header,
        transactions: Vec::new(),
        evidence: Vec::new(),
        last_commit: None,
    }
}

fn transactions_and_blocks() -> Vec<Noun> {
    let first = transaction(Some(vec![0xd1; 32]));
    let later = transaction(None);
    let signs = context().transaction(&first.sender, &first.body);
    let acting = |name, action: Action| {
        let mut acting = transaction(None);
        acting.body.action = action;
        Noun::plain(name, &acting).hash("id", acting.id())
    };
    let key = b"deed".to_vec();
    let put = key.clone();
    let value = vec![0xff, 0, 1];
    let put = Action::Put { key: put, value };
    let delete = Action::Delete { key };
    let update = Action::UpdateValidator {
        public_key: vec![0xd2; 32],
        power: 3,
    };
    let call = Action::Call {
        application: "token".into(),
        data: vec![0xff, 0, 2],
    };
    let block_noun = |name, value: Block| {
        let root = value.header.transactions_root;
        let evidence_root = value.header.evidence_root;
        Noun::plain(name, &value)
            .hash("id", SealedBlock::new(value).unwrap().id())
            .hash("transactions root", root)
            .hash("evidence root", evidence_root)
    };
    vec![
        Noun::plain("first transaction of an account", &first)
            .hash("id", first.id())
            .signs(signs),
        acting("put", put),
        acting("delete", delete),
        acting("update of a validator", update),
        acting("declaration of readiness", Action::DeclareReady),
        acting("call", call),
        // Of the same sender and body: the same id.
        Noun::plain("transaction without a key", &later).hash("id", later.id()),
        Noun::plain("header", &block().header).hash("id", block().header.id()),
        block_noun("block", block()),
        block_noun("first block", first_block()),
    ]
}

/// Ten validators, so that a bitmap has two bytes.
fn set() -> ValidatorSet {
    let members = (1..=10u8).map(|i| (vec![i; 32], u64::from(i)));
    ValidatorSet::new(&Simulated, members).unwrap()
}

fn signers() -> Signers {
    let signatures: Vec<Signature> = (0..4).map(signature).collect();
    Signers::collect(&set(), [0, 3, 7, 9].into_iter().zip(&signatures))
}

fn commit() -> CommitCertificate {
    CommitCertificate {
        height: H.previous(),
        round: R,
        block_id: V,
        signers: signers(),
    }
}

fn polka(block_id: Hash, by_proposal: Option<u16>) -> PolkaCertificate {
    PolkaCertificate {
        height: H,
        round: Round(3),
        block_id,
        valid_round: Some(Round(1)),
        signers: signers(),
        by_proposal,
    }
}

fn certificates() -> Vec<Noun> {
    vec![
        Noun::plain("commit certificate", &commit()).hash("hash", commit().hash()),
        Noun::plain("polka certificate", &polka(V, None)),
        Noun::plain("polka certificate with a proposal", &polka(V, Some(7))),
    ]
}

/// Two prevotes, one of them nil.
fn accusation() -> Evidence {
    let prevote = |value, vr| vote(VoteKind::Prevote, value, vr);
    let some = signed(1, prevote(Some(V), VALID));
    let nil = signed(2, prevote(None, None));
    Evidence::of_votes(some, nil)
}

fn evidence() -> Vec<Noun> {
    use Evidence::{ProposalAgainstPrevote, WrongProposer};
    let (v, w) = (proposal(V, None), proposal(W, None));
    let some = signed(1, vote(VoteKind::Prevote, Some(V), VALID));
    let noun = |name, value: Evidence| Noun::plain(name, &value).hash("hash", value.hash());
    vec![
        noun("conflicting votes", accusation()),
        noun(
            "conflicting proposals",
            Evidence::of_proposals(w.clone(), v.clone()),
        ),
        noun("proposal against prevote", ProposalAgainstPrevote(w, some)),
        noun("wrong proposer", WrongProposer(v)),
    ]
}

fn genesis() -> Genesis {
    let validator = |i: u8| GenesisValidator {
        public_key: vec![i; 32],
        power: u64::from(i),
    };
    let account = |i: u8| GenesisAccount {
        address: Address([i; 20]),
        balance: u64::MAX - u64::from(i),
    };
    Genesis {
        chain_id: ChainId(1337),
        scheme: SchemeId::MlDsa65,
        time: Timestamp(1_700_000_000_000),
        parameters: Parameters { fee_per_byte: 3 },
        validators: (1..=2).map(validator).collect(),
        accounts: (1..=2).map(account).collect(),
        applications: vec![GenesisApplication {
            name: "token".into(),
            version: 2,
            state: vec![0xff, 0, 3],
        }],
    }
}

fn chain() -> Vec<Noun> {
    let members: Vec<Validator> = set().iter().take(2).cloned().collect();
    let empty = Genesis {
        scheme: SchemeId::Dilithium3,
        validators: Vec::new(),
        accounts: Vec::new(),
        applications: Vec::new(),
        ..genesis()
    };
    vec![
        Noun::plain("genesis", &genesis()).hash("hash", genesis().hash()),
        Noun::plain("empty genesis of dilithium3", &empty).hash("hash", empty.hash()),
        Noun::plain("validators", &members).hash("hash of ten", set().hash()),
    ]
}

fn decided(block: Block) -> DecidedBlock {
    DecidedBlock {
        block: Arc::new(SealedBlock::new(block).unwrap()),
        certificate: Arc::new(commit()),
    }
}

fn proposed(valid_round: Option<Round>) -> ProposedBlock {
    let block = Arc::new(SealedBlock::new(block()).unwrap());
    ProposedBlock {
        proposal: proposal(block.id(), valid_round),
        polka: valid_round.map(|_| Arc::new(polka(block.id(), Some(7)))),
        block,
    }
}

fn wire() -> Wire {
    Wire::new(context().genesis_hash)
}

/// What crosses a socket: the envelope first.
fn messages() -> Vec<Noun> {
    let wire = wire();
    let noun = Noun::sealed;
    let vote = wire.encode_vote(&signed(1, vote(VoteKind::Prevote, Some(V), VALID)));
    let range = [decided(first_block()), decided(block())];
    let transaction = wire.encode_transaction(&transaction(None));
    vec![
        noun("message: vote", vote, vote_again),
        noun(
            "message: new proposal",
            wire.encode_proposal(&proposed(None)),
            proposal_again,
        ),
        noun(
            "message: valid proposal",
            wire.encode_proposal(&proposed(VALID)),
            proposal_again,
        ),
        noun(
            "message: compact proposal",
            wire.encode_compact(&CompactProposal::of(&proposed(VALID), |leaf| {
                proposed(VALID).block.leaves().first() == Some(leaf)
            })),
            compact_again,
        ),
        noun(
            "message: question for transactions",
            wire.encode_wanted(&missing()),
            missing_again,
        ),
        noun(
            "message: answer of transactions",
            wire.encode_fetched(&missing().pick(&proposed(None).block)),
            fetched_again,
        ),
        noun("message: transaction", transaction, transaction_again),
        noun("message: no blocks", wire.encode_blocks(&[]), blocks_again),
        noun(
            "message: two blocks",
            wire.encode_blocks(&range),
            blocks_again,
        ),
        noun(
            "message: question of standing",
            wire.encode_question(&question()),
            question_again,
        )
        .signs(context().question(&question().asker, &question().to, &question().nonce)),
        noun(
            "message: statement of standing",
            wire.encode_statement(&statement()),
            statement_again,
        )
        .signs(context().standing(&statement())),
        noun("message: pull", wire.encode_pull(&pull()), pull_again),
        noun(
            "message: answer to a pull",
            wire.encode_pulled(&pulled()),
            pulled_again,
        ),
    ]
}

/// What is passed on, and what a light client follows.
fn passed_on() -> Vec<Noun> {
    let wire = wire();
    let noun = Noun::sealed;
    vec![
        noun(
            "message: evidence",
            wire.encode_evidence(&accusation()),
            evidence_again,
        ),
        noun(
            "message: two transactions",
            wire.encode_transactions(&batch()),
            transactions_again,
        ),
        noun(
            "message: no transactions",
            wire.encode_transactions::<&[u8]>(&[]),
            transactions_again,
        ),
        noun(
            "message: light block",
            wire.encode_light_block(&light_block()),
            light_block_again,
        ),
    ]
}

fn snapshots() -> Vec<Noun> {
    let Block { header, .. } = first_block();
    let shown = LightBlock {
        header,
        certificate: commit(),
        validators: set().iter().cloned().collect(),
    };
    let head = SnapshotBlock {
        block: first_block(),
        certificate: commit(),
        validators: set().iter().cloned().collect(),
        receipts: Vec::new(),
    };
    let leaf = |tag: u8| Leaf {
        key: [tag; 32],
        value: vec![tag; 3],
    };
    let opening = encode_opening(&genesis().hash());
    vec![
        Noun::sealed("snapshot: opening", opening, opening_again),
        Noun::plain(
            "snapshot: handover",
            &SnapshotPart::Handover(Box::new(shown)),
        ),
        Noun::plain("snapshot: head", &SnapshotPart::Block(Box::new(head))),
        Noun::plain(
            "snapshot: leaves",
            &SnapshotPart::Leaves(vec![leaf(1), leaf(2)]),
        ),
        Noun::plain("snapshot: end", &SnapshotPart::End),
    ]
}

fn opening_again(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(encode_opening(&decode_opening(bytes).ok()?))
}

/// What whoever holds no block is shown: accounts and records with their paths, transactions and
/// receipts with theirs.
fn proofs() -> Vec<Noun> {
    let wire = wire();
    let noun = Noun::sealed;
    let account = |number: u8| GenesisAccount {
        address: Address([number; 20]),
        balance: u64::from(number),
    };
    let accounts = (1..=5).map(account).collect();
    let genesis = Genesis {
        accounts,
        applications: Vec::new(),
        ..genesis()
    };
    let changes = Ledger::genesis_changes(&genesis).unwrap();
    let state = MemoryState::new(&changes);
    let account = |number: u8| ProvedAccount {
        height: H,
        proof: prove_account(&state, &Address([number; 20])).unwrap(),
    };
    let record = ProvedRecord {
        height: H,
        proof: prove_record(&state, &Address([1; 20]), b"key").unwrap(),
    };
    let application = ProvedApplication {
        height: H,
        proof: prove_application(&state, "token", b"key").unwrap(),
    };
    let shown = vec![
        noun(
            "message: account with its proof",
            wire.encode_proved_account(&account(1)),
            account_again,
        ),
        noun(
            "message: no account, with its proof",
            wire.encode_proved_account(&account(9)),
            account_again,
        ),
        noun(
            "message: no record, with its proof",
            wire.encode_proved_record(&record),
            record_again,
        ),
        noun(
            "message: no value of an application, with its proof",
            wire.encode_proved_application(&application),
            application_again,
        ),
    ];
    let shown = shown.into_iter().chain(receipts_of_calls());
    shown.chain(paths()).collect()
}

/// To the roots of a block.
fn paths() -> Vec<Noun> {
    let receipts = [
        receipt(Status::Success),
        receipt(Status::Failed {
            code: FailureCode::NoSuchRecord,
        }),
    ];
    vec![
        Noun::plain(
            "proof of a transaction",
            &TransactionProof::new(&block(), 1).unwrap(),
        ),
        Noun::plain(
            "proof of a receipt",
            &ReceiptProof::new(&receipts, 1).unwrap(),
        ),
    ]
}

/// What becomes of calls.
fn receipts_of_calls() -> Vec<Noun> {
    let mut told = receipt(Status::Success);
    told.events = vec![
        Event {
            name: "moved".into(),
            data: vec![0xff, 0, 4],
        },
        Event {
            name: "e".into(),
            data: Vec::new(),
        },
    ];
    let failed = |code| receipt(Status::Failed { code });
    vec![
        Noun::plain("receipt of a call", &told).hash("leaf", told.leaf()),
        Noun::plain(
            "receipt of a call that its application failed",
            &failed(FailureCode::Application { code: 7 }),
        ),
        Noun::plain(
            "receipt of a call that asked for too much",
            &failed(FailureCode::WorkExhausted),
        ),
    ]
}

fn receipt(status: Status) -> Receipt {
    Receipt {
        transaction: W,
        status,
        fee: 7,
        bytes: 300,
        events: Vec::new(),
    }
}

fn light_block() -> LightBlock {
    LightBlock::of(&block().header, &commit(), &set())
}

fn batch() -> [Vec<u8>; 2] {
    [None, Some(vec![0xd1; 32])].map(|key| codec::encode(&transaction(key)))
}

fn evidence_again(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(wire().encode_evidence(&wire().decode_evidence(bytes).ok()?))
}

fn transactions_again(bytes: &[u8]) -> Option<Vec<u8>> {
    let batch = wire().decode_transactions(bytes).ok()?;
    let batch: Vec<Vec<u8>> = batch.iter().map(codec::encode).collect();
    Some(wire().encode_transactions(&batch))
}

fn light_block_again(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(wire().encode_light_block(&wire().decode_light_block(bytes).ok()?))
}

fn account_again(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(wire().encode_proved_account(&wire().decode_proved_account(bytes).ok()?))
}

fn record_again(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(wire().encode_proved_record(&wire().decode_proved_record(bytes).ok()?))
}

fn application_again(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(wire().encode_proved_application(&wire().decode_proved_application(bytes).ok()?))
}

/// The first transaction of the block.
fn missing() -> TransactionsWanted {
    let block = proposed(None).block;
    TransactionsWanted {
        height: H,
        block_id: block.id(),
        wanted: vec![1],
    }
}

fn compact_again(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(wire().encode_compact(&wire().decode_compact(bytes).ok()?))
}

fn missing_again(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(wire().encode_wanted(&wire().decode_wanted(bytes).ok()?))
}

fn fetched_again(bytes: &[u8]) -> Option<Vec<u8>> {
    let fetched = wire().decode_fetched(bytes).ok()?;
    Some(wire().encode_fetched(&fetched.iter().collect::<Vec<_>>()))
}

fn pull() -> Pull {
    let mut pull = Pull::new(H, R);
    let held = HeldVotes::new(VoteKind::Prevote, (Some(V), VALID), [0, 9], 10);
    pull.rounds[1].votes.push(held);
    pull.rounds[1].proposals.push((V, VALID));
    pull
}

fn pulled() -> Pulled {
    Pulled {
        committed: H,
        proposals: vec![Arc::new(proposed(VALID))],
        votes: vec![signed(1, vote(VoteKind::Precommit, None, None))],
    }
}

fn question() -> Question {
    Question {
        asker: Address([0xa1; 20]),
        to: Address([0xa2; 20]),
        nonce: [0x0e; 16],
        signature: signature(1),
    }
}

fn statement() -> Statement {
    let Question {
        asker, to, nonce, ..
    } = question();
    Statement {
        sayer: to,
        asker,
        nonce,
        standing: Standing {
            committed: H,
            signed: Some(R),
            is_locked: true,
            seen: VALID,
            remembers: false,
        },
        block_id: V,
        signature: signature(2),
    }
}

fn question_again(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(wire().encode_question(&wire().decode_question(bytes).ok()?))
}

fn statement_again(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(wire().encode_statement(&wire().decode_statement(bytes).ok()?))
}

fn pull_again(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(wire().encode_pull(&wire().decode_pull(bytes).ok()?))
}

fn pulled_again(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(wire().encode_pulled(&wire().decode_pulled(bytes).ok()?))
}

fn vote_again(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(wire().encode_vote(&wire().decode_vote(bytes).ok()?))
}

fn proposal_again(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(wire().encode_proposal(&wire().decode_proposal(bytes).ok()?))
}

fn transaction_again(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(wire().encode_transaction(&wire().decode_transaction(bytes).ok()?))
}

fn blocks_again(bytes: &[u8]) -> Option<Vec<u8>> {
    Some(wire().encode_blocks(&wire().decode_blocks(bytes).ok()?))
}
