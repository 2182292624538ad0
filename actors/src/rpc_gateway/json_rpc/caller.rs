//! Who calls, and what a call may use.
use super::error::RpcError;
use super::subscriptions::Subscriptions;
use crate::http::answer_places::{AnswerPlace, Asker};
use crate::limits::{BLOCK_ANSWER_PATIENCE, RPC_WAIT_MAX};
use crate::metrics::RefusalLabel;
use crate::rpc_gateway::seed::{Seed, Shares};
use actix_web::web;
use lockstep_protocol::types::Height;
use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;
use tokio::time::Instant;

/// Who calls: one request, which may be a batch of calls.
pub(in crate::rpc_gateway) struct Caller {
    pub(super) seed: web::Data<Seed>,
    asker: Asker,
    /// Of a connection that stays.
    pub(super) subscriptions: Option<Rc<Subscriptions>>,
    /// Held as soon as the answer is long.
    pub(super) place: RefCell<Option<AnswerPlace>>,
    /// Subscriptions whose ids have not been answered yet.
    pub(super) begun: RefCell<Vec<u64>>,
    /// The calls of a batch come one after the other: together they wait no longer than one may.
    pub(super) waits_until: Instant,
}

impl Caller {
    pub(in crate::rpc_gateway) fn new(
        seed: web::Data<Seed>,
        asker: Asker,
        subscriptions: Option<Rc<Subscriptions>>,
    ) -> Caller {
        Caller {
            seed,
            asker,
            subscriptions,
            place: RefCell::new(None),
            begun: RefCell::default(),
            waits_until: Instant::now() + RPC_WAIT_MAX,
        }
    }

    /// From where it calls.
    pub(super) fn address(&self) -> IpAddr {
        self.asker.address()
    }

    /// The subscriptions that its calls have begun.
    pub(in crate::rpc_gateway) fn begun(&self) -> Vec<u64> {
        self.begun.take()
    }

    /// Waits a moment for a place among the long answers, once for all calls of a batch.
    pub(super) async fn take_place(&self) -> Result<(), RpcError> {
        if self.place.borrow().is_some() {
            return Ok(());
        }
        let places = &self.seed.shares.block_answers;
        let place = places.wait(&self.asker, BLOCK_ANSWER_PATIENCE).await;
        self.place.replace(Some(place.ok_or(RpcError::Busy)?));
        Ok(())
    }

    /// Reads what may be megabytes: with a place, and not on the thread that votes.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Seed) -> Result<T, RpcError> + Send + 'static,
    ) -> Result<T, RpcError> {
        self.take_place().await?;
        self.look_up(read).await
    }

    /// Reads a block: a short one not behind long answers.
    pub(super) async fn read_block<T: Send + 'static>(
        &self,
        height: Height,
        read: impl FnOnce(&Seed) -> Result<T, RpcError> + Send + 'static,
    ) -> Result<T, RpcError> {
        if !Shares::is_short(&self.seed.store, height)? {
            return self.read(read).await;
        }
        let places = &self.seed.shares.short_answers;
        let place = places.wait(&self.asker, BLOCK_ANSWER_PATIENCE).await;
        let place = place.ok_or(RpcError::Busy)?;
        let read = move |seed: &Seed| {
            let _while_it_is_read = place;
            read(seed)
        };
        self.look_up(read).await
    }

    /// Reads what may be long, but answers little of it: without a place, and not on the thread that
    /// votes.
    pub(super) async fn look_up<T: Send + 'static>(
        &self,
        look_up: impl FnOnce(&Seed) -> Result<T, RpcError> + Send + 'static,
    ) -> Result<T, RpcError> {
        let seed = self.seed.clone();
        web::block(move || look_up(&seed)).await?
    }

    /// Counts a call that an actor had no time for.
    pub(super) fn busy(&self) -> RpcError {
        self.seed.metrics.refusal(RefusalLabel::Busy);
        RpcError::Busy
    }
}
