//! An error names the next step, and the step helps: each row of `next_steps.txt` makes a situation,
//! runs a command that fails in it, takes the step that the error names, and runs it again.
use lockstep_devnet::Devnet;
use serde_json::json;
use std::process::Command;
use std::time::Duration;
use support::process::{Ended, binary, finish, hear_nothing, lockstep};
use support::rpc::call;
use tempfile::TempDir;

const TABLE: &str = include_str!("next_steps.txt");

/// What the commands of the table have at hand: `runs`, a node until it is ready; `stays`, one that
/// goes on; `snapshot`, one in `s`, and the home `g` of its chain; `public_key`, that of a new
/// validator; `checkpoint`, the first block.
const PRELUDE: &str = r#"
set -o pipefail
node() { local rpc=off; case " $* " in *" --rpc-listen "*) rpc=;; esac
  exec lockstep start --json --set peer_listen=127.0.0.1:0 ${rpc:+--rpc-listen off} "$@"; }
up() { rm -f up; node "$@" > up & echo $! > pid
  until [ -s up ] || ! kill -0 $! 2> /dev/null; do sleep 0.05; done; }
runs() { local before=$(cat pid 2> /dev/null); up "$@"; local node=$!
  [ -n "$before" ] && echo "$before" > pid; kill -TERM $node 2> /dev/null; wait $node; }
snapshot() { lockstep init --home h && stays --home h --set block_interval_ms=50
  for _ in $(seq 100); do lockstep snapshot export --home h --output s && break; sleep 0.1; done
  lockstep init --home g --genesis h/genesis.json; }
public_key() { lockstep init --home n --scheme dilithium3 > made
  grep -o '"public_key": "0x[0-9a-f]*' n/genesis.json | grep -o '0x.*'; }
checkpoint() { echo $(lockstep block 1 | awk '/^  id / { print $2 }')@1; }
stays() { up "$@" 2> log; }
"#;

/// A block of the table.
#[derive(Default)]
struct Row {
    situation: String,
    takes: String,
    make: String,
    command: String,
    error: String,
    not: String,
    step: String,
    again: String,
}

impl Row {
    fn read(block: &str) -> Row {
        let mut row = Row::default();
        for line in block.lines() {
            let (kind, text) = line.split_at_checked(2).unwrap_or((line, ""));
            let place = match kind {
                "# " => &mut row.situation,
                "? " => &mut row.takes,
                "+ " => &mut row.make,
                "$ " => &mut row.command,
                "! " => &mut row.error,
                "- " => &mut row.not,
                "> " => &mut row.step,
                "= " => &mut row.again,
                _ => panic!("no line of a row: {line}"),
            };
            assert!(place.is_empty(), "twice in a row: {line}");
            text.clone_into(place);
        }
        row
    }

    /// What is to be done, as it is printed.
    fn next(&self) -> String {
        let parts = [&self.step, &self.again].map(String::as_str);
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(", then ")
    }

    /// What is wrong with the error, if anything is.
    fn judge(&self, code: Option<i32>, error: &str) -> Option<String> {
        let mut words = self.error.split(" | ");
        let expected = words.next().and_then(|code| code.trim().parse().ok());
        if code != expected {
            return Some(format!("exit code {code:?}, not {expected:?}"));
        }
        if let Some(word) = words.find(|word| !error.contains(word.trim())) {
            return Some(format!("no {word:?} in it"));
        }
        let has_other = !self.not.is_empty() && error.contains(&self.not);
        has_other.then(|| format!("{:?} in it", self.not))
    }
}

/// A directory of its own for each row, beside a chain that all of them ask.
struct Desk<'a> {
    dir: TempDir,
    url: &'a str,
}

impl Desk<'_> {
    fn run(&self, script: &str, error: &str) -> Ended {
        let mut command = Command::new("bash");
        hear_nothing(&mut command);
        let dir = binary();
        let dir = dir.parent().expect("it stands somewhere").display();
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .args(["-c", &format!("{PRELUDE}{script}")])
            .current_dir(self.dir.path())
            .env("PATH", format!("{dir}:{path}"))
            .env("ERROR", error)
            .env("LOCKSTEP_RPC", self.url)
            .env("LOCKSTEP_KEYS", "keys")
            .env("LOCKSTEP_PASSWORD", "word");
        command.stdin(std::process::Stdio::null());
        finish(command)
    }
}

impl Drop for Desk<'_> {
    fn drop(&mut self) {
        self.run("kill -9 $(cat pid); mountpoint -q t && umount -l t", "");
    }
}

/// Its own line, or clap's.
fn error_of(ended: &Ended) -> String {
    let ours = |line: &&str| line.starts_with("lockstep: ") || line.starts_with("error: ");
    let line = ended.stderr.lines().rfind(ours);
    line.unwrap_or_default().to_owned()
}

