//! The state of each validator in words: who votes, who is down, since when and why.
use super::shapes::{Status, Validator};
use super::state::{Moment, Node, State, Trouble, short};
use super::words::ago;

/// Heights by which a node may be behind the others without a word.
const BEHIND_MAX: u64 = 3;

/// When it is: by the view's clock, and by that of the wall.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Now {
    pub(crate) at: Moment,
    pub(crate) wall_ms: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Warn,
    Bad,
    #[default]
    Dim,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Root {
    Equal,
    Other,
    #[default]
    Unknown,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) address: String,
    pub(crate) name: String,
    /// Of a devnet: what orders call it.
    pub(crate) index: Option<usize>,
    /// `None`: it is no validator.
    pub(crate) power: Option<u64>,
    pub(crate) height: Option<u64>,
    pub(crate) state: String,
    pub(crate) why: String,
    pub(crate) tone: Tone,
    pub(crate) root: Root,
    /// Its turns to propose in the newest blocks that brought no block, and all its turns.
    pub(crate) missed: Option<(u64, u64)>,
    pub(crate) url: String,
}

/// A state in words, with its reason.
struct Told(String, String, Tone);

impl Told {
    fn new(state: &str, why: impl Into<String>, tone: Tone) -> Told {
        Told(state.to_owned(), why.into(), tone)
    }
}

/// Validators in the order in which people count their nodes, then nodes that are none.
pub(crate) fn rows(state: &State, now: Now) -> Vec<Row> {
    let set: Vec<&Validator> = state.set.iter().flat_map(|set| &set.validators).collect();
    let mut rows: Vec<Row> = set.iter().map(|one| of_set(state, one, now)).collect();
    rows.sort_by_key(|row| row.index.unwrap_or(usize::MAX));
    for node in state.nodes.iter().filter(|node| !node.is_double) {
        let told = node.status.as_ref().and_then(|it| it.validator.as_ref());
        let is_listed = match told {
            Some(address) => set.iter().any(|one| one.address == *address),
            None => rows.iter().any(|row| row.url == node.url),
        };
        if !is_listed {
            rows.push(stranger(state, node, now));
        }
    }
    rows
}

fn of_set(state: &State, validator: &Validator, now: Now) -> Row {
    let node = state.node_of(&validator.address);
    let (told, height) = match node {
        Some(node) => (
            direct(state, node, now),
            node.status.as_ref().map(|it| it.height),
        ),
        None => hearsay(state, &validator.address),
    };
    let index = state.devnet_node(&validator.address).map(|node| node.index);
    Row {
        address: validator.address.clone(),
        name: state.name_of(&validator.address),
        index,
        power: Some(validator.power),
        missed: validator.failed_turns.zip(validator.turns),
        url: node.map_or_else(String::new, |node| node.url.clone()),
        height,
        root: node.map_or(Root::Unknown, |node| root(state, node)),
        ..told.into_row()
    }
}

fn stranger(state: &State, node: &Node, now: Now) -> Row {
    let address = node.status.as_ref().and_then(|it| it.validator.clone());
    Row {
        name: address.as_deref().map_or_else(|| node.url.clone(), short),
        address: address.unwrap_or_default(),
        height: node.status.as_ref().map(|status| status.height),
        url: node.url.clone(),
        root: root(state, node),
        ..direct(state, node, now).into_row()
    }
}

impl Told {
    fn into_row(self) -> Row {
        let Told(state, why, tone) = self;
        Row {
            state,
            why,
            tone,
            ..Row::default()
        }
    }
}

