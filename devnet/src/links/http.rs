//! As much of HTTP/1.1 as a proxy needs: where a message ends, and what path a request names.
//! Lengths come from `content-length`; the nodes send no chunks.
use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// The head of a message: a node's own are a few hundred bytes.
const HEAD_BYTES_MAX: u64 = 16 * 1024;
/// Its body: more than the largest answer of blocks.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A request or an answer, as it was sent.
pub(super) struct Message {
    pub(super) bytes: Vec<u8>,
    start_line_bytes: usize,
}

impl Message {
    /// The path of a request, without its query; empty if there is none.
    pub(super) fn path(&self) -> &str {
        let line = std::str::from_utf8(&self.bytes[..self.start_line_bytes]).unwrap_or_default();
        let target = line.split(' ').nth(1).unwrap_or_default();
        target.split('?').next().unwrap_or_default()
    }
}

/// Reads one message; `None` at the end of the connection.
pub(super) async fn read(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Message>> {
    let mut head = from.take(HEAD_BYTES_MAX);
    let mut bytes = Vec::new();
    let mut start_line_bytes = 0;
    let mut length = 0;
    loop {
        let line_at = bytes.len();
        if head.read_until(b'\n', &mut bytes).await? == 0 {
            return match line_at {
                0 => Ok(None),
                _ => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
        let line = &bytes[line_at..];
        if line_at == 0 {
            start_line_bytes = line.len();
        } else if line == b"\r\n" {
            break;
        } else if let Some(found) = content_length(line)? {
            length = found;
        }
    }
    // What is announced takes no memory before it is there.
    let body = from.take(length as u64).read_to_end(&mut bytes).await?;
    if body < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(Message {
        bytes,
        start_line_bytes,
    }))
}

fn content_length(line: &[u8]) -> io::Result<Option<usize>> {
    let line = String::from_utf8_lossy(line);
    let Some((name, value)) = line.split_once(':') else {
        return Ok(None);
    };
    if name.eq_ignore_ascii_case("transfer-encoding") {
        return Err(io::Error::other("the proxy knows no transfer encoding"));
    }
    if !name.eq_ignore_ascii_case("content-length") {
        return Ok(None);
    }
    let length = value.trim().parse().ok();
    let length = length.filter(|length| *length <= BODY_BYTES_MAX);
    length
        .map(Some)
        .ok_or_else(|| io::Error::other("a length that the proxy does not carry"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(mut bytes: &[u8]) -> Vec<io::Result<Message>> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let mut found = Vec::new();
        runtime.expect("a runtime").block_on(async {
            while let Some(message) = read(&mut bytes).await.transpose() {
                let failed = message.is_err();
                found.push(message);
                if failed {
                    return;
                }
            }
        });
        found
    }

    #[test]
    fn messages_of_one_connection_are_told_apart() {
        let post = b"POST /consensus/vote HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc".as_slice();
        let get = b"GET /sync/blocks?from=1 HTTP/1.1\r\nhost: x\r\n\r\n".as_slice();
        let found = messages(&[post, get].concat());
        let found: Vec<Message> = found.into_iter().map(|m| m.expect("whole")).collect();
        assert_eq!(
            [&found[0].bytes[..], &found[1].bytes],
            [post, get],
            "not a byte is changed"
        );
        assert_eq!(
            [found[0].path(), found[1].path()],
            ["/consensus/vote", "/sync/blocks"]
        );
    }

    #[test]
    fn a_message_that_ends_early_or_is_too_long_is_an_error() {
        for broken in [
            "POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nab",
            "POST / HTTP/1.1\r\ncontent-le",
            "POST / HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
        ] {
            let found = messages(broken.as_bytes());
            assert!(matches!(&found[..], [Err(_)]), "{broken:?}");
        }
    }
}
