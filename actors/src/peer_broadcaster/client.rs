//! The HTTP client of one link: its own pool (awc shares one pool and one limit among all hosts of
//! a client, so a black hole would delay healthy peers), TCP_NODELAY, no redirects, no compression,
//! answers that are bounded in bytes and, from the question to their last byte, in time.
use crate::limits::{
    CONNECT_TIMEOUT, LINK_CONNECTIONS_MAX, PEER_CONNECTION_LIFETIME, PEER_TIMEOUT,
};
use actix_service::{Service, fn_service};
use actix_tls::connect::{ConnectInfo, Connector as TcpConnector};
use actix_web::http::{Method, StatusCode, Uri, header};
use actix_web::web::Bytes;
use awc::SendClientRequest;
use awc::error::{ConnectError, PayloadError, SendRequestError};
use awc::{Client, Connector};
use lockstep_protocol::limits::SYNC_BYTES_MAX;
use lockstep_protocol::types::Height;
use lockstep_protocol::wire::{EARLIEST_HEADER, HEIGHT_HEADER};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::Instant;

/// Shorter than the server's keep-alive, so that the client is the one that closes.
const IDLE: Duration = Duration::from_secs(30);

/// What is read of a refusal: its words do not matter.
const REFUSAL_BYTES_MAX: usize = 4_096;

/// What a peer answered.
pub(super) struct Answer {
    /// Not decoded yet.
    pub(super) bytes: Bytes,
    /// What it has committed, if it says so.
    pub(super) height: Option<Height>,
    /// The lowest height whose block it keeps, if it says so.
    pub(super) earliest: Option<Height>,
}

/// Talks to one peer.
pub(super) struct PeerClient {
    http: Client,
    base: String,
}

