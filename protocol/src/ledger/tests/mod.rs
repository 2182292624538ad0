//! A chain of four validators and a few users, by the simulator's signatures.
mod blocks;
mod calls;
mod commits;
mod consent;
mod cost;
mod fees;
mod history;
mod inclusion;
mod offences;
mod prepared;
mod proofs;
mod random;
mod readiness;
mod records;
mod runs;
mod supply;
mod transactions;
mod validators;
mod validators_random;

use super::*;
use crate::crypto::simulated::Simulated;
use crate::crypto::{Scheme, SchemeId, Seed, Signer};
use crate::mempool::{Checker, Input, Mempool, MempoolRefusal, Output, Room, Source, Ticket};
use crate::nouns::block::{Block, Header, SealedBlock};
use crate::nouns::commit::{CommitCertificate, certify};
use crate::nouns::genesis::{Genesis, GenesisAccount, GenesisValidator};
use crate::nouns::parameters::Parameters;
use crate::nouns::transaction::{Action, Transaction, TransactionBody};
use crate::nouns::vote::{Signature, SignedVote, Vote, VoteKind};
use crate::types::{Address, ChainId, Hash, Height, Round, Timestamp};
use crate::validators::schedule::ValidatorSchedule;
use std::sync::Arc;

const SCHEME: SchemeId = SchemeId::MlDsa65; // what the simulated scheme goes by

/// Where no test is about it: no chain here gets that high.
const EXPIRES_AT: Height = Height(1_000);

fn signer(number: u8) -> Arc<dyn Signer> {
    Simulated.signer(&Seed([number; 32])).unwrap()
}

fn address_of(signer: &dyn Signer) -> Address {
    Address::of(SCHEME, signer.public_key())
}

/// Somebody with a key and a nonce.
struct User {
    signer: Arc<dyn Signer>,
    address: Address,
    nonce: u64,
}

impl User {
    fn new(number: u8) -> User {
        let signer = signer(number);
        let address = address_of(&*signer);
        User {
            signer,
            address,
            nonce: 0,
        }
    }

    /// The next transaction; the first one brings the key.
    fn pay(&mut self, world: &World, to: Address, amount: u64) -> Transaction {
        let nonce = self.nonce;
        self.nonce += 1;
        self.sign(world, nonce, to, amount)
    }

    fn sign(&self, world: &World, nonce: u64, to: Address, amount: u64) -> Transaction {
        let memo = String::new();
        self.act(world, nonce, Action::Transfer { to, amount, memo })
    }

    /// Any action, for the least fee.
    fn act(&self, world: &World, nonce: u64, action: Action) -> Transaction {
        let body = TransactionBody {
            nonce,
            fee: 0,
            expires_at: EXPIRES_AT,
            action,
        };
        let body = body.for_least_fee(&*self.signer, &world.rules.parameters);
        self.sign_body(world, body)
    }

    fn sign_body(&self, world: &World, body: TransactionBody) -> Transaction {
        Transaction::sign(&*self.signer, &world.rules.context, body).unwrap()
    }
}

/// What all nodes of the chain share.
struct World {
    genesis: Genesis,
    rules: Arc<ChainRules>,
    validators: Vec<Arc<dyn Signer>>,
}

impl World {
    /// Users 1, 2 and 3 own 1000, 500 and 0, and nothing costs a fee.
    fn new() -> World {
        World::with(0, &[(1, 1_000), (2, 500), (3, 0)])
    }

    /// These users own so much.
    fn with(fee_per_byte: u64, balances: &[(u8, u64)]) -> World {
        let validators: Vec<_> = (101..=104).map(signer).collect();
        let mut accounts: Vec<_> = balances
            .iter()
            .map(|(number, balance)| GenesisAccount {
                address: User::new(*number).address,
                balance: *balance,
            })
            .collect();
        accounts.sort_by_key(|account| account.address);
        let genesis = Genesis {
            chain_id: ChainId(7),
            scheme: SCHEME,
            time: Timestamp(1_000),
            parameters: Parameters { fee_per_byte },
            validators: validators
                .iter()
                .map(|signer| GenesisValidator {
                    public_key: signer.public_key().to_vec(),
                    power: 1,
                })
                .collect(),
            accounts,
            applications: Vec::new(),
        };
        let rules = Arc::new(ChainRules::new(&genesis, Arc::new(Simulated)).unwrap());
        World {
            genesis,
            rules,
            validators,
        }
    }

    /// The validators of the genesis decide every height after this one.
    fn schedule(&self, head: u64) -> ValidatorSchedule {
        ValidatorSchedule::unchanged(Height(head), self.rules.genesis_validators.clone())
    }

    fn node(&self) -> Node {
        let changes = self.rules.genesis_changes(&self.genesis).unwrap();
        let state = Arc::new(MemoryState::new(&changes));
        let head = Head::genesis(&self.genesis, &changes);
        let ledger = Ledger::new(self.rules.clone(), state.clone(), head).unwrap();
        Node { ledger, state }
    }

