//! Everybody's fixture: a chain of four validators that sign with the simulator's scheme, a store
//! below it, and the view of a node that stands at its genesis.
use crate::state_store::{Durability, Store, StoreError};
use crate::view::{HeadView, NodeView};
use lockstep_protocol::crypto::simulated::Simulated;
use lockstep_protocol::crypto::{Scheme, SchemeId, Seed, Signer};
use lockstep_protocol::ledger::{
    ChainRules, CommitBatch, Draft, Head, Ledger, MemoryState, StateChanges,
};
use lockstep_protocol::limits::EXPIRY_HEIGHTS_MAX;
use lockstep_protocol::nouns::block::{Header, SealedBlock};
use lockstep_protocol::nouns::commit::{CommitCertificate, certify};
use lockstep_protocol::nouns::genesis::{Genesis, GenesisAccount, GenesisValidator};
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::nouns::proposal::{Proposal, ProposedBlock};
use lockstep_protocol::nouns::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::nouns::vote::{Signature, SignedVote, Vote, VoteKind};
use lockstep_protocol::types::{Address, BlockId, ChainId, Hash, Height, Round, Timestamp};
use lockstep_protocol::validators::schedule::ValidatorSchedule;
use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const SCHEME: SchemeId = SchemeId::MlDsa65; // what the simulated scheme goes by
pub(crate) const MAP_BYTES: usize = 1 << 30;

pub(crate) fn signer(number: u8) -> Arc<dyn Signer> {
    Simulated.signer(&Seed([number; 32])).unwrap()
}

pub(crate) fn address(number: u8) -> Address {
    Address::of(SCHEME, signer(number).public_key())
}

/// The chain, its validators 101 to 104, and users that begin with 1000 each.
pub(crate) struct World {
    pub(crate) genesis: Genesis,
    pub(crate) changes: StateChanges,
    pub(crate) rules: Arc<ChainRules>,
}

impl World {
    pub(crate) fn new(chain_id: u64) -> World {
        let mut accounts: Vec<_> = (1..=20)
            .map(|number| GenesisAccount {
                address: address(number),
                balance: 1_000,
            })
            .collect();
        accounts.sort_by_key(|account| account.address);
        let validators = (101..=104).map(|number| GenesisValidator {
            public_key: signer(number).public_key().to_vec(),
            power: 1,
        });
        let genesis = Genesis {
            chain_id: ChainId(chain_id),
            scheme: SCHEME,
            time: Timestamp(1_000),
            parameters: Parameters { fee_per_byte: 0 },
            validators: validators.collect(),
            accounts,
            applications: Vec::new(),
        };
        World {
            changes: Ledger::genesis_changes(&genesis).unwrap(),
            rules: Arc::new(ChainRules::new(&genesis, Arc::new(Simulated)).unwrap()),
            genesis,
        }
    }

    pub(crate) fn open(&self, dir: &Path, validator: Address) -> Result<Store, StoreError> {
        let durability = Durability::Process;
        let changes = &self.changes;
        Store::open(
            dir,
            durability,
            MAP_BYTES,
            &self.genesis,
            validator,
            changes,
        )
    }

    pub(crate) fn ledger(&self, store: &Store) -> Ledger {
        let head = store.head().unwrap();
        Ledger::new(self.rules.clone(), Arc::new(store.clone()), head).unwrap()
    }

    pub(crate) fn memory_ledger(&self) -> (Ledger, Arc<MemoryState>) {
        let state = Arc::new(MemoryState::new(&self.changes));
        let head = Head::genesis(&self.genesis, &self.changes);
        let ledger = Ledger::new(self.rules.clone(), state.clone(), head);
        (ledger.unwrap(), state)
    }

    pub(crate) fn pay(&self, from: u8, nonce: u64, to: u8, amount: u64) -> Transaction {
        let to = address(to);
        let memo = String::new();
        self.act(from, nonce, Action::Transfer { to, amount, memo })
    }

    pub(crate) fn act(&self, from: u8, nonce: u64, action: Action) -> Transaction {
        let body = TransactionBody {
            nonce,
            fee: 0,
            expires_at: Height(EXPIRY_HEIGHTS_MAX),
            action,
        };
        Transaction::sign(&*signer(from), &self.rules.context, body).unwrap()
    }