/// What is wrong with a row, and the error that it showed.
fn wrong(row: &Row, url: &str) -> (String, Option<String>) {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a directory");
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(dir.path(), open).expect("chmod");
    let desk = Desk { dir, url };
    let made = desk.run(&row.make, "");
    if made.code != Some(0) {
        return (String::new(), Some(format!("not made: {}", made.stderr)));
    }
    let ended = desk.run(&row.command, "");
    let error = error_of(&ended);
    if let Some(why) = row.judge(ended.code, &error) {
        return (
            error,
            Some(format!("{why}: {}{}", ended.stdout, ended.stderr)),
        );
    }
    let again = match row.again.is_empty() {
        true => &row.command,
        false => &row.again,
    };
    let step = desk.run(&row.step, &error);
    let after = desk.run(again, &error);
    let helps = after.code == Some(0);
    let why = format!("the step did not help: {}{}", step.stderr, after.stderr);
    (error, (!helps).then_some(why))
}

/// Whether this user may mount something, or act as another.
fn may(takes: &str) -> bool {
    let allowed = |script: &str| {
        let ended = Command::new("sh").args(["-c", script]).output();
        ended.is_ok_and(|ended| ended.status.success())
    };
    match takes {
        "" => true,
        "root" => allowed("setpriv --reuid=65534 --clear-groups true"),
        "mount" => allowed("d=$(mktemp -d) && mount -t tmpfs none $d && umount $d && rmdir $d"),
        _ => panic!("unknown: {takes}"),
    }
}

#[test]
fn each_next_step_that_an_error_names_helps() {
    let devnet = Devnet::builder().validators(1).block_time_ms(100).boot();
    let devnet = devnet.expect("it boots");
    let url = devnet.urls()[0].clone();
    // The first block says how the others are read.
    let rows: Vec<Row> = TABLE.split("\n\n").skip(1).map(Row::read).collect();
    assert!(rows.len() > 50, "{}", rows.len());
    let mut bad = Vec::new();
    println!("situation | error | step | helps");
    for row in &rows {
        if !may(&row.takes) {
            println!("{} | SKIPPED: it takes {} | | ", row.situation, row.takes);
            continue;
        }
        let (error, wrong) = wrong(row, &url);
        let helps = if wrong.is_none() { "yes" } else { "NO" };
        println!("{} | {error} | {} | {helps}", row.situation, row.next());
        bad.extend(wrong.map(|why| format!("{}: {why}", row.situation)));
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// The bytes of a wallet of another chain, whose first two were taken for a protocol version.
#[test]
fn a_transaction_of_ethereum_is_told_where_to_go() {
    let devnet = Devnet::builder().validators(1).manual(true).boot();
    let devnet = devnet.expect("it boots");
    let url = devnet.urls()[0].clone();
    for bytes in ["0xf86c09", "0x02f87101"] {
        let raw = format!("{bytes}{}", "07".repeat(100));
        let answer = call(&url, "eth_sendRawTransaction", json!([raw]));
        let said = answer["error"]["message"].as_str().expect("a sentence");
        assert!(
            said.contains("Ethereum") && said.contains("lockstep tx"),
            "{said}"
        );
        assert!(!said.contains("version"), "{said}");
    }
    let mut command = lockstep(&["tx", "transfer", "--from", "alice", "--to", "bob"]);
    command.args(["--amount", "1", "--rpc", &url]);
    finish(command).ok();
}

/// What a devnet says to the test that runs it.
#[test]
fn what_a_devnet_lacks_is_said_with_the_step_that_helps() {
    let devnet = Devnet::builder().manual(true).boot().expect("it boots");
    for index in [2, 3] {
        devnet.kill(index).expect("it ran");
    }
    let moment = Duration::from_millis(100);
    let down = devnet
        .block(2, 1)
        .expect_err("nobody is there to ask")
        .to_string();
    assert!(down.contains("restart it"), "{down}");
    let none = devnet
        .wait_for(1, moment)
        .expect_err("two decide nothing")
        .to_string();
    assert!(none.contains("restart those that are down"), "{none}");
    for index in [2, 3] {
        devnet.restart(index).expect("it restarts");
    }
    let block = devnet.block(2, 1).expect("it is there to ask");
    assert!(block.is_none());
    let none = devnet
        .wait_for(1, moment)
        .expect_err("nobody has asked for one")
        .to_string();
    assert!(none.contains("read in the log"), "{none}");
    devnet.tick().expect("a block comes");
    devnet
        .wait_for(1, Duration::from_secs(60))
        .expect("it is there");
}
