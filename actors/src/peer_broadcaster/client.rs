//! The HTTP client of one link: its own pool (awc shares one pool and one limit among all hosts of
//! a client, so a black hole would delay healthy peers), TCP_NODELAY, no redirects, no compression,
//! bounded answers.
use crate::limits::{CONNECT_TIMEOUT, PEER_CONNECTION_LIFETIME, PEER_TIMEOUT, SYNC_TIMEOUT};
use crate::rpc_gateway::HEIGHT_HEADER;
use actix_service::{Service, fn_service};
use actix_tls::connect::{ConnectInfo, Connector as TcpConnector};
use actix_web::http::{Method, StatusCode, Uri, header};
use actix_web::web::Bytes;
use awc::error::{PayloadError, SendRequestError};
use awc::{Client, ClientResponse, Connector};
use lockstep_protocol::limits::SYNC_BYTES_MAX;
use lockstep_protocol::types::Height;
use std::net::SocketAddr;
use std::time::Duration;

/// Shorter than the server's keep-alive, so that the client is the one that closes.
const IDLE: Duration = Duration::from_secs(30);

/// A number in the head of an answer.
fn number<S>(response: &ClientResponse<S>, name: &str) -> Option<u64> {
    response.headers().get(name)?.to_str().ok()?.parse().ok()
}

/// What a peer answered to a request for blocks.
pub(super) struct Blocks {
    /// Not decoded yet.
    pub(super) bytes: Bytes,
    /// What it has committed, if it says so.
    pub(super) height: Option<Height>,
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
    #[error("HTTP status {0}")]
    Status(StatusCode),
    #[error("the answer is no valid message: {0}")]
    Answer(String),
}

impl PeerClient {
    pub(super) fn new(listens: SocketAddr) -> PeerClient {
        let connect = fn_service(|info: ConnectInfo<Uri>| async move {
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
            .limit(2);
        let http = Client::builder()
            .connector(connector)
            .timeout(PEER_TIMEOUT)
            .disable_redirects()
            .no_default_headers()
            .finish();
        PeerClient {
            http,
            base: format!("http://{listens}"),
        }
    }

    /// A URI below this peer, parsed once.
    pub(super) fn uri(&self, path: &str) -> Uri {
        let uri = format!("{}{path}", self.base).parse();
        uri.expect("a socket address and a constant path make a URI")
    }

    /// Posts canonical bytes; returns the status.
    pub(super) async fn post(&self, uri: &Uri, body: Bytes) -> Result<StatusCode, ExchangeError> {
        let request = self.http.request(Method::POST, uri.clone());
        let mut response = request.no_decompress().send_body(body).await?;
        let status = response.status();
        if status != StatusCode::ACCEPTED {
            // An answer must be read, or its connection is not used again.
            let _ = response.body().limit(4096).await;
        }
        Ok(status)
    }

    /// Gets a bounded answer.
    pub(super) async fn get(
        &self,
        uri: Uri,
        limit: usize,
        patience: Duration,
    ) -> Result<Bytes, ExchangeError> {
        Ok(self.get_with_height(uri, limit, patience).await?.bytes)
    }

    /// Gets a range of blocks.
    pub(super) async fn get_blocks(&self, uri: Uri) -> Result<Blocks, ExchangeError> {
        self.get_with_height(uri, SYNC_BYTES_MAX, SYNC_TIMEOUT)
            .await
    }

    async fn get_with_height(
        &self,
        uri: Uri,
        limit: usize,
        patience: Duration,
    ) -> Result<Blocks, ExchangeError> {
        let request = self.http.request(Method::GET, uri).timeout(patience);
        let mut response = request.no_decompress().send().await?;
        let status = response.status();
        let height = number(&response, HEIGHT_HEADER);
        let length = number(&response, header::CONTENT_LENGTH.as_str());
        let bytes = response.body().limit(limit).await?;
        if !status.is_success() {
            return Err(ExchangeError::Status(status));
        }
        if length.is_some_and(|length| length != bytes.len() as u64) {
            // awc takes the end of the connection for the end of the body.
            return Err(ExchangeError::Answer("it broke off".into()));
        }
        Ok(Blocks {
            bytes,
            height: height.map(Height),
        })
    }
}
