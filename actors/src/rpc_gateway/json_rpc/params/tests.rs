//! What each kind of value may be.
use super::*;
use lockstep_protocol::types::Height;

fn read(kind: Kind, value: &str) -> Result<Args, RpcError> {
    Args::read(&[needed("it", kind)], Some(&format!("[{value}]")))
}

fn code(kind: Kind, value: &str) -> &'static str {
    read(kind, value).map_or_else(|error| error.code(), |_| "read")
}

#[test]
fn a_quantity_has_no_leading_zeros_and_fits_into_64_bits() {
    for (text, number) in [("0x0", 0), ("0x1b4", 436), ("0xffffffffffffffff", u64::MAX)] {
        let read = read(Kind::Quantity(u64::MAX), &format!("\"{text}\""));
        assert_eq!(read.and_then(|args| args.number(0)), Ok(number), "{text}");
    }
    for text in ["0x", "0x00", "0x01", "1", "0X1", "0x1 ", "0xz", "", "0x+1"] {
        let code = code(Kind::Quantity(u64::MAX), &format!("\"{text}\""));
        assert_eq!(code, "wrong_type", "{text}");
    }
    let beyond = "\"0x10000000000000000\"";
    assert_eq!(code(Kind::Quantity(u64::MAX), beyond), "out_of_range");
    assert_eq!(code(Kind::Quantity(9), "\"0xa\""), "out_of_range");
}

