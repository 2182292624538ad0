//! Crashes at every point between signing, writing, reporting and sending, in whole conversations.
use super::*;
use crate::consensus::tally::{self, Tally};
use std::collections::{BTreeMap, VecDeque};

/// What the others say, and which timers fire, in order.
#[derive(Clone)]
enum Cue {
    Proposal(CheckedProposal, Proposal),
    Vote(SignedVote),
    Timeout(u32, TimeoutKind),
}

/// A validator with its disk and its tally, and a crash that is due.
struct Stage {
    cast: Cast,
    me: ValidatorIndex,
    disk: Recovery,
    driver: Driver,
    tally: Tally,
    queue: VecDeque<Input>,
    sent: BTreeMap<Position, SignedMessage>,
    decided: Option<BlockId>,
    /// Crash points that are still to pass.
    crash_in: Option<usize>,
    restarts: u64,
}

/// The node is dead; nothing of what it was about to do happens.
struct Crash;

impl Stage {
    fn new(count: usize, me: ValidatorIndex, crash_in: usize) -> Stage {
        let cast = Cast::of(count);
        let disk = Recovery::default();
        let crash_in = Some(crash_in);
        let (driver, tally) = Stage::boot(&cast, me, &disk);
        let queue = VecDeque::new();
        let sent = BTreeMap::new();
        let decided = None;
        let restarts = 0;
        Stage {
            cast,
            me,
            disk,
            driver,
            tally,
            queue,
            sent,
            decided,
            crash_in,
            restarts,
        }
    }

    fn boot(cast: &Cast, me: ValidatorIndex, disk: &Recovery) -> (Driver, Tally) {
        let config = config(cast, me, Pacing::Interval(0));
        let driver = long_arrived(Driver::new(config, &cast.schedule(H), disk.clone()));
        let tally = Tally::new(cast.context, cast.address(me), &cast.schedule(H), u64::MAX);
        (driver, tally)
    }

    /// Plays the script; after a crash, again from its beginning: the others send again (E6).
    fn play(&mut self, script: &[Cue]) {
        while self.attempt(script).is_err() {
            self.crash_in = None;
            self.restarts += 1;
            self.queue.clear();
            (self.driver, self.tally) = Stage::boot(&self.cast, self.me, &self.disk);
        }
    }

    fn attempt(&mut self, script: &[Cue]) -> Result<(), Crash> {
        self.queue.push_back(Input::Start);
        self.drain()?;
        for cue in script {
            match cue.clone() {
                Cue::Proposal(checked, proposal) => {
                    self.tell_tally(tally::Input::Proposal(proposal));
                    self.queue.push_back(Input::Proposal(H, checked));
                }
                Cue::Vote(vote) => self.tell_tally(tally::Input::Vote(vote)),
                Cue::Timeout(r, kind) => self.queue.push_back(Input::Timeout(H, Round(r), kind)),
            }
            self.drain()?;
        }
        Ok(())
    }

