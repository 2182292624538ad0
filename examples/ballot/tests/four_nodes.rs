//! Four nodes hold a ballot.
use ballot::{Ballot, Deed, call, count_key};
use lockstep_devnet::{Devnet, DevnetError, FailureCode, Included};
use std::sync::Arc;
use std::time::Duration;

struct Polls(Devnet);

impl Polls {
    fn does(&self, who: &str, deed: Deed) -> Result<Included, DevnetError> {
        self.0.call(who, "ballot", call(7, deed)).send()?.wait()
    }

    /// The application's own code of a call that fails.
    fn fails(&self, who: &str, deed: Deed) -> u32 {
        match self.does(who, deed) {
            Err(DevnetError::Failed {
                code: FailureCode::Application { code },
                ..
            }) => code,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_question_is_opened_each_account_votes_once_and_the_count_is_proved() -> Result<(), DevnetError>
{
    let builder = Devnet::builder().block_time_ms(50);
    let polls = Polls(builder.application(Arc::new(Ballot), []).boot()?);
    assert_eq!(polls.fails("bob", Deed::Vote(0)), 1);
    polls.does("alice", Deed::Open(2))?;
    assert_eq!(polls.fails("bob", Deed::Open(3)), 2);
    polls.does("bob", Deed::Vote(1))?;
    assert_eq!(polls.fails("bob", Deed::Vote(0)), 3);
    assert_eq!(polls.fails("carol", Deed::Vote(2)), 5);
    let voted = polls.does("carol", Deed::Vote(1))?;
    assert_eq!(voted.receipt.events[0].name, "voted");
    polls.does("dave", Deed::Vote(0))?;
    assert_eq!(polls.fails("bob", Deed::Close), 6);
    let closed = polls.does("alice", Deed::Close)?;
    assert_eq!(polls.fails("alice", Deed::Vote(0)), 4);
    let counted = polls.0.query("ballot", "count", &7u32.to_be_bytes())?;
    assert_eq!(counted, [1u64, 2].map(u64::to_be_bytes).concat());
    polls.0.wait_for(closed.height, Duration::from_secs(30))?;
    let mut client = polls.0.light_client(1)?;
    let proved = polls
        .0
        .node(2)
        .proved_state(&mut client, "ballot", &count_key(7, 1))?;
    assert_eq!(proved.as_deref(), Some(&2u64.to_be_bytes()[..]));
    Ok(())
}