#[test]
fn a_block_is_named_by_number_tag_or_hash() {
    let at = |value: &str| read(Kind::StateBlock, value).and_then(|args| args.height(0));
    assert_eq!(at("\"latest\""), Ok(At::Latest));
    assert_eq!(at("\"pending\""), Ok(At::Pending));
    let seven = Ok(At::Height(Height(7)));
    assert_eq!(
        (at("\"0x7\""), at(r#"{"blockNumber":"0x7"}"#)),
        (seven.clone(), seven)
    );
    let digits = "ab".repeat(32);
    for more in [
        "",
        r#","requireCanonical":true"#,
        r#","requireCanonical":false"#,
    ] {
        let found = at(&format!(r#"{{"blockHash":"0x{digits}"{more}}}"#));
        assert_eq!(found, Ok(At::Block(Hash([0xab; 32]))), "{more}");
    }
    for wrong in [
        "7".to_owned(),
        "{}".to_owned(),
        r#"{"blockNumber":7}"#.to_owned(),
        r#"{"blockNumber":"latest"}"#.to_owned(),
        r#"{"blockNumber":"0x7","requireCanonical":true}"#.to_owned(),
        r#"{"blockHash":"0x7"}"#.to_owned(),
        r#"{"blockHash":null}"#.to_owned(),
        r#"{"requireCanonical":true}"#.to_owned(),
        format!(r#"{{"blockHash":"0x{digits}","blockNumber":"0x7"}}"#),
        format!(r#"{{"blockHash":"0x{digits}","requireCanonical":1}}"#),
        format!(r#"{{"blockHash":"0x{digits}","more":1}}"#),
    ] {
        assert_eq!(code(Kind::StateBlock, &wrong), "wrong_type", "{wrong}");
    }
}

#[test]
fn data_is_whole_bytes_within_its_limit() {
    let read = read(Kind::Data(2), "\"0x01fF\"");
    assert_eq!(read.and_then(|args| args.bytes(0)), Ok(vec![1, 255]));
    assert_eq!(code(Kind::Data(2), "\"0x\""), "read");
    assert_eq!(code(Kind::Data(2), "\"0x010203\""), "out_of_range");
    for wrong in ["\"0x1\"", "\"01\"", "\"0xzz\"", "\"0x0é\"", "1", "[]", "{}"] {
        assert_eq!(code(Kind::Data(2), wrong), "wrong_type", "{wrong}");
    }
}

/// Over HTTP it was malformed, and here nothing stood under it.
#[test]
fn a_key_has_a_byte_at_least() {
    assert_eq!(code(Kind::Key(2), "\"0x\""), "out_of_range");
    assert_eq!(code(Kind::Key(2), "\"0x01\""), "read");
    assert_eq!(code(Kind::Key(2), "\"0x010203\""), "out_of_range");
    assert_eq!(code(Kind::Key(2), "\"01\""), "wrong_type");
}

#[test]
fn a_whole_number_is_neither_negative_nor_broken_nor_huge() {
    assert_eq!(code(Kind::Whole(7), "7"), "read");
    for wrong in ["8", "-1", "1.5", "1e300", "18446744073709551616"] {
        assert_eq!(code(Kind::Whole(7), wrong), "out_of_range", "{wrong}");
    }
    assert_eq!(code(Kind::Whole(7), "\"7\""), "wrong_type");
    assert_eq!(code(Kind::Whole(7), "null"), "missing_param");
}

#[test]
fn what_is_no_value_of_json_is_told_by_its_reason() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for (value, expected) in [
        (deep.as_str(), "nested_too_deeply"),
        ("1e400", "out_of_range"),
        (r#"{"a":[-1e999]}"#, "out_of_range"),
        (r#""\ud800""#, "malformed_json"),
        (r#""\udc00\ud800""#, "malformed_json"),
    ] {
        assert_eq!(code(Kind::Height, value), expected, "{value}");
    }
}

#[test]
fn a_place_among_those_that_wait_is_a_sender_and_a_nonce() {
    let sender = Address([0xab; 20]);
    let found = read(Kind::Cursor, &format!("\"{sender}:7\""));
    assert_eq!(
        found.and_then(|args| args.maybe_cursor(0)),
        Ok(Some((sender, 7)))
    );
    for wrong in [
        "7",
        "\"\"",
        "\":7\"",
        &format!("\"{sender}:-1\""),
        "\"0x:7\"",
    ] {
        assert_eq!(code(Kind::Cursor, wrong), "wrong_type", "{wrong}");
    }
}

#[test]
fn parameters_come_by_position_or_by_name() {
    let params = [needed("height", Kind::Height), optional("full", Kind::Flag)];
    for given in [
        "[3]",
        "[3,null]",
        r#"{"height":3}"#,
        r#"{"full":null,"height":3}"#,
    ] {
        let args = Args::read(&params, Some(given)).expect("they fit");
        assert_eq!(args.height(0), Ok(At::Height(Height(3))), "{given}");
        assert_eq!(args.maybe_flag(1), Ok(None), "{given}");
    }
    let both = Args::read(&params, Some(r#"["latest",true]"#)).expect("they fit");
    assert_eq!(both.height(0), Ok(At::Latest));
    assert_eq!(both.maybe_flag(1), Ok(Some(true)));
    let refused = Args::read(&params, Some(r#"{"height":3,"ful":true}"#));
    assert_eq!(
        refused.map_err(|error| error.code()).err(),
        Some("unknown_param")
    );
    // A handler that asks for something else than its table says is our fault.
    assert_eq!(both.address(0), Err(RpcError::Internal));
}

/// 128 KiB of such a text took 13 MB.
#[test]
fn a_call_of_very_many_values_is_refused_before_it_is_read() {
    for value in ["0", "[0]", "{\"\":0}"] {
        let many = format!("[[{}0]]", format!("{value},").repeat(1_100));
        let refused = Args::read(&[needed("it", Kind::Address)], Some(&many)).unwrap_err();
        assert!(
            matches!(refused, RpcError::OutOfRange("params", _)),
            "{refused:?}"
        );
    }
}

#[test]
fn what_stands_in_a_text_is_no_value() {
    assert_eq!(
        values_in(r#"["[[[{{{,,,\"[[[,", "\\", {"a": [1, 2]}]"#),
        (7, 3)
    );
    assert_eq!(values_in("7"), (1, 0));
    let text = format!("[\"0x{}\"]", "[".repeat(100_000));
    let refused = Args::read(&[needed("it", Kind::Address)], Some(&text)).unwrap_err();
    assert!(
        !matches!(refused, RpcError::OutOfRange("params", _)),
        "{refused:?}"
    );
}

#[test]
fn what_is_nested_too_deeply_is_called_so_however_many_values_there_are() {
    for depth in [200, 5_000] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let refused = Args::read(&[needed("it", Kind::Address)], Some(&deep)).unwrap_err();
        assert!(matches!(refused, RpcError::NestedTooDeeply), "{refused:?}");
    }
}
