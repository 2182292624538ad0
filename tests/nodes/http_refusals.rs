//! What the plain routes refuse, each time in the same words: a code for programs and a sentence
//! for people; and which pages in browsers may ask at all.
use lockstep_devnet::Devnet;
use support::process::Network;
use support::{Answer, Connection, get};

const PAGE: &str = "https://wallet.example";

fn devnet() -> Devnet {
    let devnet = Devnet::builder().validators(1).manual(true).boot();
    let devnet = devnet.expect("it boots");
    devnet.tick().expect("a block comes");
    devnet
}

fn ask(url: &str, verb: &str, path: &str, head: &[(&str, &str)]) -> Answer {
    asked_at(url, "localhost", verb, path, head)
}

fn asked_at(url: &str, host: &str, verb: &str, path: &str, head: &[(&str, &str)]) -> Answer {
    let head: String = head
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let mut connection = Connection::open(url);
    let request =
        format!("{verb} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 0\r\n{head}\r\n");
    connection.send(request.as_bytes());
    connection.answer().expect("an answer")
}

/// How a WebSocket's beginning is answered.
fn socket(url: &str, more: &[(&str, &str)]) -> u16 {
    let head = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    ask(url, "GET", "/ws", &[&head[..], more].concat()).status
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let mut lines = answer.head.lines().filter_map(|line| line.split_once(": "));
    lines
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

#[test]
fn a_query_or_path_that_cannot_be_read_and_a_wrong_verb_have_codes_of_their_own() {
    let devnet = devnet();
    let url = &devnet.urls()[0];
    let typo = devnet.validators()[0].checksummed();
    let typo = typo.replacen(['a', 'b', 'c', 'd', 'e', 'f'], "A", 1);
    for path in ["/accounts/{}", "/light/accounts/{}", "/records/{}/0x00"] {
        let refused = get(url, &path.replace("{}", &typo));
        assert_eq!(
            (refused.status, &refused.json()["code"]),
            (400, &"bad_checksum".into())
        );
    }
    for (verb, path, status, code) in [
        ("GET", "/mempool?limit=many", 400, "malformed"),
        ("GET", "/mempool?limit=-1", 400, "malformed"),
        ("GET", "/mempool?limit=1e300", 400, "malformed"),
        (
            "GET",
            "/mempool?limit=18446744073709551616",
            400,
            "malformed",
        ),
        ("GET", "/mempool?limit=1&limit=2", 400, "malformed"),
        ("GET", "/mempool?after=nobody", 400, "bad_page"),
        ("GET", "/evidence?limit=many", 400, "malformed"),
        ("GET", "/events?from_seq=-1", 400, "malformed"),
        ("GET", "/blocks/%ff", 400, "malformed"),
        ("GET", "/accounts/%ff", 400, "malformed"),
        ("GET", "/receipts/%00", 400, "malformed"),
        ("GET", "/records/%ff/%ff", 400, "malformed"),
        ("GET", "/nothing", 404, "no_such_route"),
        ("POST", "/status", 405, "no_such_method"),
        ("DELETE", "/blocks/1", 405, "no_such_method"),
        ("OPTIONS", "/status", 405, "no_such_method"),
        ("GET", "/?nodes=*", 400, "bad_nodes"),
        ("GET", "/?nodes=http://a;b", 400, "bad_nodes"),
        ("GET", "/page/0000000000000000/main.js", 404, "no_such_file"),
        ("PUT", "/", 405, "no_such_method"),
        ("GET", "/transactions", 405, "no_such_method"),
    ] {
        let answer = ask(url, verb, path, &[]);
        let refusal = answer.json();
        assert_eq!(
            (answer.status, &refusal["code"]),
            (status, &code.into()),
            "{verb} {path}"
        );
        let sentence = refusal["message"].as_str().expect("a sentence");
        assert!(sentence.len() > 10, "{verb} {path}: {sentence}");
    }
    let allowed = |path: &str| header(&ask(url, "PUT", path, &[]), "allow").map(str::to_owned);
    assert_eq!(allowed("/status").as_deref(), Some("GET, HEAD"));
    assert_eq!(allowed("/ws").as_deref(), Some("GET"));
    assert_eq!(allowed("/").as_deref(), Some("GET, HEAD, POST"));
}

/// Asks for leave, then asks.
fn page_may(url: &str, page: &str, verb: &str, path: &str) -> (u16, Option<String>) {
    let head = [
        ("origin", page),
        ("access-control-request-method", verb),
        ("access-control-request-headers", "content-type"),
    ];
    let leave = ask(url, "OPTIONS", path, &head);
    let allowed = header(&leave, "access-control-allow-origin").map(str::to_owned);
    if leave.status == 204 {
        assert_eq!(header(&leave, "access-control-allow-methods"), Some(verb));
        assert_eq!(
            header(&leave, "access-control-allow-headers"),
            Some("content-type")
        );
    }
    assert_eq!(header(&leave, "access-control-allow-credentials"), None);
    (leave.status, allowed)
}

#[test]
fn any_page_may_ask_a_devnet_to_read_and_to_call() {
    let devnet = devnet();
    let url = &devnet.urls()[0];
    let everybody = Some("*".to_owned());
    assert_eq!(page_may(url, PAGE, "POST", "/"), (204, everybody.clone()));
    assert_eq!(
        page_may(url, PAGE, "GET", "/status"),
        (204, everybody.clone())
    );
    assert_eq!(
        page_may(url, PAGE, "GET", "/blocks/1"),
        (204, everybody.clone())
    );
    // No other verb, and not what changes something by a plain POST.
    assert_eq!(page_may(url, PAGE, "DELETE", "/").0, 405);
    assert_eq!(page_may(url, PAGE, "POST", "/transactions").0, 405);
    assert_eq!(page_may(url, PAGE, "POST", "/devnet/tick"), (403, None));
    // The answer itself says so as well, a refusal too.
    for (path, status) in [("/status", 200), ("/blocks/99", 404), ("/blocks/x", 400)] {
        let answer = ask(url, "GET", path, &[("origin", PAGE)]);
        assert_eq!(answer.status, status);
        assert_eq!(
            header(&answer, "access-control-allow-origin"),
            Some("*"),
            "{path}"
        );
    }
    // A program sends no origin, and is told nothing about them.
    let plain = get(url, "/status");
    assert_eq!(header(&plain, "access-control-allow-origin"), None);
    assert_eq!(socket(url, &[("origin", PAGE)]), 101);
}

#[test]
fn a_node_lets_pages_ask_that_its_operator_lists_and_no_others() {
    let listed = format!("cors_origins={PAGE},http://localhost:5173");
    let network = Network::running(1, &[&listed, "log=warn"]);
    network.wait_for(&[0], 1);
    let url = &network.urls[0];
    let theirs = Some(PAGE.to_owned());
    assert_eq!(page_may(url, PAGE, "POST", "/"), (204, theirs.clone()));
    assert_eq!(
        page_may(url, "https://evil.example", "POST", "/"),
        (403, None)
    );
    let answer = ask(url, "GET", "/status", &[("origin", PAGE)]);
    assert_eq!(header(&answer, "access-control-allow-origin"), Some(PAGE));
    assert_eq!(header(&answer, "vary"), Some("origin"));
    let answer = ask(url, "GET", "/status", &[("origin", "https://evil.example")]);
    assert_eq!(
        (
            answer.status,
            header(&answer, "access-control-allow-origin")
        ),
        (200, None)
    );
    // Browsers open WebSockets to anybody: the node looks for itself.
    assert_eq!(socket(url, &[]), 101);
    assert_eq!(socket(url, &[("origin", PAGE)]), 101);
    assert_eq!(socket(url, &[("origin", "https://evil.example")]), 403);
}

#[test]
fn by_default_no_page_may_ask_a_node() {
    let network = Network::running(1, &["log=warn"]);
    network.wait_for(&[0], 1);
    let url = &network.urls[0];
    assert_eq!(page_may(url, PAGE, "POST", "/"), (403, None));
    let answer = ask(url, "GET", "/status", &[("origin", PAGE)]);
    assert_eq!(header(&answer, "access-control-allow-origin"), None);
    assert_eq!(socket(url, &[("origin", "null")]), 403);
    // The node's own page is no foreign one, by a name that leads nowhere else; nobody's page either.
    let host = url.strip_prefix("http://").expect("an http url").to_owned();
    assert_eq!(
        asked_at(url, &host, "GET", "/ws", &[("origin", url)]).status,
        400
    );
    let local = host.replace("127.0.0.1", "localhost");
    let own = format!("http://{local}");
    assert_eq!(
        asked_at(url, &local, "GET", "/ws", &[("origin", &own)]).status,
        400
    );
    assert_eq!(
        asked_at(url, &host, "GET", "/ws", &[("origin", &own)]).status,
        403
    );
    assert_eq!(socket(url, &[("origin", "")]), 101);
}

/// A page may have its own name lead to this machine: DNS rebinding.
#[test]
fn a_name_that_is_not_this_machines_is_refused() {
    let network = Network::running(1, &["rpc_hosts=node.example", "log=warn"]);
    network.wait_for(&[0], 1);
    let url = &network.urls[0];
    for host in [
        "127.0.0.1:8545",
        "localhost",
        "[::1]:80",
        "node.example",
        "NODE.example:443",
    ] {
        assert_eq!(
            asked_at(url, host, "GET", "/status", &[]).status,
            200,
            "{host}"
        );
    }
    for host in [
        "evil.example",
        "evil.example:8545",
        "localhost.evil.example",
        "",
    ] {
        for (verb, path) in [
            ("GET", "/status"),
            ("POST", "/"),
            ("GET", "/ws"),
            ("POST", "/transactions"),
        ] {
            let refused = asked_at(url, host, verb, path, &[]);
            assert_eq!(
                (refused.status, &refused.json()["code"]),
                (421, &"host".into()),
                "{host}"
            );
        }
    }
    // It is no page of the node's own, either.
    let own = [("origin", "http://evil.example")];
    assert_eq!(asked_at(url, "evil.example", "POST", "/", &own).status, 421);
}

/// Everybody's pages may ask a devnet, but not by what a browser sends without asking.
#[test]
fn nothing_that_a_page_sends_without_asking_changes_anything() {
    let devnet = devnet();
    let url = &devnet.urls()[0];
    for page in [PAGE, "null"] {
        for path in ["/devnet/tick", "/transactions"] {
            let refused = ask(url, "POST", path, &[("origin", page)]);
            assert_eq!(
                (refused.status, &refused.json()["code"]),
                (403, &"origin".into()),
                "{path}"
            );
        }
    }
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=a",
        "Text/Plain;charset=UTF-8",
        "",
    ] {
        for path in ["/transactions", "/", "/devnet/tick"] {
            let refused = ask(url, "POST", path, &[("content-type", kind)]);
            assert_eq!(
                (refused.status, &refused.json()["code"]),
                (415, &"content_type".into()),
                "{path}"
            );
        }
    }
    assert_eq!(devnet.heights()[0], Some(1));
    let unsaid = ask(url, "POST", "/devnet/tick", &[]);
    assert_eq!((unsaid.status, devnet.heights()[0]), (415, Some(1)));
    let said = [("origin", ""), ("content-type", "application/json")];
    assert_eq!(ask(url, "POST", "/devnet/tick", &said).status, 200);
    let octets = [("content-type", "application/octet-stream")];
    assert_eq!(
        ask(url, "POST", "/transactions", &octets).json()["code"],
        "malformed"
    );
}

