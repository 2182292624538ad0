//! A strict little reader of the OpenMetrics text; panics at whatever a scraper could stumble over.
use std::collections::{BTreeMap, BTreeSet};

/// Series (name and labels as written) of one family.
#[derive(Default)]
pub struct Family {
    /// counter, gauge, histogram or info.
    pub kind: String,
    /// Values by name and labels.
    pub series: BTreeMap<String, f64>,
}

/// By their names.
pub type Families = BTreeMap<String, Family>;

/// Labels have names from this list, so that no value from outside makes a series.
const LABELS: [&str; 13] = [
    "actor",
    "commit",
    "kind",
    "le",
    "message",
    "peer",
    "reason",
    "result",
    "route",
    "scheme",
    "status",
    "validator",
    "version",
];
/// Those whose values are addresses: of the set, or of the configuration.
const ADDRESSES: [&str; 2] = ["peer", "validator"];

/// The families of a page; fails where a rule of the format is broken.
pub fn check(text: &str) -> Families {
    let body = text.strip_suffix("# EOF\n").expect("it ends with # EOF");
    let mut families = Families::new();
    let mut helped = BTreeSet::new();
    let mut current = String::new();
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help text");
            assert!(!help.trim().is_empty(), "{line}");
            assert!(helped.insert(name.to_owned()), "two HELP lines for {name}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            let kind = kind.to_owned();
            let series = BTreeMap::new();
            let known = families.insert(name.to_owned(), Family { kind, series });
            assert!(known.is_none(), "two TYPE lines for {name}");
            assert!(helped.contains(name), "no HELP line before {line}");
            current = name.to_owned();
        } else {
            let family = families.get_mut(&current).expect("a TYPE line first");
            sample(line, &current, family);
        }
    }
    for (name, family) in &families {
        if family.kind == "histogram" {
            histogram(name, family);
        }
    }
    families
}

fn sample(line: &str, name: &str, family: &mut Family) {
    let (series, value) = line.rsplit_once(' ').expect("a value");
    let value: f64 = value
        .parse()
        .unwrap_or_else(|_| panic!("no number: {line}"));
    let (metric, labels) = series.split_once('{').unwrap_or((series, "}"));
    let suffixes: &[&str] = match family.kind.as_str() {
        "counter" => &["_total"],
        "gauge" => &[""],
        "info" => &["_info"],
        "histogram" => &["_bucket", "_sum", "_count"],
        other => panic!("{name} is a {other}"),
    };
    let suffix = metric.strip_prefix(name);
    assert!(
        suffix.is_some_and(|s| suffixes.contains(&s)),
        "{line} in {name}"
    );
    let labels = labels.strip_suffix('}').expect("closed labels");
    let mut names = BTreeSet::new();
    for label in labels.split("\",").filter(|label| !label.is_empty()) {
        let (label, value) = label.split_once("=\"").expect("a quoted value");
        assert!(LABELS.contains(&label), "label {label} in {line}");
        assert!(names.insert(label), "label {label} twice in {line}");
        let value = value.trim_end_matches('"');
        if ADDRESSES.contains(&label) {
            assert!(value.len() == 42 && value.starts_with("0x"), "{line}");
        } else {
            assert!(value.len() <= 40 && !value.contains("0x"), "{line}");
        }
    }
    let known = family.series.insert(series.to_owned(), value);
    assert!(known.is_none(), "twice: {series}");
}

/// The buckets of a histogram, rising: their bounds, and how many lie below. By the other labels.
fn by_labels(family: &Family) -> BTreeMap<String, Vec<(f64, f64)>> {
    let mut all: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for (series, count) in &family.series {
        let Some((_, bound)) = series.split_once("le=\"") else {
            continue;
        };
        let (bound, others) = bound.split_once('"').expect("a closed value");
        let bound = bound.replace("+Inf", "inf").parse().expect("a bound");
        let others = others.trim_start_matches(',').trim_end_matches('}');
        all.entry(others.to_owned())
            .or_default()
            .push((bound, *count));
    }
    for buckets in all.values_mut() {
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    all
}

/// Those of a histogram without labels.
fn buckets(family: &Family) -> Vec<(f64, f64)> {
    by_labels(family).remove("").unwrap_or_default()
}

/// Buckets rise to the count, and the last is +Inf.
fn histogram(name: &str, family: &Family) {
    for (labels, buckets) in by_labels(family) {
        let labels = match labels.as_str() {
            "" => labels,
            labels => format!("{{{labels}}}"),
        };
        assert!(buckets.windows(2).all(|two| two[0].1 <= two[1].1), "{name}");
        let count = family.series[&format!("{name}_count{labels}")];
        assert_eq!(buckets.last(), Some(&(f64::INFINITY, count)), "{name}");
        let sum = format!("{name}_sum{labels}");
        assert!(family.series.contains_key(&sum), "{sum}");
    }
}

/// What a histogram has seen between two looks: how many, and a bound of its quantile `q`.
pub fn quantile_since(before: &Family, after: &Family, name: &str, q: f64) -> (f64, f64) {
    let count = |family: &Family| family.series[&format!("{name}_count")];
    let seen = count(after) - count(before);
    let (before, after) = (buckets(before), buckets(after));
    let pairs = before.iter().zip(&after);
    let mut pairs = pairs.map(|(early, late)| (late.0, late.1 - early.1));
    let bound = pairs.find(|(_, below)| *below >= q * seen);
    (seen, bound.expect("the last bucket holds all").0)
}
