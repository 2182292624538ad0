//! `postgres://…`: a database of PostgreSQL. A batch of blocks with all that is in them is one
//! transaction, in which the newest height is read first: so two exports never write the same block, and
//! what a kill interrupts was never there. Rows go in by COPY, as the lines of CSV that the files have.
use super::line;
use super::rows::BlockRows;
use super::source::Chain;
use super::table::TABLES;
use super::target::{Head, Standing, Target};
use crate::failure::Failure;
use crate::limits::DATABASE_BATCH_PATIENCE;
use connection::{Connection, SETTINGS};
use futures_util::SinkExt;
use lockstep_protocol::types::Hash;
use place::Place;
use std::io::Cursor;
use std::pin::pin;
use tokio_postgres::{Client, SimpleQueryMessage};

mod connection;
mod place;
mod schema;
mod stream;

/// What was asked of the server, and what it, or the way to it, said.
enum Trouble {
    Server(tokio_postgres::Error),
    /// In our words.
    Ours(Failure),
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Trouble {
        Trouble::Server(error)
    }
}

pub(super) struct PostgresTarget {
    place: Place,
    connection: Option<Connection>,
    first: u64,
}

impl PostgresTarget {
    pub(super) fn read(url: &str) -> Result<PostgresTarget, Failure> {
        Ok(PostgresTarget {
            place: Place::read(url)?,
            connection: None,
            first: 1,
        })
    }

    /// Runs what asks the server, with an end.
    fn run<T>(
        &mut self,
        ask: impl AsyncFnOnce(&Client) -> Result<T, Trouble>,
    ) -> Result<T, Failure> {
        if self.connection.is_none() {
            self.connection = Some(Connection::open(&self.place)?);
        }
        let place = &self.place;
        let Some(connection) = &self.connection else {
            return Err(Failure::safety(
                "a connection that was opened is gone: report a bug",
            ));
        };
        connection.allowance.renew();
        let asked = connection.runtime.block_on(async {
            tokio::time::timeout(DATABASE_BATCH_PATIENCE, ask(&connection.client)).await
        });
        match asked {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(Trouble::Server(error))) => Err(connection.failure(place, &error)),
            Ok(Err(Trouble::Ours(failure))) => Err(failure),
            Err(_) => Err(Failure::retry(format!(
                "{} does not answer for {} s: look at its log and its locks, then run the same command \
                 again",
                place.name,
                DATABASE_BATCH_PATIENCE.as_secs()
            ))),
        }
    }
}

impl Target for PostgresTarget {
    fn name(&self) -> String {
        self.place.name.clone()
    }

    fn standing(&mut self, chain: &Chain) -> Result<Option<Standing>, Failure> {
        let name = self.name();
        let found = self.run(async |client| {
            client.batch_execute(SETTINGS).await?;
            demand_utf8(client, &name).await?;
            if value(client, "SELECT to_regclass('lockstep.chain')")
                .await?
                .is_none()
            {
                return Ok(None);
            }
            let head = head(client, &name).await?;
            Ok(Some((head, newest(client, &name).await?)))
        })?;
        let Some((head, newest)) = found else {
            return Ok(None);
        };
        head.check(chain, &name)?;
        self.first = head.first;
        Ok(Some(Standing {
            first: head.first,
            newest,
        }))
    }

    fn begin(&mut self, head: &Head) -> Result<(), Failure> {
        self.first = head.first;
        self.run(async |client| {
            client.batch_execute("BEGIN").await?;
            // Of two that begin at the same time the second finds the tables of the first.
            value(client, "SELECT pg_advisory_xact_lock(7235145)").await?;
            let schema = "SELECT to_regnamespace('lockstep')";
            let has_schema = value(client, schema).await?.is_some();
            client
                .batch_execute(&schema::begin(head, has_schema))
                .await?;
            Ok(client.batch_execute("COMMIT").await?)
        })
    }

    fn put(&mut self, blocks: &[BlockRows]) -> Result<(), Failure> {
        let Some(from) = blocks.first().map(|block| block.height) else {
            return Ok(());
        };
        let (name, first) = (self.name(), self.first);
        self.run(async |client| {
            client.batch_execute("BEGIN").await?;
            value(client, "SELECT first FROM lockstep.chain FOR UPDATE").await?;
            let next = newest(client, &name).await?.map_or(first, |(height, _)| height + 1);
            if next != from {
                return Err(Trouble::Ours(Failure::retry(format!(
                    "another export has written to {name}, which goes on with block {next} now: let it \
                     do so, or run the same command again"
                ))));
            }
            for table in TABLES {
                let mut lines = String::new();
                for row in blocks.iter().flat_map(|block| block.of(&table)) {
                    line::csv(row, &mut lines);
                }
                if !lines.is_empty() {
                    let sink = client.copy_in(&*schema::copy(&table)).await?;
                    let mut sink = pin!(sink);
                    sink.send(Cursor::new(lines.into_bytes())).await?;
                    sink.finish().await?;
                }
            }
            Ok(client.batch_execute("COMMIT").await?)
        })
    }
}

/// Any other encoding lacks letters that memos have.
async fn demand_utf8(client: &Client, name: &str) -> Result<(), Trouble> {
    let encoding = value(client, "SHOW server_encoding").await?;
    match encoding.as_deref() {
        Some("UTF8") => Ok(()),
        _ => Err(Trouble::Ours(Failure::usage(format!(
            "{name} is not encoded in UTF8, and memos have letters of all languages: make one that is \
             (createdb -E UTF8 -T template0 NAME)"
        )))),
    }
}

async fn head(client: &Client, name: &str) -> Result<Head, Trouble> {
    let query = "SELECT json_build_object('format', format, 'chain_id', chain_id,
        'genesis_hash', genesis_hash, 'scheme', scheme, 'first', first)::text FROM lockstep.chain";
    let row = value(client, query).await?;
    let head = row.and_then(|row| serde_json::from_str(&row).ok());
    head.ok_or_else(|| foreign(name))
}

/// Height and id of the newest block.
async fn newest(client: &Client, name: &str) -> Result<Option<(u64, Hash)>, Trouble> {
    let query = "SELECT height || ' ' || id FROM lockstep.blocks ORDER BY height DESC LIMIT 1";
    let Some(row) = value(client, query).await? else {
        return Ok(None);
    };
    let read = || {
        let (height, id) = row.split_once(' ')?;
        Some((height.parse().ok()?, id.parse().ok()?))
    };
    read().map(Some).ok_or_else(|| foreign(name))
}

fn foreign(name: &str) -> Trouble {
    Trouble::Ours(Failure::usage(format!(
        "the schema lockstep in {name} is not that of an export: name another database"
    )))
}

/// The first column of the first row.
async fn value(client: &Client, query: &str) -> Result<Option<String>, tokio_postgres::Error> {
    let said = client.simple_query(query).await?;
    let mut rows = said.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let first = rows.next();
    Ok(first.and_then(|row| row.get(0).map(str::to_owned)))
}
