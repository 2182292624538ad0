//! The commands of README.md and of `docs/operate/`, run as they are written: each page in a
//! directory of its own, by `sh`, with the binary that was just built.
//!
//! A fenced block with `sh` holds commands; each must succeed. One with `console` holds commands
//! behind `$ ` and what they print: each line of that must come, in order, as far as it is fixed
//! (`…` stands for anything). A comment in front of a block says what is special about it:
//!
//! ```text
//! <!-- not run: REASON -->    it is left out, and why
//! <!-- runs on -->            one command that goes on in the background
//! <!-- what it shows -->      a block with `text`: what that command prints
//! <!-- ends what runs -->     before this block those commands are ended, and must end well
//! ```
//!
//! Only ports differ from what is written (8545 and its neighbours may be taken), and blocks come
//! faster.
#![cfg(unix)]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// How long a page may take, on a machine that does other things as well.
const PATIENCE: Duration = Duration::from_secs(300);
/// Ports of a page: those that people's listeners and peers' listeners are written with.
const PORTS: u16 = 16;
/// The first of them as it is written.
const WRITTEN_PORT: u16 = 8545;
/// Where a home of `lockstep init` listens for peers, as it is written.
const WRITTEN_PEER_PORT: u16 = 9545;
/// The place of that one among the ports of a page.
const PEER_PORT_PLACE: u16 = 12;

macro_rules! pages {
    ($($name:ident: $path:literal;)*) => {
        const PAGES: &[&str] = &[$($path),*];
        $(#[test] fn $name() { run_page($path); })*
    };
}

pages! {
    the_readme_does_what_it_says: "README.md";
    the_index_for_operators_does_what_it_says: "docs/operate/README.md";
    the_page_about_devnets_does_what_it_says: "docs/operate/devnet.md";
    the_page_about_starting_does_what_it_says: "docs/operate/start.md";
    the_page_about_validators_does_what_it_says: "docs/operate/validators.md";
    the_page_about_backups_does_what_it_says: "docs/operate/backup.md";
    the_page_about_snapshots_does_what_it_says: "docs/operate/snapshots.md";
    the_page_about_exports_does_what_it_says: "docs/operate/export.md";
    the_page_about_upgrades_does_what_it_says: "docs/operate/upgrade.md";
    the_page_about_the_disk_does_what_it_says: "docs/operate/disk.md";
    the_page_about_monitoring_does_what_it_says: "docs/operate/monitoring.md";
    the_page_about_firewalls_does_what_it_says: "docs/operate/firewall.md";
    the_page_about_clocks_does_what_it_says: "docs/operate/clocks.md";
    the_page_about_the_log_does_what_it_says: "docs/operate/logs.md";
    the_page_about_trouble_does_what_it_says: "docs/operate/trouble.md";
    the_reference_does_what_it_says: "docs/operate/reference.md";
}

#[test]
fn no_page_for_operators_is_left_out() {
    let files = fs::read_dir(root().join("docs/operate")).expect("a directory");
    for file in files {
        let name = file.expect("an entry").file_name();
        let path = format!("docs/operate/{}", name.to_string_lossy());
        assert!(
            PAGES.contains(&&*path),
            "{path} is not among the pages of tests/book.rs"
        );
    }
}

#[test]
fn a_line_is_compared_in_its_fixed_parts() {
    let matches = |written: &str, printed: &str| Expected::new(written).matches(printed);
    assert!(matches("boot 21.9 ms", "boot   3.2 ms"));
    assert!(matches("a http://127.0.0.1:8545", "a http://127.0.0.1:1"));
    assert!(matches(
        "x  /tmp/lockstep-devnet-A1/node0",
        "x /y/lockstep-devnet-B2/node0"
    ));
    assert!(matches(
        "1 0 0x6c8dea9a 0 3 6.1 0x389b34a7 on all nodes",
        "9 1 0x9c8dea9a 2 4 16.1 0x389b34a7 on all nodes"
    ));
    assert!(matches("id 0x…", "id 0xabc"));
    assert!(!matches("id 0x12", "id 0xab"));
    assert!(!matches("chain id 1337", "chain id 1"));
    assert!(!matches("…b…a…", "a b"));
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What is to be done with a block.
#[derive(Debug, PartialEq, Eq)]
enum Way {
    /// Commands, one after the other.
    Run,
    /// A command, and what it prints.
    Show(Vec<(String, Vec<String>)>),
    /// A command that goes on.
    Background,
    /// What the last of those prints.
    Shown,
    /// Left out, and why.
    LeftOut,
}

struct Block {
    line: usize,
    text: String,
    way: Way,
    /// What runs is ended before.
    ends: bool,
}

/// The blocks of a page that matter here.
fn blocks(path: &str, page: &str) -> Vec<Block> {
    let (mut found, mut comment) = (Vec::new(), String::new());
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            if !line.trim().is_empty() {
                comment = line.trim().to_owned();
            }
            continue;
        };
        let inside = lines.by_ref().map(|(_, line)| line);
        let inside: Vec<&str> = inside.take_while(|line| *line != "```").collect();
        let at = format!("{path}:{}", number + 1);
        if let Some(way) = way(&at, language, &comment, &inside) {
            found.push(Block {
                line: number + 1,
                text: inside.join("\n"),
                way,
                ends: comment == "<!-- ends what runs -->",
            });
        }
        comment.clear();
    }
    found
}

