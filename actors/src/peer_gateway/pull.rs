//! `POST /consensus/pull` (E5): what a peer lacks of the height under decision. Anybody may ask:
//! the answer is bounded and holds only what its signers have told everybody. Few are made at one
//! time, because each may hold megabytes; who hears 503 asks another peer.
use super::Seed;
use crate::http::answer::{Answer, Refused, refuse};
use crate::http::answer_places::Asker;
use crate::http::pieces::Pieces;
use crate::messages::proposer::GetProposals;
use crate::messages::vote_collector::GetVotes;
use crate::metrics::RefusalLabel;
use actix_web::error::BlockingError;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::future::join;
use lockstep_protocol::limits::PULL_BYTES_MAX;
use lockstep_protocol::nouns::pull::{Pull, Pulled};
use lockstep_protocol::types::Height;
use lockstep_protocol::wire::Wire;
use std::sync::Arc;

pub(super) async fn pull(
    seed: web::Data<Seed>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let pull = seed.message(&request, payload, PULL_BYTES_MAX, Wire::decode_pull);
    let pull = Arc::new(pull.await?);
    let set = seed.view.validators().at(pull.height).map(|set| set.len());
    if !pull.is_well_formed(set) {
        seed.metrics.refusal(RefusalLabel::Malformed);
        let sentence = "the rounds or bitmaps do not fit the validators of that height";
        return Ok(refuse(StatusCode::BAD_REQUEST, "malformed", sentence));
    }
    let Some(place) = seed.shares.pull_answers.enter(&Asker::of(&request)) else {
        let sentence = "other peers are being answered; ask another one";
        return Ok(refuse(StatusCode::SERVICE_UNAVAILABLE, "busy", sentence));
    };
    let pulled = pulled(&seed, pull).await?;
    let bytes = encoded(seed.wire, pulled).await?;
    seed.metrics.pulls_answered.inc();
    Ok(HttpResponse::Ok().body(Pieces::new(bytes.into(), Some(place))))
}

/// Megabytes, for anybody who asks: not on the thread that votes.
async fn encoded(wire: Wire, pulled: Pulled) -> Result<Vec<u8>, BlockingError> {
    web::block(move || wire.encode_pulled(&pulled)).await
}

async fn pulled(seed: &Seed, pull: Arc<Pull>) -> Result<Pulled, Refused> {
    if let Some(decided) = decided(seed, pull.height).await? {
        return Ok(decided);
    }
    let height = pull.height;
    let (votes, proposals) = join(
        seed.ports.pulled_votes.ask(GetVotes(pull.clone())),
        seed.ports.pulled_proposals.ask(GetProposals(pull)),
    )
    .await;
    // The height may have been decided meanwhile; then the brains have forgotten it.
    if let Some(decided) = decided(seed, height).await? {
        return Ok(decided);
    }
    // A brain that is busy or has just fallen holds nothing for the asker.
    Ok(Pulled {
        committed: seed.view.head().height,
        proposals: proposals.unwrap_or_default(),
        votes: votes.unwrap_or_default(),
    })
}

/// What decided a height that is over; it is read on another thread, too.
async fn decided(seed: &Seed, height: Height) -> Result<Option<Pulled>, Refused> {
    let committed = seed.view.head().height;
    if height > committed {
        return Ok(None);
    }
    let store = seed.store.clone();
    let certificate = web::block(move || store.certificate(height)).await??;
    let validators = seed.view.validators();
    // Genesis has no certificate, and of an old height the validators may be forgotten: that this
    // node is ahead the asker still learns, and fetches the block with its certificate.
    Ok(Some(match certificate.zip(validators.at(height)) {
        Some((certificate, set)) => Pulled::decided(committed, &certificate, set),
        None => Pulled {
            committed,
            ..Pulled::default()
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::prevote;
    use futures_util::FutureExt;
    use lockstep_protocol::limits::PULL_VOTES_MAX;
    use lockstep_protocol::types::{Address, Hash};
    use std::pin::pin;

    /// Where it is made on the thread that asks, the first look finds it made.
    #[test]
    fn the_thread_that_votes_goes_on_while_an_answer_is_written() {
        let pulled = Pulled {
            votes: vec![prevote(1, Address([1; 20]), 7); PULL_VOTES_MAX],
            ..Pulled::default()
        };
        let wire = Wire::new(Hash([1; 32]));
        actix_rt::System::new().block_on(async {
            let mut went_on = 0;
            for _ in 0..20 {
                let mut bytes = pin!(encoded(wire, pulled.clone()));
                let made_at_once = (&mut bytes).now_or_never();
                went_on += usize::from(made_at_once.is_none());
                let bytes = match made_at_once {
                    Some(bytes) => bytes,
                    None => bytes.await,
                };
                let bytes = bytes.expect("a thread");
                assert_eq!(wire.decode_pulled(&bytes).expect("it reads"), pulled);
            }
            assert!(went_on > 0, "it waited for each of 20");
        });
    }
}
