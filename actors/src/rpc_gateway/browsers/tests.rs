//! Whose pages may ask, and by which names.
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