fn way(at: &str, language: &str, comment: &str, inside: &[&str]) -> Option<Way> {
    let left_out = comment.strip_prefix("<!-- not run:");
    match language {
        "sh" | "console" if left_out.is_some() => {
            let reason = left_out.and_then(|rest| rest.strip_suffix("-->"));
            let reason = reason.map(str::trim).unwrap_or_default();
            assert!(!reason.is_empty(), "{at}: it is left out without a reason");
            Some(Way::LeftOut)
        }
        "sh" if comment == "<!-- runs on -->" => {
            assert_eq!(inside.len(), 1, "{at}: one command runs on at a time");
            Some(Way::Background)
        }
        "sh" => Some(Way::Run),
        "console" => Some(Way::Show(console(at, inside))),
        "text" if comment == "<!-- what it shows -->" => Some(Way::Shown),
        // tests/nodes/export/postgres.rs runs what is in one.
        "sql" => None,
        "text" | "toml" | "json" | "rust" | "mermaid" => {
            let is_command = |line: &&str| {
                let programs = ["lockstep ", "cargo ", "curl ", "target/release/"];
                line.starts_with("$ ") || programs.iter().any(|name| line.starts_with(name))
            };
            let hidden = inside
                .iter()
                .find(|line| language == "text" && is_command(line));
            assert_eq!(hidden, None, "{at}: a command in a block that is not run");
            None
        }
        other => panic!("{at}: no block here is in {other:?}: use sh, console, text, rust or toml"),
    }
}

fn console(at: &str, inside: &[&str]) -> Vec<(String, Vec<String>)> {
    let mut shown: Vec<(String, Vec<String>)> = Vec::new();
    for line in inside {
        match (line.strip_prefix("$ "), shown.last_mut()) {
            (Some(command), _) => shown.push((command.to_owned(), Vec::new())),
            (None, Some((_, printed))) => printed.push((*line).to_owned()),
            (None, None) => panic!("{at}: a console block begins with a command behind \"$ \""),
        }
    }
    shown
}

/// A line that is expected.
struct Expected {
    written: String,
    parts: Vec<String>,
}

impl Expected {
    fn new(written: &str) -> Expected {
        let fixed = fixed(written);
        Expected {
            written: written.to_owned(),
            parts: fixed
                .split('…')
                .map(|part| part.trim().to_owned())
                .collect(),
        }
    }

    fn matches(&self, printed: &str) -> bool {
        let printed = fixed(printed);
        if let [whole] = &self.parts[..] {
            return printed == *whole;
        }
        let mut rest = &*printed;
        self.parts.iter().all(|part| match rest.find(&**part) {
            Some(at) => {
                rest = &rest[at + part.len()..];
                true
            }
            None => false,
        })
    }
}

/// The line without what differs from run to run: times, ports, temporary directories, spaces.
fn fixed(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    // A row of the table of blocks: a loaded machine may need a second round for one.
    let is_row = words.len() > 6 && words[2].starts_with("0x") && words[0].parse::<u64>().is_ok();
    let words = words.iter().skip(if is_row { 6 } else { 0 });
    let fixed = words.map(|word| {
        if let Some((_, behind)) = word.split_once("lockstep-devnet-") {
            return format!("#{}", behind.trim_start_matches(char::is_alphanumeric));
        }
        if let Some((before, port)) = word.split_once("127.0.0.1:") {
            let behind = port.trim_start_matches(|c: char| c.is_ascii_digit());
            return format!("{before}127.0.0.1:#{behind}");
        }
        let is_decimal = word.contains('.') && word.parse::<f64>().is_ok();
        if is_decimal {
            "#".into()
        } else {
            (*word).to_owned()
        }
    });
    fixed.collect::<Vec<_>>().join(" ")
}

