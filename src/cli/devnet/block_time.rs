//! `--block-time`: a number with a unit, or 0.
use std::time::Duration;

const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// `0`, `250ms`, `1s`, `1.5s`, `2m`.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let refuse = || format!("expected 0 or a time such as 250ms, 1s, 2m up to 24h; got {text:?}");
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let unit_at = text
        .find(|c: char| c.is_ascii_alphabetic())
        .ok_or_else(refuse)?;
    let (number, unit) = text.split_at(unit_at);
    let seconds_per_unit = match unit {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(refuse()),
    };
    let number: f64 = number.parse().map_err(|_| refuse())?;
    let time = Duration::try_from_secs_f64(number * seconds_per_unit).map_err(|_| refuse())?;
    if time > LONGEST {
        Err(refuse())
    } else {
        Ok(time)
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use std::time::Duration;

    #[test]
    fn a_time_has_a_unit_and_a_bound() {
        for (text, ms) in [
            ("0", 0),
            ("0s", 0),
            ("250ms", 250),
            ("1s", 1000),
            ("1.5s", 1500),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        assert_eq!(parse("2m"), Ok(Duration::from_secs(120)));
        for wrong in ["", "1", "s", "-1s", "1y", "25h", "NaNs", "infs", "1e99s"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
