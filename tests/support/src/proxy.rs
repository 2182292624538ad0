//! A server in front of a node that changes what the node says. People's requests only: it speaks
//! HTTP/1.0 and closes after each answer.
use crate::{Answer, Connection, rpc};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// The status of an answer that is never sent: the connection is closed instead.
pub const NO_ANSWER: u16 = 0;

/// What it makes of an answer to a path.
pub type Lie = dyn Fn(&str, Answer) -> Answer + Send + Sync;

/// Serves `node` through `lie`; returns where. Its threads end with the process.
pub fn serve(node: &str, lie: impl Fn(&str, Answer) -> Answer + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let node = node.to_owned();
    let lie = Arc::<Lie>::from(Box::new(lie) as Box<Lie>);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (node, lie) = (node.clone(), lie.clone());
            // An error says that the other side has gone.
            std::thread::spawn(move || pass(stream, &node, &*lie).is_err());
        }
    });
    url
}

fn pass(stream: TcpStream, node: &str, lie: &Lie) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let length = head.lines().find_map(|line| {
        let length = line.strip_prefix("content-length: ")?;
        length.parse().ok()
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let mut node = Connection::open(node);
    let answer = match (method, path) {
        ("POST", "/") => rpc::post_bytes(&mut node, &body),
        _ => node.request(method, path, &body)?,
    };
    let answer = lie(path, answer);
    if answer.status == NO_ANSWER {
        return Ok(());
    }
    let status = answer.status;
    let length = answer.body.len();
    let head = format!("HTTP/1.0 {status} OK\r\ncontent-length: {length}\r\n\r\n");
    let stream = reader.get_mut();
    stream.write_all(&[head.as_bytes(), &answer.body].concat())
}