    pub(crate) fn vote(
        &self,
        kind: VoteKind,
        number: u8,
        height: u64,
        round: u32,
        id: &SealedBlock,
    ) -> SignedVote {
        let vote = Vote {
            kind,
            height: Height(height),
            round: Round(round),
            block_id: Some(id.id()),
            valid_round: None,
            validator: address(number),
        };
        let bytes = self.rules.context.vote(&vote);
        let signature = Signature(signer(number).sign(&bytes).unwrap());
        SignedVote { vote, signature }
    }

    pub(crate) fn certificate(&self, block: &SealedBlock) -> Arc<CommitCertificate> {
        let vote = |number| self.vote(VoteKind::Precommit, number, block.height().0, 0, block);
        let votes: Vec<_> = (101..=104).map(vote).collect();
        let votes: Vec<_> = votes.iter().collect();
        Arc::new(certify(&self.rules.genesis_validators, &votes).unwrap())
    }

    /// The batch of the next block; nothing is written and no head moves.
    pub(crate) fn next(
        &self,
        ledger: &mut Ledger,
        transactions: Vec<Transaction>,
    ) -> Arc<CommitBatch> {
        let draft = Draft {
            proposer: address(101),
            now: Timestamp(0),
            transactions,
            evidence: vec![],
        };
        let prepared = ledger.prepare(draft).unwrap();
        assert_eq!(prepared.rejected, []);
        let certificate = self.certificate(&prepared.block);
        ledger.commit(&prepared.block, certificate).unwrap()
    }

    pub(crate) fn grow(
        &self,
        store: &Store,
        ledger: &mut Ledger,
        transactions: Vec<Transaction>,
    ) -> Arc<CommitBatch> {
        let batch = self.next(ledger, transactions);
        store.commit_block(&batch).unwrap();
        ledger.committed(&batch);
        batch
    }
}

/// A prevote for no block, in round 0; nobody looks at its signature.
pub(crate) fn prevote(height: u64, validator: Address, signature: u8) -> SignedVote {
    let vote = Vote {
        kind: VoteKind::Prevote,
        height: Height(height),
        round: Round(0),
        block_id: None,
        valid_round: None,
        validator,
    };
    let signature = Signature(vec![signature; 3_309]);
    SignedVote { vote, signature }
}

/// An empty block that follows no other, and its proposal; nobody looks at its signature.
pub(crate) fn proposed(height: u64, round: u32, proposer: Address, signature: u8) -> ProposedBlock {
    let header = Header {
        chain_id: ChainId(7),
        height: Height(height),
        time: Timestamp(1),
        proposer,
        previous_block: Hash::default(),
        last_commit_hash: Hash::default(),
        transactions_root: Hash::default(),
        evidence_root: Hash::default(),
        receipts_root: Hash::default(),
        state_root: Hash::default(),
        validators_hash: Hash::default(),
        next_validators_hash: Hash::default(),
    };
    let block = Arc::new(SealedBlock::build(header, vec![], vec![], None));
    let proposal = Proposal {
        height: Height(height),
        round: Round(round),
        block_id: block.id(),
        valid_round: None,
        proposer,
        signature: Signature(vec![signature; 3_309]),
    };
    ProposedBlock {
        proposal,
        block,
        polka: None,
    }
}

/// A node that has committed nothing: its head has neither an id nor a state root.
pub(crate) fn head_before_all() -> HeadView {
    HeadView {
        height: Height(0),
        block_id: BlockId::default(),
        state_root: Hash::default(),
        time: Timestamp(0),
    }
}

/// What such a node shows of itself.
pub(crate) fn view_before_all(validators: ValidatorSchedule) -> Arc<NodeView> {
    Arc::new(NodeView::new(head_before_all(), validators))
}

/// A fresh directory with a store of validator 101.
pub(crate) fn opened() -> (World, TempDir, Store) {
    let world = World::new(7);
    let dir = TempDir::new().unwrap();
    let store = world.open(dir.path(), address(101)).unwrap();
    (world, dir, store)
}

thread_local! {
    /// What this thread has logged, while somebody wants to know.
    static LOGGED: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

struct OfThread;

impl log::Log for OfThread {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        LOGGED.with_borrow_mut(|lines| {
            if let Some(lines) = lines {
                lines.push(format!("{:<5} {}", record.level(), record.args()));
            }
        });
    }

    fn flush(&self) {}
}

/// The lines that this logs at info, on the thread of the test.
pub(crate) fn logged(act: impl FnOnce()) -> Vec<String> {
    // An error says that another test was first.
    let _ = log::set_logger(&OfThread);
    log::set_max_level(log::LevelFilter::Info);
    LOGGED.set(Some(Vec::new()));
    act();
    LOGGED.take().unwrap_or_default()
}
