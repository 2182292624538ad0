//! The proxies of all links: one thread, one task per connection.
use super::http::{self, Message};
use super::rule::{Fate, Rule, Way};
use super::{Traffic, Traffics};
use crate::simulation::random::Random;
use lockstep_actors::limits::{BODY_DEADLINE, PEER_IDLE};
use parking_lot::Mutex;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot, watch};

/// Connections and late copies of one link at one time; a node opens two.
const CONNECTIONS_MAX: usize = 64;
/// Paths of a link that are counted: a node has fewer.
const PATHS_MAX: usize = 64;
/// How long the answer to a request is waited for whose sender has been cut off.
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);

/// What a link says of a request that it swallows.
const ACCEPTED: &[u8] = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";

/// What the connections of one link share.
#[derive(Clone)]
pub(super) struct Shared {
    target: SocketAddr,
    rules: watch::Receiver<Rule>,
    chance: Arc<Mutex<Random>>,
    traffic: Traffics,
    places: Arc<Semaphore>,
}

impl Shared {
    pub(super) fn new(
        target: SocketAddr,
        rules: watch::Receiver<Rule>,
        chance: Random,
        traffic: Traffics,
    ) -> Shared {
        Shared {
            target,
            rules,
            chance: Arc::new(Mutex::new(chance)),
            traffic,
            places: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        }
    }

    fn count(&self, path: &str, count: impl FnOnce(&mut Traffic)) {
        let mut traffic = self.traffic.lock();
        if traffic.len() < PATHS_MAX || traffic.contains_key(path) {
            count(traffic.entry(path.to_owned()).or_default());
        }
    }
}

/// Serves all links on a thread of its own until `stopped` hears something.
pub(super) fn start(
    proxies: Vec<(StdListener, Shared)>,
    stopped: oneshot::Receiver<()>,
) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let run = move || {
        runtime.block_on(async move {
            for (listener, shared) in proxies {
                tokio::spawn(accept(listener, shared));
            }
            // An error says that the links were dropped: the same.
            let _ = stopped.await;
        });
    };
    std::thread::Builder::new().name("links".into()).spawn(run)
}

async fn accept(listener: StdListener, shared: Shared) {
    let listener = listener
        .set_nonblocking(true)
        .and_then(|()| TcpListener::from_std(listener));
    let listener = match listener {
        Ok(listener) => listener,
        Err(error) => return log::error!("a link cannot listen: {error}"),
    };
    while let Ok(place) = Arc::clone(&shared.places).acquire_owned().await {
        let Ok((client, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let shared = shared.clone();
        tokio::spawn(async move {
            connection(client, shared).await;
            drop(place);
        });
    }
}

/// Serves one connection until it ends or the rule no longer lets it be.
async fn connection(client: TcpStream, shared: Shared) {
    let mut rules = shared.rules.clone();
    let rule = rules.borrow_and_update().clone();
    // A reset, not an orderly end: that is what a cut line looks like.
    let reset = client.set_zero_linger();
    if rule.way == Way::Cut || reset.is_err() {
        return;
    }
    let no_longer = rules.wait_for(|now| !now.keeps_connections_of(&rule));
    tokio::select! {
        _ = no_longer => {}
        served = serve(client, rule.way, &shared) => {
            if let Err(error) = served {
                log::trace!("a link to {}: {error}", shared.target);
            }
        }
    }
}

async fn serve(mut client: TcpStream, way: Way, shared: &Shared) -> io::Result<()> {
    client.set_nodelay(true)?;
    if way == Way::Silent {
        let mut void = [0; 4096];
        while client.read(&mut void).await? > 0 {}
        return Ok(());
    }
    let (from_client, mut to_client) = client.split();
    let mut from_client = BufReader::new(from_client);
    let mut server = None;
    // Who connects has something to say, and who has said it may be still for longer.
    let mut patience = BODY_DEADLINE;
    loop {
        let request = tokio::select! {
            request = tokio::time::timeout(patience, http::read(&mut from_client)) => request??,
            () = hung_up(&mut server) => None,
        };
        let Some(request) = request else {
            return Ok(());
        };
        patience = PEER_IDLE;
        let Some(answer) = pass(request, &mut server, shared).await? else {
            return Ok(());
        };
        if way == Way::Trickle {
            trickle(&mut to_client, &answer.bytes).await?;
        } else {
            to_client.write_all(&answer.bytes).await?;
        }
    }
}

type Server = BufReader<TcpStream>;

/// Returns when the server has closed an idle connection: then its client must hear so.
async fn hung_up(server: &mut Option<Server>) {
    match server {
        // Between two requests a server has nothing to say, so what can be read is the end.
        Some(server) => _ = server.get_ref().peek(&mut [0]).await,
        None => std::future::pending().await,
    }
}

/// One request and its answer; `None`: the client is to be cut off.
async fn pass(
    request: Message,
    server: &mut Option<Server>,
    shared: &Shared,
) -> io::Result<Option<Message>> {
    let (fate, delay) = {
        let rule = shared.rules.borrow();
        let fate = rule.judge(request.path(), &mut shared.chance.lock());
        (fate, rule.delay)
    };
    tokio::time::sleep(delay).await;
    match fate {
        Fate::Forward => {
            if server.is_none() {
                *server = Some(connect(shared.target).await?);
            }
            exchange(&request, server.as_mut(), shared).await
        }
        Fate::Swallow => {
            shared.count(request.path(), |traffic| traffic.swallowed += 1);
            http::read(&mut &ACCEPTED[..]).await
        }
        Fate::Lose => Ok(None),
        Fate::ForwardAndCut => {
            forward_apart(request, Duration::ZERO, shared);
            Ok(None)
        }
        Fate::CutAndForwardAfter(late) => {
            forward_apart(request, late, shared);
            Ok(None)
        }
    }
}

async fn connect(target: SocketAddr) -> io::Result<Server> {
    let server = TcpStream::connect(target).await?;
    server.set_nodelay(true)?;
    Ok(BufReader::new(server))
}

async fn exchange(
    request: &Message,
    server: Option<&mut Server>,
    shared: &Shared,
) -> io::Result<Option<Message>> {
    let Some(server) = server else {
        return Ok(None);
    };
    server.get_mut().write_all(&request.bytes).await?;
    let answer = http::read(server).await?;
    if answer.is_some() {
        shared.count(request.path(), |traffic| traffic.answered += 1);
    }
    Ok(answer)
}

/// Forwards a request whose sender will not hear its answer. A link that is cut meanwhile loses it.
fn forward_apart(request: Message, after: Duration, shared: &Shared) {
    let shared = shared.clone();
    let Ok(place) = Arc::clone(&shared.places).try_acquire_owned() else {
        return;
    };
    tokio::spawn(async move {
        tokio::time::sleep(after).await;
        if shared.rules.borrow().way == Way::Open {
            let forward = async {
                let mut server = connect(shared.target).await?;
                exchange(&request, Some(&mut server), &shared).await
            };
            // Whether it arrived nobody will hear: its sender has sent it again.
            let _ = tokio::time::timeout(ANSWER_PATIENCE, forward).await;
        }
        drop(place);
    });
}

async fn trickle(to: &mut (impl AsyncWriteExt + Unpin), bytes: &[u8]) -> io::Result<()> {
    for byte in bytes {
        to.write_all(&[*byte]).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}
