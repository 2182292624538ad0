//! Many connections that do their worst, from one thread. It runs behind the nodes in the line for
//! the processor: an attacker has a machine of its own.
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;

/// What the reader does not take stays with the node.
const RECEIVE_BYTES: u32 = 4_096;
/// Before a connection that the node has closed is opened anew.
const AGAIN_AFTER: Duration = Duration::from_millis(50);
/// How often whoever waits looks whether the connection is still there.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Behind the nodes and the honest callers.
const NICE: i32 = 10;

/// What follows when the first bytes are sent.
#[derive(Clone)]
pub(super) enum Then {
    /// Nothing, until there is an answer.
    Hold,
    /// The answers stay where they are.
    Unread,
    /// The same again and again, without a look at the answers.
    Again,
    /// These bytes again and again.
    Stream(Vec<u8>),
    /// A little of the answer at a time.
    Sip,
    /// All of the answer, up to the end of the connection.
    Read,
}

/// What each of the connections does.
#[derive(Clone)]
pub(super) struct Worst {
    pub(super) to: SocketAddr,
    /// Connections come from so many addresses, none of which is a peer's; 0: from a peer's own.
    pub(super) strangers: u8,
    pub(super) first: Vec<u8>,
    pub(super) then: Then,
}

/// What became of its connections so far.
#[derive(Default)]
struct Counts {
    opened: AtomicU64,
    /// Refused by what they say that they bring: such a body is not held by anybody.
    turned_away: AtomicU64,
}

/// Ends when it is dropped, with all its connections.
pub(super) struct Flood {
    counts: Arc<Counts>,
    until: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Flood {
    pub(super) fn begin(worst: &Worst, connections: usize) -> Flood {
        let (until, end) = oneshot::channel();
        let counts = Arc::<Counts>::default();
        let worst = Arc::new(worst.clone());
        let count = counts.clone();
        let thread = std::thread::spawn(move || {
            // On Linux this is the thread's own place.
            let _ = rustix::process::setpriority_process(None, NICE);
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = runtime.expect("a runtime");
            let tasks = tokio::task::LocalSet::new();
            for index in 0..connections {
                let (worst, counts) = (worst.clone(), count.clone());
                tasks.spawn_local(async move {
                    loop {
                        // An error says that the node has let it go.
                        let _ = worst.talk(index, &counts).await;
                        tokio::time::sleep(AGAIN_AFTER).await;
                    }
                });
            }
            // An error says that the flood was dropped.
            let _ = runtime.block_on(tasks.run_until(end));
        });
        Flood {
            counts,
            until: Some(until),
            thread: Some(thread),
        }
    }

    /// How many connections there were so far.
    pub(super) fn opened(&self) -> u64 {
        self.counts.opened.load(Ordering::Relaxed)
    }

    /// How many of them could not do what they were opened for.
    pub(super) fn turned_away(&self) -> u64 {
        self.counts.turned_away.load(Ordering::Relaxed)
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.until.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Worst {
    async fn talk(&self, index: usize, counts: &Counts) -> io::Result<()> {
        let mut stream = self.connect(index).await?;
        counts.opened.fetch_add(1, Ordering::Relaxed);
        stream.write_all(&self.first).await?;
        match &self.then {
            Then::Hold => {
                let mut answer = *b"HTTP/1.1 ...";
                stream.read_exact(&mut answer).await?;
                if matches!(&answer[9..], b"403" | b"404" | b"415") {
                    counts.turned_away.fetch_add(1, Ordering::Relaxed);
                }
            }
            Then::Unread => loop {
                tokio::time::sleep(LOOK_EVERY).await;
                // An empty line before a request means nothing; it fails when the node has closed.
                stream.write_all(b"\r\n").await?;
            },
            Then::Again => loop {
                stream.write_all(&self.first).await?;
            },
            Then::Stream(bytes) => loop {
                stream.write_all(bytes).await?;
            },
            Then::Sip => loop {
                if stream.read(&mut [0; 512]).await? == 0 {
                    return Ok(());
                }
                tokio::time::sleep(LOOK_EVERY).await;
            },
            Then::Read => while stream.read(&mut [0; 4_096]).await? > 0 {},
        }
        Ok(())
    }

    async fn connect(&self, index: usize) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        if !matches!(self.then, Then::Read) {
            socket.set_recv_buffer_size(RECEIVE_BYTES)?;
        }
        let from = match self.strangers {
            0 => Ipv4Addr::LOCALHOST,
            some => Ipv4Addr::new(127, 0, 1, 1 + (index % usize::from(some)) as u8),
        };
        socket.bind((from, 0).into())?;
        socket.connect(self.to).await
    }
}
