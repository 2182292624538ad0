//! What the driver says of itself to a validator that has just started.
use super::*;
use crate::nouns::standing::{Seen, Standing, sets_of};
use crate::types::Hash;

const HEAD: (Height, BlockId) = (Height(4), Hash([4; 32]));

fn nothing_seen(height: Height) -> Seen {
    Seen {
        height,
        round: None,
        remembers: true,
    }
}

/// What it says to validator 3, checked as that one does.
fn says(node: &Node) -> Option<Standing> {
    let cast = &node.cast;
    let me = node.driver.config.me;
    let asker = Driver::new(
        config(cast, 3, Pacing::Manual),
        &cast.schedule(H),
        Recovery::default(),
    );
    let question = asker.question(me, [7; 16]).unwrap();
    let seen = nothing_seen(node.driver.height());
    let statement = node.driver.standing(&question, seen, HEAD)?;
    let known = cast.schedule(H);
    Some(
        statement
            .answers(&question, &cast.context, sets_of(&known))
            .unwrap(),
    )
}

#[test]
fn it_says_in_which_round_it_has_signed_and_whether_it_is_locked() {
    let mut node = Node::running(0);
    let expected = Standing {
        committed: Height(4),
        remembers: true,
        ..Standing::default()
    };
    assert_eq!(says(&node), Some(expected));
    let v = block(H, 1);
    node.propose(0, &v);
    let signed = Standing {
        signed: Some(Round(0)),
        ..expected
    };
    assert_eq!(
        says(&node),
        Some(signed),
        "not yet durable, and said at once"
    );
    node.fact(node.polka(&v, 0));
    let locked = Standing {
        is_locked: true,
        ..signed
    };
    assert_eq!(says(&node), Some(locked));
}

/// Before it has arrived it has signed what its record holds.
#[test]
fn a_restarted_node_says_what_its_record_holds() {
    let cast = Cast::of(4);
    let recovery = Recovery {
        precommit: Some(cast.precommit(0, 3, None)),
        ..Recovery::default()
    };
    let mut node = Node::recovered(0, Pacing::Interval(0), recovery);
    for _ in 0..2 {
        assert_eq!(says(&node).unwrap().signed, Some(Round(3)));
        node.step(Input::Start);
    }
}

#[test]
fn while_a_block_is_on_its_way_through_the_node_it_says_nothing() {
    let mut node = Node::running(0);
    node.committed(H);
    assert_eq!(says(&node), None);
}