/// What a node that is asked says, or why it says nothing.
fn direct(state: &State, node: &Node, now: Now) -> Told {
    let told = node.status.as_ref();
    let address = told.and_then(|status| status.validator.as_deref());
    let mut known = state.devnet.iter().flat_map(|devnet| &devnet.nodes);
    let known = known.find(|it| Some(it.validator.as_str()) == address || it.url == node.url);
    let seen = node.away_since.map(|since| now.at.saturating_sub(since));
    if let Some(known) = known.filter(|known| known.state != "running") {
        // The devnet knows since when; the view only when it has noticed.
        let since = known
            .since_ms
            .map(|since| now.wall_ms.saturating_sub(since));
        let since = since.or(seen).map(|ms| format!(" {} ago", ago(ms)));
        let reason = known.reason.as_deref().unwrap_or(&known.state);
        return Told::new(
            "down",
            format!("{reason}{}", since.unwrap_or_default()),
            Tone::Bad,
        );
    }
    if let (Some(ms), Some(trouble)) = (seen, &node.trouble) {
        let word = match trouble {
            Trouble::Nonsense(_) => "makes no sense",
            _ => "unreachable",
        };
        return Told::new(
            word,
            format!("{}, for {}", trouble.words(), ago(ms)),
            Tone::Bad,
        );
    }
    match told {
        None => Told::new("asked", "no answer yet", Tone::Dim),
        Some(told) if node.is_foreign => {
            let why = format!("its genesis is {}", short(&told.genesis_hash));
            Told::new("other chain", why, Tone::Bad)
        }
        Some(told) => by_itself(state, node, told),
    }
}

/// What a node that is here says of itself.
fn by_itself(state: &State, node: &Node, told: &Status) -> Told {
    if let Some(why) = &told.halted {
        return Told::new("halted", why, Tone::Bad);
    }
    if let Some(why) = &told.observing {
        return Told::new("observes", why, Tone::Warn);
    }
    if told.catching_up {
        let behind = told.target_height.saturating_sub(told.height);
        let why = format!(
            "{behind} behind, {:.0} blocks/s",
            told.sync_blocks_per_second
        );
        return Told::new("catches up", why, Tone::Warn);
    }
    let behind = state.lead_node().map_or(0, |lead| node.behind(lead));
    if behind > BEHIND_MAX {
        return Told::new("lags", format!("{behind} blocks behind"), Tone::Warn);
    }
    if let Some(Trouble::Slow(why)) = &node.trouble {
        return Told::new("slow", why, Tone::Warn);
    }
    let mut set = state.set.iter().flat_map(|set| &set.validators);
    let votes = set.any(|one| Some(&one.address) == told.validator.as_ref());
    let word = if votes { "votes" } else { "follows" };
    match &told.clock {
        Some(why) => Told::new(word, why, Tone::Warn),
        None => Told::new(word, "", Tone::Good),
    }
}

/// What the node that leads knows of a validator that is not asked.
fn hearsay(state: &State, address: &str) -> (Told, Option<u64>) {
    let Some(lead) = state.lead_node().and_then(|node| node.status.as_ref()) else {
        return (Told::new("unknown", "no node answers", Tone::Dim), None);
    };
    let Some(peer) = lead.peers.iter().find(|peer| peer.address == address) else {
        let why = "no link from the node that is asked";
        return (Told::new("unknown", why, Tone::Dim), None);
    };
    let awaited = lead.waiting_for.as_ref();
    let is_awaited = awaited.is_some_and(|it| it.prevotes.iter().any(|who| who == address));
    let told = match (&peer.refused, peer.reachable) {
        (Some(why), _) => Told::new("refused", why, Tone::Bad),
        (None, false) => {
            let since = peer.away_ms.map(|ms| format!("for {}", ago(ms)));
            let since = since.unwrap_or_else(|| "never reached".into());
            let why = format!("{since}, from the node that is asked");
            Told::new("unreachable", why, Tone::Bad)
        }
        (None, true) if is_awaited => Told::new("reachable", "its vote is awaited", Tone::Warn),
        (None, true) => Told::new("reachable", "", Tone::Good),
    };
    (told, Some(peer.height))
}

/// Whether the node has the state that another has at its height.
fn root(state: &State, node: &Node) -> Root {
    let Some(told) = node.here() else {
        return Root::Unknown;
    };
    let others = state.nodes.iter().filter(|other| other.url != node.url);
    let others = others.filter(|other| !other.is_foreign && !other.is_double);
    let mut roots = others.filter_map(|other| other.root_at(told.height));
    match roots.try_fold(Root::Unknown, |_, root| {
        (root == told.state_root).then_some(Root::Equal)
    }) {
        Some(seen) => seen,
        None => Root::Other,
    }
}
