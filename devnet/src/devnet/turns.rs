//! **Snapshots and the way back**: the disks of all nodes as they were at one moment.
//!
//! All nodes stop first. Nothing is on its way between two disks then: what a node has sent stands in
//! its own sign record, because it writes before it sends. Their directories are copied, or put back,
//! and all nodes that ran begin again at the sockets that they had.
//!
//! A node that is put back forgets what it has signed since, and signs those heights again. On any
//! other chain that would be equivocation. Here nobody is left who has met those votes: all nodes go
//! back together, in one process, with keys that everybody knows. Clients may have seen blocks that
//! are no more. A node that is none of a devnet has no such order, and none of this code.
use super::boot::Listeners;
use super::lives::Life;
use super::{Devnet, DevnetError, Inner};
use crate::limits::SNAPSHOTS_MAX;
use lockstep_actors::node::NodeHandle;
use lockstep_actors::private;
use serde_json::{Value, json};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// What a devnet remembers of itself.
#[derive(Default)]
pub(super) struct Turns {
    kept: Vec<Kept>,
    /// The number of the newest snapshot, whether it is kept or not.
    numbered: u64,
    /// Snapshots that were taken and reverts, those that failed among them.
    over: u64,
    /// How often disks were put back.
    reverts: u64,
    /// Why the last one failed, if it did.
    failure: Option<String>,
}

/// The disks of one moment. Dropped, they are removed.
struct Kept {
    id: u64,
    /// The lowest height of the nodes that ran.
    height: Option<u64>,
    dir: TempDir,
}

/// What there is to do while all nodes stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Keep(u64),
    Revert(u64),
}

impl Devnet {
    /// Keeps the disks of all nodes as they are now; returns the number by which [`Devnet::revert`]
    /// goes back to them. All nodes stop for it, and those that ran go on.
    pub fn snapshot(&self) -> Result<u64, DevnetError> {
        let id = self.inner.number_snapshot()?;
        Inner::turn(&self.inner, Turn::Keep(id))?;
        Ok(id)
    }

    /// Puts the disks of all nodes back to this snapshot, and lets go of it and of those after it. The
    /// clock of the nodes goes on: it never goes back.
    pub fn revert(&self, snapshot: u64) -> Result<(), DevnetError> {
        self.inner.find_snapshot(snapshot)?;
        Inner::turn(&self.inner, Turn::Revert(snapshot))
    }
}

impl Inner {
    /// The number of a snapshot that is to be taken.
    pub(super) fn number_snapshot(&self) -> Result<u64, DevnetError> {
        let mut turns = self.turns.lock();
        if turns.kept.len() >= SNAPSHOTS_MAX {
            return Err(DevnetError::TooManySnapshots);
        }
        turns.numbered += 1;
        Ok(turns.numbered)
    }

    pub(super) fn find_snapshot(&self, id: u64) -> Result<(), DevnetError> {
        let is_kept = self.turns.lock().kept.iter().any(|kept| kept.id == id);
        is_kept.then_some(()).ok_or(DevnetError::NoSnapshot(id))
    }

    /// How often disks were put back.
    pub(super) fn reverts(&self) -> u64 {
        self.turns.lock().reverts
    }

    /// How many turns are over.
    pub(super) fn turns_over(&self) -> u64 {
        self.turns.lock().over
    }

    /// What `GET /devnet` shows of it.
    pub(super) fn shown_turns(&self) -> Value {
        let turns = self.turns.lock();
        let kept = turns.kept.iter();
        let kept = kept.map(|kept| json!({ "snapshot": kept.id, "height": kept.height }));
        json!({
            "over": turns.over,
            "reverts": turns.reverts,
            "failure": turns.failure,
            "snapshots": kept.collect::<Vec<_>>(),
        })
    }

