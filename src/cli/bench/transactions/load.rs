//! Transactions that are signed before, written to a file, and sent at an even pace: each account
//! on a connection of its own, its nonces in order.
use super::payload::Payload;
use crate::cli::process;
use crate::failure::Failure;
use lockstep_devnet::{FundedAccount, load_accounts};
use lockstep_protocol::crypto::SchemeId;
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::types::Hash;
use lockstep_protocol::wire::Wire;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// After an answer that says "not now".
const PAUSE: Duration = Duration::from_millis(5);
/// Longer than any answer to a transaction.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What to send.
pub(super) struct Plan {
    pub(super) scheme: SchemeId,
    pub(super) context: SignContext,
    pub(super) urls: Vec<String>,
    pub(super) senders: u32,
    pub(super) payload: Payload,
    pub(super) rate: u64,
    pub(super) time: Duration,
}

/// Signed, and ready to be sent.
pub(super) struct Load {
    plan: Plan,
    senders: Vec<Sender>,
}

/// On its way.
pub(super) struct Sending {
    under_way: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<std::io::Result<Sent>>>,
}

/// What was sent, and when what was accepted left.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) submitted: u64,
    pub(super) accepted: Vec<(Hash, Instant)>,
    /// What the sending threads have used, where the system tells.
    pub(super) cpu_seconds: f64,
}

/// One account's signed transactions.
struct Sender {
    /// Id, length and bytes of each.
    file: File,
    count: u64,
}

impl Load {
    /// Signs everything, on all cores.
    pub(super) fn sign(plan: Plan) -> Result<Load, Failure> {
        let accounts = load_accounts(plan.scheme, plan.senders);
        let accounts = accounts.map_err(|error| Failure::safety(error.to_string()))?;
        let total = plan.rate.saturating_mul(plan.time.as_secs());
        let each = total.div_ceil(u64::from(plan.senders));
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let context = &plan.context;
        let payload = plan.payload;
        let share = accounts.len().div_ceil(cores).max(1);
        let signed = std::thread::scope(|scope| {
            let threads: Vec<_> = accounts
                .chunks(share)
                .map(|accounts| {
                    scope.spawn(move || {
                        let sign = |account| Sender::sign(account, context, (payload, each));
                        accounts.iter().map(sign).collect::<Result<Vec<_>, _>>()
                    })
                })
                .collect();
            let joined = threads.into_iter().map(|thread| thread.join());
            joined.collect::<Result<Vec<_>, _>>()
        });
        let signed = signed.map_err(|_| Failure::safety("a signing thread has fallen"))?;
        let signed: Result<Vec<_>, String> = signed.into_iter().collect();
        let senders = signed.map_err(Failure::retry)?.into_iter().flatten();
        let senders = senders.collect();
        Ok(Load { plan, senders })
    }

    pub(super) fn start(self) -> Sending {
        let under_way = Arc::new(AtomicUsize::new(self.senders.len()));
        let between =
            self.plan.time.as_secs_f64() / self.senders.first().map_or(1, |s| s.count) as f64;
        let between = Duration::from_secs_f64(between);
        let began = Instant::now();
        let count = u32::try_from(self.senders.len()).unwrap_or(u32::MAX).max(1);
        let senders = self.senders.into_iter().zip(0u32..);
        let urls = self.plan.urls;
        let threads = senders
            .map(|(sender, number)| {
                let url = urls[number as usize % urls.len()].clone();
                let under_way = under_way.clone();
                // Evenly over the first pause, so that they do not all send at the same moment.
                let first = began + between * number / count;
                std::thread::spawn(move || {
                    let sent = sender.send(&url, first, between).map(|sent| Sent {
                        cpu_seconds: process::thread_cpu_seconds().unwrap_or(0.0),
                        ..sent
                    });
                    under_way.fetch_sub(1, Ordering::Relaxed);
                    sent
                })
            })
            .collect();
        Sending { under_way, threads }
    }
}

