//! Somebody who asks a node for as many blocks as an answer holds, on a few connections at a time,
//! and reads none of them. Where the node lets a connection go, it comes again.
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;

const ASK: &[u8] = b"GET /sync/blocks?from=1&limit=100 HTTP/1.1\r\nhost: localhost\r\n\r\n";
/// More than a node answers at a time.
const CONNECTIONS: usize = 4;
/// The smallest that the system allows: what the reader does not take stays with the node.
const RECEIVE_BYTES: u32 = 4_096;

/// Reads nothing until dropped.
pub struct SlowReader {
    held: Arc<AtomicUsize>,
    _until: oneshot::Sender<()>,
}

impl SlowReader {
    /// Asks this node until it is dropped.
    pub fn of(node: SocketAddr) -> SlowReader {
        let held = Arc::<AtomicUsize>::default();
        let (until, end) = oneshot::channel();
        let count = held.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = runtime.expect("a runtime");
            let tasks = tokio::task::LocalSet::new();
            for _ in 0..CONNECTIONS {
                let held = count.clone();
                tasks.spawn_local(async move {
                    loop {
                        // An error says that the node has let it go.
                        let _ = hold(node, &held).await;
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                });
            }
            // An error says that the reader was dropped.
            let _ = runtime.block_on(tasks.run_until(end));
        });
        SlowReader {
            held,
            _until: until,
        }
    }

    /// How many answers it has held so far.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }
}

/// Asks until it is answered, and then leaves the answer where it is.
async fn hold(node: SocketAddr, held: &AtomicUsize) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(RECEIVE_BYTES)?;
    let mut stream = socket.connect(node).await?;
    loop {
        stream.write_all(ASK).await?;
        if status(&mut stream).await? == *b"200" {
            break;
        }
        if stream.read(&mut [0; 4_096]).await? == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    held.fetch_add(1, Ordering::SeqCst);
    loop {
        // An empty line before a request means nothing; it fails when the node has closed.
        stream.write_all(b"\r\n").await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The status of the answer, which stays unread.
async fn status(stream: &mut TcpStream) -> io::Result<[u8; 3]> {
    let mut head = [0; 12];
    while stream.peek(&mut head).await? < head.len() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok([head[9], head[10], head[11]])
}
