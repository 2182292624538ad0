//! Where something listens and where it is asked: the one strict reader of `host:port` and of URLs.
//! What it refuses is never repeated: it may hold a password. So it says what is wrong, and whoever
//! asks adds what would be right.
use std::net::{Ipv4Addr, SocketAddrV6};

/// The longest name that the domain name system has.
const NAME_BYTES_MAX: usize = 253;

const HAS_USER: &str = "a user or a password has no place before a host";
const NO_HOST: &str = "there is no host";
const NO_PORT: &str = "at its end is no port up to 65535";
const NO_IPV4: &str = "an IPv4 address has four numbers up to 255";
const NO_IPV6: &str = "an IPv6 address stands in brackets, as [::1]";
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
}
