use super::*;
use crate::consensus::testkit::{Cast, Counting, H, NEXT, block};
use crate::validators::set::ValidatorIndex;

mod admission;
mod building;
mod partial;
mod polka;
mod pulled;
mod verdicts;

/// The proposals of height 5 in round 0, with four validators. This node is validator 0.
struct Desk {
    cast: Cast,
    checks: Counting,
    proposals: Proposals,
    now: Timestamp,
}

impl Desk {
    fn new() -> Desk {
        let checks = Counting::default();
        let cast = Cast::under(&checks, &[1, 1, 1, 1]);
        let proposals = Proposals::new(cast.context, cast.address(0), &cast.schedule(H));
        let now = Timestamp(1_000_000);
        Desk {
            cast,
            checks,
            proposals,
            now,
        }
    }

    fn tell(&mut self, input: Input) -> Vec<Output> {
        self.proposals.step(self.now, input)
    }

    fn enter_round(&mut self, r: u32) {
        let out = self.tell(Input::EnterRound(H, Round(r)));
        assert!(out.iter().all(|o| matches!(o, Output::Skip(..))), "{out:?}");
    }

    fn receive(&mut self, message: ProposedBlock) -> Vec<Output> {
        self.tell(Input::Received(Arc::new(message)))
    }

    /// What became of a message, and how many signatures were checked for it.
    fn admit(&mut self, message: ProposedBlock) -> (Admission, usize) {
        self.checks.checks();
        let out = self.receive(message);
        (admission(&out), self.checks.checks())
    }

    /// A message of the proposer of round `r` that was taken.
    fn count(&mut self, r: u32, block: &Arc<SealedBlock>) {
        let message = self.cast.proposed(r, block, None);
        assert_eq!(admission(&self.receive(message)), Admission::Counted);
    }
}

fn admission(out: &[Output]) -> Admission {
    match out.last() {
        Some(Output::Admission(admission)) => *admission,
        other => panic!("no admission, but {other:?}"),
    }
}

fn evidence(out: &[Output]) -> Vec<&Evidence> {
    out.iter()
        .filter_map(|output| match output {
            Output::Evidence(evidence) => Some(&**evidence),
            _ => None,
        })
        .collect()
}

/// The same message from validator `i`.
fn by(cast: &Cast, i: ValidatorIndex, message: &ProposedBlock) -> ProposedBlock {
    let proposal = &message.proposal;
    let valid_round = proposal.valid_round.map(|vr| vr.0);
    ProposedBlock {
        proposal: cast.proposal(i, proposal.round.0, &message.block, valid_round),
        ..message.clone()
    }
}

fn forged(mut message: ProposedBlock) -> ProposedBlock {
    message.proposal.signature.0[0] ^= 1;
    message
}
