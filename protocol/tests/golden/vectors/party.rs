//! Who signs in the vectors. The signatures are the deterministic ones of FIPS 204 (`rnd` is zero), by
//! `ml-dsa`, because the node's own engine signs with randomness.
use lockstep_protocol::crypto::{self, Scheme, SchemeId, Signer, SigningFailed};
use lockstep_protocol::nouns::parameters::Parameters;
use lockstep_protocol::nouns::sign_bytes::SignContext;
use lockstep_protocol::nouns::transaction::{Action, Transaction, TransactionBody};
use lockstep_protocol::types::{Address, Hash, Height};
use ml_dsa::{ExpandedSigningKey, MlDsa65};
use std::sync::Arc;

pub(crate) const SCHEME: SchemeId = SchemeId::MlDsa65;

const EXPIRES_AT: Height = Height(1_000);

pub(crate) fn scheme() -> Arc<dyn Scheme> {
    crypto::scheme(SCHEME)
}

/// A key of the chain's scheme whose signatures are the same every time.
struct Deterministic {
    key: ExpandedSigningKey<MlDsa65>,
    public_key: Vec<u8>,
}

impl Signer for Deterministic {
    fn scheme(&self) -> SchemeId {
        SCHEME
    }

    fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    fn signature_bytes(&self) -> usize {
        crypto::SIGNATURE_BYTES
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        let signature = self.key.sign_deterministic(message, &[]);
        let signature = signature.map_err(|_| SigningFailed)?;
        Ok(signature.encode().to_vec())
    }
}

/// Somebody with a key.
#[derive(Clone)]
pub(crate) struct Party {
    pub(crate) name: String,
    pub(crate) seed: [u8; 32],
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) address: Address,
}

impl Party {
    fn new(name: &str, seed: [u8; 32]) -> Party {
        let Hash(xi) = Hash::of(&[b"lockstep/keygen/v1", SCHEME.name().as_bytes(), &seed]);
        let key = ExpandedSigningKey::<MlDsa65>::from_seed(&xi.into());
        let public_key = key.verifying_key().encode().to_vec();
        Party {
            name: name.into(),
            seed,
            address: Address::of(SCHEME, &public_key),
            signer: Arc::new(Deterministic { key, public_key }),
        }
    }

    /// As a devnet has it.
    pub(crate) fn person(name: &str) -> Party {
        let Hash(seed) = Hash::of(&[b"lockstep/devnet/account/v1", name.as_bytes()]);
        Party::new(name, seed)
    }

    /// Likewise.
    pub(crate) fn validator(index: u8) -> Party {
        let mut seed = [0; 32];
        seed[..3].copy_from_slice(&[0x76, 0x30 + index, 0xde]);
        Party::new(&format!("validator {index}"), seed)
    }

    /// A transaction for the least fee; that of nonce 0 brings the key.
    pub(crate) fn act(&self, context: &SignContext, nonce: u64, action: Action) -> Transaction {
        let body = TransactionBody {
            nonce,
            fee: 0,
            expires_at: EXPIRES_AT,
            action,
        };
        let body = body.for_least_fee(&*self.signer, &Parameters::default());
        self.sign(context, body)
    }

    pub(crate) fn sign(&self, context: &SignContext, body: TransactionBody) -> Transaction {
        Transaction::sign(&*self.signer, context, body).unwrap()
    }
}