/// Nodes send no origin, so whoever sends one to the listener of nodes is a page.
#[test]
fn a_page_has_no_business_where_nodes_talk() {
    let devnet = devnet();
    let url = &devnet.peer_urls()[0];
    for (verb, path) in [
        ("GET", "/livez"),
        ("GET", "/handshake"),
        ("POST", "/transactions"),
        ("POST", "/consensus/vote"),
        ("GET", "/nothing"),
    ] {
        let refused = ask(url, verb, path, &[("origin", PAGE)]);
        assert_eq!(
            (refused.status, &refused.json()["code"]),
            (403, &"origin".into()),
            "{verb} {path}"
        );
    }
    assert_eq!(ask(url, "GET", "/livez", &[("origin", "")]).status, 200);
}

#[test]
fn a_head_is_answered_as_a_get_without_a_body() {
    let devnet = devnet();
    let url = &devnet.urls()[0];
    let heads = |verb: &str, path: &str| {
        let mut connection = Connection::open(url);
        let request =
            format!("{verb} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        connection.send(request.as_bytes());
        let (head, body) = connection.rest();
        let lines = head.lines().filter(|line| !line.starts_with("date: "));
        (lines.map(str::to_owned).collect::<Vec<_>>(), body)
    };
    for path in [
        "/",
        "/openapi.json",
        "/blocks/1",
        "/blocks/99",
        "/livez",
        "/validators?height=1",
        "/light/blocks/1",
    ] {
        let ((get, whole), (head, nothing)) = (heads("GET", path), heads("HEAD", path));
        assert_eq!(get, head, "{path}");
        assert!(!whole.is_empty() && nothing.is_empty(), "{path}");
    }
    let (head, nothing) = heads("HEAD", "/events");
    assert!(
        head[0].ends_with("200 OK") && nothing.is_empty(),
        "{head:?}"
    );
    assert!(heads("HEAD", "/ws").0[0].contains(" 405 "));
}

#[test]
fn the_page_may_run_what_comes_from_its_node_and_ask_whom_its_address_lists() {
    let devnet = devnet();
    let url = &devnet.urls()[0];
    let page = ask(url, "GET", "/?nodes=http://a.example:8545", &[]);
    assert_eq!(page.status, 200);
    assert_eq!(header(&page, "x-content-type-options"), Some("nosniff"));
    let policy = header(&page, "content-security-policy").expect("a policy");
    assert!(policy.contains("script-src 'self';"), "{policy}");
    assert!(policy.contains(" http://a.example:8545;"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let text = page.text();
    let main = text.split('"').find(|part| part.ends_with("/main.js"));
    let main = ask(url, "GET", main.expect("a module"), &[]);
    let kept = header(&main, "cache-control").expect("for how long it may be kept");
    assert!(main.status == 200 && kept.contains("immutable"), "{kept}");
    assert_eq!(header(&main, "content-encoding"), None);
    // What is asked with an upgrade at / is still a WebSocket.
    let upgrade = [("connection", "Upgrade"), ("upgrade", "websocket")];
    assert_eq!(ask(url, "GET", "/", &upgrade).status, 400);
}

#[test]
fn a_node_whose_page_is_off_has_no_verb_but_post_at_its_root() {
    let network = Network::running(1, &["page=false", "log=warn"]);
    network.wait_for(&[0], 1);
    let url = &network.urls[0];
    let answer = ask(url, "GET", "/", &[]);
    let allowed = header(&answer, "allow").map(str::to_owned);
    assert_eq!(
        (answer.status, allowed.as_deref(), &answer.json()["code"]),
        (405, Some("POST"), &"no_such_method".into())
    );
}
