//! The chain of the vectors: seven validators over time, four people, and blocks that the ledger has
//! made. It is the same in every run, signatures included ([`party`](super::party)).
use super::notes::{self, Notes};
pub(crate) use super::party::{Party, SCHEME, scheme};
use lockstep_protocol::application::{Application, Applications};
use lockstep_protocol::ledger::{self, ChainRules, Draft, Head, Ledger, MemoryState, Receipt};
use lockstep_protocol::nouns::block::SealedBlock;
use lockstep_protocol::nouns::commit::{CommitCertificate, Signers};
use lockstep_protocol::nouns::genesis::{Genesis, GenesisAccount, GenesisValidator};
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::nouns::transaction::{Action, Transaction};
use lockstep_protocol::nouns::vote::{Signature, Vote, VoteKind};
use lockstep_protocol::types::{Address, BlockId, ChainId, Height, Round, Timestamp};
use lockstep_protocol::validators::set::ValidatorSet;
use std::sync::Arc;

/// Blocks stand in the year 2023, ten seconds apart.
const GENESIS_TIME: Timestamp = Timestamp(1_700_000_000_000);
const BLOCK_MS: u64 = 10_000;

/// A block that the ledger has committed.
pub(crate) struct Committed {
    pub(crate) block: Arc<SealedBlock>,
    pub(crate) certificate: CommitCertificate,
    pub(crate) receipts: Arc<Vec<Receipt>>,
    pub(crate) set: Arc<ValidatorSet>,
}

pub(crate) struct World {
    pub(crate) genesis: Genesis,
    pub(crate) rules: Arc<ChainRules>,
    pub(crate) state: Arc<MemoryState>,
    pub(crate) people: Vec<Party>,
    pub(crate) validators: Vec<Party>,
    /// From height 1 on.
    pub(crate) blocks: Vec<Committed>,
    ledger: Ledger,
}

/// What each of the founders, the newcomers and the people holds at genesis; carol is poor.
const RICH: u64 = 1_000_000_000_000;
const POOR: u64 = 9_000;