    fn drain(&mut self) -> Result<(), Crash> {
        while let Some(input) = self.queue.pop_front() {
            for output in self.driver.step(Instant(0), input) {
                self.carry_out(output)?;
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, output: Output) -> Result<(), Crash> {
        match output {
            Output::EnterRound(h, r) => self.tell_tally(tally::Input::EnterRound(h, r)),
            // Whoever builds again builds another block.
            Output::BuildBlock(h, r) => {
                let block = block(h, self.restarts + 1);
                self.queue.push_back(Input::BlockBuilt(h, r, block));
            }
            Output::Persist(persist) => {
                self.crash_point()?;
                let position = persist.signed.position();
                self.write(*persist);
                self.crash_point()?;
                self.queue.push_back(Input::Persisted(position));
            }
            Output::SendProposal(message) => {
                let proposal = message.proposal.clone();
                self.send(SignedMessage::Proposal(proposal.clone()))?;
                self.tell_tally(tally::Input::Proposal(proposal));
            }
            Output::SendVote(vote) => {
                let vote = SignedVote::clone(&vote);
                self.send(SignedMessage::Vote(vote.clone()))?;
                self.tell_tally(tally::Input::OwnVote(vote));
            }
            Output::Decide(block, _) => self.decided = Some(block.id()),
            Output::Halt(halt) => panic!("{halt}"),
            _ => {}
        }
        Ok(())
    }

    fn crash_point(&mut self) -> Result<(), Crash> {
        match &mut self.crash_in {
            Some(0) => return Err(Crash),
            Some(points) => *points -= 1,
            None => {}
        }
        Ok(())
    }

    /// One atomic write. It is never at or below what was written before.
    fn write(&mut self, persist: Persist) {
        let position = Some(persist.signed.position());
        assert!(position > self.disk.position(), "signed again: {persist:?}");
        match persist.signed {
            SignedMessage::Proposal(proposal) => self.disk.proposal = Some(proposal),
            SignedMessage::Vote(vote) if vote.vote.kind == VoteKind::Prevote => {
                self.disk.prevote = Some(vote);
            }
            SignedMessage::Vote(vote) => self.disk.precommit = Some(vote),
        }
        self.disk.lock = persist.lock.or(self.disk.lock.take());
        self.disk.blocks.extend(persist.block);
    }

    /// Whatever goes out is durable, and is all that ever goes out at its position.
    fn send(&mut self, message: SignedMessage) -> Result<(), Crash> {
        self.crash_point()?;
        let position = message.position();
        assert!(
            self.disk.position() >= Some(position),
            "sent before written"
        );
        let before = self.sent.insert(position, message.clone());
        assert!(before.is_none_or(|before| before == message), "{message:?}");
        self.crash_point()
    }

    fn tell_tally(&mut self, input: tally::Input) {
        for output in self.tally.step(Instant(0), input) {
            match output {
                tally::Output::Fact(h, fact) => self.queue.push_back(Input::Fact(h, fact)),
                tally::Output::Evidence(evidence) => panic!("{evidence:?}"),
                _ => {}
            }
        }
    }
}

/// Plays the script with a crash at each point in turn, until there is no such point any more.
fn play_with_every_crash(count: usize, me: ValidatorIndex, script: &[Cue], check: fn(&Stage)) {
    for crash_in in 0.. {
        let mut stage = Stage::new(count, me, crash_in);
        stage.play(script);
        check(&stage);
        if stage.restarts == 0 {
            // Four points for each message: around its write and around its sending.
            assert_eq!(crash_in, 4 * stage.sent.len());
            break;
        }
    }
}

#[test]
fn one_validator_decides_after_a_crash_at_any_point() {
    play_with_every_crash(1, 0, &[], |stage| {
        let SignedMessage::Proposal(proposal) = &stage.sent[&(H, Round(0), SignStep::Propose)]
        else {
            panic!("{:?}", stage.sent)
        };
        assert_eq!(stage.decided, Some(proposal.block_id));
        // E1: only after a restart the prevote for which the proposal stands is said as a vote.
        let prevote = stage.sent.get(&(H, Round(0), SignStep::Prevote));
        let value = prevote.map(|prevote| vote_of(prevote).block_id);
        assert!(value.is_none_or(|value| value == Some(proposal.block_id)));
        assert!(value.is_none() || stage.restarts > 0);
        assert_eq!(stage.sent.len(), 2 + value.iter().count());
    });
}

/// Round 0: polka for v, lock, nil precommits of others. Round 1: w is proposed and refused. Round
/// 2: v comes back with its polka and is decided.
fn three_rounds(cast: &Cast) -> Vec<Cue> {
    let (v, w) = (block(H, 1), block(H, 2));
    let propose = |r, block: &Arc<SealedBlock>, vr: Option<u32>| {
        let heard = CheckedProposal {
            valid_round: vr.map(Round),
            ..checked(r, block, Verdict::Valid)
        };
        let by = cast.turn(H, r);
        Cue::Proposal(heard, cast.proposal(by, r, block, vr))
    };
    let prevote = |i, r, value| Cue::Vote(cast.prevote(i, r, value));
    let precommit = |i, r, value| Cue::Vote(cast.precommit(i, r, value));
    let again = |i| {
        let vote = crate::consensus::testkit::prevote(H, 2, Some(v.id()), Some(0));
        Cue::Vote(cast.vote(i, vote))
    };
    vec![
        propose(0, &v, None),
        prevote(2, 0, Some(v.id())),
        precommit(1, 0, None),
        precommit(2, 0, None),
        Cue::Timeout(0, TimeoutKind::Precommit),
        propose(1, &w, None),
        prevote(1, 1, None),
        prevote(3, 1, None),
        propose(2, &v, Some(0)),
        again(1),
        precommit(1, 2, Some(v.id())),
        precommit(2, 2, Some(v.id())),
    ]
}

#[test]
fn a_lock_outlives_a_crash_at_any_point_of_three_rounds() {
    let script = three_rounds(&Cast::of(4));
    play_with_every_crash(4, 0, &script, |stage| {
        let (v, w) = (block(H, 1).id(), block(H, 2).id());
        assert_eq!(stage.decided, Some(v));
        let said: Vec<_> = stage.sent.values().map(vote_of).collect();
        assert!(said.iter().all(|vote| vote.block_id != Some(w)), "{said:?}");
        assert_eq!(stage.driver.round_machine().locked().unwrap().block_id, v);
    });
}

#[test]
fn without_a_crash_the_conversation_has_six_messages() {
    let script = three_rounds(&Cast::of(4));
    let mut stage = Stage::new(4, 0, usize::MAX);
    stage.play(&script);
    let said = stage.sent.values().map(vote_of);
    let said: Vec<_> = said
        .map(|v| (v.round.0, v.block_id, v.valid_round))
        .collect();
    let v = Some(block(H, 1).id());
    let back = (2, v, Some(Round(0)));
    let expected = [
        (0, v, None),
        (0, v, None),
        (1, None, None),
        (1, None, None),
        back,
        (2, v, None),
    ];
    assert_eq!(said, expected);
}

/// What node 0 has on disk after it locked v in round 0.
fn locked() -> Recovery {
    let script = three_rounds(&Cast::of(4));
    let mut stage = Stage::new(4, 0, usize::MAX);
    stage.play(&script[..2]);
    assert!(stage.disk.lock.is_some());
    stage.disk
}

#[test]
fn a_restart_takes_up_round_step_and_lock_and_says_the_stored_messages_again() {
    let disk = locked();
    let mut node = Node::recovered(0, Pacing::Manual, disk.clone());
    let out = node.step(Input::Start);
    assert_eq!(entered(&out), Some((H, Round(0))));
    assert_eq!(persists(&out).len(), 0);
    let stored = [disk.prevote, disk.precommit].map(|v| SignedMessage::Vote(v.unwrap()));
    assert_eq!(sends(&out), stored);
    assert_eq!(node.driver.current_step(), Some(Step::Precommit));
    let v = block(H, 1).id();
    assert_eq!(node.driver.round_machine().locked().unwrap().block_id, v);
    assert_eq!(sends(&node.step(Input::Announce)), stored);
}

/// A fact that overtakes the start must not begin the height afresh: the lock would be lost, and
/// the guard would stop the node.
#[test]
fn facts_and_ticks_before_the_start_take_up_the_record_too() {
    let first = [
        Input::Fact(H, Fact::Reached(Round(1))),
        Input::Proposal(H, checked(1, &block(H, 2), Verdict::Valid)),
        Input::Tick(H),
    ];
    for input in first {
        let mut node = Node::recovered(0, Pacing::Interval(0), locked());
        let out = node.step(input);
        assert_eq!(entered(&out), Some((H, Round(0))));
        let lock = node.driver.round_machine().locked();
        assert_eq!(lock.unwrap().block_id, block(H, 1).id());
        let retold = Output::Retell(H, node.driver.round());
        assert_eq!(node.step(Input::Start), [retold]);
        assert!(!node.driver.is_halted());
    }
}

#[test]
fn a_record_of_a_decided_height_is_not_said_again() {
    let cast = Cast::of(4);
    let config = config(&cast, 0, Pacing::Interval(0));
    let mut driver = long_arrived(Driver::new(config, &cast.schedule(NEXT), locked()));
    let out = driver.step(Instant(0), Input::Start);
    assert_eq!(entered(&out), Some((NEXT, Round(0))));
    assert_eq!(sends(&out), []);
    assert_eq!(sends(&driver.step(Instant(0), Input::Announce)), []);
    assert!(driver.round_machine().locked().is_none());
}

/// An old disk was put back, or another node runs with the same key: the record is ahead.
#[test]
fn a_record_of_a_later_height_lets_the_node_sign_nothing() {
    let cast = Cast::of(4);
    let config = config(&cast, 0, Pacing::Interval(0));
    let mut driver = long_arrived(Driver::new(config, &cast.schedule(Height(3)), locked()));
    let now = Instant(0);
    assert_eq!(sends(&driver.step(now, Input::Start)), []);
    let proposal = checked(0, &block(Height(3), 1), Verdict::Valid);
    let out = driver.step(now, Input::Proposal(Height(3), proposal));
    assert!(
        matches!(&out[..], [Output::Halt(Halt::AlreadySigned(_))]),
        "{out:?}"
    );
}
