//! The page that people look at: `GET /`, and its files under a name that changes with their bytes.
//!
//! The files stand in the room `page/` as they are served; nothing builds them. They are part of the
//! binary, so a page needs no disk, and fits the node that serves it. All of them are served under
//! `/page/<hash of all>/`, so that modules name each other as they do on the disk, and a browser
//! may keep them for ever. `page = false` turns all of it off.
//!
//! What a page may do is said by its Content-Security-Policy: run what comes from here, nothing
//! inline; ask this node, and those that its own address lists (`?nodes=`). On a devnet it may ask
//! all of this machine: the other nodes are there.
use super::browsers::Origins;
use super::seed::Seed;
use super::status::gzip;
use crate::http::answer::{self, Answer, refuse};
use crate::metrics::wants_gzip;
use actix_web::http::{StatusCode, header};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use flate2::Compression;
use lockstep_protocol::types::Hash;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Names and bytes of the files in `page/`; a test of this module compares them with the room.
macro_rules! files {
    ($($name:literal)*) => {
        const FILES: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../../page/", $name)))),*
        ];
    };
}

files! {
    "api.js" "chain.js" "controls.js" "dom.js" "format.js" "index.html" "line.js" "main.js" "mark.svg"
    "parts.js" "poll.js" "reads.js" "router.js" "rows.js" "search.js" "shapes.js" "store.js"
    "style.css" "svg.js" "take.js" "verdict.js" "views/account.js" "views/actors.js"
    "views/blocks.js" "views/devnet.js" "views/evidence.js" "views/graph.js" "views/index.js"
    "views/ledger.js" "views/lockstep.js" "views/mempool.js" "views/peers.js" "views/timeline.js"
    "views/transaction.js" "views/validators.js" "votes.js"
}

/// Where the page begins.
const FIRST: &str = "index.html";
/// A browser may keep what has a name of its own for a year, the longest that is understood.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// A file as it is sent.
#[derive(Debug)]
struct File {
    media: &'static str,
    plain: Bytes,
    zipped: Bytes,
}

/// All files, and the name that they have together.
#[derive(Debug)]
struct Page {
    build: String,
    files: BTreeMap<&'static str, File>,
}

/// Made at the first request.
fn page() -> &'static Page {
    static PAGE: OnceLock<Page> = OnceLock::new();
    PAGE.get_or_init(Page::made)
}

impl Page {
    fn made() -> Page {
        let parts = FILES.iter().flat_map(|(name, text)| [name, text]);
        let parts: Vec<&[u8]> = parts.map(|part| part.as_bytes()).collect();
        let build = Hash::of(&parts).to_string();
        let build: String = build.trim_start_matches("0x").chars().take(16).collect();
        let files = FILES.iter().map(|(name, text)| {
            let text = match *name {
                FIRST => first(text, &build).into(),
                _ => Bytes::from_static(text.as_bytes()),
            };
            (*name, File::of(name, text))
        });
        Page {
            files: files.collect(),
            build,
        }
    }
}

/// The document, in which the other files are named: all modules at once, because a browser would
/// otherwise ask for one after the other.
fn first(text: &str, build: &str) -> String {
    let modules = FILES.iter().filter(|(name, _)| name.ends_with(".js"));
    let modules = modules
        .map(|(name, _)| format!("<link rel=\"modulepreload\" href=\"/page/{build}/{name}\">\n"));
    let modules: String = modules.collect();
    text.replace("{preloads}", &modules)
        .replace("{build}", build)
}