/// Looks for the lines in what was printed, in their order.
fn compare(at: &str, written: &[String], printed: &str) {
    let mut lines = printed.lines();
    for line in written {
        let expected = Expected::new(line);
        if expected.parts.iter().all(String::is_empty) {
            continue;
        }
        assert!(
            lines.any(|line| expected.matches(line)),
            "{at}: expected the line\n{}\nin what was printed:\n{printed}",
            expected.written
        );
    }
}

/// Ports that nobody listens at, below those that the system gives away.
fn free_ports() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let offset = (std::process::id() % 311) as u16 * 32;
    loop {
        let step = NEXT.fetch_add(32, Ordering::Relaxed);
        let first = 21_000 + (offset + step) % 10_000;
        let is_free = |port| TcpListener::bind(("0.0.0.0", port)).is_ok();
        if (first..first + PORTS).all(is_free) {
            return first;
        }
    }
}

/// The text with the ports of this run in place of those that are written.
fn with_ports(text: &str, first: u16) -> String {
    let (mut done, mut digits) = (String::new(), String::new());
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let number = digits.parse().unwrap_or(0);
        let port = match number {
            WRITTEN_PEER_PORT => Some(first + PEER_PORT_PLACE),
            _ => number
                .checked_sub(WRITTEN_PORT)
                .filter(|n| *n < PEER_PORT_PLACE)
                .map(|n| first + n),
        };
        match port {
            // Writing into a String cannot fail.
            Some(port) => drop(write!(done, "{port}")),
            None => done.push_str(&digits),
        }
        digits.clear();
        done.push(c);
    }
    done.pop();
    done
}

/// A page on its way: its directory, and what its commands print there.
struct Stage {
    dir: tempfile::TempDir,
    first_port: u16,
}

impl Stage {
    fn new() -> Stage {
        let stage = Stage {
            dir: tempfile::tempdir().expect("a directory"),
            first_port: free_ports(),
        };
        for name in ["bin", "work", "tmp", "printed"] {
            fs::create_dir(stage.path(name)).expect("a directory");
        }
        stage.program("lockstep", &stage.lockstep());
        stage.program(
            "cargo",
            "#!/bin/sh\n[ \"$1 $2 $3\" = 'run --release --' ] || exit 1\nshift 3\nexec lockstep \"$@\"\n",
        );
        stage
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn program(&self, name: &str, text: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, text).expect("it is written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
    }

    /// The binary, told of this run's ports where nothing else says them.
    fn lockstep(&self) -> String {
        let binary = env!("CARGO_BIN_EXE_lockstep");
        let first = self.first_port;
        let peers = first + PEER_PORT_PLACE;
        format!(
            r#"#!/bin/sh
case "$1" in
devnet) case "$*" in *--rpc-port* | *--blocks*) ;; *) set -- "$@" --rpc-port {first} ;; esac ;;
testnet) set -- "$@" --base-port {first} ;;
init) set -- "$@" --rpc-port {first} --peer-port {peers} ;;
esac
exec '{binary}' "$@"
"#
        )
    }

    /// What a block does, as a script.
    fn script_of(&self, number: usize, block: &Block) -> String {
        let mut script = format!("\nprintf '%s\\n' '== line {}'\n", block.line);
        if block.ends {
            script.push_str("end_what_runs\n");
        }
        match &block.way {
            Way::LeftOut => {}
            Way::Run => script += &with_ports(&format!("{}\n", block.text), self.first_port),
            Way::Show(commands) => {
                for (place, (command, _)) in commands.iter().enumerate() {
                    let command = with_ports(command, self.first_port);
                    let printed = self.printed(number, place);
                    script += &format!("{{ {command}\n}} > '{}' 2>&1\n", printed.display());
                }
            }
            Way::Background => {
                let command = with_ports(&block.text, self.first_port);
                let printed = self.printed(number, 0);
                let printed = printed.display();
                script += &format!("(exec {command}) > '{printed}' 2>&1 &\n");
                script += &format!("running=\"$running $!\"\nready '{printed}'\n");
            }
            Way::Shown => {
                let printed = self.printed(number - 1, 0);
                let lines = block.text.lines().count();
                script += &format!("lines '{}' {lines}\n", printed.display());
            }
        }
        script
    }

    fn printed(&self, block: usize, command: usize) -> PathBuf {
        self.path("printed").join(format!("{block}-{command}"))
    }

    /// Runs the script, and leaves no process behind. Whether it succeeded.
    fn run(&self, script: &str) -> bool {
        let (file, log) = (self.path("script"), self.path("log"));
        fs::write(&file, script).expect("it is written");
        let log = File::create(log).expect("a file");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("sh");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LOCKSTEP_") {
                command.env_remove(name);
            }
        }
        command
            .arg("-eu")
            .arg(file)
            .current_dir(self.path("work"))
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("HOME", self.path("work"))
            .env("TMPDIR", self.path("tmp"))
            .env(
                "LOCKSTEP_RPC",
                format!("http://127.0.0.1:{}", self.first_port),
            )
            .env("LOCKSTEP_KEYS", self.path("work").join("keys"))
            .env("LOCKSTEP_PASSWORD", "a password for tests")
            .env("LOCKSTEP_BLOCK_INTERVAL_MS", "200")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .process_group(0);
        let mut shell = command.spawn().expect("there is a shell");
        let group = shell.id();
        let until = Instant::now() + PATIENCE;
        let ended = loop {
            match shell.try_wait().expect("it is a child") {
                Some(status) => break status.success(),
                None if Instant::now() > until => break false,
                None => std::thread::sleep(Duration::from_millis(50)),
            }
        };
        end_group(group);
        // An error says that it has ended.
        let _ = shell.wait();
        ended
    }
}

