use super::given::given;
use super::*;

/// A frame with a mask of zeros, as its first byte and its announced length say.
fn header(first: u8, length: u64) -> Vec<u8> {
    let mut header = vec![first, 0x80 | 127];
    header.extend(length.to_be_bytes());
    header.extend([0; 4]);
    header
}

/// Whoever chooses where the bytes are cut does not choose why they are refused.
#[test]
fn a_frame_that_is_wrong_in_two_ways_is_refused_alike_however_it_is_cut() {
    let too_large = RPC_REQUEST_BYTES_MAX as u64 + 1;
    let unmasked = vec![0x81, 127, 0, 0, 0, 0, 0, 0x10, 0, 0];
    for bytes in [
        header(0xc1, too_large),
        header(0x83, too_large),
        header(0x8b, 126),
        unmasked,
    ] {
        let whole = given(&bytes, &[usize::MAX]);
        let cut = given(&bytes, &[1]);
        assert!(matches!(whole.end, Some(End::Protocol(_))), "{bytes:?}");
        assert_eq!(cut.end, whole.end, "{bytes:?}");
    }
}

#[test]
fn what_is_announced_too_long_is_refused_before_it_comes() {
    let most = RPC_REQUEST_BYTES_MAX as u64;
    let end = |bytes: &[u8]| given(bytes, &[1]).end;
    assert_eq!(end(&header(0x81, most)), None);
    assert_eq!(end(&header(0x81, most + 1)), Some(End::TooLarge));
    let part = [header(0x01, 1), vec![b'a']].concat();
    assert_eq!(end(&[part.clone(), header(0x80, most - 1)].concat()), None);
    let too_large = [part, header(0x80, most)].concat();
    assert_eq!(end(&too_large), Some(End::TooLarge));
}
