//! Whose word counts on where a request comes from. A reverse proxy is one address for all its
//! clients; one that is trusted says whose request it passes on
//! (<https://www.rfc-editor.org/rfc/rfc7239>, or the older `X-Forwarded-For`).
//!
//! Each proxy adds the address that it saw at the end of the list. So it is read from its end, past
//! the trusted ones; whatever a client has written there itself stands before that.
use crate::limits::PROXIES_MAX;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// The addresses of trusted proxies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Vec<Network>);

/// An address, and how many of its first bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u32,
}

/// A list of proxies that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxiesError {
    /// This is none.
    #[error(
        "{0:?} is no address: write addresses or networks, as 127.0.0.1 or 10.0.0.0/8, several with \
         commas between"
    )]
    NoAddress(String),
    /// More than are looked through for each request.
    #[error("there are more than {PROXIES_MAX} proxies: write networks, as 10.0.0.0/8")]
    TooMany,
}

impl FromStr for Proxies {
    type Err = ProxiesError;

    /// Nothing, or addresses and networks with commas between.
    fn from_str(text: &str) -> Result<Proxies, ProxiesError> {
        if text.trim().is_empty() {
            return Ok(Proxies::default());
        }
        let listed = text.split(',').map(str::trim);
        if listed.clone().count() > PROXIES_MAX {
            return Err(ProxiesError::TooMany);
        }
        let read = listed
            .map(|text| network(text).ok_or_else(|| ProxiesError::NoAddress(text.to_owned())));
        Ok(Proxies(read.collect::<Result<_, _>>()?))
    }
}

impl fmt::Display for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Network { address, bits }) in self.0.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            write!(f, "{comma}{address}/{bits}")?;
        }
        Ok(())
    }
}

fn network(text: &str) -> Option<Network> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(most), |bits| bits.parse().ok())?;
    (bits <= most).then_some(Network { address, bits })
}

impl Network {
    fn has(&self, address: IpAddr) -> bool {
        let differ = match (self.address, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => u128::from(a.to_bits() ^ b.to_bits()) << 96,
            (IpAddr::V6(a), IpAddr::V6(b)) => a.to_bits() ^ b.to_bits(),
            _ => return false,
        };
        differ.leading_zeros() >= self.bits
    }
}

impl Proxies {
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.has(address))
    }

    /// Whose request this is that came from `from`.
    pub(super) fn client(&self, from: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.trusts(from) {
            return from;
        }
        let named = |name: HeaderName| headers.get_all(name).filter_map(|v| v.to_str().ok());
        let forwarded: Vec<&str> = named(header::FORWARDED).collect();
        let passed: Vec<Option<IpAddr>> = if forwarded.is_empty() {
            let lines = named(HeaderName::from_static("x-forwarded-for"));
            lines
                .flat_map(|line| line.split(','))
                .map(address)
                .collect()
        } else {
            let hops = forwarded.iter().flat_map(|line| line.split(','));
            hops.map(|hop| {
                let pairs = hop.split(';').filter_map(|pair| pair.split_once('='));
                let mut whom = pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case("for"));
                whom.next().and_then(|(_, node)| address(node))
            })
            .collect()
        };
        let mut client = from;
        for hop in passed.into_iter().rev() {
            // A hop that keeps its name to itself: whoever passed it on answers for it.
            let Some(hop) = hop else { break };
            client = hop;
            if !self.trusts(hop) {
                break;
            }
        }
        client
    }
}

/// An address as it is written there, with a port or without.
fn address(node: &str) -> Option<IpAddr> {
    let node = node.trim().trim_matches('"');
    let bare = node
        .strip_prefix('[')
        .and_then(|node| node.strip_suffix(']'));
    let address = bare.unwrap_or(node).parse();
    let address = address.or_else(|_| node.parse::<SocketAddr>().map(|node| node.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn client(proxies: &str, from: &str, lines: &[(&str, &str)]) -> String {
        let proxies: Proxies = proxies.parse().expect("a list");
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name = name.parse().expect("a name");
            headers.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        proxies
            .client(from.parse().expect("an address"), &headers)
            .to_string()
    }

    #[test]
    fn only_a_trusted_proxy_says_whose_request_it_is() {
        let said = [("x-forwarded-for", "1.2.3.4")];
        assert_eq!(client("", "10.0.0.1", &said), "10.0.0.1");
        assert_eq!(client("10.0.0.0/8", "11.0.0.1", &said), "11.0.0.1");
        assert_eq!(client("10.0.0.0/8", "10.9.9.9", &said), "1.2.3.4");
        assert_eq!(client("10.0.0.1", "::ffff:10.0.0.1", &said), "1.2.3.4");
        assert_eq!(client("::/0", "2001:db8::1", &said), "1.2.3.4");
        assert_eq!(client("10.0.0.1", "10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_list_is_read_from_its_end_past_the_trusted_ones() {
        let lines = [
            ("x-forwarded-for", "6.6.6.6, 1.2.3.4"),
            ("x-forwarded-for", "10.0.0.2"),
        ];
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &lines), "1.2.3.4");
        let lines = [("x-forwarded-for", "6.6.6.6, unknown, 10.0.0.2")];
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &lines), "10.0.0.2");
    }

    #[test]
    fn the_standard_header_comes_before_the_older_one() {
        let lines = [
            (
                "forwarded",
                "for=6.6.6.6;by=1.1.1.1, proto=https;For=\"[2001:db8::7]:4711\"",
            ),
            ("x-forwarded-for", "1.2.3.4"),
        ];
        assert_eq!(client("10.0.0.1", "10.0.0.1", &lines), "2001:db8::7");
        let lines = [("forwarded", "for=192.0.2.43:80")];
        assert_eq!(client("10.0.0.1", "10.0.0.1", &lines), "192.0.2.43");
        let lines = [("forwarded", "for=_hidden")];
        assert_eq!(client("10.0.0.1", "10.0.0.1", &lines), "10.0.0.1");
    }

    #[test]
    fn a_list_is_read_and_shown_or_refused_with_what_would_be_right() {
        let proxies: Proxies = " 10.0.0.0/8 , ::1".parse().expect("a list");
        assert_eq!(proxies.to_string(), "10.0.0.0/8,::1/128");
        for bad in [
            "proxy.example",
            "10.0.0.0/33",
            "10.0.0.1,",
            "::1/129",
            "10.0.0.0/x",
        ] {
            let error = bad.parse::<Proxies>().expect_err(bad);
            assert!(error.to_string().contains("10.0.0.0/8"), "{error}");
        }
        let many = vec!["10.0.0.1"; PROXIES_MAX + 1].join(",");
        assert_eq!(many.parse::<Proxies>(), Err(ProxiesError::TooMany));
    }
}
