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
    /// Stands above it in the generated file.
    pub(crate) comment: &'static str,
}

const fn text(name: &'static str, default: &'static str, comment: &'static str) -> Setting {
    let shape = Shape::Text;
    Setting {
        name,
        default,
        shape,
        comment,
    }
}

const fn number(name: &'static str, default: &'static str, comment: &'static str) -> Setting {
    let shape = Shape::Number;
    Setting {
        name,
        default,
        shape,
        comment,
    }
}

/// In the order of the generated file. The defaults of the timeouts are those of
/// [`Timeouts::NETWORK`](lockstep_protocol::consensus::timeouts::Timeouts::NETWORK); a test of this
/// module compares them.
pub(crate) const SETTINGS: [Setting; 21] = [
    text(
        "genesis",
        "genesis.json",
        "Where the chain begins; equal on all its nodes. Paths are relative to the home.",
    ),
    text(
        "key",
        "validator.key",
        "This validator's secret key. Nobody else may read it (mode 0600), and no two nodes use it.",
    ),
    text("data", "data", "Blocks, state and the sign record."),
    Setting {
        name: "follow",
        default: "false",
        shape: Shape::Flag,
        comment: "The validators of a chain change. true: this node's key and its peers may be others than\n\
                  the genesis names; it follows, and signs the heights that its key is a validator of.\n\
                  false: a key or a peer that the genesis does not name is a mistake.",
    },
    text(
        "trusted",
        "",
        "For whoever joins: a block as HASH@HEIGHT, from a node or a person that you trust. The node\n\
         ends before it takes another block at that height. Empty: it believes whoever held two\n\
         thirds of the power at each height, and whoever has their keys now.",
    ),
    text(
        "peer_listen",
        "0.0.0.0:9545",
        "Where the other validators reach this node.",
    ),
    text(
        "rpc_listen",
        "127.0.0.1:8545",
        "Where people and their programs ask this node. It answers whoever reaches it, so it is\n\
         best left on this machine, behind a proxy if need be. Empty: nobody is answered.",
    ),
    text(
        "cors_origins",
        "",
        "Whose pages in browsers may ask at rpc_listen: origins such as https://wallet.example with\n\
         commas between, or * for all. They may read and call JSON-RPC. Empty: nobody's.",
    ),
    text(
        "durability",
        "power",
        "What a signature and a block survive. power: a power cut (every write is synced before\n\
         anything is sent). process: only the end of the process, kill -9 included.",
    ),
    number(
        "retain_blocks",
        "0",
        "How many of the newest blocks are kept; older ones are deleted as new ones come. 0: all.\n\
         A node that keeps few serves no peer that is further behind: that one needs a snapshot.",
    ),
    number(
        "block_interval_ms",
        "1000",
        "A block this long after the one before, at once when transactions wait. 0: as fast as it\n\
         goes. Equal on all nodes, or the fastest sets the pace.",
    ),
    number(
        "timeout_propose_ms",
        "1000",
        "How long round 0 waits for a proposal, and how much longer each round after it. Longer\n\
         than a block takes to reach everybody; the delta greater than that of the precommits.",
    ),
    number("timeout_propose_delta_ms", "500", ""),
    number(
        "timeout_prevote_ms",
        "500",
        "How long to wait for more prevotes once two thirds have come without agreement.",
    ),
    number("timeout_prevote_delta_ms", "250", ""),
    number(
        "timeout_precommit_ms",
        "500",
        "How long to wait for more precommits once two thirds have come without agreement.",
    ),
    number("timeout_precommit_delta_ms", "250", ""),
    number(
        "timeout_cap_ms",
        "60000",
        "No single wait is longer, in whatever round.",
    ),
    number(
        "arrival_wait_ms",
        "10000",
        "After its start a node signs only when others have told it how far they are: its disk may be\n\
         an old one. So long it waits for all of them (for nobody whose port refuses connections),\n\
         and then goes on with the least that is safe.",
    ),
    text(
        "log",
        "info",
        "Log filter, such as \"info\" or \"warn,lockstep_actors=debug\". The log goes to stderr.",
    ),
    Setting {
        name: "peers",
        default: "",
        shape: Shape::Peers,
        comment: "The other validators' nodes: who, and where it listens for peers.",
    },
];

/// The setting of this name.
pub(crate) fn setting(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// All names.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().map(|setting| setting.name)
}
