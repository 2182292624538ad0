use super::*;
use crate::consensus::testkit::block;
use crate::limits::{EXPIRY_HEIGHTS_MAX, PARTIAL_PROPOSALS_MAX};
use crate::nouns::compact::CompactProposal;
use crate::nouns::transaction::{Action, TransactionBody};
use Admission::{BadSignature, Counted, Duplicate, Equivocation, Incomplete, Malformed, TooEarly};

/// A block with two transactions; another tag makes another block.
fn full(cast: &Cast, height: Height, tag: u64) -> Arc<SealedBlock> {
    let transaction = |nonce| {
        let key = vec![7];
        let body = TransactionBody {
            nonce,
            fee: tag,
            expires_at: Height(EXPIRY_HEIGHTS_MAX),
            action: Action::Delete { key },
        };
        Transaction::sign(&*cast.signer(0), &cast.context, body).unwrap()
    };
    let header = block(height, tag).header().clone();
    let transactions = vec![transaction(1), transaction(2)];
    Arc::new(SealedBlock::build(header, transactions, Vec::new(), None))
}

fn bare(message: &ProposedBlock) -> Input {
    let assembly = Assembly::new(CompactProposal::of(message, |_| false)).unwrap();
    Input::Compact(Box::new(assembly))
}

fn filled(message: &ProposedBlock) -> Input {
    let assembly = Assembly::new(CompactProposal::of(message, |_| true)).unwrap();
    Input::Compact(Box::new(assembly))
}

fn answer(block: &SealedBlock) -> Input {
    let all = block.block().transactions.iter().cloned().map(Arc::new);
    Input::Fetched(block.id(), all.collect())
}

fn fetches(out: &[Output]) -> Vec<(Address, TransactionsWanted)> {
    let fetches = out.iter().filter_map(|output| match output {
        Output::Fetch(peer, missing) => Some((*peer, missing.clone())),
        _ => None,
    });
    fetches.collect()
}

fn executes(out: &[Output], block: &Arc<SealedBlock>) -> bool {
    out.contains(&Output::Execute(block.clone()))
}

#[test]
fn one_that_lacks_nothing_is_a_proposal_like_any_other() {
    let mut desk = Desk::new();
    let v = full(&desk.cast, H, 1);
    let message = desk.cast.proposed(0, &v, None);
    let out = desk.tell(filled(&message));
    assert_eq!(admission(&out), Counted);
    assert!(executes(&out, &v) && fetches(&out).is_empty());
    assert!(out.contains(&Output::Prevote(message.proposal.clone())));
    assert_eq!(admission(&desk.tell(filled(&message))), Duplicate);
    assert_eq!(admission(&desk.receive(message)), Duplicate);
}

#[test]
fn one_with_gaps_asks_its_proposer_once_and_says_nothing_before_it_is_whole() {
    let mut desk = Desk::new();
    let v = full(&desk.cast, H, 1);
    let message = desk.cast.proposed(0, &v, None);
    let out = desk.tell(bare(&message));
    let proposer = message.proposal.proposer;
    let missing = TransactionsWanted {
        height: H,
        block_id: v.id(),
        wanted: vec![0b11],
    };
    let asked = Output::Fetch(proposer, missing);
    assert_eq!(out, [asked, Output::Admission(Incomplete)]);
    assert_eq!(desk.proposals.proposed(H, &v.id()), None);
    assert_eq!(desk.tell(bare(&message)), [Output::Admission(Duplicate)]);
    let out = desk.tell(answer(&v));
    assert!(executes(&out, &v) && out.contains(&Output::Prevote(message.proposal.clone())));
    assert_eq!(desk.proposals.proposed(H, &v.id()), Some(v.clone()));
    assert_eq!(desk.tell(answer(&v)), []);
}

#[test]
fn a_forged_a_partial_or_no_answer_leaves_it_to_the_whole_proposal() {
    let mut desk = Desk::new();
    let v = full(&desk.cast, H, 1);
    let message = desk.cast.proposed(0, &v, None);
    desk.tell(bare(&message));
    let mut forged = v.block().transactions[0].clone();
    forged.signature.0[0] ^= 1;
    assert_eq!(
        desk.tell(Input::Fetched(v.id(), vec![Arc::new(forged)])),
        []
    );
    assert_eq!(desk.tell(Input::Fetched(v.id(), Vec::new())), []);
    // What E5 asks says that it is not here.
    let mut pull = crate::nouns::pull::Pull::new(H, Round(0));
    desk.proposals.hold(&mut pull);
    assert!(!pull.holds_proposal(&message.proposal));
    let out = desk.receive(message);
    assert_eq!(admission(&out), Counted);
    assert!(executes(&out, &v));
    assert_eq!(desk.tell(answer(&v)), [], "too late");
}

#[test]
fn its_signature_is_checked_once_and_its_polka_before_anything_is_asked() {
    let mut desk = Desk::new();
    let v = full(&desk.cast, H, 1);
    let message = desk.cast.proposed(0, &v, None);
    desk.checks.checks();
    assert_eq!(desk.tell(bare(&forged(message.clone()))).len(), 1);
    assert_eq!(desk.checks.checks(), 1);
    let out = desk.tell(Input::Screen(Box::new(message.proposal.clone())));
    assert_eq!((out.len(), desk.checks.checks()), (0, 1));
    desk.tell(bare(&message));
    desk.tell(answer(&v));
    assert_eq!(desk.checks.checks(), 0);
    desk.enter_round(1);
    let mut lying = desk.cast.proposed(1, &full(&desk.cast, H, 2), Some(0));
    let mut polka = (*lying.polka.take().unwrap()).clone();
    polka.signers = desk.cast.polka(&v, 0, &[0, 1, 2]).signers;
    lying.polka = Some(Arc::new(polka));
    let out = desk.tell(bare(&lying));
    assert_eq!(out, [Output::Admission(BadSignature)]);
}

