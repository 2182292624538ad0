use super::*;
use crate::block_sync::BlockSync;
use crate::fixture::{World, address, opened, proposed, signer, view_before_all};
use crate::messages::proposer::{ProposalReceived, ScreenProposal};
use crate::runtime::{Actors, Inbox, OnFall, Policy, Probe, Supervisor, TellError};
use lockstep_protocol::consensus::proposals::Input;
use lockstep_protocol::consensus::tally::Admission;
use lockstep_protocol::nouns::proposal::ProposedBlock;
use lockstep_protocol::nouns::vote::Signature;
use lockstep_protocol::types::{Height, Round};
use tempfile::TempDir;

struct Desk {
    world: World,
    _dir: TempDir,
    seed: Seed,
}

impl Desk {
    /// A proposer whose neighbours are all deaf.
    fn new() -> Desk {
        let (world, dir, store) = opened();
        let view = view_before_all(store.schedule(&world.rules));
        let seed = Seed {
            rules: world.rules.clone(),
            me: address(101),
            store,
            clock: Clock::start(),
            view,
            metrics: Metrics::new(Actors::default()),
            ports: Ports::default(),
        };
        Desk {
            world,
            _dir: dir,
            seed,
        }
    }

    fn validators(&self) -> ValidatorSchedule {
        self.seed.store.schedule(&self.world.rules)
    }

    /// By this validator, signed, whoever's turn it is.
    fn proposed(&self, height: u64, round: u32, by: u8) -> Arc<ProposedBlock> {
        let mut message = proposed(height, round, address(by), 0);
        let bytes = message.proposal.sign_bytes(&self.world.rules.context);
        message.proposal.signature = Signature(signer(by).sign(&bytes).expect("it signs"));
        Arc::new(message)
    }

    /// One of the first two rounds of this height, whose turn it is, and another's name; neither is
    /// this node.
    fn turn(&self, height: u64) -> (u32, u8, u8) {
        let set = &self.world.rules.genesis_validators;
        let whose = |round| set.proposer(Height(height), Round(round));
        let round = (0..2).find(|round| whose(*round) != self.seed.me);
        let round = round.expect("one of two");
        let is_turn = |number: &u8| address(*number) == whose(round);
        let (turn, others): (Vec<u8>, Vec<u8>) = (102..=104).partition(is_turn);
        (round, turn[0], others[0])
    }
}

/// A proposal of the next height is told to BlockSync, and so is each repetition of it. A full
/// mailbox there must not fell this actor.
#[test]
fn whoever_repeats_the_next_height_while_block_sync_is_busy_fells_nobody() {
    let mut desk = Desk::new();
    let sync = Inbox::<BlockSync>::new(1);
    desk.seed.ports.ahead = sync.port();
    let mut proposer = Proposer::new(desk.seed.clone(), &desk.validators());
    let (round, turn, _) = desk.turn(2);
    let message = desk.proposed(2, round, turn);
    let say = |proposer: &mut Proposer| proposer.step(Input::Received(message.clone()));
    assert_eq!(say(&mut proposer), Some(Admission::Counted));
    for _ in 0..3 {
        assert_eq!(say(&mut proposer), Some(Admission::Duplicate));
    }
    let full = sync.port().tell(PeerAhead(desk.seed.me, Height(9)));
    assert_eq!(full, Err(TellError::Full), "it was told what it can hold");
}

fn screened(message: &ProposedBlock) -> ScreenProposal {
    ScreenProposal {
        head: message.proposal.clone(),
        is_compact: false,
    }
}

/// The head of a proposal decides whether its block is read: whoever has no turn is refused and
/// accused by it alone, and what is refused here is counted here.
#[test]
fn a_proposal_out_of_turn_is_refused_and_accused_before_its_block_is_read() {
    System::new().block_on(async {
        let mut desk = Desk::new();
        let (evidence, mut accused) = Probe::<EvidenceFound>::open(8);
        let (execute, mut executed) = Probe::<ExecuteBlock>::open(8);
        (desk.seed.ports.evidence, desk.seed.ports.execute) = (evidence, execute);
        let (round, turn, other) = desk.turn(1);
        let metrics = desk.seed.metrics.clone();
        let (good, bad) = (
            desk.proposed(1, round, turn),
            desk.proposed(1, round, other),
        );
        let inbox = Inbox::<Proposer>::new(64);
        let (screen, receive) = (
            inbox.port::<ScreenProposal>(),
            inbox.port::<ProposalReceived>(),
        );
        let mut spawner = Supervisor::start(Policy::default(), |_| ());
        let seed = desk.seed.clone();
        let validators = desk.validators();
        spawner.spawn(&Arbiter::current(), inbox, OnFall::Restart, move |_| {
            Proposer::new(seed, &validators)
        });
        let refused = screen.ask(screened(&bad)).await;
        assert_eq!(refused, Ok(Some(Admission::WrongProposer)));
        let found = accused.next().await.expect("evidence");
        assert_eq!(found.0.validator(), address(other));
        assert!(metrics.encode().contains("result=\"wrong_proposer\"} 1"));

        let read_on = screen.ask(screened(&good)).await;
        assert_eq!(read_on, Ok(None));
        assert!(metrics.encode().contains("result=\"counted\"} 0"));
        let taken = receive.ask(ProposalReceived(good.clone())).await;
        assert_eq!(taken, Ok(Admission::Counted));
        let block = executed.next().await.expect("its block is executed");
        assert_eq!(block.0.id(), good.block.id());
        assert!(accused.drain().is_empty());
    });
}
