//! By which names this node may be asked. A page of a browser may have its own name lead to this
//! machine (DNS rebinding), and then asks as if the node had served it: no origin tells it apart. But
//! it cannot choose what `Host` says. A listener that only this machine reaches knows its names.
use crate::http::answer::refuse;
use crate::limits::HOSTS_MAX;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Names besides `localhost` and addresses, of a proxy for instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts(Vec<String>);

/// A list of names that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostsError {
    /// This is none.
    #[error(
        "{0:?} is no host: write names without a port, as node.example, several with commas between"
    )]
    NoHost(String),
    /// More than are looked through for each request.
    #[error("there are more than {HOSTS_MAX} hosts: list fewer")]
    TooMany,
}

impl FromStr for Hosts {
    type Err = HostsError;

    /// Nothing, or names with commas between.
    fn from_str(text: &str) -> Result<Hosts, HostsError> {
        if text.trim().is_empty() {
            return Ok(Hosts::default());
        }
        let listed = text.split(',').map(str::trim);
        if listed.clone().count() > HOSTS_MAX {
            return Err(HostsError::TooMany);
        }
        let read = listed.map(|name| {
            let is_good = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
            let is_name = !name.is_empty() && name.chars().all(is_good);
            let name = is_name.then(|| name.to_ascii_lowercase()).ok_or(name);
            name.map_err(|wrong| HostsError::NoHost(wrong.to_owned()))
        });
        Ok(Hosts(read.collect::<Result<_, _>>()?))
    }
}

impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

impl Hosts {
    /// Whether nobody but the operator can have this name lead here. Nobody's name is an address.
    pub(super) fn know(&self, host: &str) -> bool {
        let name = without_port(host);
        let address = name.trim_start_matches('[').trim_end_matches(']');
        let is = |one: &str| one.eq_ignore_ascii_case(name);
        is("localhost") || address.parse::<IpAddr>().is_ok() || self.0.iter().any(|one| is(one))
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// What a request says whom it asks; browsers always say it.
pub(super) fn host(head: &HeaderMap) -> Option<&str> {
    let host = head.get(header::HOST)?;
    // What is no text is no name.
    Some(host.to_str().unwrap_or("?"))
}

pub(super) fn refused() -> HttpResponse {
    let sentence = "this node answers on its own machine only, and does not know the name in Host: \
                    ask localhost, or have its operator list the name in rpc_hosts";
    refuse(StatusCode::MISDIRECTED_REQUEST, "host", sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_addresses_and_what_is_listed_are_known_and_no_other_name() {
        let hosts: Hosts = "Node.example, proxy".parse().expect("two");
        for known in [
            "localhost",
            "LOCALHOST:8545",
            "127.0.0.1",
            "127.0.0.1:8545",
            "[::1]:8545",
            "[::1]",
            "10.0.0.7:80",
            "node.example:443",
            "proxy",
        ] {
            assert!(hosts.know(known), "{known}");
        }
        for unknown in [
            "",
            ":8545",
            "evil.example:8545",
            "localhost.evil.example",
            "node.example.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.1:8545.evil.example",
            "localhost:8545:x",
            "?",
        ] {
            assert!(!hosts.know(unknown), "{unknown}");
        }
        assert_eq!(hosts.to_string().parse(), Ok(hosts));
        for wrong in ["a:1", "http://a", "a,,b", "a b", "*"] {
            assert!(wrong.parse::<Hosts>().is_err(), "{wrong}");
        }
        let many = vec!["a"; HOSTS_MAX + 1].join(",");
        assert_eq!(many.parse::<Hosts>(), Err(HostsError::TooMany));
    }
}
