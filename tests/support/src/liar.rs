//! A peer that is no node: it shakes hands as a validator should, and answers block sync as its
//! [`Lie`] has it. What it knows of the chain it asks of an honest node.
use crate::{Connection, get};
use lockstep_actors::peers::Peer;
use lockstep_protocol::nouns::decided::DecidedBlock;
use lockstep_protocol::types::Address;
use lockstep_protocol::wire::Wire;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How it answers `GET /sync/blocks`.
#[derive(Clone, Debug)]
pub enum Lie {
    /// Claims a height that no chain reaches, and has nothing.
    AbsurdHeight,
    /// Claims much at first, then ever less, and has nothing.
    ShrinkingHeight,
    /// Each block with the certificate of its successor.
    WrongCertificate,
    /// Valid blocks of other heights than it was asked for.
    OtherHeights,
    /// Valid blocks, one at a time, each after a while.
    Trickle,
    /// Takes the request and says nothing.
    Silence,
    /// Announces a long answer and breaks off.
    BreaksOff,
    /// Megabytes that are no blocks.
    Garbage,
    /// More megabytes than an answer may have.
    TooMuch,
    /// No blocks, again and again.
    Empty,
    /// These blocks, whatever they are.
    These(Vec<DecidedBlock>),
}

/// A fake peer. Its threads end with the process.
pub struct Liar {
    /// As an honest node is told of it.
    pub peer: Peer,
    /// Where it answers.
    pub listens: SocketAddr,
    asked: Arc<AtomicUsize>,
}

struct Mind {
    lie: Lie,
    me: Address,
    /// An honest node.
    node: String,
    wire: Wire,
    asked: Arc<AtomicUsize>,
    greeted: AtomicUsize,
}

impl Liar {
    /// Starts to listen; `node` is the honest one.
    pub fn new(lie: Lie, me: Address, node: String, wire: Wire) -> Liar {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let listens: SocketAddr = listener.local_addr().expect("an address");
        let asked = Arc::<AtomicUsize>::default();
        let mind = Arc::new(Mind {
            lie,
            me,
            node,
            wire,
            asked: asked.clone(),
            greeted: AtomicUsize::new(0),
        });
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mind = mind.clone();
                // An error says that the other side has gone.
                std::thread::spawn(move || mind.serve(stream).is_err());
            }
        });
        let address = me;
        Liar {
            peer: Peer::at(address, listens),
            listens,
            asked,
        }
    }

    /// How often it was asked for blocks.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Mind {
    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        loop {
            let (mut head, mut line) = (String::new(), String::new());
            while line != "\r\n" {
                line.clear();
                if reader.read_line(&mut line)? == 0 {
                    return Ok(());
                }
                head.push_str(&line);
            }
            let length = head.to_lowercase();
            let length = length.split("content-length: ").nth(1);
            let length = length.and_then(|rest| rest.lines().next()?.parse().ok());
            reader.read_exact(&mut vec![0; length.unwrap_or(0)])?;
            let path = head.split(' ').nth(1).unwrap_or("").to_owned();
            if !self.answer(&path, &stream)? {
                return Ok(());
            }
        }
    }

    /// False if the connection is to be closed.
    fn answer(&self, path: &str, stream: &TcpStream) -> std::io::Result<bool> {
        if path == "/handshake" {
            return send(stream, 200, self.handshake().to_string().as_bytes());
        }
        let Some(query) = path.strip_prefix("/sync/blocks?") else {
            return send(stream, 202, b"");
        };
        self.asked.fetch_add(1, Ordering::SeqCst);
        let number = |name: &str| {
            let pair = query.split('&').find_map(|pair| pair.strip_prefix(name));
            pair.and_then(|text| text.parse::<u64>().ok()).unwrap_or(1)
        };
        self.blocks(number("from="), number("limit="), stream)
    }

    fn handshake(&self) -> Value {
        let mut handshake = get(&self.node, "/handshake").json();
        let greeted = self.greeted.fetch_add(1, Ordering::SeqCst) as u64;
        let honest = handshake["height"].as_u64().unwrap_or(0);
        handshake["validator"] = self.me.to_string().into();
        handshake["height"] = match &self.lie {
            Lie::AbsurdHeight => (u64::MAX - 1).into(),
            Lie::ShrinkingHeight => (1_000_000 / (greeted + 1).pow(4)).into(),
            Lie::These(blocks) => blocks.len().into(),
            _ => honest.into(),
        };
        handshake
    }

    fn blocks(&self, from: u64, limit: u64, mut stream: &TcpStream) -> std::io::Result<bool> {
        let encoded = |blocks: &[DecidedBlock]| self.wire.encode_blocks(blocks);
        match &self.lie {
            Lie::AbsurdHeight | Lie::ShrinkingHeight | Lie::Empty => {
                send(stream, 200, &encoded(&[]))
            }
            Lie::WrongCertificate => send(stream, 200, &encoded(&shifted(&self.honest(from)))),
            Lie::OtherHeights => send(stream, 200, &encoded(&self.honest(from + 7))),
            Lie::Trickle => {
                std::thread::sleep(Duration::from_millis(200));
                let blocks = self.honest(from);
                send(stream, 200, &encoded(&blocks[..blocks.len().min(1)]))
            }
            Lie::Silence => {
                std::thread::sleep(Duration::from_secs(3_600));
                Ok(false)
            }
            Lie::BreaksOff => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nabc")?;
                Ok(false)
            }
            Lie::Garbage => send(stream, 200, &vec![0xaa; 5_000_000]),
            Lie::TooMuch => send(stream, 200, &vec![0xaa; 20_000_000]),
            Lie::These(blocks) => {
                let first = from.saturating_sub(1) as usize;
                let limit = limit as usize;
                let rest = blocks.get(first..).unwrap_or_default();
                send(stream, 200, &encoded(&rest[..rest.len().min(limit)]))
            }
        }
    }

    fn honest(&self, from: u64) -> Vec<DecidedBlock> {
        let path = format!("/sync/blocks?from={from}&limit=20");
        let answer = Connection::open(&self.node).request("GET", &path, b"");
        let bytes = answer.map_or_else(|_| Vec::new(), |answer| answer.body);
        self.wire.decode_blocks(&bytes).unwrap_or_default()
    }
}

fn shifted(blocks: &[DecidedBlock]) -> Vec<DecidedBlock> {
    let pairs = blocks.iter().zip(blocks.iter().skip(1));
    let shift = |(block, next): (&DecidedBlock, &DecidedBlock)| DecidedBlock {
        block: block.block.clone(),
        certificate: next.certificate.clone(),
    };
    pairs.map(shift).collect()
}

fn send(mut stream: &TcpStream, status: u16, body: &[u8]) -> std::io::Result<bool> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} OK\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    Ok(true)
}
