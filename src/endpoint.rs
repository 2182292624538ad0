//! Where something listens and where it is asked: the one strict reader of `host:port` and of URLs.
//! What it refuses is never repeated: it may hold a password. So it says what is wrong, and whoever
//! asks adds what would be right.
use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV6};
use std::str::FromStr;

/// What `http://host` without a port means.
const HTTP_PORT: u16 = 80;
/// The longest name that the domain name system has.
const NAME_BYTES_MAX: usize = 253;

const HAS_USER: &str = "a user or a password has no place before a host";
const NO_HOST: &str = "there is no host";
const NO_PORT: &str = "it does not end with : and a port up to 65535";
const NO_IPV4: &str = "an IPv4 address has four numbers up to 255";
const NO_IPV6: &str = "an IPv6 address stands in brackets, as [::1]";
const NO_TLS: &str = "this program speaks no TLS, so it asks no https://: have a proxy on this \
                      machine, or ssh -L 8545:127.0.0.1:8545 HOST, lead to the node";
const NO_HTTP: &str = "it begins with http://, and nothing else";
const NO_PATH: &str = "a path has no space, no ? and no #";
const NO_NAME: &str = "a host's name has the letters a to z, digits, - . and _ only";

/// Refuses what names somebody before an `@`: no address of ours does.
pub(crate) fn refuse_user(text: &str) -> Result<(), &'static str> {
    match text.contains('@') {
        true => Err(HAS_USER),
        false => Ok(()),
    }
}

/// Where something may listen: `host:port`, with a name, an IPv4 address or an IPv6 address in
/// brackets.
pub(crate) fn check_listen(text: &str) -> Result<(), &'static str> {
    read(text).map(|_| ())
}

/// Where somebody may be reached: the same, and nobody is at port 0.
pub(crate) fn check_reach(text: &str) -> Result<(), &'static str> {
    match read(text)? {
        0 => Err("nobody is reached at port 0"),
        _ => Ok(()),
    }
}

/// Where a node answers people: `http://host:port/path`, of which `http://` and the path may be left
/// away, and the port behind `http://`. What a node is asked for stands behind the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    at: String,
    path: String,
}

impl Url {
    /// `host:port`
    pub(crate) fn at(&self) -> &str {
        &self.at
    }

    /// Nothing, or what begins with a slash and does not end with one.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

impl FromStr for Url {
    type Err = String;

    fn from_str(text: &str) -> Result<Url, String> {
        let right = "write http://host:port or http://host:port/path";
        read_url(text).map_err(|why| format!("{why}; {right}"))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.at, self.path)
    }
}

fn read_url(text: &str) -> Result<Url, &'static str> {
    refuse_user(text)?;
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
        None => (None, text),
    };
    match scheme.as_deref() {
        None | Some("http") => {}
        Some("https") => return Err(NO_TLS),
        Some(_) => return Err(NO_HTTP),
    }
    let (at, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let of_path = |byte: u8| byte.is_ascii_graphic() && !b"?#\\\"<>".contains(&byte);
    if !path.bytes().all(of_path) {
        return Err(NO_PATH);
    }
    let has_port = at.rfind(':') > at.rfind(']');
    let at = match has_port || scheme.is_none() {
        true => at.to_ascii_lowercase(),
        false => format!("{}:{HTTP_PORT}", at.to_ascii_lowercase()),
    };
    check_reach(&at)?;
    let path = path.trim_end_matches('/').to_owned();
    Ok(Url { at, path })
}

/// The port of `host:port`.
fn read(text: &str) -> Result<u16, &'static str> {
    refuse_user(text)?;
    if text.contains("://") {
        return Err("nothing like http:// stands before a host");
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err(NO_PORT);
    };
    check_host(host)?;
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|_| is_number);
    port.ok_or(NO_PORT)
}

fn check_host(host: &str) -> Result<(), &'static str> {
    let demand = |is_right: bool, why| if is_right { Ok(()) } else { Err(why) };
    if host.is_empty() {
        return Err(NO_HOST);
    }
    if host.contains([':', '[', ']']) {
        return demand(format!("{host}:0").parse::<SocketAddrV6>().is_ok(), NO_IPV6);
    }
    if host.split('.').all(is_number) {
        return demand(host.parse::<Ipv4Addr>().is_ok(), NO_IPV4);
    }
    let of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_name = host.len() <= NAME_BYTES_MAX && host.bytes().all(of_name);
    demand(
        is_name && !host.starts_with(['.', '-']) && !host.contains(".."),
        NO_NAME,
    )
}

