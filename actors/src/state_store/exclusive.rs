//! Exclusive locks on files: of a data directory, of a key.
use crate::limits::LOCK_PATIENCE;
use std::fs::{File, TryLockError};
use std::time::{Duration, Instant};

/// Between two looks whether it is free.
const PAUSE: Duration = Duration::from_millis(5);

/// Locks the file as long as it is open; refused if somebody holds it and does not let go.
pub fn lock_exclusively(file: &File) -> Result<(), TryLockError> {
    let until = Instant::now() + LOCK_PATIENCE;
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
