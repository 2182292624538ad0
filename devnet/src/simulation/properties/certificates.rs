//! Whatever a correct node commits or proposes again is proved by signatures of a quorum.
use super::{Property, Scene, Sight};
use crate::simulation::message::Payload;

pub(super) struct Certificates;

impl Property for Certificates {
    fn see(&mut self, scene: &Scene, node: usize, sight: &Sight<'_>) -> Result<(), String> {
        match sight {
            Sight::Committed(decided) => {
                let certificate = &decided.certificate;
                let named = (certificate.height, certificate.block_id);
                if named != (decided.block.height(), decided.block.id()) {
                    return Err(format!("node {node}: the certificate is for another block"));
                }
                let verified = certificate.verify(scene.at(named.0), &scene.context);
                verified.map_err(|error| format!("node {node}, height {}: {error}", named.0))
            }
            Sight::Said {
                payload: Payload::Proposal(message),
                ..
            } => {
                let proposal = &message.proposal;
                let polka = message.polka.as_deref();
                if polka.map(|polka| polka.round) != proposal.valid_round {
                    return Err(format!(
                        "node {node} proposes without its polka: {proposal:?}"
                    ));
                }
                let set = scene.at(proposal.height);
                let verified = polka.map_or(Ok(()), |p| p.verify(set, &scene.context));
                verified.map_err(|error| format!("node {node}, polka of {proposal:?}: {error}"))
            }
            _ => Ok(()),
        }
    }
}