/// Keys that no signature fits, whose addresses are rich all the same: one with t1 = 0, and a short one.
pub(crate) fn bad_keys() -> [(&'static str, Vec<u8>); 2] {
    let weak = [&[7; 32][..], &[0; 1_920]].concat();
    [("weak", weak), ("short", vec![7; 1_951])]
}

fn genesis(people: &[Party], validators: &[Party]) -> Genesis {
    let founder = |party: &Party| GenesisValidator {
        public_key: party.signer.public_key().to_vec(),
        power: 1,
    };
    let account = |party: &Party| GenesisAccount {
        address: party.address,
        balance: if party.name == "carol" { POOR } else { RICH },
    };
    let nobody = |(_, key): (&str, Vec<u8>)| GenesisAccount {
        address: Address::of(SCHEME, &key),
        balance: RICH,
    };
    let parties = people.iter().chain(validators).map(account);
    let mut accounts: Vec<_> = parties.chain(bad_keys().map(nobody)).collect();
    accounts.sort_by_key(|account| account.address);
    Genesis {
        chain_id: ChainId(1337),
        scheme: SCHEME,
        time: GENESIS_TIME,
        parameters: Parameters::default(),
        validators: validators.iter().take(4).map(founder).collect(),
        accounts,
        applications: vec![notes::named()],
    }
}

impl World {
    /// At genesis.
    pub(crate) fn new() -> World {
        let people: Vec<Party> = ["alice", "bob", "carol", "dave"].map(Party::person).into();
        let validators: Vec<Party> = (0..7).map(Party::validator).collect();
        let genesis = genesis(&people, &validators);
        let applications = Applications::of([Arc::new(Notes) as Arc<dyn Application>]);
        let rules = Arc::new(ChainRules::with(&genesis, scheme(), &applications).unwrap());
        let changes = rules.genesis_changes(&genesis).unwrap();
        let state = Arc::new(MemoryState::new(&changes));
        let head = Head::genesis(&genesis, &changes);
        let ledger = Ledger::new(rules.clone(), state.clone(), head).unwrap();
        World {
            genesis,
            rules,
            state,
            people,
            validators,
            blocks: Vec::new(),
            ledger,
        }
    }

    /// After the first two blocks: what people do, and what fails.
    pub(crate) fn of_two_blocks() -> World {
        let mut world = World::new();
        let first = world.first_transactions();
        world.make_block(first);
        let second = world.second_transactions();
        world.make_block(second);
        world
    }

    /// … and after those in which three of the four founders are replaced.
    pub(crate) fn of_all_blocks() -> World {
        let mut world = World::of_two_blocks();
        for (newcomer, founder) in [(4, 0), (5, 1), (6, 2)] {
            world.change(newcomer, 1);
            world.change(founder, 0);
        }
        world.make_block(vec![]);
        world.make_block(vec![]);
        world
    }

    pub(crate) fn context(&self) -> &SignContext {
        &self.rules.context
    }

    pub(crate) fn height(&self) -> Height {
        self.ledger.head().height
    }

    pub(crate) fn at(&self, height: u64) -> &Committed {
        &self.blocks[usize::try_from(height).unwrap() - 1]
    }

    fn first_transactions(&self) -> Vec<Transaction> {
        let [alice, bob] = &self.people[..2] else {
            panic!("two people")
        };
        let transfer = |to: &Party, amount, memo: &str| Action::Transfer {
            to: to.address,
            amount,
            memo: memo.into(),
        };
        let put = |key: &[u8], value: &[u8]| Action::Put {
            key: key.into(),
            value: value.into(),
        };
        let context = self.context();
        vec![
            alice.act(context, 0, transfer(bob, 1_000, "für Miete")),
            alice.act(context, 1, put(b"deed/1", b"a house")),
            alice.act(context, 2, put(b"deed/2", &[0, 255, 7])),
            bob.act(context, 0, transfer(alice, u64::MAX, "")),
        ]
    }

    fn second_transactions(&self) -> Vec<Transaction> {
        let (alice, founder) = (&self.people[0], &self.validators[3]);
        let delete = |key: &[u8]| Action::Delete { key: key.into() };
        let context = self.context();
        vec![
            alice.act(context, 3, delete(b"deed/2")),
            alice.act(context, 4, delete(b"nothing")),
            founder.act(context, 0, notes::call(b"milk=2")),
            founder.act(context, 1, notes::call(b"milk=?")),
            founder.act(context, 2, notes::call(b"many=*")),
        ]
    }

    /// All who validate ask for this power of one, who says that it is ready if it is new. Two blocks
    /// later it is so.
    fn change(&mut self, of: usize, power: u64) {
        let action = Action::UpdateValidator {
            public_key: self.validators[of].signer.public_key().to_vec(),
            power,
        };
        let set = self.ledger.validators().current().clone();
        let electors = self.validators.iter();
        let electors = electors.filter(|party| set.index_of(&party.address).is_some());
        let mut transactions: Vec<Transaction> = electors
            .map(|elector| self.next_of(elector, action.clone()))
            .collect();
        if power > 0 {
            transactions.push(self.next_of(&self.validators[of], Action::DeclareReady));
        }
        self.make_block(transactions);
        self.make_block(vec![]);
    }

    /// With the nonce that the state expects.
    fn next_of(&self, party: &Party, action: Action) -> Transaction {
        let account = ledger::account(&*self.state, &party.address).unwrap();
        party.act(self.context(), account.unwrap_or_default().nonce, action)
    }

    /// The next block, by the one whose turn it is, decided by the first quorum of its set.
    fn make_block(&mut self, transactions: Vec<Transaction>) {
        let height = self.height().next();
        let set = self.ledger.validators().current().clone();
        let count = transactions.len();
        let draft = Draft {
            proposer: set.proposer(height, Round::ZERO),
            now: GENESIS_TIME.plus_ms(height.0 * BLOCK_MS),
            transactions,
            evidence: vec![],
        };
        let prepared = self.ledger.prepare(draft).unwrap();
        assert_eq!(prepared.rejected, [], "at {height}");
        let block = prepared.block;
        assert_eq!(block.block().transactions.len(), count);
        let certificate = self.certify((height, Round::ZERO, block.id()), &set, &quorum(&set));
        let batch = self.ledger.commit(&block, Arc::new(certificate.clone()));
        let batch = batch.unwrap();
        self.state.apply(&batch.changes);
        self.ledger.committed(&batch);
        self.blocks.push(Committed {
            block,
            certificate,
            receipts: batch.receipts.clone(),
            set,
        });
    }

    /// The precommits of the members at these positions of a set, as a certificate.
    pub(crate) fn certify(
        &self,
        (height, round, block_id): (Height, Round, BlockId),
        set: &ValidatorSet,
        members: &[usize],
    ) -> CommitCertificate {
        self.certify_on(self.context(), (height, round, block_id), set, members)
    }

    /// The same on another chain.
    pub(crate) fn certify_on(
        &self,
        context: &SignContext,
        (height, round, block_id): (Height, Round, BlockId),
        set: &ValidatorSet,
        members: &[usize],
    ) -> CommitCertificate {
        let bytes = context.vote(&Vote {
            kind: VoteKind::Precommit,
            height,
            round,
            block_id: Some(block_id),
            valid_round: None,
            validator: Address::default(),
        });
        let sign = |index: &usize| {
            let address = set.get(*index).unwrap().address;
            let of = |party: &&Party| party.address == address;
            let party = self.validators.iter().find(of).unwrap();
            (*index, Signature(party.signer.sign(&bytes).unwrap()))
        };
        let signed: Vec<(usize, Signature)> = members.iter().map(sign).collect();
        let members = signed.iter().map(|(index, signature)| (*index, signature));
        CommitCertificate {
            height,
            round,
            block_id,
            signers: Signers::collect(set, members),
        }
    }
}

/// The first positions of a set that are a quorum.
pub(crate) fn quorum(set: &ValidatorSet) -> Vec<usize> {
    let is_enough = |count: &usize| set.is_quorum(set.power_of(0..*count));
    let count = (1..=set.len()).find(is_enough).unwrap();
    (0..count).collect()
}
