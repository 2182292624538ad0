//! The other validators' nodes, and where this one listens.
use super::file::{line_of, quoted};
use crate::endpoint;
use crate::failure::Failure;
use lockstep_actors::limits::RESOLVE_EVERY;
use lockstep_actors::peers::{Peer, Resolve, has_uri};
use lockstep_protocol::nouns::genesis::Genesis;
use lockstep_protocol::types::{Address, AddressError};
use std::collections::BTreeSet;
use std::net::{SocketAddr, ToSocketAddrs};

/// A peer as it is written down: its host may have a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PeerEntry {
    pub(crate) address: Address,
    pub(crate) listens: String,
}

/// Reads `0x…@host:port,0x…@host:port`, the form of the environment and of `--set`.
pub(super) fn parse(text: &str) -> Result<Vec<PeerEntry>, String> {
    let entries = text.split(',').filter(|entry| !entry.is_empty());
    entries.map(parse_one).collect()
}

/// Reads one `0x…@host:port`. What is refused is not repeated: a password may stand before the @.
fn parse_one(text: &str) -> Result<PeerEntry, String> {
    const RIGHT: &str = "write 0x…@host:port";
    let (address, listens) = text
        .split_once('@')
        .ok_or_else(|| format!("a peer has no @; {RIGHT}"))?;
    let address = address.parse().map_err(|error| match error {
        AddressError::Hex(_) => {
            format!("before the @ of a peer is no address of a validator; {RIGHT}")
        }
        AddressError::Checksum { .. } => format!("a peer: {error}; {RIGHT}"),
    })?;
    endpoint::check_reach(listens).map_err(|why| format!("peer {address}: {why}; {RIGHT}"))?;
    Ok(PeerEntry {
        address,
        listens: listens.to_owned(),
    })
}

/// Reads what `--peer` names, each.
pub(crate) fn parse_each(texts: &[String]) -> Result<Vec<PeerEntry>, Failure> {
    let read = texts.iter().map(|text| parse_one(text));
    let read = read.collect::<Result<_, _>>();
    read.map_err(|why| Failure::usage(format!("--peer: {why}")))
}

/// The address behind `host:port`. A name that cannot be resolved now may be another time.
pub(crate) fn resolve(what: &str, listens: &str) -> Result<SocketAddr, Failure> {
    let refuse = |why: String| {
        Failure::retry(format!(
            "cannot resolve {what} {listens}: {why}; check its name, or write its address"
        ))
    };
    let mut found = listens
        .to_socket_addrs()
        .map_err(|error| refuse(error.to_string()))?;
    found.next().ok_or_else(|| refuse("nothing found".into()))
}

/// Judges the peers of the node with the key of `me`: each is named once, and `me` is not. Unless the
/// node follows, all of them are validators of the genesis, and so is `me`.
pub(super) fn judge(
    entries: &[PeerEntry],
    genesis: &Genesis,
    me: Address,
    follow: bool,
) -> Result<(), Failure> {
    let validators = validators_of(genesis);
    if !follow && !validators.contains(&me) {
        return Err(Failure::safety(format!(
            "this node's key is of {me}, which is no validator of the genesis: check key and \
             genesis, or set follow = true if it is to follow a chain whose validators it is not \
             one of, or became one of later"
        )));
    }
    let mut named = BTreeSet::new();
    for PeerEntry { address, listens } in entries {
        if *address == me {
            return Err(Failure::usage(format!(
                "peer {address}: this is the validator of this node itself, by its key: take it out \
                 of peers in the settings, or, if the key is another node's, bring this node's own \
                 back; no key may run in two nodes"
            )));
        }
        if !follow && !validators.contains(address) {
            return Err(Failure::usage(format!(
                "peer {address}: the genesis names no such validator: set follow = true if it was \
                 added later, else correct peers in the settings"
            )));
        }
        if !named.insert(address) {
            return Err(refuse(address, "it is named twice"));
        }
        if let Ok(at) = listens.parse::<SocketAddr>() {
            demand_uri(&at).map_err(|why| refuse(address, &why))?;
        }
    }
    Ok(())
}

fn refuse(address: &Address, why: &str) -> Failure {
    Failure::usage(format!(
        "peer {address}: {why}; correct peers in the settings"
    ))
}

