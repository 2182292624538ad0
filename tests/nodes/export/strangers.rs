//! Whoever answers at the port of a database may be anybody.
use super::{World, export};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use support::foreign::{FOREIGN, is_raw};

/// A message of PostgreSQL: its kind, its length with itself, what it says.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("it fits");
    [&[kind][..], &length.to_be_bytes(), body].concat()
}

/// Serves as this says until the other side has gone; returns the URL of a database there.
fn serve(behave: fn(TcpStream) -> std::io::Result<()>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // An error says that the other side has gone.
            std::thread::spawn(move || behave(stream).is_err());
        }
    });
    format!("postgres://a:hunter2@{at}/b")
}

/// What the other side has said, as far as it comes at once.
fn hear(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut said = vec![0; 4_096];
    let length = stream.read(&mut said)?;
    said.truncate(length);
    Ok(said)
}

/// Asks for the password as it is, and repeats it.
fn repeat(mut stream: TcpStream) -> std::io::Result<()> {
    hear(&mut stream)?;
    stream.write_all(&message(b'R', &3u32.to_be_bytes()))?;
    let said = hear(&mut stream)?;
    let password = String::from_utf8_lossy(&said[5..said.len() - 1]).into_owned();
    assert_eq!(password, "hunter2");
    let words = format!("{FOREIGN} {password} {}", "x".repeat(100_000));
    let fields = format!("SERROR\0C28P01\0M{words}\0\0");
    stream.write_all(&message(b'E', fields.as_bytes()))
}

/// Lets everybody in, and then says one message that has no end.
fn flood(mut stream: TcpStream) -> std::io::Result<()> {
    hear(&mut stream)?;
    stream.write_all(&message(b'R', &0u32.to_be_bytes()))?;
    stream.write_all(&message(b'Z', b"I"))?;
    hear(&mut stream)?;
    stream.write_all(b"D\x7f\xff\xff\xff")?;
    loop {
        stream.write_all(&[b'x'; 65_536])?;
    }
}

/// Is no PostgreSQL at all.
fn babble(mut stream: TcpStream) -> std::io::Result<()> {
    hear(&mut stream)?;
    stream.write_all(FOREIGN.as_bytes())
}

#[test]
fn a_database_that_is_none_learns_nothing_costs_nothing_and_is_shown_as_it_is() {
    let world = World::new();
    world.tick(1);
    for (behave, code, words) in [
        (
            repeat as fn(TcpStream) -> _,
            2,
            ["refused", "28P01", "check user and password"],
        ),
        (
            flood,
            1,
            ["more than was asked for", "run the same command", ""],
        ),
        (babble, 1, ["not understood", "run the same command", ""]),
    ] {
        let to = serve(behave);
        let ended = export(&["--to", &to, "--rpc", &world.url]);
        ended.assert_refused(code, &words);
        assert!(!ended.stderr.contains(is_raw), "{:?}", ended.stderr);
        assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
        assert!(ended.stderr.len() < 8_000, "{}", ended.stderr.len());
    }
}
