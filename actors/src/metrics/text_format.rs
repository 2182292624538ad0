//! The metrics as the older Prometheus text format (version 0.0.4): what `promtool check metrics` and
//! readers that know no OpenMetrics understand.
//!
//! It is made of our own OpenMetrics text, line by line. There a counter's family lacks the `_total`
//! of its series, and an info's family its `_info`; here a family is named as its series are.
use std::fmt::Write;

/// What a reader wants, by its header `Accept`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    OpenMetrics,
    Text,
}

/// Kinds of a header that are looked at: no honest reader names more.
const KINDS_MAX: usize = 16;

impl Format {
    /// OpenMetrics, unless the reader likes plain text more.
    pub(crate) fn wanted(accept: Option<&str>) -> Format {
        let kinds = accept.unwrap_or("*/*").split(',').take(KINDS_MAX);
        let (mut open, mut text) = (0, 0);
        for (kind, weight) in kinds.map(weighed) {
            let best = match kind {
                "application/openmetrics-text" => &mut open,
                "text/plain" => &mut text,
                _ => continue,
            };
            *best = weight.max(*best);
        }
        if text > open {
            Format::Text
        } else {
            Format::OpenMetrics
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// Whether the header `Accept-Encoding` asks for gzip.
pub(crate) fn wants_gzip(encodings: Option<&str>) -> bool {
    let kinds = encodings.unwrap_or_default().split(',').take(KINDS_MAX);
    kinds
        .map(weighed)
        .any(|(kind, weight)| kind == "gzip" && weight > 0)
}

/// A kind, and how much it is liked, in thousandths.
fn weighed(part: &str) -> (&str, u32) {
    let mut fields = part.split(';').map(str::trim);
    let kind = fields.next().unwrap_or_default();
    let weight = fields.find_map(|field| field.strip_prefix("q="));
    let weight = weight.map_or(Some(1.0), |weight| weight.parse::<f64>().ok());
    // A weight that is none counts for nothing.
    let weight = weight.unwrap_or(0.0).clamp(0.0, 1.0);
    (kind, (weight * 1e3) as u32)
}

/// Our OpenMetrics text as Prometheus text.
pub(crate) fn text_of(open: &str) -> String {
    let mut out = String::with_capacity(open.len());
    let (mut help, mut family) = ("", "");
    for line in open.lines() {
        if let Some(described) = line.strip_prefix("# HELP ") {
            (family, help) = described.split_once(' ').unwrap_or((described, ""));
        } else if let Some(typed) = line.strip_prefix("# TYPE ") {
            let (name, kind) = typed.split_once(' ').unwrap_or((typed, "untyped"));
            let (end, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                kind => ("", kind),
            };
            if name == family {
                // Writing into a String cannot fail.
                let _ = writeln!(out, "# HELP {name}{end} {help}");
            }
            let _ = writeln!(out, "# TYPE {name}{end} {kind}");
        } else if !line.starts_with('#') {
            let _ = writeln!(out, "{line}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_for_whoever_likes_it_more() {
        let text = [
            "text/plain",
            "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            "application/openmetrics-text;q=0.3, text/plain;q=0.4",
            "application/openmetrics-text;q=x, text/plain;q=0.4",
        ];
        for accept in text {
            assert_eq!(Format::wanted(Some(accept)), Format::Text, "{accept}");
        }
        let many = "a/b,".repeat(KINDS_MAX) + "text/plain";
        let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                          application/openmetrics-text;version=0.0.1;q=0.5,\
                          text/plain;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for accept in [
            "",
            "*/*",
            "text/html",
            "text/plain;q=0",
            "text/plain;q=nan",
            prometheus,
            &many,
        ] {
            assert_eq!(
                Format::wanted(Some(accept)),
                Format::OpenMetrics,
                "{accept}"
            );
        }
        assert_eq!(Format::wanted(None), Format::OpenMetrics);
    }

    #[test]
    fn gzip_is_for_whoever_asks_for_it() {
        for asks in ["gzip", "gzip, deflate", "br;q=1, gzip;q=0.1"] {
            assert!(wants_gzip(Some(asks)), "{asks}");
        }
        for not in ["", "br", "gzip;q=0", "x-gzip", "gzip;q=x"] {
            assert!(!wants_gzip(Some(not)), "{not}");
        }
        assert!(!wants_gzip(None));
    }

    #[test]
    fn a_family_is_named_as_its_series_are() {
        let open = "# HELP a Counts.\n# TYPE a counter\na_total{x=\"y\"} 3\n# HELP b Is.\n\
                    # TYPE b info\nb_info{v=\"1\"} 1\n# HELP c_seconds Lasts.\n\
                    # TYPE c_seconds gauge\n# UNIT c_seconds seconds\nc_seconds 0.5\n# EOF\n";
        let text = "# HELP a_total Counts.\n# TYPE a_total counter\na_total{x=\"y\"} 3\n\
                    # HELP b_info Is.\n# TYPE b_info gauge\nb_info{v=\"1\"} 1\n\
                    # HELP c_seconds Lasts.\n# TYPE c_seconds gauge\nc_seconds 0.5\n";
        assert_eq!(text_of(open), text);
    }
}
