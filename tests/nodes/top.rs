//! `lockstep top` on a terminal of its own (`script`), and in a pipe. Whichever way it ends, the
//! terminal is as it was.
use lockstep_devnet::Devnet;
use std::fs;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use support::process::{binary, finish, hear_nothing, lockstep};
use support::{PATIENCE, eventually};

/// What a terminal is told when a picture takes it, and when it is given back.
const TAKEN: &str = "\u{1b}[?1049h";
const GIVEN_BACK: &str = "\u{1b}[?1049l";

const ROWS: NonZeroU16 = NonZeroU16::new(24).expect("not 0");
const COLUMNS: NonZeroU16 = NonZeroU16::new(80).expect("not 0");

const ALIVE: &str = "All 4 validators take part.";

struct OnTerminal {
    script: Child,
    shown: Arc<Mutex<Vec<u8>>>,
}

impl OnTerminal {
    /// The shell notes how the terminal is before and after, and `pid` is the command's own.
    fn start(dir: &Path, url: &str) -> OnTerminal {
        OnTerminal::run(dir, &format!("top --rpc {url}"))
    }

    fn run(dir: &Path, arguments: &str) -> OnTerminal {
        let top = format!("'{}' {arguments}", binary().display());
        let words = format!(
            "stty rows {ROWS} cols {COLUMNS}; stty -a > before; sh -c 'echo $$ > pid; exec '\"{top}\"; \
             echo code $? > code; stty -a > after"
        );
        let mut command = Command::new("script");
        hear_nothing(&mut command);
        command
            .args(["-qec", &words, "/dev/null"])
            .current_dir(dir)
            .env("SHELL", "/bin/sh")
            .env("TERM", "xterm-256color")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut script = command.spawn().expect("script is installed");
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut stdout, kept) = (script.stdout.take().expect("a pipe"), Arc::clone(&shown));
        std::thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(length @ 1..) = stdout.read(&mut part) {
                kept.lock().expect("no panic").extend(&part[..length]);
            }
        });
        OnTerminal { script, shown }
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().expect("no panic")).into_owned()
    }

    /// What a person sees. The bytes alone do not tell: only cells that change are drawn, so where a
    /// letter stays the word has a hole.
    fn screen(&self) -> String {
        let mut terminal = vt100::Parser::new(ROWS, COLUMNS, 0);
        terminal.process(&self.shown.lock().expect("no panic"));
        terminal.screen().contents()
    }

    fn wait_for(&self, words: &str) {
        let seen = || self.screen().contains(words).then_some(());
        eventually(&format!("{words:?} is on the screen"), seen);
    }

    fn wait_for_code(&self, code: &str) {
        let sent = || self.shown().contains(code).then_some(());
        eventually(&format!("{code:?} is sent"), sent);
    }

    fn press(&mut self, keys: &[u8]) {
        let stdin = self.script.stdin.as_mut().expect("a pipe");
        stdin.write_all(keys).expect("script reads");
    }

    fn end(mut self, dir: &Path) {
        self.script.wait().expect("it ends");
        let read = |name: &str| fs::read_to_string(dir.join(name)).expect("it was written");
        assert_eq!(read("code"), "code 0\n", "{}", self.shown());
        assert_eq!(read("before"), read("after"));
        self.wait_for_code(GIVEN_BACK);
        let shown = self.shown();
        let (_, behind) = shown.rsplit_once(GIVEN_BACK).expect("it was given back");
        assert!(behind.contains("\u{1b}[?25h"), "the cursor: {behind:?}");
    }
}

#[test]
fn the_terminal_is_given_back_at_a_key_at_ctrl_c_and_at_sigterm() {
    let devnet = Devnet::builder().block_time_ms(200).boot();
    let devnet = devnet.expect("it boots");
    devnet.wait_for(2, PATIENCE).expect("blocks come");
    type Way<'a> = &'a dyn Fn(&mut OnTerminal, &Path);
    let ways: [Way<'_>; 3] = [
        &|top, _| top.press(b"q"),
        &|top, _| top.press(b"\x03"),
        &|_, dir| {
            let pid = fs::read_to_string(dir.join("pid")).expect("it was noted");
            let killed = Command::new("kill").args(["-TERM", pid.trim()]).status();
            assert!(killed.is_ok_and(|status| status.success()));
        },
    ];
    for end in ways {
        let dir = tempfile::tempdir().expect("a directory");
        let mut top = OnTerminal::start(dir.path(), &devnet.urls()[0]);
        top.wait_for_code(TAKEN);
        top.wait_for(ALIVE);
        end(&mut top, dir.path());
        top.end(dir.path());
    }
}

/// It read a closed terminal for ever, on two thirds of a processor, and heard no signal any more.
#[test]
fn a_terminal_that_is_closed_ends_it() {
    let devnet = Devnet::builder().block_time_ms(200).boot();
    let devnet = devnet.expect("it boots");
    devnet.wait_for(2, PATIENCE).expect("blocks come");
    let url = &devnet.urls()[0];
    let top = format!("top --rpc {url}");
    for arguments in [top.as_str(), "devnet --rpc-port 0 --block-time 200ms"] {
        let dir = tempfile::tempdir().expect("a directory");
        let mut top = OnTerminal::run(dir.path(), arguments);
        top.wait_for(ALIVE);
        let pid = fs::read_to_string(dir.path().join("pid")).expect("it was noted");
        let process = Path::new("/proc").join(pid.trim());
        assert!(process.exists());
        top.script.kill().expect("it runs");
        top.script.wait().expect("it ends");
        eventually(&format!("{arguments} has ended"), || {
            let state = fs::read_to_string(process.join("stat"));
            let is_over = state.map_or(true, |stat| stat.contains(") Z "));
            is_over.then_some(())
        });
    }
}

#[test]
fn a_node_that_a_key_kills_is_shown_as_down_and_one_restarts_it() {
    let devnet = Devnet::builder().block_time_ms(200).boot();
    let devnet = devnet.expect("it boots");
    devnet.wait_for(2, PATIENCE).expect("blocks come");
    let dir = tempfile::tempdir().expect("a directory");
    let mut top = OnTerminal::start(dir.path(), &devnet.urls()[0]);
    top.wait_for(ALIVE);
    top.press(b"\x1b[B\x1b[Bk");
    eventually("node 2 is down", || {
        devnet.heights()[2].is_none().then_some(())
    });
    top.wait_for("killed");
    top.press(b"r");
    eventually("node 2 is back", || devnet.heights()[2]);
    top.press(b"q");
    top.end(dir.path());
}

#[test]
fn in_a_pipe_it_prints_lines_and_says_if_nobody_answers() {
    let devnet = Devnet::builder().block_time_ms(200).boot();
    let devnet = devnet.expect("it boots");
    devnet.wait_for(2, PATIENCE).expect("blocks come");
    let url = &devnet.urls()[0];
    let ended = finish(lockstep(&["top", "--once", "--rpc", url])).ok();
    assert!(!ended.stdout.contains('\u{1b}'), "{:?}", ended.stdout);
    for words in ["The chain is alive.", "node 0", "node 3", "votes"] {
        assert!(ended.stdout.contains(words), "{words}: {}", ended.stdout);
    }
    devnet.shutdown();
    let ended = finish(lockstep(&["top", "--once", "--rpc", url]));
    ended.assert_refused(1, &["no node answers"]);
}
