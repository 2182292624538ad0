//! Which pages in browsers may ask this node.
//!
//! **Of another origin**: cross-origin resource sharing
//! (<https://fetch.spec.whatwg.org/#http-cors-protocol>), and the same for WebSockets, which
//! browsers open to anybody. Programs outside of browsers send no origin, or an empty one, and are
//! not concerned. A page that may ask may read (`GET`) and call JSON-RPC (`POST /`), nothing else; no
//! answer depends on who asks, so there are no credentials to allow. A `POST` of any other page is
//! refused before it is read: browsers send some without asking. A page of the node's own address
//! is no foreign one.
//!
//! **Of its own origin, as it seems**: a page may have its own name lead to this machine (DNS
//! rebinding), and then asks as if the node had served it: no origin tells it apart. But it cannot
//! choose what `Host` says. A listener that only this machine reaches knows its names.
use super::open_api::Route;
use super::seed::Seed;
use crate::http::answer::{self, origin, refuse};
use crate::limits::{HOSTS_MAX, ORIGINS_MAX};
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// What is refused before anybody looks at it: only a page in a browser asks so.
pub(super) fn refusal(
    seed: &Seed,
    route: &Route,
    request: &ServiceRequest,
) -> Option<HttpResponse> {
    let head = request.headers();
    let is_known =
        !seed.is_on_loopback || host(head).is_none_or(|host| seed.hosts.get().know(host));
    let may_change = request.method() == Method::POST;
    if !is_known {
        Some(unknown_host())
    } else if may_change && !seed.is_no_foreign_page(head, seed.pages_of(route).as_deref()) {
        Some(foreign_page())
    } else {
        None
    }
}

/// How long a browser may remember that it may ask, in seconds.
const REMEMBERED_SECONDS: u32 = 600;

/// Whose pages may ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origins {
    /// Nobody's.
    #[default]
    Nobody,
    /// Those of these origins, such as `https://wallet.example`.
    These(Vec<String>),
    /// Everybody's.
    Everybody,
}

/// A list of origins that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginsError {
    /// This is none.
    #[error(
        "{0:?} is no origin: write scheme, host and port without a path, as https://wallet.example, \
         several with commas between, or * for all"
    )]
    NoOrigin(String),
    /// More than are looked through for each request.
    #[error("there are more than {ORIGINS_MAX} origins: list fewer, or write * for all")]
    TooMany,
}

impl FromStr for Origins {
    type Err = OriginsError;

    /// Nothing, `*`, or origins with commas between.
    fn from_str(text: &str) -> Result<Origins, OriginsError> {
        match text.trim() {
            "" => return Ok(Origins::Nobody),
            "*" => return Ok(Origins::Everybody),
            _ => {}
        }
        let listed = text.split(',').map(str::trim);
        if listed.clone().count() > ORIGINS_MAX {
            return Err(OriginsError::TooMany);
        }
        let read = listed.map(|origin| {
            let no_origin = || OriginsError::NoOrigin(origin.to_owned());
            let (scheme, host) = origin.split_once("://").ok_or_else(no_origin)?;
            let is_host = |c: char| c.is_ascii_alphanumeric() || "-.:[]_".contains(c);
            let is_good = !host.is_empty() && host.chars().all(is_host);
            let is_good = is_good && !scheme.is_empty();
            let is_good = is_good
                && scheme
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-');
            is_good
                .then(|| origin.to_ascii_lowercase())
                .ok_or_else(no_origin)
        });
        Ok(Origins::These(read.collect::<Result<_, _>>()?))
    }
}

impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origins::Nobody => Ok(()),
            Origins::These(listed) => f.write_str(&listed.join(",")),
            Origins::Everybody => f.write_str("*"),
        }
    }
}

impl Origins {
    fn allow(&self, origin: &HeaderValue) -> bool {
        match self {
            Origins::Nobody => false,
            Origins::Everybody => true,
            Origins::These(listed) => listed.iter().any(|one| one.as_bytes() == origin.as_bytes()),
        }
    }

    /// Tells the browser in an answer's head that its page may read it.
    pub(super) fn mark(&self, origin: Option<&HeaderValue>, head: &mut HeaderMap) {
        if let Origins::These(_) = self {
            // Whoever keeps the answer must not show it to another page.
            head.append(header::VARY, HeaderValue::from_static("origin"));
        }
        if let Some(origin) = origin.filter(|origin| self.allow(origin)) {
            let whom = match self {
                Origins::Everybody => HeaderValue::from_static("*"),
                _ => origin.clone(),
            };
            head.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, whom);
        }
    }
}

impl Seed {
    /// Whether this is asked by a program or by a page that may: one of `pages`, or the node's own.
    pub(super) fn is_no_foreign_page(&self, head: &HeaderMap, pages: Option<&Origins>) -> bool {
        origin(head).is_none_or(|origin| {
            pages.is_some_and(|pages| pages.allow(origin)) || self.is_own(origin, head)
        })
    }

    /// Whose pages may ask this, besides the node's own; `None`: nobody's.
    pub(super) fn pages_of(&self, route: &Route) -> Option<Arc<Origins>> {
        if route.is_order() {
            self.devnet.as_ref().map(|devnet| devnet.pages.clone())
        } else {
            route.is_for_pages().then(|| self.origins.get())
        }
    }

    /// Whether a page came from where it asks, by a name that cannot be made to lead here.
    fn is_own(&self, origin: &HeaderValue, head: &HeaderMap) -> bool {
        let page = origin.as_bytes().strip_prefix(b"http://");
        let asked = host(head).filter(|asked| self.hosts.get().know(asked));
        asked.is_some_and(|asked| {
            page.is_some_and(|page| page.eq_ignore_ascii_case(asked.as_bytes()))
        })
    }
}

/// The answer to a page that may not ask.
pub(super) fn foreign_page() -> HttpResponse {
    let sentence = "pages of this origin may not ask here: the operator of the node allows origins \
                    in cors_origins";
    refuse(StatusCode::FORBIDDEN, "origin", sentence)
}

/// `OPTIONS`: a browser asks whether a page may ask. Its head is marked like every other.
pub(super) async fn preflight(
    origins: &Origins,
    request: HttpRequest,
    verb: &'static str,
) -> HttpResponse {
    let asked = request.headers().get(header::ACCESS_CONTROL_REQUEST_METHOD);
    let origin = origin(request.headers());
    let (Some(asked), Some(origin)) = (asked, origin) else {
        return answer::no_such_method(request, verb).await;
    };
    if !origins.allow(origin) {
        return foreign_page();
    }
    if Method::from_bytes(asked.as_bytes())
        .ok()
        .as_ref()
        .map(Method::as_str)
        != Some(verb)
    {
        return answer::no_such_method(request, verb).await;
    }
    HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, verb))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type"))
        .insert_header((
            header::ACCESS_CONTROL_MAX_AGE,
            REMEMBERED_SECONDS.to_string(),
        ))
        .finish()
}

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
    fn know(&self, host: &str) -> bool {
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
fn host(head: &HeaderMap) -> Option<&str> {
    let host = head.get(header::HOST)?;
    // What is no text is no name.
    Some(host.to_str().unwrap_or("?"))
}

fn unknown_host() -> HttpResponse {
    let sentence = "this node answers on its own machine only, and does not know the name in Host: \
                    ask localhost, or have its operator list the name in rpc_hosts";
    refuse(StatusCode::MISDIRECTED_REQUEST, "host", sentence)
}
