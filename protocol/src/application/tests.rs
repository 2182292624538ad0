//! Names, registries and budgets; what a call does in a block is told in `ledger/tests/calls.rs`.
use super::limits::{CALL_WORK_MAX, EVENTS_BYTES_MAX, EVENTS_MAX, READ_WORK, WRITE_WORK};
use super::*;
use crate::nouns::genesis::{Genesis, GenesisApplication};
use crate::nouns::parameters::Parameters;
use crate::nouns::receipt::FailureCode;
use crate::types::SchemeId;
use std::sync::Arc;

type Script = fn(&mut AppState<'_>) -> Result<(), Failed>;

/// Does with its state what the test says.
struct Scripted(&'static str, u32, Script);

impl Application for Scripted {
    fn name(&self) -> &str {
        self.0
    }
    fn version(&self) -> u32 {
        self.1
    }
    fn genesis(&self, state: &mut AppState<'_>, document: &[u8]) -> Result<(), String> {
        if document == b"panic" {
            panic!("no such document")
        }
        if !document.is_empty() {
            state.set(b"document", document)?;
        }
        Ok(())
    }
    fn check(&self, call: &[u8]) -> Result<(), Refused> {
        match call {
            b"panic" => panic!("no such call"),
            b"refuse" => Err("it is refused".into()),
            _ => Ok(()),
        }
    }
    fn execute(
        &self,
        state: &mut AppState<'_>,
        _: &Call<'_>,
        _: &BlockContext,
    ) -> Result<(), Failed> {
        (self.2)(state)
    }
    fn query(&self, view: &AppView<'_>, path: &str, _: &[u8]) -> Result<Vec<u8>, QueryRefused> {
        match path {
            "panic" => panic!("no such path"),
            "long" => Ok(vec![0; limits::QUERY_ANSWER_BYTES_MAX + 1]),
            "loop" => loop {
                view.get(b"x")?;
            },
            _ => Err("no such path".into()),
        }
    }
}

struct Empty;

impl Below for Empty {
    fn value(&self, _: &StateKey) -> Result<Option<Vec<u8>>, Unreadable> {
        Ok(None)
    }
}

struct Broken;

impl Below for Broken {
    fn value(&self, _: &StateKey) -> Result<Option<Vec<u8>>, Unreadable> {
        Err(Unreadable)
    }
}

fn one(script: Script) -> Installed {
    let all = Applications::of([Arc::new(Scripted("one", 1, script)) as Arc<dyn Application>]);
    all.get("one").unwrap().clone()
}

fn run_on(below: &dyn Below, script: Script) -> Result<Ending, Panicked> {
    let call = Call {
        sender: Address::default(),
        data: &[],
        transaction: Hash::default(),
    };
    let block = BlockContext {
        chain_id: ChainId(7),
        height: Height(1),
        time: Timestamp(1),
        proposer: Address::default(),
    };
    one(script).execute(below, &call, &block)
}

fn run(script: Script) -> Ending {
    run_on(&Empty, script).unwrap()
}

fn is_exhausted(ending: &Ending) -> bool {
    matches!(ending, Ending::Failed(FailureCode::WorkExhausted, _))
}

#[test]
fn a_name_has_up_to_32_of_a_to_z_0_to_9_and_dashes_and_begins_with_a_letter() {
    for name in ["a", "token", "a-1", &"z".repeat(32)] {
        assert!(is_name(name), "{name}");
    }
    let long = "z".repeat(33);
    for name in ["", "1a", "-a", "Token", "a_b", "a b", "ä", "a\0", &long] {
        assert!(!is_name(name), "{name}");
    }
}

#[test]
fn a_call_reads_what_it_has_written_and_removed_itself() {
    let ending = run(|state| {
        assert_eq!(state.get(b"a")?, None);
        state.set(b"a", b"1")?;
        assert_eq!(state.get(b"a")?, Some(b"1".to_vec()));
        state.remove(b"a")?;
        assert_eq!(state.get(b"a")?, None);
        state.set(b"b", b"")?;
        assert_eq!(state.get(b"b")?, None, "no bytes are no value");
        Ok(state.emit("told", b"x")?)
    });
    let Ending::Done(written, events) = ending else {
        panic!("{ending:?}")
    };
    assert_eq!(written.len(), 2);
    assert!(written.values().all(Option::is_none));
    assert_eq!(events.len(), 1);
}

#[test]
fn what_is_beyond_the_budget_fails_whatever_the_application_makes_of_it() {
    let stubborn: [Script; 8] = [
        |state| loop {
            state.get(b"x")?;
        },
        |state| loop {
            state.set(b"x", b"y")?;
        },
        |state| Ok((0..=EVENTS_MAX).for_each(|_| _ = state.emit("e", b""))),
        |state| Ok(_ = state.spend(CALL_WORK_MAX + 1)),
        |state| Ok(_ = state.set([0; 65], b"too long a key")),
        |state| Ok(_ = state.get([0; 0])),
        |state| Ok(_ = state.set(b"x", vec![0; 4_097])),
        |state| match state.emit("No name", b"") {
            // Another code of its own does not help it either.
            Err(_) => Err(Failed::code(7)),
            Ok(()) => Ok(()),
        },
    ];
    for (index, script) in stubborn.into_iter().enumerate() {
        assert!(is_exhausted(&run(script)), "script {index}");
    }
    assert!(is_exhausted(&run(|state| {
        let _ = state.spend(CALL_WORK_MAX + 1);
        assert_eq!(state.get(b"x"), Err(Stopped::Work), "nothing goes on");
        assert_eq!(state.emit("e", b""), Err(Stopped::Work));
        Ok(())
    })));
}

#[test]
fn each_operation_costs_what_is_written_down() {
    assert!(matches!(
        run(|state| {
            state.get(b"k")?; // 50 + 1
            state.set(b"k", b"vv")?; // 500 + 3
            state.emit("e", b"dd")?; // 50 + 3
            Ok(state.spend(CALL_WORK_MAX - READ_WORK - 1 - WRITE_WORK - 3 - 53)?)
        }),
        Ending::Done(..)
    ));
    assert!(is_exhausted(&run(|state| {
        state.get(b"k")?;
        state.set(b"k", b"vv")?;
        state.emit("e", b"dd")?;
        Ok(state.spend(CALL_WORK_MAX - READ_WORK - 1 - WRITE_WORK - 3 - 52)?)
    })));
}

/// The receipts of a block are never longer than its transactions.
#[test]
fn the_events_of_a_call_have_a_limit_together() {
    let ending = run(|state| {
        for _ in 0..2 {
            state.emit("e", [0; 1_024])?;
        }
        Ok(state.emit("e", vec![0; EVENTS_BYTES_MAX - 2 * (1_024 + 9) - 9])?)
    });
    assert!(matches!(ending, Ending::Done(..)), "{ending:?}");
    let longer = run(|state| {
        for _ in 0..2 {
            state.emit("e", [0; 1_024])?;
        }
        Ok(state.emit("e", vec![0; EVENTS_BYTES_MAX - 2 * (1_024 + 9) - 8])?)
    });
    assert!(is_exhausted(&longer));
}

#[test]
fn a_panic_goes_no_further_than_its_call() {
    let panicked = run_on(&Empty, |_| panic!("seven {}", 7)).unwrap_err();
    assert_eq!(panicked, Panicked("seven 7".into()));
    let app = one(|_| Ok(()));
    let refused = app.check(b"panic").unwrap_err().to_string();
    assert_eq!(refused, "it panicked: no such call");
    let refused = app.check(b"refuse").unwrap_err().to_string();
    assert_eq!(refused, "it is refused");
    let place: (&dyn Below, Height) = (&Empty, Height(1));
    assert!(app.query(place, "panic", b"").is_err());
}

#[test]
fn a_question_is_answered_within_a_budget_and_a_length() {
    let app = one(|_| Ok(()));
    let ask = |path| app.query((&Empty, Height(1)), path, b"").unwrap().unwrap();
    assert_eq!(ask("what").unwrap_err().to_string(), "no such path");
    assert!(ask("loop").unwrap_err().to_string().contains("budget"));
    assert!(ask("long").unwrap_err().to_string().contains("65536"));
}

#[test]
fn a_state_that_cannot_be_read_is_not_the_fault_of_a_call() {
    let ending = run_on(&Broken, |state| {
        let _ = state.get(b"x");
        Err(Failed::code(1))
    });
    assert_eq!(ending.unwrap(), Ending::Unreadable);
}

fn genesis(applications: &[(&str, u32, &[u8])]) -> Genesis {
    let named = applications.iter().map(|(name, version, state)| {
        let (name, state) = ((*name).into(), state.to_vec());
        GenesisApplication {
            name,
            version: *version,
            state,
        }
    });
    Genesis {
        chain_id: ChainId(7),
        scheme: SchemeId::MlDsa65,
        time: Timestamp(1),
        parameters: Parameters::default(),
        validators: Vec::new(),
        accounts: Vec::new(),
        applications: named.collect(),
    }
}

#[test]
fn a_genesis_that_this_build_cannot_run_is_refused_by_name_and_version() {
    let quiet: Script = |_| Ok(());
    let all = [("one", 1), ("one", 2), ("two", 1)];
    let all = all.map(|(name, v)| Arc::new(Scripted(name, v, quiet)) as Arc<dyn Application>);
    let build = Applications::of(all);
    let refused = |genesis: &Genesis| build.genesis(genesis).unwrap_err().to_string();
    for (named, words) in [
        (
            &[("one", 3, b"" as &[u8])][..],
            "version 3 of the application one",
        ),
        (&[("six", 1, b"")], "the application six, version 1"),
        (&[("two", 1, b""), ("one", 1, b"")], "rise by name"),
        (&[("one", 1, b""), ("one", 2, b"")], "each once"),
        (&[("One", 1, b"")], "no valid name"),
        (&[("one", 1, b"panic")], "no such document"),
        (&[("one", 1, &vec![1; 1024 * 1024 + 1])], "1048577 bytes"),
    ] {
        let refused = refused(&genesis(named));
        assert!(refused.contains(words), "{refused}");
    }
    let chosen = build.named_by(&genesis(&[("one", 1, b"")])).unwrap();
    assert_eq!(chosen.get("one").unwrap().version(), 1);
    assert!(chosen.get("two").is_none());
    let many: Vec<String> = (0..17).map(|n| format!("a{n:02}")).collect();
    let many: Vec<_> = many.iter().map(|n| (n.as_str(), 1, b"" as &[u8])).collect();
    assert!(refused(&genesis(&many)).contains("17"));
}

#[test]
fn a_sentence_of_an_application_is_cut_between_characters() {
    let cut = sentence("ä".repeat(1_000));
    assert_eq!(cut.len(), 256);
    assert_eq!(cut.chars().count(), 128);
}