    fn precommits(&self, block: &SealedBlock, round: u32) -> Vec<SignedVote> {
        let sign = |signer: &Arc<dyn Signer>| {
            let vote = Vote {
                kind: VoteKind::Precommit,
                height: block.height(),
                round: Round(round),
                block_id: Some(block.id()),
                valid_round: None,
                validator: address_of(&**signer),
            };
            let bytes = self.rules.context.vote(&vote);
            let signature = Signature(signer.sign(&bytes).unwrap());
            SignedVote { vote, signature }
        };
        self.validators.iter().map(sign).collect()
    }

    fn certificate(&self, block: &SealedBlock, round: u32) -> Arc<CommitCertificate> {
        let votes = self.precommits(block, round);
        let votes: Vec<_> = votes.iter().collect();
        Arc::new(certify(&self.rules.genesis_validators, &votes).unwrap())
    }

    /// All four precommits: more than a block may carry.
    fn full_certificate(&self, block: &SealedBlock) -> CommitCertificate {
        let set = &self.rules.genesis_validators;
        let votes = self.precommits(block, 0);
        let mut members: Vec<_> = votes
            .iter()
            .map(|v| (set.index_of(&v.vote.validator).unwrap(), &v.signature))
            .collect();
        members.sort_by_key(|(index, _)| *index);
        CommitCertificate {
            signers: crate::nouns::commit::Signers::collect(set, members),
            ..(*self.certificate(block, 0)).clone()
        }
    }

    fn proposer(&self) -> Address {
        address_of(&*self.validators[0])
    }
}

/// One node: a ledger over its own state.
struct Node {
    ledger: Ledger,
    state: Arc<MemoryState>,
}

impl Node {
    fn prepare(&mut self, world: &World, transactions: Vec<Transaction>) -> Prepared {
        let draft = Draft {
            proposer: world.proposer(),
            now: Timestamp(0),
            transactions,
            evidence: vec![],
        };
        self.ledger.prepare(draft).unwrap()
    }

    fn commit(&mut self, world: &World, block: &Arc<SealedBlock>) -> Arc<CommitBatch> {
        let certificate = world.certificate(block, 0);
        let batch = self.ledger.commit(block, certificate).unwrap();
        self.demand_explained(&batch);
        self.state.apply(&batch.changes);
        self.ledger.committed(&batch);
        batch
    }

    /// What people are told of a block that differs is all that it does.
    fn demand_explained(&mut self, batch: &CommitBatch) {
        let explained = self.ledger.explain(&batch.block).unwrap();
        let named = explained.changed;
        let written = &batch.changes.values;
        assert_eq!(named.len(), written.len(), "{named:?}");
        assert_eq!(explained.receipts, *batch.receipts);
    }

    /// Prepares and commits a block that holds all of `transactions`.
    fn grow(&mut self, world: &World, transactions: Vec<Transaction>) -> Arc<CommitBatch> {
        let prepared = self.prepare(world, transactions);
        assert_eq!(prepared.rejected, []);
        self.commit(world, &prepared.block)
    }

    /// What an empty mempool on this head says of it.
    fn admit(&self, world: &World, transaction: &Transaction) -> Result<(), MempoolRefusal> {
        let rules = world.rules.clone();
        let head = self.ledger.head().height;
        let mut mempool = Mempool::new(rules.clone(), Room::default(), head);
        let mut checker = Checker::new(rules);
        let transaction = Arc::new(transaction.clone());
        let submitted = Input::Submitted(transaction, Source::People, Ticket(1));
        let mut outputs = mempool.step(&*self.state, submitted).unwrap();
        if let Some(Output::Check(check)) = outputs.first() {
            let checked = Input::Checked(checker.check(check));
            outputs = mempool.step(&*self.state, checked).unwrap();
        }
        match outputs.pop() {
            Some(Output::Answer(_, answer)) => answer.map(|_| ()),
            other => panic!("no answer, but {other:?}"),
        }
    }

    fn account(&self, address: &Address) -> Option<Account> {
        account(&*self.state, address).unwrap()
    }

    fn balance(&self, user: &User) -> u64 {
        self.account(&user.address).map_or(0, |a| a.balance)
    }
}

/// The same block with another header or body; its hashes are made to fit again.
fn changed(block: &SealedBlock, change: impl FnOnce(&mut Block)) -> Arc<SealedBlock> {
    let mut block = block.block().clone();
    change(&mut block);
    let Block {
        header,
        transactions,
        evidence,
        last_commit,
    } = block;
    Arc::new(SealedBlock::build(
        header,
        transactions,
        evidence,
        last_commit,
    ))
}

fn changed_header(block: &SealedBlock, change: impl FnOnce(&mut Header)) -> Arc<SealedBlock> {
    changed(block, |block| change(&mut block.header))
}
