//! Promise P5: every sequence of six inputs over a small alphabet. Whatever comes, even quorums
//! that no network could hold, the machine keeps what a validator promises:
//!
//! - one proposal or prevote and one precommit per round, positions and rounds only rise;
//! - no precommit of a value without a polka of that round;
//! - a locked validator prevotes another value only with a polka that is not older than its lock;
//! - after the decision it says nothing; and no invariant of the machine asserts.
//!
//! Sequences that lead to equal states are followed once and counted as many. What such a state
//! is, [`key`] says: all of the machine and all of the monitor. Of the last input only what it makes
//! the machine say is looked at.
use super::script::*;
use crate::consensus::facts::{CheckedProposal, Verdict};
use crate::consensus::round_machine::{Input, Output, RoundMachine, Rules, Step};
use crate::nouns::vote::VoteKind;
use crate::types::Round;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

const LENGTH: usize = 6;

/// What validator `me` may hear: in its own rounds a built block, but no proposal of another.
fn alphabet(me: usize) -> Vec<Input> {
    let first = first_rounds(me).into_iter();
    first.chain(anything()).chain(late_rounds(me)).collect()
}

/// Q votes of a round for whatever.
fn anything() -> [Input; 4] {
    [
        any_prevotes(0),
        any_prevotes(1),
        any_precommits(0),
        any_precommits(1),
    ]
}

/// Rounds 0 to 2, and what somebody says in them about one value.
fn first_rounds(me: usize) -> Vec<Input> {
    let proposals = [
        fresh(0, A),
        fresh(0, B),
        proposal(0, C, None, Verdict::Invalid),
        fresh(1, B),
        again(1, A, 0),
        again(1, B, 0),
    ];
    let facts = [
        polka(0, A),
        polka(0, B),
        polka(1, B),
        polka_of(1, B, Some(0)),
        nil_polka(0),
        commit(0, A),
        silent(0),
        reached(2),
    ];
    let timers = [
        propose_timeout(0),
        propose_timeout(1),
        prevote_timeout(0),
        prevote_timeout(1),
        precommit_timeout(0),
    ];
    let own = (0..2).filter(|round| proposer(Round(*round)) == me);
    let built = own.map(|round| built(round, A));
    let others = proposals
        .into_iter()
        .filter(|input| is_of_others(input, me));
    others.chain(facts).chain(timers).chain(built).collect()
}

/// A round that is reached by a jump, with a lock or without.
fn late_rounds(me: usize) -> Vec<Input> {
    let inputs = [
        fresh(3, B),
        again(3, A, 0),
        polka(3, B),
        any_precommits(3),
        reached(3),
    ];
    let built = (proposer(Round(3)) == me).then(|| built(3, A));
    let others = inputs.into_iter().filter(|input| is_of_others(input, me));
    others.chain(built).collect()
}

fn is_of_others(input: &Input, me: usize) -> bool {
    match input {
        Input::Proposal(proposal) => proposer(proposal.round) != me,
        _ => true,
    }
}

/// At height 1.
fn proposer(round: Round) -> usize {
    (round.0 as usize + 1) % 4
}

/// What a validator has said, and what it may therefore still say.
#[derive(Clone, Debug, Default)]
struct Monitor {
    rules: Option<Rules>,
    /// The newest own message: 0 a proposal by the paper, 1 a prevote or what counts as one, 2 a
    /// precommit.
    last: Option<(Round, u8)>,
    round: Option<Round>,
    lock: Option<(Value, Round)>,
    polkas: BTreeSet<(Round, Value)>,
    commits: BTreeSet<(Round, Value)>,
    decided: bool,
}

type Checked = Result<(), String>;

impl Monitor {
    fn hear(&mut self, input: &Input) {
        use crate::consensus::facts::Fact;
        match input {
            Input::Fact(Fact::Polka(polka)) => {
                self.polkas.insert((polka.round, letter(polka.block_id)));
            }
            Input::Fact(Fact::Commit(commit)) => {
                self.commits.insert((commit.round, letter(commit.block_id)));
            }
            _ => {}
        }
    }