impl File {
    fn of(name: &str, plain: Bytes) -> File {
        let media = match name.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            _ => "image/svg+xml",
        };
        // An empty one is not sent: the file goes as it is.
        let zipped = gzip(&plain, Compression::best()).into();
        File {
            media,
            plain,
            zipped,
        }
    }

    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let mut answer = HttpResponse::Ok();
        answer
            .content_type(self.media)
            .insert_header((header::VARY, "accept-encoding"))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
        let accepted = request.headers().get(header::ACCEPT_ENCODING);
        let accepted = accepted.and_then(|value| value.to_str().ok());
        if wants_gzip(accepted) && !self.zipped.is_empty() {
            answer.insert_header((header::CONTENT_ENCODING, "gzip"));
            answer.body(self.zipped.clone())
        } else {
            answer.body(self.plain.clone())
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Nodes {
    nodes: Option<String>,
}

/// `GET /`.
pub(super) async fn document(
    seed: web::Data<Seed>,
    listed: web::Query<Nodes>,
    request: HttpRequest,
) -> Answer {
    if !seed.serves_page {
        return Ok(answer::no_such_method(request, "POST").await);
    }
    let policy = match policy(&seed, listed.nodes.as_deref().unwrap_or_default()) {
        Ok(policy) => policy,
        Err(sentence) => return Ok(refuse(StatusCode::BAD_REQUEST, "bad_nodes", sentence)),
    };
    let Some(file) = page().files.get(FIRST) else {
        return Ok(answer::no_such_route(request).await);
    };
    let mut answer = file.answer(&request);
    let head = answer.headers_mut();
    let mut say = |name, value: &str| {
        if let Ok(value) = header::HeaderValue::from_str(value) {
            head.insert(name, value);
        }
    };
    say(header::CONTENT_SECURITY_POLICY, &policy);
    say(header::CACHE_CONTROL, "no-cache");
    say(header::REFERRER_POLICY, "no-referrer");
    Ok(answer)
}

/// A file by its name.
pub(super) async fn file(
    seed: web::Data<Seed>,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Answer {
    let (build, name) = path.into_inner();
    served(&seed, &build, &name, request).await
}

/// A file of the folder `views`.
pub(super) async fn view(
    seed: web::Data<Seed>,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Answer {
    let (build, name) = path.into_inner();
    served(&seed, &build, &format!("views/{name}"), request).await
}

async fn served(seed: &Seed, build: &str, name: &str, request: HttpRequest) -> Answer {
    let page = page();
    let file = page.files.get(name).filter(|_| name != FIRST);
    let file = file.filter(|_| seed.serves_page && page.build == build);
    let Some(file) = file else {
        let sentence = "the page of this node has no such file: load / anew";
        return Ok(refuse(StatusCode::NOT_FOUND, "no_such_file", sentence));
    };
    let mut answer = file.answer(&request);
    let kept = header::HeaderValue::from_static(FOR_EVER);
    answer.headers_mut().insert(header::CACHE_CONTROL, kept);
    Ok(answer)
}

/// What the page may do. Whom it may ask is what its own address says: a link can make a page of this
/// node read other nodes, and nothing else: the page has no secret that it could tell them.
fn policy(seed: &Seed, nodes: &str) -> Result<String, String> {
    let others = match nodes.parse::<Origins>() {
        Ok(Origins::Nobody) => String::new(),
        Ok(Origins::These(listed)) => listed.join(" "),
        Ok(Origins::Everybody) => return Err("list the nodes: * names none".into()),
        Err(error) => return Err(error.to_string()),
    };
    let neighbours = match seed.devnet {
        Some(_) => "http://127.0.0.1:* http://localhost:* ws://127.0.0.1:* ws://localhost:*",
        None => "",
    };
    Ok(format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self' {neighbours} {others}; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::ANSWER_PIECE_BYTES;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// A slow line carries the whole page within a second or two.
    const TRANSFER_BYTES_MAX: usize = 150_000;

    fn names_in(folder: &Path, before: &str) -> BTreeSet<String> {
        let entries = std::fs::read_dir(folder).expect("the room page/");
        let mut names = BTreeSet::new();
        for entry in entries {
            let entry = entry.expect("an entry");
            let name = format!("{before}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                names.extend(names_in(&entry.path(), &format!("{name}/")));
            } else {
                names.insert(name);
            }
        }
        names
    }

    #[test]
    fn every_file_of_the_room_is_in_the_binary_and_no_other() {
        let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("../page");
        let listed: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).into()).collect();
        assert_eq!(listed, names_in(&room, ""));
        assert_eq!(listed.len(), FILES.len(), "each once");
    }

    #[test]
    fn every_file_is_a_short_answer_and_all_together_are_small() {
        let page = page();
        for (name, file) in &page.files {
            assert!(file.plain.len() <= ANSWER_PIECE_BYTES, "{name}");
            assert!(!file.zipped.is_empty(), "{name}");
        }
        let sum: usize = page.files.values().map(|file| file.zipped.len()).sum();
        assert!(sum < TRANSFER_BYTES_MAX, "{sum}");
    }

    #[test]
    fn the_document_names_every_module_by_the_name_of_this_build() {
        let page = page();
        let text = std::str::from_utf8(&page.files[FIRST].plain).expect("text");
        for (name, _) in FILES.iter().filter(|(name, _)| name.ends_with(".js")) {
            assert!(
                text.contains(&format!("/page/{}/{name}\"", page.build)),
                "{name}"
            );
        }
        assert!(!text.contains('{'), "nothing is left to fill in");
        for inline in ["<style", " style=", " onclick=", "javascript:"] {
            assert!(!text.contains(inline), "{inline}");
        }
    }
}
