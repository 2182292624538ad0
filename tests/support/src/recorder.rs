//! A proxy on the way from one node to another that writes down what the first one says: whoever
//! signs twice is convicted by what he sent, and not by what others remember of it.
use lockstep_protocol::consensus::durable::{Position, SignStep};
use lockstep_protocol::nouns::vote::VoteKind;
use lockstep_protocol::types::{Address, Hash};
use lockstep_protocol::wire::Wire;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// One message of consensus, as it was sent.
pub struct Sent {
    /// Where it was sent to.
    pub path: String,
    /// Its canonical bytes.
    pub body: Vec<u8>,
}

/// Listens in front of one node.
pub struct Recorder {
    /// Where the first node finds the other one.
    pub listens: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    node: SocketAddr,
    sent: Mutex<Vec<Sent>>,
    /// Proposals are written down and let through to nobody.
    holds_proposals: AtomicBool,
    ended: AtomicBool,
}

impl Recorder {
    /// Lets everything through to `node`.
    pub fn before(node: SocketAddr) -> Recorder {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let listens = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            node,
            sent: Mutex::default(),
            holds_proposals: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        });
        let all = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if all.ended.load(Ordering::Relaxed) {
                    return;
                }
                let shared = all.clone();
                // An error says that one of the two is gone; so is the connection then.
                std::thread::spawn(move || drop(shared.carry(stream)));
            }
        });
        Recorder { listens, shared }
    }

    /// From now on proposals do or do not arrive.
    pub fn hold_proposals(&self, hold: bool) {
        self.shared.holds_proposals.store(hold, Ordering::SeqCst);
    }

    /// What was sent so far.
    pub fn take(&self) -> Vec<Sent> {
        std::mem::take(&mut self.shared.sent.lock().expect("no panic holds it"))
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        // Wakes the listener; an error says that it is gone.
        let _ = TcpStream::connect(self.listens);
    }
}

impl Shared {
    /// Request by request.
    fn carry(&self, client: TcpStream) -> io::Result<()> {
        let node = TcpStream::connect(self.node)?;
        for stream in [&client, &node] {
            stream.set_nodelay(true)?;
        }
        let (mut client, mut node) = (BufReader::new(client), BufReader::new(node));
        loop {
            let (head, body) = read(&mut client)?;
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let is_proposal =
                ["/consensus/proposal", "/consensus/compact"].contains(&path.as_str());
            let hold = is_proposal && self.holds_proposals.load(Ordering::SeqCst);
            // A pull is a question: nobody signs it.
            if is_proposal || path == "/consensus/vote" {
                let sent = Sent {
                    path,
                    body: body.clone(),
                };
                self.sent.lock().expect("no panic holds it").push(sent);
            }
            if hold {
                // As if the network had lost it: the connection ends when the sender does.
                return io::copy(&mut client, &mut io::sink()).map(drop);
            }
            node.get_mut()
                .write_all(&[head.as_bytes(), &body].concat())?;
            let (head, body) = read(&mut node)?;
            client
                .get_mut()
                .write_all(&[head.as_bytes(), &body].concat())?;
        }
    }
}

/// Head and body of one message of HTTP/1.1.
fn read(from: &mut BufReader<TcpStream>) -> io::Result<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if from.read_line(&mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    from.read_exact(&mut body)?;
    Ok((head, body))
}

/// What one validator signed at each position: what it says (the block and the valid round), and
/// the signature.
#[derive(Default)]
pub struct Signed(BTreeMap<Position, BTreeSet<Said>>);

/// The block or nil, the valid round, the signature.
type Said = (Option<Hash>, Option<u32>, Vec<u8>);

impl Signed {
    /// Adds what is `who`'s own.
    pub fn add(&mut self, wire: &Wire, who: Address, sent: &[Sent]) {
        for message in sent {
            let (position, said) = if message.path == "/consensus/vote" {
                let signed = wire.decode_vote(&message.body).expect("a vote");
                let vote = signed.vote;
                if vote.validator != who {
                    continue;
                }
                let step = match vote.kind {
                    VoteKind::Prevote => SignStep::Prevote,
                    VoteKind::Precommit => SignStep::Precommit,
                };
                let valid_round = vote.valid_round.map(|round| round.0);
                let said = (vote.block_id, valid_round, signed.signature.0);
                ((vote.height, vote.round, step), said)
            } else {
                // Whole or compact: what is signed comes first.
                let proposal = wire
                    .decode_proposal_head(&message.body)
                    .expect("a proposal");
                if proposal.proposer != who {
                    continue;
                }
                let valid_round = proposal.valid_round.map(|round| round.0);
                let said = (Some(proposal.block_id), valid_round, proposal.signature.0);
                ((proposal.height, proposal.round, SignStep::Propose), said)
            };
            self.0.entry(position).or_default().insert(said);
        }
    }

    /// How many positions there are.
    pub fn positions(&self) -> usize {
        self.0.len()
    }

    /// At each position one signature was sent, however often: stored ones are sent again, never
    /// made anew, so not even two signatures of the same words may be seen.
    pub fn assert_once(&self) {
        for (position, said) in &self.0 {
            assert_eq!(said.len(), 1, "signed more than once at {position:?}");
        }
        // A proposal is a prevote (E1): another one in the same round would be equivocation.
        for ((height, round, step), said) in &self.0 {
            let prevote = self.0.get(&(*height, *round, SignStep::Prevote));
            if let (SignStep::Propose, Some(prevote)) = (step, prevote) {
                let id = |set: &BTreeSet<Said>| {
                    set.first().map(|(id, valid_round, _)| (*id, *valid_round))
                };
                assert_eq!(id(said), id(prevote), "height {height} round {round}");
            }
        }
    }
}
