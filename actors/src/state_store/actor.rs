//! **StateStore** owns the writes to LMDB: the sign record before a message is sent, one atomic
//! transaction per run of blocks. Reads go past its mailbox, by a cloned [`Store`].
//!
//! It is the error kernel: it never restarts in place, and an error of the disk ends the node.
use super::{Store, StoreError};
use crate::kill_points;
use crate::kill_points::Point;
use crate::messages::committer::BlocksStored;
use crate::messages::round_driver::{DriverRecovered, SignaturePersisted};
use crate::messages::state_store::{
    CommitBlocks, PersistEvidence, PersistFork, PersistSignature, RecoverDriver, RememberHalt,
};
use crate::metrics::Metrics;
use crate::runtime::{Ctx, Fatal, Port};
use crate::shell::Deliver;
use actix::prelude::*;
use lockstep_protocol::consensus::driver::Halt;
use lockstep_protocol::ledger::{ChainRules, Ledger};
use lockstep_protocol::types::Height;
use lockstep_protocol::validator_schedule::ValidatorSchedule;
use std::sync::Arc;
use std::time::Instant;

/// What the store tells.
#[derive(Clone)]
pub(crate) struct Ports {
    /// RoundDriver.
    pub(crate) persisted: Port<SignaturePersisted>,
    /// RoundDriver.
    pub(crate) recovered: Port<DriverRecovered>,
    /// Committer.
    pub(crate) stored: Port<BlocksStored>,
}

impl Store {
    /// The newest committed height, for an actor that is being rebuilt. A store that cannot be
    /// read fells the actor again, until its supervisor ends the node.
    pub(crate) fn committed_height(&self) -> Height {
        match self.head() {
            Ok(head) => head.height,
            Err(error) => panic!("{error}"),
        }
    }

    /// Who decides which height, for an actor that is being rebuilt; as above.
    pub(crate) fn schedule(&self, rules: &ChainRules) -> ValidatorSchedule {
        match self.validators(rules) {
            Ok(validators) => validators,
            Err(error) => panic!("{error}"),
        }
    }

    /// Whether a certified block was invalid here, for an actor that is being built: as above.
    pub(crate) fn has_halted(&self) -> bool {
        match self.halt() {
            Ok(halt) => halt.is_some(),
            Err(error) => panic!("{error}"),
        }
    }

    /// Whether the chain begins here and nothing has been signed, for an actor that is being built: as
    /// above.
    pub(crate) fn is_untouched(&self) -> bool {
        let untouched = self.read(|view| {
            let has_signed = view.recovery()?.position().is_some();
            Ok(view.head()?.height == Height(0) && !has_signed)
        });
        match untouched {
            Ok(untouched) => untouched,
            Err(error) => panic!("{error}"),
        }
    }

    /// A ledger on the committed head.
    pub(crate) fn ledger(&self, rules: Arc<ChainRules>) -> Result<Ledger, StoreError> {
        Ok(Ledger::new(rules, Arc::new(self.clone()), self.head()?)?)
    }
}

/// The actor.
pub(crate) struct StateStore {
    store: Store,
    rules: Arc<ChainRules>,
    metrics: Arc<Metrics>,
    fatal: Fatal,
    ports: Ports,
}

impl StateStore {
    /// Writes to `store`, which is open already: nothing here can fail to start.
    pub(crate) fn new(
        store: Store,
        rules: Arc<ChainRules>,
        metrics: Arc<Metrics>,
        fatal: Fatal,
        ports: Ports,
    ) -> StateStore {
        StateStore {
            store,
            rules,
            metrics,
            fatal,
            ports,
        }
    }
}

impl Actor for StateStore {
    type Context = Ctx<Self>;
}

impl Supervised for StateStore {}

impl Handler<PersistSignature> for StateStore {
    type Result = ();

    fn handle(&mut self, PersistSignature(persist): PersistSignature, _: &mut Ctx<Self>) {
        let position = persist.signed.position();
        kill_points::reach(Point::BeforePersist(position.2));
        let began = Instant::now();
        match self.store.persist(std::slice::from_ref(&*persist)) {
            Ok(()) => {
                kill_points::reach(Point::AfterPersist(position.2));
                self.metrics
                    .store_persist
                    .observe(began.elapsed().as_secs_f64());
                self.ports.persisted.deliver(SignaturePersisted(position));
            }
            Err(error) => self.fatal.raise(error.kind(), error.to_string()),
        }
    }
}

impl Handler<CommitBlocks> for StateStore {
    type Result = ();

    fn handle(&mut self, CommitBlocks(run): CommitBlocks, _: &mut Ctx<Self>) {
        let began = Instant::now();
        kill_points::reach(Point::BeforeCommit);
        match self.store.commit_run(&run) {
            Ok(()) => {
                kill_points::reach(Point::AfterCommit);
                self.metrics
                    .store_commit
                    .observe(began.elapsed().as_secs_f64());
                self.ports.stored.deliver(BlocksStored(run));
            }
            Err(error) => self.fatal.raise(error.kind(), error.to_string()),
        }
    }
}

impl Handler<RememberHalt> for StateStore {
    type Result = ();

    fn handle(&mut self, RememberHalt(halt): RememberHalt, _: &mut Ctx<Self>) {
        let remembered = match halt {
            Halt::InvalidDecision(height) => self.store.remember_halt(height),
            Halt::SignedElsewhere(height) => self.store.distrust_key(height),
            // A fork has its own record; the others end with the run.
            Halt::Forked(_) | Halt::AlreadySigned(_) | Halt::Signing(_) => Ok(()),
        };
        if let Err(error) = remembered {
            self.fatal.raise(error.kind(), error.to_string());
        }
    }
}

impl Handler<PersistEvidence> for StateStore {
    type Result = ();

    fn handle(&mut self, message: PersistEvidence, _: &mut Ctx<Self>) {
        let PersistEvidence { keep, forget } = message;
        if let Err(error) = self.store.keep_evidence(keep.as_deref(), &forget) {
            self.fatal.raise(error.kind(), error.to_string());
        }
    }
}

impl Handler<PersistFork> for StateStore {
    type Result = ();

    fn handle(&mut self, PersistFork(fork): PersistFork, _: &mut Ctx<Self>) {
        if let Err(error) = self.store.keep_fork(&fork) {
            self.fatal.raise(error.kind(), error.to_string());
        }
    }
}

impl Handler<RecoverDriver> for StateStore {
    type Result = ();

    fn handle(&mut self, RecoverDriver(incarnation): RecoverDriver, _: &mut Ctx<Self>) {
        kill_points::reach(Point::Recovery);
        let recovered = self.store.validators(&self.rules).and_then(|validators| {
            let parent_time = self.store.head()?.time;
            let recovery = self.store.recovery()?;
            Ok(DriverRecovered {
                incarnation,
                validators,
                parent_time,
                recovery,
            })
        });
        match recovered {
            Ok(recovered) => self.ports.recovered.deliver(recovered),
            Err(error) => self.fatal.raise(error.kind(), error.to_string()),
        }
    }
}
