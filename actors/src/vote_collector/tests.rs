use super::*;
use crate::block_sync::BlockSync;
use crate::fixture::{address, opened, prevote, signer};
use crate::runtime::{Actors, Inbox, TellError};
use lockstep_protocol::consensus::tally::{Admission, Input};
use lockstep_protocol::nouns::vote::{Signature, SignedVote};
use lockstep_protocol::types::Height;

/// A signed vote of the far future is told to BlockSync, and so is each repetition of it, unsigned
/// and forged as it may be. A full mailbox there felled this actor.
#[test]
fn whoever_repeats_far_heights_while_block_sync_is_busy_fells_nobody() {
    let (world, _dir, store) = opened();
    let me = address(101);
    let validators = store.schedule(&world.rules);
    let sync = Inbox::<BlockSync>::new(1);
    let mut collector = VoteCollector::new(
        Seed {
            rules: world.rules.clone(),
            me,
            store,
            clock: Clock::start(),
            timelines: Default::default(),
            metrics: Metrics::new(Actors::default()),
            ports: Ports {
                ahead: sync.port(),
                ..Ports::default()
            },
        },
        &validators,
    );
    let vote = prevote(1_000, address(102), 0).vote;
    let signature = signer(102).sign(&world.rules.context.vote(&vote));
    let signature = Signature(signature.expect("it signs"));
    let forged = Signature(vec![0; signature.0.len()]);
    for signature in [signature, forged.clone(), forged] {
        let vote = vote.clone();
        let admission = collector.step(Input::Vote(SignedVote { vote, signature }));
        assert_eq!(admission, Some(Admission::TooEarly));
    }
    let full = sync.port().tell(PeerAhead(me, Height(9)));
    assert_eq!(
        full,
        Err(TellError::Full),
        "it has been told what it can hold"
    );
}