    /// Stops all nodes, does it, and begins those again that ran.
    pub(super) fn turn(this: &Arc<Inner>, turn: Turn) -> Result<(), DevnetError> {
        let going = this.orders.lock();
        if *going {
            return Err(DevnetError::Going);
        }
        let height = this.heights().into_iter().flatten().min();
        let ran = this.stand();
        let done = match turn {
            Turn::Keep(id) => this.keep(id, height),
            Turn::Revert(id) => this.put_back(id),
        };
        let begun = Inner::go_on(this, ran);
        this.wait_for_arrival();
        let all = done.and(begun);
        let mut turns = this.turns.lock();
        turns.over += 1;
        turns.failure = all.as_ref().err().map(ToString::to_string);
        all
    }

    /// Stops all nodes that run, and holds their sockets: whoever connects meanwhile waits.
    fn stand(&self) -> Vec<Option<Listeners>> {
        let held = self
            .sockets
            .lock()
            .iter()
            .map(|it| it.hold())
            .collect::<Vec<_>>();
        let running = |node: &mut NodeHandle| !node.has_ended();
        let nodes = self.nodes.iter().map(|node| node.lock().take_if(running));
        let mut nodes: Vec<Option<NodeHandle>> = nodes.collect();
        nodes.iter_mut().flatten().for_each(NodeHandle::ask_to_stop);
        let ran = nodes.iter().zip(held);
        ran.map(|(node, held)| held.filter(|_| node.is_some()))
            .collect()
    }

    fn go_on(this: &Arc<Inner>, ran: Vec<Option<Listeners>>) -> Result<(), DevnetError> {
        let begun: Vec<Result<(), DevnetError>> = std::thread::scope(|scope| {
            let begin = |(index, bound): (usize, Option<Listeners>)| {
                let bound = bound?;
                Some(scope.spawn(move || {
                    let handle = Inner::start(this, index, bound)?;
                    *this.nodes[index].lock() = Some(handle);
                    this.lives.lock()[index] = Life::begun();
                    Ok(())
                }))
            };
            let begun: Vec<_> = ran.into_iter().enumerate().map(begin).collect();
            let begun = begun.into_iter().enumerate().filter_map(|(index, begun)| {
                Some(begun?.join().unwrap_or(Err(DevnetError::Down(index))))
            });
            begun.collect()
        });
        begun.into_iter().collect()
    }

    fn keep(&self, id: u64, height: Option<u64>) -> Result<(), DevnetError> {
        // Others may have been taken since this one was numbered.
        if self.turns.lock().kept.len() >= SNAPSHOTS_MAX {
            return Err(DevnetError::TooManySnapshots);
        }
        let failed = |error| DevnetError::Snapshot(self.home.clone(), error);
        let dir = tempfile::Builder::new()
            .prefix("snapshot-")
            .tempdir_in(&self.home);
        let dir = dir.map_err(failed)?;
        for index in 0..self.nodes.len() {
            let copy = super::data_dir(dir.path(), index);
            copy_dir(&self.data_dir(index), &copy).map_err(failed)?;
        }
        self.turns.lock().kept.push(Kept { id, height, dir });
        Ok(())
    }

    /// All copies are made before the first disk is changed.
    fn put_back(&self, id: u64) -> Result<(), DevnetError> {
        let failed = |error| DevnetError::Snapshot(self.home.clone(), error);
        let mut turns = self.turns.lock();
        let at = turns.kept.iter().position(|kept| kept.id == id);
        let at = at.ok_or(DevnetError::NoSnapshot(id))?;
        let fresh = tempfile::Builder::new()
            .prefix("revert-")
            .tempdir_in(&self.home);
        let fresh = fresh.map_err(failed)?;
        let nodes = 0..self.nodes.len();
        for index in nodes.clone() {
            let copy = super::data_dir(turns.kept[at].dir.path(), index);
            copy_dir(&copy, &super::data_dir(fresh.path(), index)).map_err(failed)?;
        }
        for index in nodes {
            let dir = self.data_dir(index);
            // Never without a disk: the old one goes when all are there.
            let old = fresh.path().join(format!("old{index}"));
            fs::rename(&dir, old).map_err(failed)?;
            fs::rename(super::data_dir(fresh.path(), index), &dir).map_err(failed)?;
        }
        turns.kept.truncate(at);
        turns.reverts += 1;
        Ok(())
    }
}

/// A data directory holds files only.
fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    private::make_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