fn validators_of(genesis: &Genesis) -> BTreeSet<Address> {
    let validators = genesis.validators.iter();
    validators
        .map(|v| Address::of(genesis.scheme, &v.public_key))
        .collect()
}

/// The peers, once they are [judged](judge), resolved as far as their names lead somewhere.
pub(crate) fn resolve_all(
    entries: &[PeerEntry],
    genesis: &Genesis,
    me: Address,
    follow: bool,
    resolve: &Resolve,
) -> Result<Vec<Peer>, Failure> {
    judge(entries, genesis, me, follow)?;
    let located = |entry| located(entry, resolve).map_err(|why| refuse(&entry.address, &why));
    let peers = entries.iter().map(located).collect::<Result<Vec<_>, _>>()?;
    for missing in validators_of(genesis).iter().filter(|v| **v != me) {
        if !peers.iter().any(|peer| peer.address == *missing) {
            log::warn!("peers do not name validator {missing}: this node sends it nothing");
        }
    }
    Ok(peers)
}

fn demand_uri(at: &SocketAddr) -> Result<(), String> {
    match has_uri(at) {
        true => Ok(()),
        false => Err(format!(
            "{at} is an address of one link (%), which no URI can name; write another"
        )),
    }
}

/// The peer with its address, or where its name leads. One whose machine is down may have a name
/// that leads nowhere: if that kept this node from starting, two such nodes would wait for each
/// other for ever.
fn located(entry: &PeerEntry, resolve: &Resolve) -> Result<Peer, String> {
    let address = entry.address;
    let listens = entry.listens.as_str();
    if let Ok(at) = listens.parse::<SocketAddr>() {
        return demand_uri(&at).map(|()| Peer::at(address, at));
    }
    let why = match resolve(listens) {
        Ok(found) => match found.iter().find(|at| has_uri(at)) {
            Some(at) => return Ok(Peer::named(address, listens, Some(*at))),
            None => {
                found.first().map_or(Ok(()), demand_uri)?;
                "nothing found".into()
            }
        },
        Err(error) => error.to_string(),
    };
    log::warn!(
        "cannot resolve peer {address} at {listens}: {why}; this node starts without it and looks \
         the name up again every {} s: if that goes on, check the name, or write its address",
        RESOLVE_EVERY.as_secs()
    );
    Ok(Peer::named(address, listens, None))
}

