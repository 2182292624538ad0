//! What each message does.
use super::StateStore;
use crate::kill_points::{self, Point};
use crate::messages::committer::{BlocksStored, EvidenceFound};
use crate::messages::round_driver::{DriverRecovered, SignaturePersisted};
use crate::messages::state_store::{
    CommitBlocks, PersistEvidence, PersistFork, PersistSignature, RecoverDriver, RememberHalt,
};
use crate::runtime::Ctx;
use crate::shell::Deliver;
use crate::timelines::{Did, Note, Stage};
use actix::prelude::*;
use lockstep_protocol::consensus::driver::Halt;
use std::time::Instant;

impl Handler<PersistSignature> for StateStore {
    type Result = ();

    fn handle(&mut self, PersistSignature(persist): PersistSignature, _: &mut Ctx<Self>) {
        let position = persist.signed.position();
        kill_points::reach(Point::BeforePersist(position.2));
        let began = Instant::now();
        let written = self.store.persist(std::slice::from_ref(&*persist));
        if self.or_end(written).is_some() {
            kill_points::reach(Point::AfterPersist(position.2));
            self.metrics
                .store_persist
                .observe(began.elapsed().as_secs_f64());
            let note = Note::own(Stage::Durable, &persist.signed);
            self.timelines.note(note);
            self.ports.persisted.deliver(SignaturePersisted(position));
        }
    }
}

impl Handler<CommitBlocks> for StateStore {
    type Result = ();

    fn handle(&mut self, CommitBlocks(run): CommitBlocks, _: &mut Ctx<Self>) {
        let began = Instant::now();
        kill_points::reach(Point::BeforeCommit);
        if self.or_end(self.store.commit_run(&run)).is_some() {
            kill_points::reach(Point::AfterCommit);
            self.metrics
                .store_commit
                .observe(began.elapsed().as_secs_f64());
            for batch in &run {
                let (height, round) = (batch.block.height(), batch.certificate.round);
                let note = Note::new(Did::Stored, height, round);
                self.timelines.note(note);
            }
            self.ports.stored.deliver(BlocksStored(run));
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
        self.or_end(remembered);
    }
}

impl Handler<PersistEvidence> for StateStore {
    type Result = ();

    fn handle(&mut self, message: PersistEvidence, _: &mut Ctx<Self>) {
        let PersistEvidence { keep, forget } = message;
        let done = self.or_end(self.store.keep_evidence(keep.as_deref(), &forget));
        if let (Some(()), Some(evidence)) = (done, keep) {
            // A Committer that has fallen meanwhile has read the disk without it.
            self.ports.kept.deliver(EvidenceFound(evidence));
        }
    }
}

impl Handler<PersistFork> for StateStore {
    type Result = ();

    fn handle(&mut self, PersistFork(fork): PersistFork, _: &mut Ctx<Self>) {
        self.or_end(self.store.keep_fork(&fork));
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
        if let Some(recovered) = self.or_end(recovered) {
            self.ports.recovered.deliver(recovered);
        }
    }
}
