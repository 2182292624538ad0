//! Which pages in browsers may ask this node: cross-origin resource sharing
//! (<https://fetch.spec.whatwg.org/#http-cors-protocol>), and the same for WebSockets, which
//! browsers open to anybody.
//!
//! Programs outside of browsers send no origin, or an empty one, and are not concerned. A page that may
//! ask may read (`GET`) and call JSON-RPC (`POST /`), nothing else; no answer depends on who asks, so
//! there are no credentials to allow. A `POST` of any other page is refused before it is read: browsers
//! send some without asking. A page of the node's own address is no foreign one.
use super::hosts;
use super::open_api::Route;
use super::seed::Seed;
use crate::http::answer::{self, origin, refuse};
use crate::limits::ORIGINS_MAX;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

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
        let host = origin.as_bytes().strip_prefix(b"http://");
        let asked = hosts::host(head).filter(|asked| self.hosts.get().know(asked));
        asked.is_some_and(|asked| {
            host.is_some_and(|host| host.eq_ignore_ascii_case(asked.as_bytes()))
        })
    }
}

pub(super) fn refused() -> HttpResponse {
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
        return refused();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &'static str) -> HeaderValue {
        HeaderValue::from_static(text)
    }

    #[test]
    fn nobody_some_or_everybody_may_ask() {
        let nobody: Origins = "".parse().expect("nobody");
        let everybody: Origins = " * ".parse().expect("everybody");
        let some: Origins = "https://a.example, http://LOCALHOST:5173"
            .parse()
            .expect("two");
        assert_eq!(nobody, Origins::default());
        for (asks, may) in [
            ("https://a.example", true),
            ("http://localhost:5173", true),
            ("http://a.example", false),
            ("https://a.example:8443", false),
            ("https://a.example.evil.example", false),
            ("null", false),
        ] {
            assert_eq!(some.allow(&origin(asks)), may, "{asks}");
            assert!(!nobody.allow(&origin(asks)) && everybody.allow(&origin(asks)));
        }
        for list in [nobody, everybody, some] {
            assert_eq!(list.to_string().parse(), Ok(list));
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for wrong in [
            "a.example",
            "https://",
            "://a",
            "https://a/b",
            "https://a, *",
            "a b://c",
            ",",
        ] {
            assert!(wrong.parse::<Origins>().is_err(), "{wrong}");
        }
        let many = vec!["https://a.example"; ORIGINS_MAX + 1].join(",");
        assert_eq!(many.parse::<Origins>(), Err(OriginsError::TooMany));
    }

    #[test]
    fn an_answer_names_the_page_that_may_read_it() {
        let marked = |list: &str, asks: Option<&'static str>| {
            let list = list.parse::<Origins>().expect("a list");
            let mut head = HeaderMap::new();
            list.mark(asks.map(origin).as_ref(), &mut head);
            let text = |name| {
                head.get(name)
                    .and_then(|value| value.to_str().ok())
                    .map(str::to_owned)
            };
            (
                text(header::ACCESS_CONTROL_ALLOW_ORIGIN),
                text(header::VARY),
            )
        };
        let (a, varies) = ("https://a.example", Some("origin".to_owned()));
        assert_eq!(marked("", Some(a)), (None, None));
        assert_eq!(marked("*", Some(a)), (Some("*".into()), None));
        assert_eq!(marked("*", None), (None, None));
        assert_eq!(marked(a, Some(a)), (Some(a.into()), varies.clone()));
        assert_eq!(marked(a, Some("https://b.example")), (None, varies.clone()));
        assert_eq!(marked(a, None), (None, varies));
    }
}