/// As tables of `lockstep.toml`.
pub(super) fn write_tables(text: &mut String, peers: &[PeerEntry]) {
    if peers.is_empty() {
        line_of(text, "# [[peers]]");
        line_of(text, "# address = \"0x…\"");
        line_of(text, "# listens = \"host:9545\"");
        line_of(text, "peers = []");
    }
    for (index, peer) in peers.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        line_of(text, "[[peers]]");
        line_of(text, &format!("address = \"{}\"", peer.address));
        line_of(text, &format!("listens = {}", quoted(&peer.listens)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_devnet::Devnet;
    use std::sync::Arc;

    fn nowhere() -> Resolve {
        Arc::new(|_| Err(std::io::ErrorKind::NotFound.into()))
    }

    /// The node ended with code 1. The name of a container that has stopped leads nowhere: of two
    /// that were down neither started, because of the other.
    #[test]
    fn a_name_that_leads_nowhere_keeps_no_node_from_starting() {
        let genesis = Devnet::builder().genesis().expect("a genesis");
        let of = |index: usize| {
            let key = &genesis.validators[index].public_key;
            Address::of(genesis.scheme, key)
        };
        let entry = |index: usize| PeerEntry {
            address: of(index),
            listens: format!("node{index}:9545"),
        };
        let at = SocketAddr::from(([127, 0, 0, 1], 9545));
        let of_one_link = "[fe80::1%2]:9545".parse().expect("an address");
        let resolve: Resolve = Arc::new(move |name| match name {
            "node1:9545" => Ok(vec![of_one_link, at]),
            "node2:9545" => Ok(Vec::new()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        });
        let entries = [entry(1), entry(2), entry(3)];
        let peers = resolve_all(&entries, &genesis, of(0), false, &resolve);
        let peers = peers.unwrap_or_else(|failure| panic!("{}", failure.message));
        let named = |index, found| Peer::named(of(index), &format!("node{index}:9545"), found);
        assert_eq!(peers, [named(1, Some(at)), named(2, None), named(3, None)]);

        let only_of_one_link: Resolve = Arc::new(move |_| Ok(vec![of_one_link]));
        let failure = resolve_all(&entries, &genesis, of(0), false, &only_of_one_link);
        assert_eq!(failure.map_err(|failure| failure.exit_code), Err(2));
    }

    /// It was taken, and the node ended when it sent its first message there.
    #[test]
    fn an_address_of_one_link_is_refused_with_a_sentence() {
        let genesis = Devnet::builder().genesis().expect("a genesis");
        let of = |index: usize| {
            let key = &genesis.validators[index].public_key;
            Address::of(genesis.scheme, key)
        };
        let resolved = |listens: &str| {
            let address = of(1);
            let listens = listens.to_owned();
            let entries = [PeerEntry { address, listens }];
            resolve_all(&entries, &genesis, of(0), false, &nowhere())
        };
        let failure = resolved("[fe80::1%2]:9545").expect_err("no URI names it");
        assert_eq!(failure.exit_code, 2);
        assert!(failure.message.contains("fe80::1%2"), "{}", failure.message);
        for listens in ["[fe80::1]:9545", "[::1]:9545", "127.0.0.1:9545"] {
            let peers = resolved(listens).unwrap_or_else(|f| panic!("{}", f.message));
            assert_eq!(peers[0].listens(), listens.parse().ok());
        }
    }

    #[test]
    fn whoever_the_genesis_does_not_name_needs_follow() {
        let genesis = Devnet::builder().genesis().expect("a genesis");
        let founder = Address::of(genesis.scheme, &genesis.validators[0].public_key);
        let added = Address([7; 20]);
        let resolved = |me: Address, peer: Address, follow| {
            let listens = "127.0.0.1:9545".to_owned();
            let entry = PeerEntry {
                address: peer,
                listens,
            };
            resolve_all(&[entry], &genesis, me, follow, &nowhere())
        };
        for (me, peer, exit_code) in [(added, founder, 4), (founder, added, 2)] {
            let failure = resolved(me, peer, false).expect_err("the genesis does not name it");
            assert_eq!(failure.exit_code, exit_code);
            for word in [&added.to_string(), "follow = true"] {
                assert!(failure.message.contains(word), "{}", failure.message);
            }
            assert_eq!(
                resolved(me, peer, true).map(|peers| peers.len()).ok(),
                Some(1)
            );
        }
        let failure = resolved(added, added, true).expect_err("its own peer");
        assert!(failure.message.contains("this node itself"));
    }

    #[test]
    fn peers_are_written_as_who_and_where() {
        let one = format!("{}@host:1", Address([1; 20]));
        let two = format!("{}@[::1]:65535", Address([2; 20]));
        let peers = parse(&format!("{one},{two}")).expect("two peers");
        let where_: Vec<&str> = peers.iter().map(|peer| &*peer.listens).collect();
        assert_eq!(where_, ["host:1", "[::1]:65535"]);
        assert_eq!(parse(""), Ok(Vec::new()));
        for wrong in ["x", "0x12@host:1", &format!("{}@host", Address([1; 20]))] {
            let error = parse(wrong).expect_err(wrong);
            assert!(error.contains("0x…@host:port"), "{error}");
        }
    }

    /// It was repeated, and so written to the journal of a service.
    #[test]
    fn nothing_of_a_refused_peer_is_repeated_but_whom_it_names() {
        let peer = Address([7; 20]);
        for (wrong, word) in [
            (format!("{peer}@user:hunter2@example.org:80"), "password"),
            (format!("{peer}@hunter2:http://a:80"), "http://"),
            (format!("{peer}@hunter2:99999"), "65535"),
            (format!("{peer}@10.0.1:9545"), "four numbers"),
            (format!("{peer}@host:0"), "port 0"),
            ("user:hunter2@example.org:80".to_owned(), "before the @"),
            ("hunter2".to_owned(), "no @"),
        ] {
            let why = parse(&wrong).expect_err(&wrong);
            assert!(why.contains(word) && !why.contains("hunter2"), "{why}");
            let names = wrong.starts_with("0x");
            assert_eq!(why.contains(&peer.to_string()), names, "{why}");
            assert!(why.ends_with("; write 0x…@host:port"), "{why}");
            let failure = parse_each(std::slice::from_ref(&wrong)).expect_err(&wrong);
            assert_eq!(
                (failure.exit_code, failure.message),
                (2, format!("--peer: {why}"))
            );
        }
    }
}
