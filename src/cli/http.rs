//! One GET, for a command that asks a node: HTTP/1.0 over a plain connection, bounded in time and
//! size. A node speaks no TLS.
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How long to wait for a connection, and for each part of an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longer than whatever a node says of itself.
const BYTES_MAX: u64 = 4 << 20;

/// What a node answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

/// Asks `http://host:port` for a path.
pub(super) fn get(url: &str, path: &str) -> Result<Answer, String> {
    let host = url.strip_prefix("http://").unwrap_or(url);
    let host = host.trim_end_matches('/');
    if host.contains('/') {
        return Err("it is not of the form http://host:port".into());
    }
    let addresses = host.to_socket_addrs().map_err(|error| error.to_string())?;
    let mut failed = String::from("no address found");
    // A name may stand for several addresses, and the node listens on one of them.
    for address in addresses {
        match exchange(&address, host, path) {
            Ok(bytes) => return parse(&bytes),
            Err(error) => failed = error.to_string(),
        }
    }
    Err(failed)
}

fn exchange(address: &SocketAddr, host: &str, path: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.0\r\nhost: {host}\r\n\r\n")?;
    let mut bytes = Vec::new();
    stream.take(BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn parse(bytes: &[u8]) -> Result<Answer, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "its answer is no text")?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or("its answer is no HTTP")?;
    let status = head
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1));
    let status = status.and_then(|code| code.parse().ok());
    Ok(Answer {
        status: status.ok_or("its answer is no HTTP")?,
        body: body.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status_and_a_body() {
        let answer = parse(b"HTTP/1.0 503 Busy\r\na: b\r\n\r\nnot ready\n").expect("HTTP");
        assert_eq!((answer.status, &*answer.body), (503, "not ready\n"));
        for wrong in [
            "",
            "HTTP/1.1 200 OK",
            "SSH-2.0\r\n\r\n",
            "HTTP/1.1 x\r\n\r\n",
        ] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
