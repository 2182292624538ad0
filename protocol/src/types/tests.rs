//! How the plain values read and write themselves.
use super::*;

#[test]
fn hex_reads_back_what_it_wrote_and_refuses_other_lengths() {
    let hash = Hash::of(&[b"abc"]);
    assert_eq!(
        hash.to_string(),
        "0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(hash.to_string().parse::<Hash>(), Ok(hash));
    assert_eq!(
        hash.to_string()
            .to_uppercase()
            .replacen("0X", "0x", 1)
            .parse(),
        Ok(hash)
    );
    for wrong in ["", "0x", "0x12", &"zz".repeat(32), &"0".repeat(66)] {
        assert!(wrong.parse::<Hash>().is_err(), "{wrong}");
    }
}

#[test]
fn an_address_reads_in_any_case_and_mixed_case_is_a_checksum() {
    let address = Address::of(crate::crypto::SchemeId::MlDsa65, b"somebody");
    let lower = address.to_string();
    let upper = lower.to_uppercase().replacen("0X", "0x", 1);
    let checked = address.checksummed();
    assert!(checked != lower && checked != upper && checked.eq_ignore_ascii_case(&lower));
    for text in [&lower, &upper, &checked, &lower[2..], &checked[2..]] {
        assert_eq!(text.parse(), Ok(address), "{text}");
        assert_eq!(Address::from_any_case(text), Ok(address));
    }
    // Any one letter in the wrong case, as a typing error would leave it.
    let mut wrong = 0;
    for (at, letter) in checked.char_indices().skip(2) {
        let flipped = match letter {
            'a'..='f' => letter.to_ascii_uppercase(),
            'A'..='F' => letter.to_ascii_lowercase(),
            _ => continue,
        };
        let mut text = checked.clone();
        text.replace_range(at..=at, flipped.encode_utf8(&mut [0; 4]));
        let error = text.parse::<Address>().unwrap_err();
        let expected = AddressError::Checksum {
            text: text.clone(),
            lower: address,
        };
        assert_eq!(error, expected);
        assert!(error.to_string().contains(&lower));
        assert_eq!(Address::from_any_case(&text), Ok(address));
        wrong += 1;
    }
    assert!(wrong > 5);
    for text in ["", "0x", "0x12", &"zz".repeat(20), &"0".repeat(42)] {
        assert!(matches!(text.parse::<Address>(), Err(AddressError::Hex(_))));
    }
    let written = serde_json::to_string(&address).unwrap();
    assert_eq!(written, format!("\"{lower}\""));
    let read = |text: &str| serde_json::from_str::<Address>(&format!("\"{text}\""));
    assert_eq!(read(&checked).unwrap(), address);
}

/// So that others can write it in their own language.
#[test]
fn the_checksum_of_a_known_address() {
    let address = Address([0xab; 20]);
    assert_eq!(
        address.checksummed(),
        "0xABababaBaBAbAbaBAbaBABabAbAbabAbabaBaBAb"
    );
}

#[test]
fn the_same_key_has_another_address_under_each_scheme() {
    use crate::crypto::SchemeId::{Dilithium3, MlDsa65};
    assert_ne!(
        Address::of(Dilithium3, b"key"),
        Address::of(MlDsa65, b"key")
    );
}
