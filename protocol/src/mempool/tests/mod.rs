//! A mempool beside a ledger, with users who pay by the simulator's signatures.
mod admission;
mod fates;
mod once;
mod order;
mod restored;
mod room;
mod worth;

use super::*;
use crate::crypto::simulated::Simulated;
use crate::crypto::{Scheme, SchemeId, Seed, Signer};
use crate::ledger::limits::NONCES_AHEAD_MAX;
use crate::ledger::{Draft, Head, Ledger, MemoryState, Prepared, TransactionError};
use crate::nouns::block::SealedBlock;
use crate::nouns::commit::certify;
use crate::nouns::genesis::{Genesis, GenesisAccount, GenesisValidator};
use crate::nouns::parameters::Parameters;
use crate::nouns::transaction::{Action, TransactionBody};
use crate::nouns::vote::{Signature, SignedVote, Vote, VoteKind};
use crate::types::{ChainId, Round, Timestamp};

const SCHEME: SchemeId = SchemeId::MlDsa65; // what the simulated scheme goes by
const EXPIRES_AT: Height = Height(100);
/// What each user owns.
const BALANCE: u64 = 1_000_000;
/// Enough for any transaction here that does not say what it pays.
const FEE: u64 = 1_000;

/// A transaction that a test asks for.
#[derive(Clone, Copy)]
struct Wish {
    user: u8,
    nonce: u64,
    fee: u64,
    expires_at: Height,
    amount: u64,
}

fn wish(user: u8, nonce: u64) -> Wish {
    Wish {
        user,
        nonce,
        fee: FEE,
        expires_at: EXPIRES_AT,
        amount: 1,
    }
}

impl Wish {
    fn fee(self, fee: u64) -> Wish {
        Wish { fee, ..self }
    }

    fn until(self, height: u64) -> Wish {
        let expires_at = Height(height);
        Wish { expires_at, ..self }
    }

    fn amount(self, amount: u64) -> Wish {
        Wish { amount, ..self }
    }
}

fn signer(number: u8) -> Arc<dyn Signer> {
    Simulated.signer(&Seed([number; 32])).unwrap()
}

fn address(number: u8) -> Address {
    Address::of(SCHEME, signer(number).public_key())
}

/// One node's mempool, checker and ledger.
struct Desk {
    rules: Arc<ChainRules>,
    mempool: Mempool,
    checker: Checker,
    ledger: Ledger,
    state: Arc<MemoryState>,
    tickets: u64,
    admitted: Vec<(Hash, Source)>,
}

impl Desk {
    fn new() -> Desk {
        Desk::with_room(Room::default())
    }

    /// Users 1 to 9 own [`BALANCE`].
    fn with_room(room: Room) -> Desk {
        let mut accounts: Vec<_> = (1..=9)
            .map(|number| GenesisAccount {
                address: address(number),
                balance: BALANCE,
            })
            .collect();
        accounts.sort_by_key(|account| account.address);
        let genesis = Genesis {
            chain_id: ChainId(7),
            scheme: SCHEME,
            time: Timestamp(1_000),
            parameters: Parameters { fee_per_byte: 1 },
            validators: vec![GenesisValidator {
                public_key: signer(101).public_key().to_vec(),
                power: 1,
            }],
            accounts,
            applications: Vec::new(),
        };
        let rules = Arc::new(ChainRules::new(&genesis, Arc::new(Simulated)).unwrap());
        let changes = Ledger::genesis_changes(&genesis).unwrap();
        let state = Arc::new(MemoryState::new(&changes));
        let head = Head::genesis(&genesis, &changes);
        Desk {
            mempool: Mempool::new(rules.clone(), room, Height(0)),
            checker: Checker::new(rules.clone()),
            ledger: Ledger::new(rules.clone(), state.clone(), head).unwrap(),
            rules,
            state,
            tickets: 0,
            admitted: Vec::new(),
        }
    }

    fn sign(&self, wish: Wish) -> Transaction {
        let action = Action::Transfer {
            to: Address([7; 20]),
            amount: wish.amount,
            memo: String::new(),
        };
        let body = TransactionBody {
            nonce: wish.nonce,
            fee: wish.fee,
            expires_at: wish.expires_at,
            action,
        };
        Transaction::sign(&*signer(wish.user), &self.rules.context, body).unwrap()
    }