/// An exchange without a usable answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExchangeError {
    #[error("{0}")]
    Send(#[from] SendRequestError),
    #[error("{0}")]
    Body(#[from] PayloadError),
    #[error("no whole answer in time")]
    Slow,
    #[error("HTTP status {0}")]
    Status(StatusCode),
    #[error("who answers there is no peer: write its peer_listen into peers, not its rpc_listen")]
    NoPeer,
    #[error("the answer is no valid message: {0}")]
    Answer(String),
}

impl ExchangeError {
    /// What it is after a handshake: each peer has one to show.
    pub(super) fn of_handshake(self) -> ExchangeError {
        match self {
            ExchangeError::Status(StatusCode::NOT_FOUND) => ExchangeError::NoPeer,
            other => other,
        }
    }

    /// Whether nobody listens there: the peer's machine says so itself.
    pub(super) fn is_refusal(&self) -> bool {
        let ExchangeError::Send(SendRequestError::Connect(ConnectError::Io(error))) = self else {
            return false;
        };
        error.kind() == std::io::ErrorKind::ConnectionRefused
    }

    /// Whether the peer may be there and only needs longer.
    pub(super) fn is_slow(&self) -> bool {
        matches!(
            self,
            ExchangeError::Slow
                | ExchangeError::Send(SendRequestError::Connect(ConnectError::Timeout))
        )
    }
}

impl PeerClient {
    pub(super) fn new(listens: SocketAddr) -> PeerClient {
        let connect = fn_service(move |info: ConnectInfo<Uri>| async move {
            let info = info.set_addr(listens);
            let connection = TcpConnector::default().service().call(info).await?;
            // Without it small messages may wait for an acknowledgement. A socket that refuses
            // the option still works.
            let _ = connection.io_ref().set_nodelay(true);
            Ok(connection)
        });
        let connector = Connector::new()
            .connector(connect)
            .timeout(CONNECT_TIMEOUT)
            .conn_keep_alive(IDLE)
            .conn_lifetime(PEER_CONNECTION_LIFETIME)
            .limit(LINK_CONNECTIONS_MAX);
        let http = Client::builder()
            .connector(connector)
            .disable_timeout()
            .disable_redirects()
            .no_default_headers()
            .finish();
        PeerClient {
            http,
            base: format!("http://{}", without_scope(listens)),
        }
    }

    /// A URI below this peer, parsed once.
    pub(super) fn uri(&self, path: &str) -> Uri {
        let uri = format!("{}{path}", self.base).parse();
        // Digits, dots, colons and brackets: a scope, which no URI may have, is left out.
        uri.expect("a socket address and a constant path make a URI")
    }

    /// Posts canonical bytes; returns the status.
    pub(super) async fn post(&self, uri: &Uri, body: Bytes) -> Result<StatusCode, ExchangeError> {
        self.post_within(uri, body, PEER_TIMEOUT).await
    }

    /// The same with a patience of its own.
    pub(super) async fn post_within(
        &self,
        uri: &Uri,
        body: Bytes,
        patience: Duration,
    ) -> Result<StatusCode, ExchangeError> {
        let until = Instant::now() + patience;
        let request = self.http.request(Method::POST, uri.clone());
        let mut response = within(until, request.no_decompress().send_body(body)).await??;
        let status = response.status();
        if status != StatusCode::ACCEPTED {
            // An answer must be read, or its connection is not used again. The status counts even
            // if the rest never comes.
            let _ = within(until, response.body().limit(REFUSAL_BYTES_MAX)).await;
        }
        Ok(status)
    }

    /// Posts canonical bytes and reads a bounded answer.
    pub(super) async fn post_for(
        &self,
        uri: Uri,
        body: Bytes,
        limit: usize,
        patience: Duration,
    ) -> Result<Bytes, ExchangeError> {
        let request = self.http.request(Method::POST, uri);
        let answer = request.no_decompress().send_body(body);
        Ok(read(answer, limit, patience).await?.bytes)
    }

    /// Gets a bounded answer.
    pub(super) async fn get(
        &self,
        uri: Uri,
        limit: usize,
        patience: Duration,
    ) -> Result<Bytes, ExchangeError> {
        let request = self.http.request(Method::GET, uri);
        let answer = request.no_decompress().send();
        Ok(read(answer, limit, patience).await?.bytes)
    }

    /// Gets a range of blocks.
    pub(super) async fn get_blocks(
        &self,
        uri: Uri,
        patience: Duration,
    ) -> Result<Answer, ExchangeError> {
        let request = self.http.request(Method::GET, uri);
        let answer = request.no_decompress().send();
        read(answer, SYNC_BYTES_MAX, patience).await
    }
}

/// The whole of a successful answer, in `patience` from now.
async fn read(
    answer: SendClientRequest,
    limit: usize,
    patience: Duration,
) -> Result<Answer, ExchangeError> {
    let until = Instant::now() + patience;
    let mut response = within(until, answer).await??;
    let status = response.status();
    let height = number(response.headers(), HEIGHT_HEADER);
    let earliest = number(response.headers(), EARLIEST_HEADER);
    let length = number(response.headers(), header::CONTENT_LENGTH.as_str());
    let bytes = within(until, response.body().limit(limit)).await??;
    if !status.is_success() {
        return Err(ExchangeError::Status(status));
    }
    if length.is_some_and(|length| length != bytes.len() as u64) {
        // awc takes the end of the connection for the end of the body.
        return Err(ExchangeError::Answer("it broke off".into()));
    }
    Ok(Answer {
        bytes,
        height: height.map(Height),
        earliest: earliest.map(Height),
    })
}

/// The scope of a link-local address (`%2`) is this machine's own affair: no URI can say it.
fn without_scope(listens: SocketAddr) -> SocketAddr {
    SocketAddr::new(listens.ip(), listens.port())
}

/// A number in the head of an answer.
fn number(head: &header::HeaderMap, name: &str) -> Option<u64> {
    head.get(name)?.to_str().ok()?.parse().ok()
}

/// awc's own timeout ends with the head of an answer: a body could come for ever.
async fn within<F: Future>(until: Instant, answer: F) -> Result<F::Output, ExchangeError> {
    let answer = tokio::time::timeout_at(until, answer).await;
    answer.map_err(|_| ExchangeError::Slow)
}

#[cfg(test)]
mod tests;
