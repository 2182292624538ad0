//! Where a new home listens: at the ports that are asked for, or at the next ones that nobody has at
//! the moment. A port may still be taken by the time that the node starts.
use crate::config::settings::setting;
use std::io::ErrorKind;
use std::net::TcpListener;

/// Where the node of a new home listens for peers or for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) listens: String,
    /// What people should know of it.
    pub(crate) note: Option<String>,
}

/// The place of a setting: its default host, and the port that is asked for or proposed.
pub(crate) fn place(name: &str, asked: Option<u16>) -> Place {
    place_if(name, asked, is_taken)
}

fn place_if(name: &str, asked: Option<u16>, is_taken: impl Fn(&str, u16) -> bool) -> Place {
    let default = setting(name).map_or("", |setting| setting.default);
    let (host, first) = default.rsplit_once(':').unwrap_or(("", "0"));
    let first = first.parse().unwrap_or(0);
    let at = |port: u16, note| Place {
        listens: format!("{host}:{port}"),
        note,
    };
    if let Some(port) = asked {
        let note = is_taken(host, port).then(|| "somebody listens there now".to_owned());
        return at(port, note);
    }
    match free_run(host, first, 1, is_taken) {
        Some(port) if port == first => at(port, None),
        Some(port) => at(port, Some(format!("{first} is taken"))),
        None => at(first, Some("somebody listens there now".to_owned())),
    }
}

/// The first of so many ports in a row, from `first` on, that nobody has at this host of this machine.
pub(crate) fn free_from(host: &str, first: u16, count: usize) -> Option<u16> {
    free_run(host, first, count, is_taken)
}

/// Whether nobody has any of so many ports in a row.
pub(crate) fn are_free(host: &str, first: u16, count: usize) -> bool {
    let mut ports = (first..=u16::MAX).take(count);
    ports.all(|port| !is_taken(host, port))
}

fn free_run(
    host: &str,
    first: u16,
    count: usize,
    is_taken: impl Fn(&str, u16) -> bool,
) -> Option<u16> {
    let mut start = first;
    let mut free = 0;
    for port in first..=u16::MAX {
        if is_taken(host, port) {
            start = port.checked_add(1)?;
            free = 0;
            continue;
        }
        free += 1;
        if free == count {
            return Some(start);
        }
    }
    None
}

/// Whether somebody listens there. Where the system forbids to look, nobody is known to.
fn is_taken(host: &str, port: u16) -> bool {
    let error = TcpListener::bind((host, port)).err();
    error.is_some_and(|error| error.kind() == ErrorKind::AddrInUse)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(ports: &'static [u16]) -> impl Fn(&str, u16) -> bool {
        move |_, port| ports.contains(&port)
    }

    fn said(listens: &str, note: Option<&str>) -> Place {
        Place {
            listens: listens.to_owned(),
            note: note.map(str::to_owned),
        }
    }

    #[test]
    fn the_default_port_or_the_next_free_one_is_proposed() {
        let people = |ports| place_if("rpc_listen", None, taken(ports));
        assert_eq!(people(&[]), said("127.0.0.1:8545", None));
        let next = said("127.0.0.1:8547", Some("8545 is taken"));
        assert_eq!(people(&[8545, 8546]), next);
        let peers = place_if("peer_listen", None, taken(&[9545]));
        assert_eq!(peers, said("0.0.0.0:9546", Some("9545 is taken")));
        let all = place_if("rpc_listen", None, |_, _| true);
        let note = Some("somebody listens there now");
        assert_eq!(all, said("127.0.0.1:8545", note));
    }

    #[test]
    fn a_port_that_is_asked_for_is_taken_at_its_word() {
        let asked = |ports| place_if("rpc_listen", Some(7), taken(ports));
        assert_eq!(asked(&[]), said("127.0.0.1:7", None));
        let note = Some("somebody listens there now");
        assert_eq!(asked(&[7]), said("127.0.0.1:7", note));
    }

    #[test]
    fn ports_of_a_testnet_are_free_all_in_a_row() {
        let run = |first, count, ports| free_run("127.0.0.1", first, count, taken(ports));
        assert_eq!(run(8545, 8, &[]), Some(8545));
        assert_eq!(run(8545, 8, &[8550, 8560]), Some(8551));
        assert_eq!(run(65_530, 6, &[]), Some(65_530));
        assert_eq!(run(65_530, 7, &[]), None);
        assert_eq!(run(65_535, 1, &[65_535]), None);
    }

    #[test]
    fn whoever_listens_has_the_port() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        assert!(is_taken("127.0.0.1", port));
        assert!(!are_free("127.0.0.1", port - 1, 2));
        assert!(!is_taken("nowhere.invalid", port));
    }
}
