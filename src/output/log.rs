//! Log lines. They go to stderr, so that stdout holds only what was asked for.
use super::terminal;
use super::unseen::{Spelling, written_out};
use crate::environment::variable;
use crate::failure::Failure;
use env_logger::Logger;
use env_logger::fmt::{ConfigurableFormat, Formatter};
use lockstep_actors::speaker;
use log::Log;
use serde::Serialize;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard};

/// `--log-format`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One object a line, for programs
    Json,
}

impl LogFormat {
    /// By its name.
    pub(crate) fn parse(text: &str) -> Result<LogFormat, String> {
        match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err(format!("expected one of text, json; got {text:?}")),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        }
    }
}

/// The one logger of the process, whose filter and format may be changed.
static LOGGER: OnceLock<Filtered> = OnceLock::new();

/// While log lines are JSON: carries what people are told, whatever the filter.
static TELLER: RwLock<Option<Logger>> = RwLock::new(None);

/// Whether several nodes run in this process.
static SEVERAL: AtomicBool = AtomicBool::new(false);

struct Filtered(RwLock<Logger>);

impl Filtered {
    fn read(&self) -> RwLockReadGuard<'_, Logger> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log for Filtered {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        self.read().enabled(metadata)
    }

    fn log(&self, record: &log::Record<'_>) {
        self.read().log(record);
    }

    fn flush(&self) {
        self.read().flush();
    }
}

/// `RUST_LOG` is heard where `--log` is not given.
pub(crate) fn start(filter: Option<&str>, default: &str, format: LogFormat) -> Result<(), Failure> {
    choose(filter, default, format)?;
    if let Some(logger) = LOGGER.get() {
        // An error says that it has been started before.
        let _ = log::set_logger(logger);
    }
    Ok(())
}

/// The same where several nodes run in this process: each line says of which it is.
pub(crate) fn start_of_several(filter: Option<&str>, default: &str) -> Result<(), Failure> {
    SEVERAL.store(true, Ordering::Relaxed);
    start(filter, default, LogFormat::Text)
}

/// Log lines are chosen like this, and look like this, from now on.
pub(crate) fn choose(
    filter: Option<&str>,
    default: &str,
    format: LogFormat,
) -> Result<(), Failure> {
    let made = logger(filter, default, format)?;
    *TELLER.write().unwrap_or_else(PoisonError::into_inner) = match format {
        LogFormat::Text => None,
        LogFormat::Json => Some(teller()),
    };
    log::set_max_level(made.filter());
    if let Some(logger) = LOGGER.get() {
        *logger.0.write().unwrap_or_else(PoisonError::into_inner) = made;
    } else {
        LOGGER.get_or_init(|| Filtered(RwLock::new(made)));
    }
    Ok(())
}

fn teller() -> Logger {
    let mut builder = env_logger::Builder::new();
    builder.filter_level(log::LevelFilter::Info);
    builder.format(json).build()
}

/// Whether the log has taken this, which people are told besides it.
pub(super) fn takes(words: &str, level: log::Level) -> bool {
    let teller = TELLER.read().unwrap_or_else(PoisonError::into_inner);
    let Some(teller) = teller.as_ref() else {
        return false;
    };
    let mut record = log::Record::builder();
    let record = record.level(level).target("lockstep");
    teller.log(&record.args(format_args!("{words}")).build());
    true
}

/// The first word that stands alone and is no level. The library takes it for the name of a module, of
/// which it then shows everything, and leaves the level as it was: so a level that is mistyped
/// changes nothing.
fn no_level(words: &str) -> Option<&str> {
    const MODULES: [&str; 4] = ["lockstep", "actix", "awc", "mio"];
    let filters = words.split('/').next().unwrap_or_default();
    let alone = filters.split(',').map(str::trim);
    let alone = alone.filter(|word| !word.is_empty() && !word.contains('='));
    let is_module =
        |word: &str| word.contains("::") || word.contains('_') || MODULES.contains(&word);
    let mut wrong =
        alone.filter(|word| word.parse::<log::LevelFilter>().is_err() && !is_module(word));
    wrong.next()
}

fn logger(filter: Option<&str>, default: &str, format: LogFormat) -> Result<Logger, Failure> {
    let mut builder = env_logger::Builder::new();
    // It writes an error for each mistake of a stranger. Those are counted; the log is the operator's.
    builder.filter_module("actix_http", log::LevelFilter::Off);
    let of_environment = variable("RUST_LOG")?;
    for words in [Some(of_environment.as_deref().unwrap_or(default)), filter] {
        let Some(words) = words else { continue };
        let parsed = env_filter::Builder::new().try_parse(words).map(|_| ());
        let refuse = |why: String| {
            Failure::usage(format!(
                "log filter {words:?}: {why}; try \"info\" or \"warn,lockstep_actors=debug\""
            ))
        };
        parsed.map_err(|error| refuse(error.to_string()))?;
        if let Some(word) = no_level(words) {
            let levels = "off, error, warn, info, debug, trace";
            return Err(refuse(format!(
                "{word:?} is neither a level ({levels}) nor a module"
            )));
        }
        builder.parse_filters(words);
    }
    let style = variable("RUST_LOG_STYLE")?;
    if let Some(style) = &style {
        builder.parse_write_style(style);
    }
    if format == LogFormat::Json {
        return Ok(builder.format(json).build());
    }
    if terminal::is_there() {
        let coloured = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let lines = env_logger::Target::Pipe(Box::new(terminal::LogLines));
        builder.target(lines);
        // A pipe is taken for no terminal, and this one ends at one.
        if coloured && style.is_none() {
            builder.write_style(env_logger::WriteStyle::Always);
        }
    }
    Ok(builder.format(text).build())
}