    fn step(&mut self, input: Input<'_>) -> Vec<Output> {
        self.mempool.step(&*self.state, input).unwrap()
    }

    fn submit(&mut self, transaction: &Transaction, source: Source) -> Vec<Output> {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.step(Input::Submitted(
            Arc::new(transaction.clone()),
            source,
            ticket,
        ))
    }

    /// Submits, has everything checked, and returns the answers.
    fn give(&mut self, transaction: &Transaction) -> Result<Submission, MempoolRefusal> {
        let outputs = self.submit(transaction, Source::People);
        let answers = self.settle(outputs);
        assert_eq!(answers.len(), 1, "one question, one answer");
        answers.into_iter().next().unwrap().1
    }

    fn send(&mut self, wish: Wish) -> Result<Submission, MempoolRefusal> {
        let transaction = self.sign(wish);
        self.give(&transaction)
    }

    /// Carries out what the mempool wants, until nothing is left.
    fn settle(
        &mut self,
        outputs: Vec<Output>,
    ) -> Vec<(Ticket, Result<Submission, MempoolRefusal>)> {
        let mut answers = Vec::new();
        for output in outputs {
            match output {
                Output::Check(check) => {
                    let checked = self.checker.check(&check);
                    let outputs = self.step(Input::Checked(checked));
                    answers.extend(self.settle(outputs));
                }
                Output::Answer(ticket, answer) => answers.push((ticket, answer)),
                Output::Admitted(entry, key, source) => {
                    self.ledger.note_transaction(&entry.leaf, &key);
                    self.admitted.push((entry.id, source));
                }
            }
        }
        answers
    }

    fn prepare(&mut self, transactions: Vec<Transaction>) -> Prepared {
        let draft = Draft {
            proposer: address(101),
            now: Timestamp(0),
            transactions,
            evidence: vec![],
        };
        self.ledger.prepare(draft).unwrap()
    }

    /// Commits `block`, and tells the mempool.
    fn commit(&mut self, block: &Arc<SealedBlock>) {
        let vote = Vote {
            kind: VoteKind::Precommit,
            height: block.height(),
            round: Round(0),
            block_id: Some(block.id()),
            valid_round: None,
            validator: address(101),
        };
        let signature = signer(101).sign(&self.rules.context.vote(&vote)).unwrap();
        let signature = Signature(signature);
        let vote = SignedVote { vote, signature };
        let certificate = certify(&self.rules.genesis_validators, &[&vote]).unwrap();
        let batch = self.ledger.commit(block, Arc::new(certificate)).unwrap();
        self.state.apply(&batch.changes);
        self.ledger.committed(&batch);
        self.step(Input::Committed(
            block.height(),
            &block.block().transactions,
        ));
    }

    /// A block of these transactions.
    fn grow(&mut self, wishes: &[Wish]) {
        let transactions = wishes.iter().map(|wish| self.sign(*wish)).collect();
        let prepared = self.prepare(transactions);
        assert_eq!(prepared.rejected, []);
        self.commit(&prepared.block);
    }

    fn id(&self, wish: Wish) -> Hash {
        self.sign(wish).id()
    }

    fn fate(&self, wish: Wish) -> Option<Fate> {
        match self.mempool.status(&self.id(wish)) {
            Some(WaitingStatus::Over(fate)) => Some(fate.clone()),
            _ => None,
        }
    }

    fn waits(&self, wish: Wish) -> bool {
        let status = self.mempool.status(&self.id(wish));
        matches!(status, Some(WaitingStatus::Waiting(..)))
    }

    /// User and nonce of the next block's candidates, in their order.
    fn candidates(&self) -> Vec<(u8, u64)> {
        let candidates = self.mempool.candidates(usize::MAX);
        candidates
            .iter()
            .map(|t| (user_of(t), t.body.nonce))
            .collect()
    }
}

fn user_of(transaction: &Transaction) -> u8 {
    let mut users = 1..=9;
    users
        .find(|user| address(*user) == transaction.sender)
        .unwrap()
}

fn refused(answer: Result<Submission, MempoolRefusal>) -> &'static str {
    answer.unwrap_err().code()
}
