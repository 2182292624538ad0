use super::super::source::Chain;
use super::*;
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::types::ChainId;
use std::sync::mpsc::{self, Sender};

/// It says that it has ten blocks, and gives none; somebody wants the end while it is asked.
struct Silent {
    chain: Chain,
    times: Cell<u32>,
    ends: Option<Sender<Asked>>,
}

impl Source for Silent {
    fn chain(&self) -> &Chain {
        &self.chain
    }

    fn newest(&self) -> Result<u64, Failure> {
        Ok(10)
    }

    fn at(&self, _: u64) -> Result<Found, Failure> {
        self.times.set(self.times.get() + 1);
        if let Some(ends) = &self.ends {
            ends.send(Asked::End).expect("it is heard");
        }
        Err(Failure::retry("no answer"))
    }

    fn may_grow(&self) -> Result<(), Failure> {
        Ok(())
    }
}

/// How far it got, if it was begun.
struct At(Option<Standing>);

impl Target for At {
    fn name(&self) -> String {
        "a target".to_owned()
    }

    fn standing(&mut self, _: &Chain) -> Result<Option<Standing>, Failure> {
        Ok(self.0)
    }

    fn begin(&mut self, _: &Head) -> Result<(), Failure> {
        panic!("no block of the source was seen")
    }

    fn put(&mut self, _: &[BlockRows]) -> Result<(), Failure> {
        panic!("there is no block")
    }
}

/// How it ended, and how often the source was asked for a block.
fn copied(target: Option<Standing>, is_ended: bool, follow: bool) -> (Result<(), Failure>, u32) {
    let (tell, asked) = mpsc::channel();
    let source = Silent {
        chain: Chain {
            chain_id: ChainId(1),
            genesis_hash: Hash([1; 32]),
            scheme: SchemeId::Dilithium3,
        },
        times: Cell::new(0),
        ends: is_ended.then(|| tell.clone()),
    };
    let mut copying = Copying {
        source: &source,
        target: &mut At(target),
        asked,
        is_asked: Cell::new(false),
        from: None,
        until: None,
        follow,
        is_told: Cell::new(false),
        copied: Copied::default(),
    };
    (copying.run(), source.times.get())
}

/// Each question may take what a node may take to answer: nine of them were some forty seconds.
#[test]
fn a_silent_source_is_not_asked_again_where_somebody_wants_the_end() {
    let at = |newest| Some(Standing { first: 1, newest });
    let fourth = Some((4, Hash([4; 32])));
    for (target, next) in [(None, 1), (at(None), 1), (at(fourth), 5)] {
        let (ended, times) = copied(target, true, true);
        assert!(ended.is_ok(), "{target:?}: {ended:?}");
        assert_eq!(times, 1);
        let (ended, times) = copied(target, true, false);
        let why = ended.expect_err("blocks are missing").message;
        let begins = format!("ended as asked before block {next}: ");
        assert!(why.starts_with(&begins), "{target:?}: {why}");
        assert_eq!(times, 1);
    }
}

#[test]
fn a_silent_source_is_asked_again_a_few_times() {
    let (ended, times) = copied(None, false, false);
    assert_eq!(ended.expect_err("there is no block").message, "no answer");
    assert_eq!(times, TRIES);
}
