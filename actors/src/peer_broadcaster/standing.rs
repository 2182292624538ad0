//! How far is the peer? Until this node has arrived it asks each peer, with a nonce of now, and
//! believes only what that one has signed. Then nobody is asked any more, and it costs nothing.
use super::Seed;
use super::client::ExchangeError;
use super::link::Link;
use crate::limits::{PEER_TIMEOUT, STANDING_AGAIN, STANDING_EVERY};
use crate::messages::block_sync::PeerStands;
use crate::messages::round_driver::SignQuestion;
use crate::shell::Deliver;
use actix_web::http::StatusCode;
use lockstep_protocol::limits::STATEMENT_BYTES_MAX;
use lockstep_protocol::nouns::standing::{Nonce, sets_of};
use lockstep_protocol::wire::Wire;
use std::time::Duration;

impl Link {
    pub(super) async fn keep_asking_how_far(&self) {
        while self.seed.arrival.get().is_none() {
            self.outbox.standing_wanted().await;
            let pause = self.ask_how_far().await;
            tokio::time::sleep(pause).await;
        }
        std::future::pending().await
    }

    /// When to ask again.
    async fn ask_how_far(&self) -> Duration {
        match self.exchange_standing().await {
            Ok(true) => STANDING_EVERY,
            Ok(false) | Err(ExchangeError::Status(StatusCode::SERVICE_UNAVAILABLE)) => {
                STANDING_AGAIN
            }
            Err(error) => {
                self.complain(format_args!("does not say how far it is: {error}"));
                STANDING_EVERY
            }
        }
    }

    /// Asks once. Whether the question could be signed: not while the RoundDriver begins.
    async fn exchange_standing(&self) -> Result<bool, ExchangeError> {
        let Seed { ports, wire, .. } = &self.seed;
        let peer = self.peer.address;
        let ask = SignQuestion(peer, nonce()?);
        let Ok(Some(question)) = ports.question.ask(ask).await else {
            return Ok(false);
        };
        let bytes = wire.encode_question(&question);
        let limits = (STATEMENT_BYTES_MAX, PEER_TIMEOUT);
        let statement = self.ask("/consensus/standing", bytes, limits, Wire::decode_statement);
        let statement = statement.await?;
        let validators = self.seed.view.validators();
        let said = statement.answers(&question, &self.seed.context, sets_of(&validators));
        let standing = said.map_err(|error| {
            self.seed.metrics.standing_refused(error);
            ExchangeError::Answer(error.to_string())
        })?;
        ports.stands.deliver(PeerStands(peer, standing));
        Ok(true)
    }
}

/// Nobody must know it before: an answer could have been asked for in this node's name.
fn nonce() -> Result<Nonce, ExchangeError> {
    let mut nonce = Nonce::default();
    getrandom::fill(&mut nonce)
        .map_err(|error| ExchangeError::Answer(format!("no randomness: {error}")))?;
    Ok(nonce)
}
