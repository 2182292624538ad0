//! What two nodes must agree on before they talk.
use lockstep_protocol::types::{Address, Hash, Height, Timestamp};
use lockstep_protocol::wire::PROTOCOL_VERSION;
use serde::{Deserialize, Serialize};

/// The answer to `GET /handshake`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handshake {
    /// Version of bytes and rules.
    pub protocol_version: u16,
    /// The chain.
    pub genesis_hash: Hash,
    /// Verdicts of the signature self-test: nodes that verify differently would split.
    pub verifier_fingerprint: String,
    /// The validator that the node runs.
    pub validator: Address,
    /// Its newest committed height.
    pub height: Height,
    /// The lowest height whose block it keeps.
    pub earliest_height: Height,
    /// Its wall clock as it answers; a node that does not say it is not measured.
    #[serde(default)]
    pub time_ms: Option<Timestamp>,
}

/// Why a peer was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Another protocol version.
    #[error("it speaks protocol version {0}, this node {PROTOCOL_VERSION}: update the older one")]
    Version(u16),
    /// Another chain.
    #[error("it belongs to the chain with genesis {0}: check its genesis or the peer list")]
    Genesis(Hash),
    /// A verifier with other verdicts.
    #[error("its signature verifier decides differently (fingerprint {0}): one build is wrong")]
    Verifier(String),
    /// Another validator than configured.
    #[error("it runs validator {0}: check the peer list")]
    Validator(Address),
}

impl Handshake {
    /// Whether `theirs` may be talked to as `validator`.
    pub fn accept(&self, theirs: &Handshake, validator: Address) -> Result<(), Mismatch> {
        if theirs.protocol_version != self.protocol_version {
            return Err(Mismatch::Version(theirs.protocol_version));
        }
        if theirs.genesis_hash != self.genesis_hash {
            return Err(Mismatch::Genesis(theirs.genesis_hash));
        }
        if theirs.verifier_fingerprint != self.verifier_fingerprint {
            return Err(Mismatch::Verifier(theirs.verifier_fingerprint.clone()));
        }
        if theirs.validator != validator {
            return Err(Mismatch::Validator(theirs.validator));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_is_refused_by_its_name() {
        let peer = Address([2; 20]);
        let ours = Handshake {
            protocol_version: PROTOCOL_VERSION,
            genesis_hash: Hash([1; 32]),
            verifier_fingerprint: "aa".into(),
            validator: Address([1; 20]),
            height: Height(0),
            earliest_height: Height(1),
            time_ms: None,
        };
        let theirs = Handshake {
            validator: peer,
            height: Height(9),
            ..ours.clone()
        };
        assert_eq!(ours.accept(&theirs, peer), Ok(()));
        let cases = [
            (
                Handshake {
                    protocol_version: 9,
                    ..theirs.clone()
                },
                Mismatch::Version(9),
            ),
            (
                Handshake {
                    genesis_hash: Hash([3; 32]),
                    ..theirs.clone()
                },
                Mismatch::Genesis(Hash([3; 32])),
            ),
            (
                Handshake {
                    verifier_fingerprint: "bb".into(),
                    ..theirs.clone()
                },
                Mismatch::Verifier("bb".into()),
            ),
            (
                Handshake {
                    validator: Address([4; 20]),
                    ..theirs
                },
                Mismatch::Validator(Address([4; 20])),
            ),
        ];
        for (theirs, expected) in cases {
            assert_eq!(ours.accept(&theirs, peer), Err(expected));
        }
    }
}
