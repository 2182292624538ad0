//! What each message does.
use super::*;

impl Handler<ExecuteBlock> for Committer {
    type Result = ();

    fn handle(&mut self, ExecuteBlock(block): ExecuteBlock, _: &mut Ctx<Self>) {
        if block.height() != self.ledger.head().height.next() {
            // Not on this head, so there is nothing to say about it: it is asked again when its
            // height begins, or its height is over.
            return;
        }
        let valid = match self.ledger.check(&block) {
            Ok(()) => true,
            Err(InvalidBlock::Fatal(error)) => return self.unreadable(&error),
            Err(error) => {
                log::warn!(
                    "block {} of height {}: {error}",
                    block.id().short(),
                    block.height()
                );
                self.look_behind(&error, &block);
                false
            }
        };
        self.seed
            .ports
            .executed
            .deliver(BlockExecuted(block.id(), valid));
    }
}

impl Handler<PrepareBlock> for Committer {
    type Result = ();

    fn handle(&mut self, message: PrepareBlock, _: &mut Ctx<Self>) {
        let PrepareBlock {
            build,
            proposer,
            now,
            transactions,
        } = message;
        if build.height != self.ledger.head().height.next() {
            return;
        }
        match self.ledger.prepare(Draft {
            proposer,
            now,
            transactions,
            evidence: self.evidence.candidates(self.ledger.head().height),
        }) {
            Ok(prepared) => {
                let refused = prepared.rejected.into_iter();
                let refused = refused.filter_map(|(id, why)| Some((id, never(&why)?)));
                let refused: Vec<_> = refused.collect();
                if !refused.is_empty() {
                    let refused = TransactionsRefused(refused);
                    self.seed.ports.refused.deliver(refused);
                }
                let block = prepared.block;
                self.seed
                    .ports
                    .prepared
                    .deliver(BlockPrepared { build, block });
            }
            Err(PrepareError::Fatal(error)) => self.unreadable(&error),
            // The others would refuse it, and this node's vote would stand alone: its turn passes.
            Err(error @ PrepareError::Invalid(_)) => {
                log::error!("nothing is proposed at height {}: {error}", build.height);
            }
            // A head that could be read, and that no block can follow.
            Err(error) => self
                .seed
                .fatal
                .raise(FatalKind::Corrupt, self.place(&error)),
        }
    }
}

impl Handler<CommitDecision> for Committer {
    type Result = ();

    fn handle(&mut self, message: CommitDecision, _: &mut Ctx<Self>) {
        let CommitDecision { block, certificate } = message;
        self.enqueue(DecidedBlock { block, certificate });
        self.commit_next();
    }
}

impl Handler<SyncedBlocks> for Committer {
    type Result = ();

    fn handle(&mut self, SyncedBlocks(blocks): SyncedBlocks, _: &mut Ctx<Self>) {
        for decided in blocks {
            self.enqueue(decided);
        }
        self.commit_next();
    }
}

impl Handler<NoteTransactions> for Committer {
    type Result = ();

    fn handle(&mut self, NoteTransactions(verified): NoteTransactions, _: &mut Ctx<Self>) {
        for (leaf, public_key) in verified {
            self.ledger.note_transaction(&leaf, &public_key);
        }
    }
}

impl Handler<BlocksStored> for Committer {
    type Result = ();

    fn handle(&mut self, BlocksStored(run): BlocksStored, _: &mut Ctx<Self>) {
        run.iter().for_each(|batch| self.stored(batch));
        self.commit_next();
    }
}
