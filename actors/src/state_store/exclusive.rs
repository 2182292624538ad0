//! Exclusive locks on files: of a data directory, of a key.
use std::fs::{File, TryLockError};
use std::time::{Duration, Instant};

/// How long a lock that somebody holds may still be on its way to be let go: a process that is
/// ending, or a child that another thread of this process has just started and that has inherited
/// the lock until it becomes another program.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(5);

/// Locks the file as long as it is open; refused if somebody holds it and does not let go.
pub fn lock_exclusively(file: &File) -> Result<(), TryLockError> {
    let until = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may panic
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_about_to_be_let_go_is_waited_for_and_another_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let (holder, asker) = (File::create(&path).unwrap(), File::open(&path).unwrap());
        lock_exclusively(&holder).unwrap();
        assert!(matches!(
            lock_exclusively(&asker),
            Err(TryLockError::WouldBlock)
        ));
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| lock_exclusively(&asker));
            std::thread::sleep(PAUSE);
            holder.unlock().unwrap();
            assert!(asking.join().unwrap().is_ok());
        });
    }
}