#[test]
fn parts_that_do_not_go_together_are_malformed() {
    let mut desk = Desk::new();
    let next = full(&desk.cast, NEXT, 1);
    let mut message = desk.cast.proposed(0, &next, None);
    message.proposal.height = H;
    let out = desk.tell(bare(&message));
    assert_eq!(out, [Output::Admission(Malformed)]);
}

#[test]
fn a_value_that_is_proposed_again_is_known_and_asks_nobody() {
    let mut desk = Desk::new();
    let v = full(&desk.cast, H, 1);
    desk.count(0, &v);
    desk.enter_round(1);
    let again = desk.cast.proposed(1, &v, Some(0));
    let out = desk.tell(bare(&again));
    assert_eq!(admission(&out), Counted);
    assert!(fetches(&out).is_empty());
}

#[test]
fn one_of_the_next_height_is_asked_for_at_once_and_kept_until_its_height_comes() {
    let mut desk = Desk::new();
    let v = full(&desk.cast, NEXT, 1);
    let message = desk.cast.proposed(0, &v, None);
    assert_eq!(fetches(&desk.tell(bare(&message))).len(), 1);
    desk.tell(answer(&v));
    assert_eq!(desk.proposals.proposed(NEXT, &v.id()), Some(v.clone()));
    assert!(executes(
        &desk.tell(Input::EnterHeight(desk.cast.schedule(NEXT))),
        &v
    ));
}

#[test]
fn what_waits_for_transactions_is_bounded_and_of_this_height_or_the_next() {
    let mut desk = Desk::new();
    let tell = |desk: &mut Desk, height: Height, round, tag| {
        let v = full(&desk.cast, height, tag);
        let message = desk.cast.proposed(round, &v, None);
        let became = admission(&desk.tell(bare(&message)));
        assert!(desk.proposals.partial.len() <= PARTIAL_PROPOSALS_MAX);
        became
    };
    let places = |desk: &Desk| {
        let partial = desk.proposals.partial.iter().map(Assembly::proposal);
        partial.map(|p| (p.height, p.round.0)).collect::<Vec<_>>()
    };
    assert_eq!(
        [1, 2, 3].map(|tag| tell(&mut desk, H, 0, tag)),
        [Incomplete, Incomplete, Equivocation]
    );
    assert_eq!(tell(&mut desk, NEXT, 0, 1), Incomplete);
    assert_eq!(tell(&mut desk, NEXT, 1, 1), TooEarly);
    // What is further from the round under way gives way.
    assert_eq!(
        [1, 2].map(|tag| tell(&mut desk, H, 1, tag)),
        [Incomplete, TooEarly]
    );
    assert_eq!(tell(&mut desk, H, 2, 1), TooEarly);
    assert_eq!(places(&desk), [(H, 0), (H, 0), (H, 1)]);
    // What is over does so first.
    desk.enter_round(1);
    assert_eq!(tell(&mut desk, NEXT, 0, 1), Incomplete);
    assert_eq!(places(&desk), [(H, 0), (H, 1), (NEXT, 0)]);
    desk.tell(Input::EnterHeight(desk.cast.schedule(NEXT)));
    assert_eq!(places(&desk), [(NEXT, 0)]);
}

/// A proposal that names transactions which nobody holds stays partial. Said again, it was read,
/// hashed and looked up again, leaf by leaf, on the node's thread.
#[test]
fn one_that_waits_already_is_not_read_again_but_its_whole_is() {
    let mut desk = Desk::new();
    let v = full(&desk.cast, H, 1);
    let message = desk.cast.proposed(0, &v, None);
    let screen = |desk: &mut Desk, message: &ProposedBlock| {
        let out = desk.tell(Input::ScreenCompact(Box::new(message.proposal.clone())));
        out.last().cloned()
    };
    assert_eq!(screen(&mut desk, &message), None, "read on");
    assert_eq!(admission(&desk.tell(bare(&message))), Incomplete);
    desk.checks.checks();
    for _ in 0..3 {
        let again = screen(&mut desk, &message);
        assert_eq!(again, Some(Output::Admission(Duplicate)));
    }
    assert_eq!(desk.checks.checks(), 0);
    let second = desk.cast.proposed(0, &full(&desk.cast, H, 2), None);
    assert_eq!(screen(&mut desk, &second), None);
    desk.tell(bare(&second));
    let third = desk.cast.proposed(0, &full(&desk.cast, H, 3), None);
    assert_eq!(
        screen(&mut desk, &third),
        Some(Output::Admission(Equivocation))
    );
    let whole = desk.tell(Input::Screen(Box::new(message.proposal.clone())));
    assert_eq!(whole, [], "the whole of it is read");
    assert_eq!(admission(&desk.receive(message)), Counted);
}

/// Nor is one that would find no place.
#[test]
fn one_that_finds_no_place_is_not_read() {
    let mut desk = Desk::new();
    for (height, round, tag) in [(H, 0, 1), (H, 0, 2), (H, 1, 1)] {
        let message = desk
            .cast
            .proposed(round, &full(&desk.cast, height, tag), None);
        assert_eq!(admission(&desk.tell(bare(&message))), Incomplete);
    }
    let next = desk.cast.proposed(0, &full(&desk.cast, NEXT, 1), None);
    let refused = Output::Refused(next.proposal.proposer, NEXT);
    let out = desk.tell(Input::ScreenCompact(Box::new(next.proposal.clone())));
    assert_eq!(out, [refused, Output::Admission(TooEarly)]);
}
