//! Every setting of a node: its name, its default, and what it means. This one table makes the
//! generated file, the names of the environment variables, the list of `--print-config`, and the
//! hint for a name that is misspelt.

/// What a value looks like in `lockstep.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// In quotes.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Flag,
    /// Tables of a validator's address and where its node listens.
    Peers,
}

/// One setting.
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) default: &'static str,
    pub(crate) shape: Shape,
    /// Stands above it in the generated file; each line begins with a space.
    pub(crate) comment: &'static str,
}

/// Declares the settings. What a row says stands above its setting in the generated file, each line
/// behind a `#`.
macro_rules! settings {
    ($(
        $(#[doc = $comment:literal])*
        $name:ident: $shape:ident = $default:literal;
    )*) => {
        pub(crate) const SETTINGS: &[Setting] = &[$(Setting {
            name: stringify!($name),
            default: $default,
            shape: Shape::$shape,
            comment: concat!($($comment, "\n"),*),
        }),*];
    };
}

// In the order of the generated file. The defaults of the timeouts are those of `Timeouts::NETWORK`; a
// test of this module compares them.
settings! {
    /// Where the chain begins; equal on all its nodes. Paths are relative to the home.
    genesis: Text = "genesis.json";

    /// This validator's secret key. Nobody else may read it (mode 0600; 0440 where its group is one
    /// of this process, as container platforms hand it over), and no two nodes use it.
    key: Text = "validator.key";

    /// The directory of the record that says what the key has signed, NAME.guard, where it cannot
    /// stand beside the key: on a mount that nobody writes to. It must outlive the node's process
    /// and machine: without it the node signs nothing. Move the record there, and leave no copy of it
    /// beside the key. Empty: beside the key.
    guard_dir: Text = "";

    /// Blocks, state and the sign record.
    data: Text = "data";

    /// The validators of a chain change. true: this node's key and its peers may be others than
    /// the genesis names; it follows, and signs the heights that its key is a validator of.
    /// false: a key or a peer that the genesis does not name is a mistake.
    follow: Flag = "false";

    /// For whoever joins: a block as HASH@HEIGHT, from a node or a person that you trust. The node
    /// ends before it takes another block at that height. Empty: it believes whoever held two
    /// thirds of the power at each height, and whoever has their keys now.
    trusted: Text = "";

    /// Where the other validators reach this node.
    peer_listen: Text = "0.0.0.0:9545";

    /// Where people and their programs ask this node. It answers whoever reaches it, so it is
    /// best left on this machine, behind a proxy if need be. off: nobody is answered.
    rpc_listen: Text = "127.0.0.1:8545";

    /// Whether rpc_listen shows people a page of this node, its chain and its actors, at /. It reads
    /// what anybody may read there. false: programs only.
    page: Flag = "true";

    /// Whose pages in browsers may ask at rpc_listen: origins such as https://wallet.example with
    /// commas between, or * for all. They may read and call JSON-RPC. Empty: nobody's.
    cors_origins: Text = "";

    /// The reverse proxies in front of rpc_listen: addresses or networks, as 127.0.0.1 or 10.0.0.0/8,
    /// with commas between. What they say of a client's address (Forwarded, X-Forwarded-For) counts,
    /// so that one client cannot use up what is for all behind them. Empty: nobody's word counts.
    trusted_proxies: Text = "";

    /// By which names people may ask where rpc_listen is on this machine (127.0.0.1), besides
    /// localhost and addresses: names such as node.example with commas between, of a proxy that
    /// passes them on. Any other name in Host is refused: a page in a browser may have its own
    /// name lead here.
    rpc_hosts: Text = "";

    /// What a signature and a block survive. power: a power cut (every write is synced before
    /// anything is sent). process: only the end of the process, kill -9 included.
    durability: Text = "power";

    /// How many of the newest blocks are kept; older ones are deleted as new ones come. 0: all.
    /// 1209600 are fourteen days at one a second, and 29 GB if they are empty and of four validators.
    /// A node that keeps few serves no peer that is further behind: that one needs a snapshot.
    retain_blocks: Number = "1209600";

    /// Whether the node keeps which transactions each account has a part in: lockstep history asks for
    /// it. Turned on later, it is built from the blocks that are kept, before the node runs. false:
    /// nothing is kept of it, and what there was goes.
    history: Flag = "true";

    /// A block this long after the one before, at once when transactions wait. 0: as fast as it
    /// goes. Equal on all nodes, or the fastest sets the pace.
    block_interval_ms: Number = "1000";

    /// How long round 0 waits for a proposal, and how much longer each round after it. Longer
    /// than a block takes to reach everybody; the delta greater than that of the precommits.
    timeout_propose_ms: Number = "1000";
    timeout_propose_delta_ms: Number = "500";

    /// How long to wait for more prevotes once two thirds have come without agreement.
    timeout_prevote_ms: Number = "500";
    timeout_prevote_delta_ms: Number = "250";

    /// How long to wait for more precommits once two thirds have come without agreement.
    timeout_precommit_ms: Number = "500";
    timeout_precommit_delta_ms: Number = "250";

    /// No single wait is longer, in whatever round.
    timeout_cap_ms: Number = "60000";

    /// After its start a node signs only when others have told it how far they are: its disk may be
    /// an old one. So long it waits for all of them (for nobody whose port refuses connections),
    /// and then goes on with the least that is safe.
    arrival_wait_ms: Number = "10000";

    /// Log filter, such as "info" or "warn,lockstep_actors=debug". The log goes to stderr.
    log: Text = "info";

    /// A line of the log: text, or json, one object with time, level, target and message.
    log_format: Text = "text";

    /// The other validators' nodes: who, and where it listens for peers.
    peers: Peers = "";
}

/// The setting of this name.
pub(crate) fn setting(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// All names.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().map(|setting| setting.name)
}
