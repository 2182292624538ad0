//! Where a peer is that has a name: looked up again whenever it is not there, because machines
//! move and names stay. A look-up may take the system as long as it likes: it has a thread of its
//! own, which nobody waits for when the link ends.
use super::peer::has_uri;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Looks `host:port` up; may block.
pub type Resolve = Arc<dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

/// As the system does it.
pub fn system_resolver() -> Resolve {
    Arc::new(|name| Ok(name.to_socket_addrs()?.collect()))
}

/// Where to try next, after `now` was in vain, if anything was known: of several addresses one
/// after the other.
pub(crate) async fn look_up(
    resolve: Resolve,
    name: Arc<str>,
    now: Option<SocketAddr>,
) -> io::Result<SocketAddr> {
    let (tell, hear) = oneshot::channel();
    let ask = move || {
        // An error says that the link has ended meanwhile.
        let _ = tell.send(resolve(&name));
    };
    std::thread::Builder::new()
        .name("resolver".into())
        .spawn(ask)?;
    let found = hear.await.map_err(io::Error::other)??;
    next(&found, now).ok_or_else(|| io::ErrorKind::NotFound.into())
}

fn next(found: &[SocketAddr], now: Option<SocketAddr>) -> Option<SocketAddr> {
    let possible = || found.iter().filter(|at| has_uri(at));
    let behind = possible().skip_while(|at| Some(**at) != now).nth(1);
    behind.or(possible().next()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_one_address_comes_the_next_and_after_the_last_the_first() {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let found = [at(1), at(2), at(3)];
        assert_eq!(next(&found, Some(at(1))), Some(at(2)));
        assert_eq!(next(&found, Some(at(3))), Some(at(1)));
        assert_eq!(next(&found, Some(at(9))), Some(at(1)));
        assert_eq!(next(&found, None), Some(at(1)));
        assert_eq!(next(&found[..1], Some(at(1))), Some(at(1)));
        assert_eq!(next(&[], Some(at(1))), None);
        let of_one_link = "[fe80::1%2]:1".parse().expect("an address");
        assert_eq!(next(&[of_one_link, at(2)], Some(at(1))), Some(at(2)));
        assert_eq!(next(&[of_one_link], Some(at(1))), None);
    }

    #[test]
    fn a_resolver_that_falls_or_finds_nothing_is_an_error() {
        let fallen: Resolve = Arc::new(|_| panic!("a resolver that falls"));
        let nothing: Resolve = Arc::new(|_| Ok(Vec::new()));
        for resolve in [fallen, nothing] {
            let now = SocketAddr::from(([127, 0, 0, 1], 1));
            let found = look_up(resolve, "host:1".into(), Some(now));
            assert!(actix_rt::System::new().block_on(found).is_err());
        }
    }
}