/// What systems take for a part of an IPv4 address, however few parts there are.
fn is_number(part: &str) -> bool {
    let hex = part.strip_prefix("0x").or(part.strip_prefix("0X"));
    match hex {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => part.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_of_both_kinds_are_taken() {
        for right in [
            "localhost:8545",
            "node_1.example.org:1",
            "node.example.:1",
            "0x.example:1",
            "10.0.0.1:9545",
            "0.0.0.0:65535",
            "[::1]:9545",
            "[fe80::1%2]:9545",
        ] {
            assert_eq!(check_listen(right), Ok(()), "{right}");
            assert_eq!(check_reach(right), Ok(()), "{right}");
        }
        assert_eq!(check_listen("127.0.0.1:0"), Ok(()));
        assert!(check_reach("127.0.0.1:0").is_err());
    }

    #[test]
    fn what_is_half_typed_or_more_than_an_address_is_refused_with_the_reason() {
        for (wrong, why) in [
            ("http://example.org:80", "nothing like http://"),
            ("example.org:99999", NO_PORT),
            ("example.org:65536", NO_PORT),
            ("example.org:+80", NO_PORT),
            ("example.org:-1", NO_PORT),
            ("example.org:80 ", NO_PORT),
            ("example.org:", NO_PORT),
            ("example.org", NO_PORT),
            ("8545", NO_PORT),
            ("", NO_PORT),
            (":80", NO_HOST),
            ("exa mple.org:80", NO_NAME),
            (" example.org:80", NO_NAME),
            ("example.org/path:80", NO_NAME),
            ("exämple.org:80", NO_NAME),
            (".example.org:80", NO_NAME),
            ("example..org:80", NO_NAME),
            ("-p:80", NO_NAME),
            ("10.0.1:80", NO_IPV4),
            ("10.0.0.256:80", NO_IPV4),
            ("10.0.0.1.:80", NO_IPV4),
            ("10.0..1:80", NO_IPV4),
            ("010.0.0.1:80", NO_IPV4),
            ("0x7f.1:80", NO_IPV4),
            ("1:80", NO_IPV4),
            ("::1:80", NO_IPV6),
            ("[::g]:80", NO_IPV6),
            ("[::1:80", NO_IPV6),
            ("user:hunter2@example.org:80", HAS_USER),
            ("http://user:hunter2@example.org", HAS_USER),
        ] {
            let said = check_listen(wrong).expect_err(wrong);
            assert!(said.starts_with(why), "{wrong}: {said}");
        }
        let long = format!("{}:80", "a".repeat(NAME_BYTES_MAX + 1));
        assert_eq!(check_listen(&long), Err(NO_NAME));
    }

    #[test]
    fn a_url_has_a_host_a_port_and_perhaps_a_path() {
        for (text, at, path) in [
            ("http://node:8545", "node:8545", ""),
            ("http://node:8545/", "node:8545", ""),
            ("HTTP://Node:8545", "node:8545", ""),
            ("127.0.0.1:1", "127.0.0.1:1", ""),
            ("http://[::1]:8545", "[::1]:8545", ""),
            ("http://[::1]", "[::1]:80", ""),
            ("http://node", "node:80", ""),
            ("http://node/a", "node:80", "/a"),
            ("node:1/a", "node:1", "/a"),
            ("http://node:1/Some/path%20b/", "node:1", "/Some/path%20b"),
        ] {
            let url: Url = text.parse().expect(text);
            assert_eq!((url.at(), url.path()), (at, path), "{text}");
            let again = url.to_string().parse();
            assert_eq!(again, Ok(url), "{text}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused_with_the_right_form_and_without_its_secrets() {
        for (wrong, why) in [
            ("https://node:8545", NO_TLS),
            ("https://node/hunter2", NO_TLS),
            ("ftp://node:8545", NO_HTTP),
            ("://node:8545", NO_HTTP),
            ("http://user:hunter2@node:8545", HAS_USER),
            ("user:hunter2@node:8545", HAS_USER),
            ("http://node:8545?token=hunter2", NO_PATH),
            ("http://node:8545/a?token=hunter2", NO_PATH),
            ("http://node:8545/a#hunter2", NO_PATH),
            ("http://node:8545/a b", NO_PATH),
            ("http://node:8545/a\r\nb", NO_PATH),
            ("http://node:99999", NO_PORT),
            ("http://node:", NO_PORT),
            ("node", NO_PORT),
            ("", NO_PORT),
            ("http://", NO_HOST),
            ("http:///a", NO_HOST),
            ("http://no de:8545", NO_NAME),
            (" http://node:8545", NO_HTTP),
            ("http://10.0.1:8545", NO_IPV4),
            ("http://10.0.1", NO_IPV4),
            ("http://::1:8545", NO_IPV6),
            ("http://node:0", "nobody is reached"),
        ] {
            let said = wrong.parse::<Url>().expect_err(wrong);
            assert!(said.starts_with(why), "{wrong}: {said}");
            assert!(said.contains("; write http://host:port"), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}
