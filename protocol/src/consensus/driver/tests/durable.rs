use super::*;
use SignStep::{Precommit, Prevote, Propose};

/// Checks that the only message of `out` waits in a write, and returns that write.
fn only_written(out: &[Output]) -> Persist {
    assert_eq!(sends(out), []);
    persist(out).clone()
}

#[test]
fn a_proposal_is_durable_with_its_block_before_it_is_sent() {
    let mut node = Node::running(PROPOSER);
    let v = block(H, 1);
    let out = node.step(Input::BlockBuilt(H, Round(0), v.clone()));
    let written = only_written(&out);
    assert_eq!(written.signed.position(), (H, Round(0), Propose));
    assert_eq!((written.block, written.lock), (Some(v.clone()), None));
    let sent = node.persisted(0, Propose);
    assert_eq!(sends(&sent), [written.signed]);
    assert!(matches!(&sent[..], [Output::SendProposal(p)] if p.block == v && p.polka.is_none()));
}

#[test]
fn a_prevote_is_durable_before_it_is_sent() {
    let mut node = Node::running(0);
    let v = block(H, 1);
    let written = only_written(&node.propose(0, &v));
    assert_eq!(vote_of(&written.signed).block_id, Some(v.id()));
    assert_eq!(sends(&node.persisted(0, Propose)), []);
    assert_eq!(sends(&node.persisted(0, Prevote)), [written.signed]);
    assert_eq!(sends(&node.persisted(0, Prevote)), []);
}

#[test]
fn a_precommit_is_durable_with_lock_polka_and_block_before_it_is_sent() {
    let mut node = Node::running(0);
    let v = block(H, 1);
    node.propose(0, &v);
    let polka = node.cast.polka(&v, 0, &[0, 1, 2]);
    let written = only_written(&node.fact(Fact::Polka(Arc::new(polka.clone()))));
    let lock = LockRecord {
        height: H,
        round: Round(0),
        block_id: v.id(),
        polka,
    };
    assert_eq!((written.lock, written.block), (Some(lock), Some(v.clone())));
    assert_eq!(vote_of(&written.signed).block_id, Some(v.id()));
    // What is durable up to the prevote lets the prevote go, not the precommit.
    let first = sends(&node.persisted(0, Prevote));
    assert_eq!(vote_of(&first[0]).kind, VoteKind::Prevote);
    assert_eq!(first.len(), 1);
    assert_eq!(sends(&node.persisted(0, Precommit)), [written.signed]);
}

#[test]
fn a_nil_precommit_is_durable_without_a_lock() {
    let mut node = Node::running(0);
    node.propose(0, &block(H, 1));
    node.fact(Fact::PrevotesAny(Round(0)));
    let out = node.step(Input::Timeout(H, Round(0), TimeoutKind::Prevote));
    let written = only_written(&out);
    assert_eq!(vote_of(&written.signed).block_id, None);
    assert_eq!((written.lock, written.block), (None, None));
}

/// All records of one turn may go out in one sync, of which the last position is reported.
#[test]
fn one_report_releases_all_that_came_before_it_in_order() {
    let mut node = Node::running(0);
    let v = block(H, 1);
    let mut written = vec![only_written(&node.propose(0, &v)).signed];
    let polka = node.polka(&v, 0);
    written.push(only_written(&node.fact(polka)).signed);
    assert_eq!(sends(&node.persisted(0, Precommit)), written);
}

#[test]
fn what_becomes_durable_after_its_height_is_over_is_not_sent() {
    let mut node = Node::running(0);
    node.propose(0, &block(H, 1));
    node.committed(H);
    assert_eq!(sends(&node.persisted(0, Prevote)), []);
    let at_next = (NEXT, Round(9), Precommit);
    assert_eq!(sends(&node.step(Input::Persisted(at_next))), []);
}