/// Ends all processes of the group: first in good order, then at once.
fn end_group(group: u32) {
    let group = format!("-{group}");
    let kill = |signal: &str| {
        let status = Command::new("kill")
            .args(["-s", signal, "--", &group])
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    };
    let until = Instant::now() + Duration::from_secs(10);
    while kill("TERM") && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(300));
    }
    kill("KILL");
}

/// What every script begins with.
const PRELUDE: &str = r#"
running=
end_what_runs() {
    for pid in $running; do kill "$pid"; done
    for pid in $running; do wait "$pid"; done
    running=
}
ready() { until grep -qE 'anyone can sign|goes on from' "$1"; do sleep 0.1; done; }
lines() { until [ "$(wc -l < "$1")" -ge "$2" ]; do sleep 0.1; done; }
"#;

fn has_curl() -> bool {
    let curl = Command::new("curl")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    curl.is_ok_and(|status| status.success())
}

fn run_page(path: &str) {
    let page = fs::read_to_string(root().join(path)).expect(path);
    let blocks = blocks(path, &page);
    if page.contains("curl ") && !has_curl() {
        assert!(
            std::env::var_os("LOCKSTEP_BOOK").is_none_or(|value| value != "required"),
            "{path} needs curl"
        );
        eprintln!("{path}: skipped, there is no curl");
        return;
    }
    let stage = Stage::new();
    let mut script = String::from(PRELUDE);
    for (number, block) in blocks.iter().enumerate() {
        script += &stage.script_of(number, block);
    }
    script += "\nend_what_runs\n";
    let succeeded = stage.run(&script);
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    assert!(
        succeeded,
        "{path}: a command failed, or took longer than {PATIENCE:?}:\n{}\n{}",
        read(&stage.path("log")),
        logs(&stage.path("work"))
    );
    for (number, block) in blocks.iter().enumerate() {
        let at = format!("{path}:{}", block.line);
        match &block.way {
            Way::Show(commands) => {
                for (place, (_, written)) in commands.iter().enumerate() {
                    compare(&at, written, &read(&stage.printed(number, place)));
                }
            }
            Way::Shown => {
                let written: Vec<String> = block.text.lines().map(str::to_owned).collect();
                compare(&at, &written, &read(&stage.printed(number - 1, 0)));
            }
            Way::Run | Way::Background | Way::LeftOut => {}
        }
    }
}

/// The ends of the nodes' logs, to find out why a page failed.
fn logs(work: &Path) -> String {
    let mut text = String::new();
    let files = fs::read_dir(work.join("net"))
        .into_iter()
        .flatten()
        .flatten();
    for file in files.filter(|file| file.path().extension().is_some_and(|it| it == "log")) {
        let log = fs::read_to_string(file.path()).unwrap_or_default();
        let lines: Vec<&str> = log
            .lines()
            .filter(|line| !line.contains("committed"))
            .collect();
        let last = &lines[lines.len().saturating_sub(12)..];
        text += &format!("-- {}\n{}\n", file.path().display(), last.join("\n"));
    }
    text
}
