"""ML-DSA-65 with the empty context, by ``cryptography``. The only module that names that library."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey

from .limits import PUBLIC_KEY_BYTES, SIGNATURE_BYTES

__all__ = ["SIGNATURE_BYTES", "KeyPair", "is_degenerate", "verify"]

_RHO_BYTES = 32
_NO_T1 = bytes(PUBLIC_KEY_BYTES - _RHO_BYTES)


class KeyPair:
    """The key pair of a seed ξ of FIPS 204. It signs with randomness: equal messages, other bytes."""

    def __init__(self, xi: bytes) -> None:
        self._private = MLDSA65PrivateKey.from_seed_bytes(xi)
        self.public_key = self._private.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)


def is_degenerate(public_key: bytes) -> bool:
    """Whether t1 is zero: the standard lets anyone sign for such a key."""
    return public_key[_RHO_BYTES:] == _NO_T1


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether it is a signature of this message by this key, whose length has been checked."""
    try:
        MLDSA65PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
