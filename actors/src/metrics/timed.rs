//! Signatures and verifications that are timed.
use lockstep_protocol::crypto::{
    KeyError, Scheme, SchemeId, Seed, SignatureError, Signer, SigningFailed, VerifyingKey,
};
use prometheus_client::metrics::histogram::Histogram;
use std::sync::Arc;
use std::time::Instant;

pub(super) struct Timed<T: ?Sized> {
    pub(super) inner: Arc<T>,
    pub(super) seconds: Histogram,
}

impl Scheme for Timed<dyn Scheme> {
    fn id(&self) -> SchemeId {
        self.inner.id()
    }

    fn public_key_bytes(&self) -> usize {
        self.inner.public_key_bytes()
    }

    fn signature_bytes(&self) -> usize {
        self.inner.signature_bytes()
    }

    fn prepare(&self, public_key: &[u8]) -> Result<Arc<dyn VerifyingKey>, KeyError> {
        let inner = self.inner.prepare(public_key)?;
        Ok(Arc::new(Timed {
            inner,
            seconds: self.seconds.clone(),
        }))
    }

    fn signer(&self, seed: &Seed) -> Result<Arc<dyn Signer>, KeyError> {
        self.inner.signer(seed)
    }
}

impl VerifyingKey for Timed<dyn VerifyingKey> {
    fn public_key(&self) -> &[u8] {
        self.inner.public_key()
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let began = Instant::now();
        let verdict = self.inner.verify(message, signature);
        self.seconds.observe(began.elapsed().as_secs_f64());
        verdict
    }
}

impl std::fmt::Debug for Timed<dyn VerifyingKey> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.fmt(f)
    }
}

impl Signer for Timed<dyn Signer> {
    fn scheme(&self) -> SchemeId {
        self.inner.scheme()
    }

    fn public_key(&self) -> &[u8] {
        self.inner.public_key()
    }

    fn signature_bytes(&self) -> usize {
        self.inner.signature_bytes()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        let began = Instant::now();
        let signature = self.inner.sign(message);
        self.seconds.observe(began.elapsed().as_secs_f64());
        signature
    }
}