#[test]
fn every_signature_verifies_and_names_this_validator() {
    let mut node = Node::running(PROPOSER);
    let v = block(H, 1);
    node.step(Input::BlockBuilt(H, Round(0), v.clone()));
    let polka = node.polka(&v, 0);
    node.fact(polka);
    let set = node.cast.set.clone();
    let context = node.cast.context;
    let sent = sends(&node.persisted(0, Precommit));
    assert_eq!(sent.len(), 2);
    for message in sent {
        let verdict = match &message {
            SignedMessage::Proposal(proposal) => proposal.verify(&set, &context),
            SignedMessage::Vote(vote) => vote.verify(&set, &context),
        };
        assert_eq!(verdict, Ok(()), "{message:?}");
    }
}

/// E1: the proposal is the prevote, so a proposer signs no prevote of its own.
#[test]
fn a_proposer_sends_its_proposal_and_no_prevote() {
    let mut node = Node::running(PROPOSER);
    let v = block(H, 1);
    let out = node.step(Input::BlockBuilt(H, Round(0), v.clone()));
    assert_eq!(persists(&out).len(), 1);
    assert_eq!(node.driver.current_step(), Some(Step::Prevote));
    let polka = node.polka(&v, 0);
    let written = only_written(&node.fact(polka));
    assert_eq!(written.signed.position(), (H, Round(0), Precommit));
}

#[test]
fn a_block_that_comes_after_the_nil_prevote_is_not_proposed() {
    let mut node = Node::running(PROPOSER);
    let out = node.step(Input::Timeout(H, Round(0), TimeoutKind::Propose));
    assert_eq!(vote_of(&only_written(&out).signed).block_id, None);
    let late = node.step(Input::BlockBuilt(H, Round(0), block(H, 1)));
    assert_eq!(late, []);
}

#[test]
fn a_block_built_for_another_round_or_height_is_not_proposed() {
    let mut node = Node::running(PROPOSER);
    for (height, r) in [(H, 1), (NEXT, 0), (H.previous(), 0)] {
        let out = node.step(Input::BlockBuilt(height, Round(r), block(height, 1)));
        assert_eq!(out, []);
    }
}

#[test]
fn a_valid_value_is_proposed_again_with_its_polka_and_valid_round() {
    // Round 3 is the turn of 0.
    let mut node = Node::running(0);
    let v = block(H, 1);
    node.propose(0, &v);
    let polka = node.polka(&v, 0);
    node.fact(polka);
    let out = node.fact(Fact::Reached(Round(3)));
    let written = persist(&out);
    let SignedMessage::Proposal(proposal) = &written.signed else {
        panic!("{written:?}")
    };
    assert_eq!(
        (proposal.block_id, proposal.valid_round),
        (v.id(), Some(Round(0)))
    );
    let sent = node.persisted(3, Propose);
    let message = sent.iter().find_map(|output| match output {
        Output::SendProposal(message) => Some(message),
        _ => None,
    });
    assert_eq!(message.unwrap().polka.as_ref().unwrap().round, Round(0));
}

#[test]
fn a_signer_that_fails_stops_the_node_and_sends_nothing() {
    struct Broken;
    impl Signer for Broken {
        fn scheme(&self) -> crate::crypto::SchemeId {
            crate::crypto::SchemeId::MlDsa65
        }
        fn public_key(&self) -> &[u8] {
            &[]
        }
        fn signature_bytes(&self) -> usize {
            0
        }
        fn sign(&self, _: &[u8]) -> Result<Vec<u8>, crate::crypto::SigningFailed> {
            Err(crate::crypto::SigningFailed)
        }
    }
    let mut node = Node::with(Recovery::default(), |cast| DriverConfig {
        signer: Arc::new(Broken),
        ..config(cast, 0, Pacing::Interval(0))
    });
    node.step(Input::Start);
    let out = node.propose(0, &block(H, 1));
    let halt = Halt::Signing(crate::crypto::SigningFailed);
    assert_eq!(out, [Output::Halt(halt)]);
    assert!(node.driver.is_halted());
}