impl Sending {
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) > 0
    }

    pub(super) fn finish(self) -> Result<Sent, Failure> {
        let mut all = Sent::default();
        for thread in self.threads {
            let sent = thread.join();
            let sent = sent.map_err(|_| Failure::safety("a sending thread has fallen"))?;
            let sent = sent.map_err(|error| Failure::retry(error.to_string()))?;
            all.submitted += sent.submitted;
            all.accepted.extend(sent.accepted);
            all.cpu_seconds += sent.cpu_seconds;
        }
        Ok(all)
    }
}

impl Sender {
    fn sign(
        account: &FundedAccount,
        context: &SignContext,
        (payload, count): (Payload, u64),
    ) -> Result<Sender, String> {
        let failed = |error: std::io::Error| error.to_string();
        let wire = Wire::new(context.genesis_hash);
        let mut file = BufWriter::new(tempfile::tempfile().map_err(failed)?);
        for nonce in 0..count {
            let signed = account.act(context, nonce, payload.action(nonce));
            let signed = signed.map_err(|error| error.to_string())?;
            let bytes = wire.encode_transaction(&signed);
            let length = u32::try_from(bytes.len()).map_err(|error| error.to_string())?;
            file.write_all(&signed.id().0).map_err(failed)?;
            file.write_all(&length.to_le_bytes()).map_err(failed)?;
            file.write_all(&bytes).map_err(failed)?;
        }
        let mut file = file.into_inner().map_err(|error| error.to_string())?;
        file.rewind().map_err(failed)?;
        Ok(Sender { file, count })
    }

    fn send(self, url: &str, first: Instant, between: Duration) -> std::io::Result<Sent> {
        let mut sent = Sent::default();
        let mut file = BufReader::new(self.file);
        let mut connection = Connection::open(url)?;
        for number in 0..self.count {
            let (mut id, mut length) = ([0; 32], [0; 4]);
            file.read_exact(&mut id)?;
            file.read_exact(&mut length)?;
            let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
            file.read_exact(&mut bytes)?;
            let due = first + between.mul_f64(number as f64);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            sent.submitted += 1;
            let at = Instant::now();
            // An account's next transaction stands on this one: "not now" is asked again.
            while let 429 | 503 = connection.post("/transactions", &bytes)? {
                std::thread::sleep(PAUSE);
                if at.elapsed() > PATIENCE {
                    return Ok(sent);
                }
            }
            if connection.status != 202 {
                return Err(std::io::Error::other(format!(
                    "HTTP status {} for a transaction that is in order",
                    connection.status
                )));
            }
            sent.accepted.push((Hash(id), at));
        }
        Ok(sent)
    }
}

/// Keeps one connection open, and opens it anew when the node has closed it.
struct Connection {
    host: String,
    stream: BufReader<TcpStream>,
    status: u16,
}

impl Connection {
    fn open(url: &str) -> std::io::Result<Connection> {
        let host = url.strip_prefix("http://").unwrap_or(url).to_owned();
        let stream = BufReader::new(connect(&host)?);
        Ok(Connection {
            host,
            stream,
            status: 0,
        })
    }

    /// A transaction that was taken before the connection broke is known the second time.
    fn post(&mut self, path: &str, body: &[u8]) -> std::io::Result<u16> {
        let status = match self.exchange(path, body) {
            Ok(status) => status,
            Err(_) => {
                self.stream = BufReader::new(connect(&self.host)?);
                self.exchange(path, body)?
            }
        };
        self.status = status;
        Ok(status)
    }

    fn exchange(&mut self, path: &str, body: &[u8]) -> std::io::Result<u16> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/octet-stream\r\n\
             content-length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body);
        self.stream.get_mut().write_all(&bytes)?;
        let mut status = None;
        let mut length = 0;
        let mut line = String::new();
        loop {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            if status.is_none() {
                status = text.split(' ').nth(1).and_then(|code| code.parse().ok());
            } else if let Some((name, value)) = text.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        if length > ANSWER_BYTES_MAX {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        std::io::copy(
            &mut (&mut self.stream).take(length as u64),
            &mut std::io::sink(),
        )?;
        status.ok_or_else(|| std::io::ErrorKind::InvalidData.into())
    }
}

fn connect(host: &str) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(host)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}
