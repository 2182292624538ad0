//! `--max-age`: a duration such as `12h` or `14d`. `--max-head-age`: the same, or `off`.
use std::fmt;
use std::str::FromStr;

/// How old something may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MaxAge {
    pub(super) ms: u64,
}

/// How old the newest block may be that is shown. A chain makes blocks whether anything happens or
/// not, one a second by default, and no single wait of its consensus is longer than a minute: where the
/// newest one is older than ten such waits, the chain stands still, or an old answer is shown again.
/// Blocks that come at somebody's word have no such age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MaxHeadAge {
    AtMost(MaxAge),
    Off,
}

/// The text is no duration.
#[derive(Debug, thiserror::Error)]
#[error("expected a whole number from 1 with s, m, h or d, such as 90m, 12h or 14d, got {0:?}")]
pub(super) struct MalformedAge(String);

const UNITS: [(&str, u64); 4] = [
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

impl FromStr for MaxAge {
    type Err = MalformedAge;

    fn from_str(text: &str) -> Result<MaxAge, MalformedAge> {
        let of_unit = |(unit, ms): (&str, u64)| Some((text.strip_suffix(unit)?, ms));
        let ms = UNITS
            .into_iter()
            .find_map(of_unit)
            .and_then(|(count, unit)| {
                let digits = count.bytes().all(|c| c.is_ascii_digit());
                let count: u64 = count.parse().ok().filter(|count| digits && *count > 0)?;
                count.checked_mul(unit)
            });
        let refuse = || MalformedAge(text.chars().take(40).collect());
        ms.map(|ms| MaxAge { ms }).ok_or_else(refuse)
    }
}

impl MaxHeadAge {
    pub(super) fn ms(self) -> u64 {
        match self {
            MaxHeadAge::AtMost(age) => age.ms,
            MaxHeadAge::Off => u64::MAX,
        }
    }
}

impl FromStr for MaxHeadAge {
    type Err = String;

    fn from_str(text: &str) -> Result<MaxHeadAge, String> {
        if text == "off" {
            return Ok(MaxHeadAge::Off);
        }
        let age = text.parse().map(MaxHeadAge::AtMost);
        age.map_err(|error: MalformedAge| format!("{error}; off allows for any age"))
    }
}

impl fmt::Display for MaxAge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, ms): &&(&str, u64)| self.ms.is_multiple_of(*ms);
        let (unit, ms) = UNITS.iter().rev().find(fits).unwrap_or(&UNITS[0]);
        write!(f, "{}{unit}", self.ms / ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_the_newest_block_may_be_off() {
        assert_eq!("off".parse(), Ok(MaxHeadAge::Off));
        assert_eq!(MaxHeadAge::Off.ms(), u64::MAX);
        let age = "10m".parse().map(MaxHeadAge::ms);
        assert_eq!(age, Ok(600_000));
        for wrong in ["", "OFF", "0s", "none"] {
            let said = wrong.parse::<MaxHeadAge>().expect_err(wrong);
            assert!(
                said.contains("12h or 14d") && said.contains("off"),
                "{said}"
            );
        }
        assert!("off".parse::<MaxAge>().is_err());
    }

    #[test]
    fn an_age_is_a_number_with_a_unit() {
        for (text, ms) in [
            ("1s", 1_000),
            ("90m", 5_400_000),
            ("12h", 43_200_000),
            ("14d", 1_209_600_000),
        ] {
            let age: MaxAge = text.parse().expect(text);
            assert_eq!((age.ms, &*age.to_string()), (ms, text));
        }
        for wrong in [
            "",
            "14",
            "d",
            "0d",
            "-1d",
            "+1d",
            "1.5h",
            "1 d",
            "14D",
            "14dd",
            "2w",
            "1d2h",
            "10ms",
            "1e3s",
            "213503982335d",
            "99999999999999999999d",
        ] {
            let said = wrong.parse::<MaxAge>().expect_err(wrong).to_string();
            assert!(said.contains("12h or 14d"), "{said}");
        }
    }
}
