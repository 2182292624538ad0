//! A small WebSocket client: masked frames out, whole messages in.
use crate::PATIENCE;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// What the other side has said.
pub enum Said {
    /// A whole message.
    Text(String),
    /// A ping without a payload.
    Ping,
    /// The answer to a ping.
    Pong(Vec<u8>),
    /// The end, with its code and reason.
    Close(u16, String),
}

/// One subscriber.
pub struct WebSocket {
    stream: BufReader<TcpStream>,
    next: u64,
    /// Notifications that came while an answer was awaited.
    early: VecDeque<Value>,
}

impl WebSocket {
    /// Fails unless the node takes the upgrade.
    pub fn open(url: &str, path: &str) -> WebSocket {
        let address = url.strip_prefix("http://").expect("an http url");
        let mut stream = TcpStream::connect(address).expect("the node listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).expect("it is sent");
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(stream.read_line(&mut head).expect("a line") > 0, "{head}");
        }
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        let next = 0;
        let early = VecDeque::new();
        WebSocket {
            stream,
            next,
            early,
        }
    }

    /// Sends one frame whose first byte is `first`. A node may close before it has read it all.
    pub fn send(&mut self, first: u8, payload: &[u8]) {
        let mut frame = vec![first];
        match payload.len() {
            short @ 0..126 => frame.push(0x80 | short as u8),
            middle @ 126..65_536 => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&(middle as u16).to_be_bytes());
            }
            long => {
                frame.push(0x80 | 127);
                frame.extend_from_slice(&(long as u64).to_be_bytes());
            }
        }
        let mask = [1, 2, 3, 4];
        frame.extend_from_slice(&mask);
        let masked = payload.iter().zip(mask.iter().cycle());
        frame.extend(masked.map(|(byte, mask)| byte ^ mask));
        let _ = self.stream.get_mut().write_all(&frame);
    }

    /// Sends bytes as they are.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        let _ = self.stream.get_mut().write_all(bytes);
    }

    /// Whether the node has nothing more to say.
    pub fn is_at_its_end(&mut self) -> bool {
        matches!(self.stream.fill_buf(), Ok([]))
    }

    /// What the node says before its end, which may be a reset.
    pub fn last_words(&mut self) -> Vec<u8> {
        let mut words = Vec::new();
        match self.stream.read_to_end(&mut words) {
            Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => {
                panic!("it does not end: {error}, after {words:?}")
            }
            _ => words,
        }
    }

    /// The next frame; the node sends each message in one.
    pub fn said(&mut self) -> Said {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head).expect("a frame");
        let length = match head[1] {
            126 => u64::from(u16::from_be_bytes(self.bytes())),
            127 => u64::from_be_bytes(self.bytes()),
            short => u64::from(short),
        };
        let mut payload = vec![0; length as usize];
        self.stream.read_exact(&mut payload).expect("a payload");
        match head[0] {
            0x81 => Said::Text(String::from_utf8(payload).expect("text")),
            0x88 if payload.len() < 2 => Said::Close(1005, String::new()),
            0x88 => {
                let code = u16::from_be_bytes([payload[0], payload[1]]);
                Said::Close(code, String::from_utf8_lossy(&payload[2..]).into())
            }
            0x89 => Said::Ping,
            0x8a => Said::Pong(payload),
            other => panic!("a frame that begins with {other:#x}"),
        }
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.stream.read_exact(&mut bytes).expect("a length");
        bytes
    }

    /// The next text, as JSON.
    pub fn message(&mut self) -> Value {
        loop {
            match self.said() {
                Said::Text(text) => return serde_json::from_str(&text).expect("JSON"),
                Said::Ping => self.send(0x8a, b""),
                Said::Pong(_) => {}
                Said::Close(code, reason) => panic!("closed: {code} {reason}"),
            }
        }
    }

    /// Why the node closes the connection, whatever it says before.
    pub fn closed(&mut self) -> (u16, String) {
        loop {
            if let Said::Close(code, reason) = self.said() {
                return (code, reason);
            }
        }
    }

    /// Calls a method, and reads until its answer comes.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send(0x81, request.to_string().as_bytes());
        loop {
            let message = self.message();
            if message["id"] == id {
                return message;
            }
            assert!(message["method"].is_string(), "{message}");
            self.early.push_back(message);
        }
    }

    /// The result of a call that has to have one.
    pub fn result(&mut self, method: &str, params: Value) -> Value {
        let mut answer = self.call(method, params);
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].take()
    }

    /// The parameters of the next notification.
    pub fn notification(&mut self, method: &str) -> Value {
        let early = self.early.pop_front();
        let mut message = early.unwrap_or_else(|| self.message());
        assert_eq!(message["method"], method, "{message}");
        message["params"].take()
    }
}