/// A line of the log, for programs.
#[derive(Serialize)]
struct Object<'a> {
    time: String,
    level: &'a str,
    target: &'a str,
    message: String,
}

fn json(line: &mut Formatter, record: &log::Record<'_>) -> io::Result<()> {
    let object = Object {
        time: line.timestamp_millis().to_string(),
        level: record.level().as_str(),
        target: record.target(),
        message: record.args().to_string(),
    };
    let object = serde_json::to_string(&object)?;
    writeln!(line, "{}", written_out(&object, Spelling::Json))
}

/// One record, one line: in it stands what peers and people have sent.
fn text(line: &mut Formatter, record: &log::Record<'_>) -> io::Result<()> {
    let node = speaker::of_this_thread().filter(|_| SEVERAL.load(Ordering::Relaxed));
    let words = match node {
        Some(node) => format!("node {}: {}", node.short(), record.args()),
        None => record.args().to_string(),
    };
    let words = written_out(&words, Spelling::Line);
    let target = written_out(record.target(), Spelling::Line);
    let mut shown = log::Record::builder();
    let shown = shown.level(record.level()).target(&target);
    // The look is that of the library; only the words are ours.
    let look = ConfigurableFormat::default();
    look.format(line, &shown.args(format_args!("{words}")).build())
}

#[cfg(test)]
mod tests {
    use super::super::is_unseen;
    use super::*;
    use log::Log;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic holds it").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    type Look = fn(&mut Formatter, &log::Record<'_>) -> io::Result<()>;

    fn logged(style: env_logger::WriteStyle, look: Look, words: &str) -> String {
        let kept = Kept::default();
        let mut builder = env_logger::Builder::new();
        builder.filter_level(log::LevelFilter::Trace);
        builder.target(env_logger::Target::Pipe(Box::new(kept.clone())));
        let logger = builder.write_style(style).format(look).build();
        let mut record = log::Record::builder();
        let record = record.level(log::Level::Warn).target("lockstep_actors");
        logger.log(&record.args(format_args!("peer {words} left")).build());
        let bytes = kept.0.lock().expect("no panic holds it").clone();
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn a_log_line_is_one_line_and_shows_what_was_sent() {
        let line = logged(
            env_logger::WriteStyle::Never,
            text,
            "\x1b[2J\n\u{202e}\u{9b}\u{200b}",
        );
        let end = " WARN  lockstep_actors] peer \\u{1b}[2J\\n\\u{202e}\\u{9b}\\u{200b} left\n";
        assert!(line.ends_with(end), "{line:?}");
        assert_eq!(line.matches(is_unseen).count(), 1, "{line:?}");
    }

    #[test]
    fn the_programs_own_colours_stay() {
        let line = logged(env_logger::WriteStyle::Always, text, "\x1b[31m");
        assert!(line.contains("\x1b[33mWARN"), "{line:?}");
        assert!(line.contains("peer \\u{1b}[31m left"), "{line:?}");
    }

    #[test]
    fn a_line_for_programs_is_one_object_that_says_what_was_sent() {
        let words = "\x1b[2J\n\"\u{202e}\u{9b}";
        let line = logged(env_logger::WriteStyle::Never, json, words);
        assert_eq!(line.matches(is_unseen).count(), 1, "{line:?}");
        let object: serde_json::Value = serde_json::from_str(&line).expect("an object");
        assert_eq!(object["message"], format!("peer {words} left"));
        assert_eq!(object["level"], "WARN");
        assert_eq!(object["target"], "lockstep_actors");
        let time = object["time"].as_str().expect("a time");
        assert!(time.starts_with("20") && time.ends_with('Z'), "{time}");
    }

    #[test]
    fn a_level_that_is_mistyped_is_no_module() {
        for (words, wrong) in [
            ("inof", Some("inof")),
            ("warn,lockstep_actors=debug,warm", Some("warm")),
            ("info", None),
            ("WARN,lockstep_actors", None),
            ("actix::address,lockstep", None),
            ("debug/word", None),
            ("", None),
        ] {
            assert_eq!(no_level(words), wrong, "{words}");
        }
    }
}