    fn check(&mut self, output: &Output) -> Checked {
        ensure(!self.decided, "something follows the decision")?;
        match output {
            Output::EnterRound(round) => {
                ensure(self.round < Some(*round), "a round does not rise")?;
                self.round = Some(*round);
            }
            Output::Propose(round, block, polka) => {
                let value = letter(block.id());
                if self.rules == Some(Rules::Paper) {
                    return self.speak(*round, 0);
                }
                self.speak(*round, 1)?;
                self.prevote(value, polka.as_ref().map(|polka| polka.round))?;
            }
            Output::CastVote(vote) => {
                let value = vote.block_id.map(letter);
                match (vote.kind, value) {
                    (VoteKind::Prevote, value) => {
                        self.speak(vote.round, 1)?;
                        value.map_or(Ok(()), |value| self.prevote(value, vote.valid_round))?;
                    }
                    (VoteKind::Precommit, None) => self.speak(vote.round, 2)?,
                    (VoteKind::Precommit, Some(value)) => self.precommit(vote.round, value)?,
                }
            }
            Output::Decide(block, by) => {
                let decided = (by.round, letter(block.id()));
                ensure(self.commits.contains(&decided), "decided without a quorum")?;
                self.decided = true;
            }
            Output::InvalidDecision(_) => self.decided = true,
            Output::BuildBlock(_) | Output::Schedule(..) | Output::Resend(_) => {}
        }
        Ok(())
    }

    fn speak(&mut self, round: Round, step: u8) -> Checked {
        ensure(self.round == Some(round), "a vote for another round")?;
        ensure(self.last < Some((round, step)), "a second vote")?;
        self.last = Some((round, step));
        Ok(())
    }

    fn prevote(&self, value: Value, valid_round: Option<Round>) -> Checked {
        ensure(value != C, "an invalid value is prevoted")?;
        let Some((locked, since)) = self.lock.filter(|(locked, _)| *locked != value) else {
            return Ok(());
        };
        let freed = valid_round.is_some_and(|round| {
            round >= since && Some(round) < self.round && self.polkas.contains(&(round, value))
        });
        ensure(
            freed,
            &format!("{value} is prevoted against the lock {locked} {since}"),
        )
    }

    fn precommit(&mut self, round: Round, value: Value) -> Checked {
        self.speak(round, 2)?;
        let polka = self.polkas.contains(&(round, value));
        ensure(polka, "precommitted without a polka")?;
        self.lock = Some((value, round));
        Ok(())
    }
}

fn ensure(holds: bool, broken: &str) -> Checked {
    if holds {
        Ok(())
    } else {
        Err(broken.to_owned())
    }
}

/// What a fault does to a machine after every input; nothing for the real one.
type Fault = fn(&mut RoundMachine);

struct Search {
    alphabet: Vec<Input>,
    fault: Fault,
    /// States, each with the number of sequences that lead to it.
    states: HashMap<String, (RoundMachine, Monitor, u64)>,
}

impl Search {
    fn new(me: usize, rules: Rules, fault: Fault) -> Search {
        Search::over(alphabet(me), me, rules, fault)
    }

    fn over(alphabet: Vec<Input>, me: usize, rules: Rules, fault: Fault) -> Search {
        let mut machine = machine(me, rules);
        let mut monitor = Monitor {
            rules: Some(rules),
            ..Monitor::default()
        };
        for output in machine.step(Input::StartRound(Round::ZERO)) {
            monitor.check(&output).unwrap();
        }
        let begin = (key(&machine, &monitor), (machine, monitor, 1));
        Search {
            alphabet,
            fault,
            states: HashMap::from([begin]),
        }
    }

    /// One input more; how many sequences have been checked now.
    fn extend(&mut self, is_last: bool) -> Result<u64, String> {
        let mut sequences = 0;
        for (_, (machine, monitor, count)) in std::mem::take(&mut self.states) {
            for input in &self.alphabet {
                let (mut machine, mut monitor) = (machine.clone(), monitor.clone());
                monitor.hear(input);
                for output in machine.step(input.clone()) {
                    let broken = |what| format!("{what}: {output:?} after {input:?}");
                    monitor.check(&output).map_err(broken)?;
                }
                sequences += count;
                if is_last {
                    continue;
                }
                (self.fault)(&mut machine);
                let state = key(&machine, &monitor);
                let state = self.states.entry(state).or_insert((machine, monitor, 0));
                state.2 += count;
            }
        }
        Ok(sequences)
    }

