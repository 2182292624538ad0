//! Peers that answer as a test says, on threads of their own.
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// A request as it came.
pub(super) struct Request {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

/// Serves each connection on a thread of its own: `answer` is called for each request and writes
/// what it likes. The threads end with their connections, the listener with the test process.
pub(super) fn serve(
    answer: impl Fn(&Request, &mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || connection(stream, &*answer));
        }
    });
    address
}

/// Serves one connection until its end.
pub(super) fn connection(
    stream: TcpStream,
    answer: &dyn Fn(&Request, &mut TcpStream) -> std::io::Result<()>,
) {
    // Errors say that the client has gone.
    let _ = stream.set_nodelay(true);
    let Ok(mut out) = stream.try_clone() else {
        return;
    };
    let mut from = BufReader::new(stream);
    while let Some(request) = request(&mut from) {
        if answer(&request, &mut out).is_err() {
            return;
        }
    }
}

fn request(from: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if from.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse().expect("a length"))
    });
    let mut body = vec![0; length.unwrap_or(0)];
    from.read_exact(&mut body).ok()?;
    Some(Request { head, body })
}

/// A whole answer.
pub(super) fn answer(status: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Writes these bytes one at a time, so many milliseconds apart.
pub(super) fn trickle(out: &mut TcpStream, bytes: &[u8], ms: u64) -> std::io::Result<()> {
    for byte in bytes {
        out.write_all(&[*byte])?;
        std::thread::sleep(Duration::from_millis(ms));
    }
    Ok(())
}
