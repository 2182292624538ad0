//! Raw bytes into the listeners of a real node of one validator.
use lockstep_devnet::Devnet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The longest input.
pub const LIMIT: usize = 64 * 1024;
/// Longer than any deadline of the node.
const PATIENCE: Duration = Duration::from_secs(60);
/// So often it is asked whether it still makes blocks.
const LOOK_EVERY: usize = 1_000;

fn node() -> &'static Devnet {
    static NODE: OnceLock<Devnet> = OnceLock::new();
    NODE.get_or_init(|| {
        let devnet = Devnet::builder().validators(1).manual(true).boot();
        let devnet = devnet.expect("it boots");
        devnet.tick().expect("a block comes");
        devnet
    })
}

/// Writes the bytes to a listener, and reads until the node has nothing more to say. True if it
/// said anything. Panics if the node has ended or makes no more blocks.
pub fn throw(bytes: &[u8]) -> bool {
    static THROWN: AtomicUsize = AtomicUsize::new(0);
    let number = THROWN.fetch_add(1, Ordering::Relaxed);
    let devnet = node();
    if number % LOOK_EVERY == LOOK_EVERY - 1 {
        devnet.tick().expect("the chain goes on");
    }
    let urls = if number % 2 == 0 {
        devnet.urls()
    } else {
        devnet.peer_urls()
    };
    let address = urls[0].strip_prefix("http://").expect("an http url");
    let mut stream = TcpStream::connect(address).expect("the node listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // The node may close before it has read them all.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    !answer.is_empty()
}
