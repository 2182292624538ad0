//! A connection, and what its failures mean.
use super::place::{Door, Place};
use super::stream::{Allowance, Bounded, Duplex};
use crate::failure::Failure;
use crate::limits::DATABASE_PATIENCE;
use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};

/// What a session must not inherit from a database's or a user's settings.
pub(super) const SETTINGS: &str = "SET search_path TO pg_catalog; SET statement_timeout TO 0;
    SET idle_in_transaction_session_timeout TO 0; SET lock_timeout TO '60s'; SET DateStyle TO ISO";

type End = Arc<Mutex<Option<tokio_postgres::Error>>>;

pub(super) struct Connection {
    pub(super) client: Client,
    /// Why it has ended: whoever asks hears only that it has.
    end: End,
    pub(super) allowance: Allowance,
    pub(super) runtime: Runtime,
}

impl Connection {
    pub(super) fn open(place: &Place) -> Result<Connection, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| {
            Failure::retry(format!(
                "cannot begin to ask a database: {error}; try again later"
            ))
        })?;
        let allowance = Allowance::new();
        let entered = async {
            let opening = enter(place, &allowance);
            tokio::time::timeout(DATABASE_PATIENCE, opening).await
        };
        let (client, end) = runtime.block_on(entered).map_err(|_| {
            Failure::retry(format!(
                "{} lets nobody in for {} s: is the server running, and is it PostgreSQL?",
                place.name,
                DATABASE_PATIENCE.as_secs()
            ))
        })??;
        Ok(Connection {
            client,
            end,
            allowance,
            runtime,
        })
    }

    pub(super) fn failure(&self, place: &Place, error: &tokio_postgres::Error) -> Failure {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let reason = end.as_ref().filter(|_| error.is_closed());
        failure(place, reason.unwrap_or(error))
    }
}

async fn enter(place: &Place, allowance: &Allowance) -> Result<(Client, End), Failure> {
    let stream = reach(place).await?;
    let stream = Bounded {
        stream,
        allowance: allowance.clone(),
    };
    let entered = place.config.connect_raw(stream, NoTls).await;
    let (client, connection) = entered.map_err(|error| failure(place, &error))?;
    let end = End::default();
    let told = Arc::clone(&end);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    });
    Ok((client, end))
}

/// The first door behind which somebody is.
async fn reach(place: &Place) -> Result<Box<dyn Duplex>, Failure> {
    let mut failed = String::from("no address");
    for door in &place.doors {
        match knock(door).await {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                failed = match door {
                    Door::Socket(path) => format!("{}: {error}", path.display()),
                    Door::Tcp(host, port) => format!("{host}:{port}: {error}"),
                }
            }
        }
    }
    Err(Failure::retry(format!(
        "no answer from {}: {failed}; is PostgreSQL running, and does it listen there?",
        place.name
    )))
}

async fn knock(door: &Door) -> io::Result<Box<dyn Duplex>> {
    match door {
        Door::Tcp(host, port) => {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream))
        }
        #[cfg(unix)]
        Door::Socket(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await?)),
        #[cfg(not(unix))]
        Door::Socket(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// In the server's words, or those of the way to it, with the next step.
fn failure(place: &Place, error: &tokio_postgres::Error) -> Failure {
    let name = &place.name;
    let Some(said) = error.as_db_error() else {
        let why = error
            .source()
            .map_or(error.to_string(), ToString::to_string);
        if why.contains("password missing") {
            return Failure::usage(format!(
                "{name} wants a password: write it into LOCKSTEP_EXPORT_TO or PGPASSWORD"
            ));
        }
        let why = shown(place, &why);
        return Failure::retry(format!(
            "{name} is not understood or has gone: {why}; look at its log, then run the same command \
             again: it goes on where the database stands"
        ));
    };
    let (code, words) = (said.code().code(), shown(place, said.message()));
    let (may_be_retried, next) = next_step(code);
    let message = format!("{name} refused: {words} ({}); {next}", shown(place, code));
    match may_be_retried {
        true => Failure::retry(message),
        false => Failure::usage(message),
    }
}

/// By the class of the error (PostgreSQL, appendix A).
fn next_step(code: &str) -> (bool, &'static str) {
    match code {
        "3D000" => (false, "make it with createdb -E UTF8 -T template0 NAME"),
        "42501" => (
            false,
            "let this user do so: GRANT CREATE ON DATABASE, or make it the owner of the schema lockstep",
        ),
        "25006" => (false, "name the primary server, which can be written to"),
        _ if code.starts_with("28") => (
            false,
            "check user and password (LOCKSTEP_EXPORT_TO or PGPASSWORD), and pg_hba.conf",
        ),
        _ if code.starts_with("53") => (
            true,
            "make room, or raise its limits, then run the same command again",
        ),
        _ if ["08", "40", "55", "57", "58"]
            .iter()
            .any(|class| code.starts_with(class)) =>
        {
            (
                true,
                "run the same command again: it goes on where the database stands",
            )
        }
        _ => (
            false,
            "look at the schema lockstep there: somebody else may have changed it",
        ),
    }
}

/// What a server says: no longer than people read, and without the password.
fn shown(place: &Place, words: &str) -> String {
    const CHARS_MAX: usize = 1_000;
    let words = place.without_password(words);
    words.chars().take(CHARS_MAX).collect()
}
