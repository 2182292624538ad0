//! The program as whoever runs it knows it: the token's state outlives the blocks that made it, is
//! handed on in a snapshot, and is verified.
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use token::transfer;

/// Everything below it goes with the test.
struct Place(PathBuf);

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Place {
    fn new() -> Place {
        let dir = std::env::temp_dir().join(format!("token-{}", std::process::id()));
        fs::create_dir(&dir).expect("a directory");
        Place(dir)
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_token"));
        command.current_dir(&self.0).args(arguments.split(' '));
        let ours = std::env::vars_os().map(|(name, _)| name);
        let ours = ours.filter(|name| name.to_string_lossy().starts_with("LOCKSTEP_"));
        ours.for_each(|name| drop(command.env_remove(name)));
        command
            .env("LOCKSTEP_KEYS", "keys")
            .env("LOCKSTEP_PASSWORD", "word");
        command
    }

    /// What it prints, if it ends well.
    fn run(&self, arguments: &str) -> String {
        let ended = self.command(arguments).output().expect("it runs");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{arguments}: {said}");
        String::from_utf8(ended.stdout).expect("text")
    }

    fn start(&self, home: &str) -> Node {
        let settings = "--set block_interval_ms=0 --set retain_blocks=256 --log off --json";
        let listens = "--rpc-listen 127.0.0.1:0 --peer-listen 127.0.0.1:0";
        let mut command = self.command(&format!("start --home {home} {listens} {settings}"));
        let mut process = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let mut ready = String::new();
        let stdout = process.stdout.take().expect("a pipe");
        BufReader::new(stdout)
            .read_line(&mut ready)
            .expect("a line");
        let rpc = word(&ready, "rpc").to_owned();
        Node { process, rpc }
    }
}

struct Node {
    process: Child,
    rpc: String,
}

impl Node {
    fn stop(mut self) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").arg(pid).status();
        assert!(sent.expect("kill").success());
        assert!(self.process.wait().expect("it ends").success());
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
    }
}

/// The text that stands behind this name in a line of JSON.
fn word<'a>(json: &'a str, name: &str) -> &'a str {
    let from = json.split_once(&format!("\"{name}\""));
    let from = from.unwrap_or_else(|| panic!("{name} in {json}")).1;
    from.trim_start_matches([':', ' ', '"'])
        .split(['"', ',', '\n'])
        .next()
        .expect("a word")
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    format!("0x{}", digits.collect::<String>())
}

fn name_the_token(genesis: &Path, minted: &[u8]) {
    let text = fs::read_to_string(genesis).expect("a genesis");
    let open = text.trim_end().strip_suffix('}').expect("an object");
    let token = format!(
        r#"{{"name":"token","version":1,"state":"{}"}}"#,
        hex(minted)
    );
    fs::write(genesis, format!("{open},\"applications\":[{token}]}}")).expect("written");
}

const BOB: [u8; 20] = [7; 20];

fn balance_of_bob(place: &Place, node: &Node) -> String {
    let (bob, rpc) = (hex(&BOB), &node.rpc);
    let said = place.run(&format!(
        "query token balance --data {bob} --rpc {rpc} --json"
    ));
    word(&said, "value").to_owned()
}

#[test]
fn its_state_outlives_the_blocks_that_made_it_and_goes_on_in_a_snapshot() {
    let place = Place::new();
    let owner = word(&place.run("keys new owner --json"), "address").to_owned();
    place.run(&format!("init --home h --account {owner}=1000000000"));
    let digits: Vec<u8> = (2..42)
        .step_by(2)
        .map(|at| u8::from_str_radix(&owner[at..at + 2], 16))
        .map(|byte| byte.expect("hex"))
        .collect();
    name_the_token(
        &place.0.join("h/genesis.json"),
        &transfer(digits.try_into().expect("an address"), 1_000),
    );

    let node = place.start("h");
    let (call, rpc) = (hex(&transfer(BOB, 300)), node.rpc.clone());
    let sent = place.run(&format!(
        "tx call token --data {call} --from owner --wait --rpc {rpc} --json"
    ));
    let height: u64 = word(&sent, "height").parse().expect("a height");
    let until = Instant::now() + Duration::from_secs(300);
    loop {
        let status = place.run(&format!("status --rpc {rpc} --json"));
        let earliest: u64 = word(&status, "earliest_height").parse().expect("a height");
        if earliest > height {
            break;
        }
        assert!(Instant::now() < until, "it keeps {earliest}");
        std::thread::sleep(Duration::from_millis(100));
    }
    let three_hundred = hex(&300u64.to_be_bytes());
    assert_eq!(balance_of_bob(&place, &node), three_hundred);
    place.run("snapshot export --home h --output s");
    node.stop();
    place.run("verify --home h");

    place.run("init --home n --genesis h/genesis.json");
    place.run("snapshot import --home n --input s");
    place.run("verify --home n");
    let node = place.start("n");
    assert_eq!(balance_of_bob(&place, &node), three_hundred);
    node.stop();
}
