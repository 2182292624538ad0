//! Applications of a devnet's chain: calls, questions, and what a light client believes of their state.
use super::spending::Unsent;
use super::{Devnet, DevnetError, DevnetNode, Inner};
use lockstep_actors::state_store::{StoreError, StoreView};
use lockstep_protocol::application::Applications;
use lockstep_protocol::crypto;
use lockstep_protocol::ledger::{self, ReadError, RulesError, StateReader};
use lockstep_protocol::nouns::transaction::Action;
use lockstep_protocol::proofs::light_client::{
    Bisection, Chain, Checkpoint, LightBlock, LightClient, ProvedApplication,
};
use lockstep_protocol::types::{Height, Timestamp};
use std::fmt::Display;

impl Devnet {
    /// A call of an application by an account with a name.
    pub fn call(
        &self,
        from: impl Display,
        application: impl Into<String>,
        data: impl Into<Vec<u8>>,
    ) -> Unsent<'_> {
        let (application, data) = (application.into(), data.into());
        self.act(from, Action::Call { application, data })
    }

    /// What an application answers a question about the newest state that any node has.
    pub fn query(
        &self,
        application: &str,
        path: &str,
        data: &[u8],
    ) -> Result<Vec<u8>, DevnetError> {
        let node = self.inner.furthest()?;
        let known = self.inner.applications()?;
        let found = known.get(application);
        let found = found.ok_or_else(|| DevnetError::NoApplication(application.into()))?;
        let (view, height) = self.inner.state_of(node)?;
        let failed = |error: ReadError| DevnetError::Store(node, error.into());
        let version = view.version_after(height);
        let version = version.map_err(|error| DevnetError::Account(node, error))?;
        let place: (&dyn StateReader, u64, Height) = (&view, version, height);
        let answer = ledger::query_application(place, found, (path, data)).map_err(failed)?;
        let refused = |why: String| DevnetError::Query(application.into(), why);
        let answer = answer.map_err(|panicked| refused(panicked.to_string()))?;
        answer.map_err(|why| refused(why.to_string()))
    }

    /// What an application keeps under a key in the newest state that any node has.
    pub fn application_state(
        &self,
        application: &str,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, DevnetError> {
        let node = self.inner.furthest()?;
        let (view, _) = self.inner.state_of(node)?;
        let value = ledger::application_state(&view, application, key);
        value.map_err(|error| DevnetError::Store(node, error.into()))
    }

    /// A light client that trusts block `height` as node 0 has it, and nobody's word from there on.
    pub fn light_client(&self, height: u64) -> Result<LightClient, DevnetError> {
        let shown = self.node(0).light_block(height)?;
        let checkpoint = Checkpoint {
            id: shown.header.id(),
            height: Height(height),
        };
        let chain = Chain {
            scheme: crypto::scheme(self.genesis().scheme),
            context: self.sign_context(),
        };
        let client = LightClient::start(chain, checkpoint, &shown, END_OF_TIME);
        client.map_err(|error| DevnetError::Light(0, error))
    }
}

/// The clock of a devnet may have been set to any time.
const END_OF_TIME: Timestamp = Timestamp(u64::MAX);

impl DevnetNode<'_> {
    /// What this node shows a light client of a height.
    pub fn light_block(&self, height: u64) -> Result<LightBlock, DevnetError> {
        let node = self.index();
        let failed = |error: StoreError| DevnetError::Store(node, error);
        let (view, newest) = self.devnet().inner.state_of(node)?;
        let nothing = || DevnetError::NoLightBlock(node, height);
        let height = Height(height);
        let block = view.block(height).map_err(failed)?.ok_or_else(nothing)?;
        let certificate = view.certificate(height).map_err(failed)?;
        let certificate = certificate.ok_or_else(nothing)?;
        let version = view.version_after(newest);
        let version = version.map_err(|error| DevnetError::Account(node, error))?;
        let record = ledger::validator_set_of(&view, version, height);
        let record = record.map_err(|error| failed(error.into()))?;
        Ok(LightBlock {
            header: block.header().clone(),
            certificate: (*certificate).clone(),
            validators: record.ok_or_else(nothing)?.validators,
        })
    }

    /// What an application keeps under a key, as `client` believes it by what this node shows: its
    /// headers with their certificates, and the proof below the newest one's state root.
    pub fn proved_state(
        &self,
        client: &mut LightClient,
        application: &str,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, DevnetError> {
        let node = self.index();
        let (view, height) = self.devnet().inner.state_of(node)?;
        let proof = ledger::prove_application(&view, application, key);
        let proof = proof.map_err(|error| DevnetError::Store(node, error.into()))?;
        let proved = ProvedApplication { height, proof };
        let lie = |error| DevnetError::Light(node, error);
        let mut path = Bisection::to(height);
        while let Some(wanted) = path.wanted(client) {
            let shown = self.light_block(wanted.0)?;
            path.take(client, &shown, END_OF_TIME).map_err(lie)?;
        }
        let value = client.application(application, key, &proved);
        Ok(value.map_err(lie)?.map(<[u8]>::to_vec))
    }
}

impl Inner {
    /// Those that the genesis names.
    fn applications(&self) -> Result<Applications, DevnetError> {
        let known = self.builder.known().named_by(&self.genesis);
        known.map_err(|error| DevnetError::Node(0, RulesError::from(error).into()))
    }

    /// A snapshot of a node's state, and the height after which it is that.
    fn state_of(&self, node: usize) -> Result<(StoreView, Height), DevnetError> {
        let view = self.node(node)?.store().view();
        let view = view.map_err(|error| DevnetError::Store(node, error))?;
        let head = view
            .head()
            .map_err(|error| DevnetError::Store(node, error))?;
        Ok((view, head.height))
    }
}