    fn run(mut self) -> Result<u64, String> {
        for _ in 1..LENGTH {
            self.extend(false)?;
        }
        let states = self.states.len();
        let sequences = self.extend(true)?;
        println!(
            "{} inputs: {sequences} sequences of length {LENGTH}, {states} states before the last",
            self.alphabet.len(),
        );
        Ok(sequences)
    }
}

/// All that the next steps depend on.
fn key(machine: &RoundMachine, monitor: &Monitor) -> String {
    let mut key = String::with_capacity(256);
    let log = &machine.log;
    let proposals = log.proposals.values().flatten();
    let proposal = |p: &CheckedProposal| (p.round, letter(p.block.id()), p.valid_round, p.verdict);
    for proposal in proposals.map(proposal) {
        write!(key, "{proposal:?}").unwrap();
    }
    for polka in &log.polkas {
        let polka = (polka.round, letter(polka.block_id), polka.valid_round);
        write!(key, "{polka:?}").unwrap();
    }
    let commits = log.commits.iter().map(|c| (c.round, letter(c.block_id)));
    let commits: Vec<_> = commits.collect();
    let valid = machine.valid.as_ref();
    let valid = valid.map(|v| (letter(v.block.id()), v.polka.round, v.polka.valid_round));
    let locked = machine.locked.map(|l| (letter(l.block_id), l.round));
    let told = (&log.nil_polkas, &log.prevotes_any, &log.precommits_any);
    let rest = (commits, told, log.reached, &log.silent);
    let place = (machine.round, machine.step, locked, valid, machine.decided);
    let pace = (machine.first, machine.nil_rounds);
    write!(key, "{rest:?}{place:?}{pace:?}{monitor:?}").unwrap();
    key
}

#[test]
fn whatever_six_inputs_come_the_promises_of_a_validator_hold() {
    let mut sequences = 0;
    for rules in [Rules::Extended, Rules::Paper] {
        for me in 0..3 {
            sequences += Search::new(me, rules, |_| {}).run().unwrap();
        }
    }
    println!("P5 {sequences} sequences in all");
    assert!(sequences >= 1_000_000_000);
}

/// The search can fail: each fault breaks another promise.
#[test]
fn planted_faults_break_the_promises() {
    let faults: [(Fault, &str); 4] = [
        (|machine| machine.locked = None, "against the lock"),
        (|machine| machine.step = Step::Propose, "a second vote"),
        (invent_polkas, "without a polka"),
        (|machine| machine.decided = false, "follows the decision"),
    ];
    for (fault, broken) in faults {
        let found = Search::new(0, Rules::Extended, fault).run();
        let message = found.expect_err(broken);
        assert!(message.contains(broken), "{message}");
    }
}

/// Faults that need a round beyond 2, or votes for anything: without these letters the search is
/// blind for them.
#[test]
fn faults_of_late_rounds_and_of_votes_for_anything_are_noticed() {
    let late: Fault = |machine| {
        if machine.round >= Round(3) {
            machine.locked = None;
        }
    };
    let anything: Fault = |machine| {
        let told = machine.log.prevotes_any.contains(&machine.round);
        if told && machine.step == Step::Prevote {
            machine.step = Step::Propose;
        }
    };
    for (fault, broken) in [(late, "against the lock"), (anything, "a second vote")] {
        let blind = Search::over(first_rounds(1), 1, Rules::Extended, fault);
        blind.run().expect("nothing to see");
        let found = Search::new(1, Rules::Extended, fault).run();
        let message = found.expect_err(broken);
        assert!(message.contains(broken), "{message}");
    }
}

fn invent_polkas(machine: &mut RoundMachine) {
    let proposals = machine.log.proposals.values().flatten();
    let polka = |p: &CheckedProposal| {
        let valid_round = p.valid_round.map(|round| round.0);
        polka_certificate(p.round.0, letter(p.block.id()), valid_round)
    };
    let polkas: Vec<_> = proposals.map(polka).collect();
    machine.log.polkas = polkas;
}
