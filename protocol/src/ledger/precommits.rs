//! Certificates whose precommits this node has verified in part already: no signature is verified
//! twice.
use crate::nouns::commit::{CertificateError, CommitCertificate};
use crate::nouns::sign_bytes::SignContext;
use crate::validators::schedule::ValidatorSchedule;

/// Checks a certificate for quorum and signatures, but verifies no signature that stands in
/// `trusted`, this node's own certificate.
pub(super) fn verify(
    validators: &ValidatorSchedule,
    context: &SignContext,
    trusted: Option<&CommitCertificate>,
    certificate: &CommitCertificate,
) -> Result<(), CertificateError> {
    let height = certificate.height;
    let round = certificate.round;
    let id = certificate.block_id;
    let unknown = CertificateError::UnknownHeight(height);
    let set = validators.at(height).ok_or(unknown)?;
    let trusted = trusted
        .filter(|t| (t.height, t.round, t.block_id) == (height, round, id))
        .map(|t| t.signers.members(set))
        .transpose()?
        .unwrap_or_default();
    certificate.verify_unless(set, context, |index, signature| {
        trusted.contains(&(index, signature))
    })
}
