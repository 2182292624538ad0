"""Keys: a seed of 32 bytes, and what is made of it."""

from __future__ import annotations

import secrets

from . import crypto
from .hashes import SCHEME, address_of_key, checksummed, from_hex, sha256, to_hex
from .nouns import Action, Body, Context, Transaction

SEED_BYTES = 32


class Key:
    """A key pair of ML-DSA-65. Its seed is the secret: whoever has it can spend."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise ValueError(f"a seed has {SEED_BYTES} bytes, not {len(seed)}")
        self.seed = seed
        xi = sha256(b"lockstep/keygen/v1", SCHEME.encode(), seed)
        self._pair = crypto.KeyPair(xi)
        self.public_key = self._pair.public_key
        self.address_bytes = address_of_key(self.public_key)

    @staticmethod
    def from_seed(seed: bytes | str) -> Key:
        """From 32 bytes, or ``0x`` and 64 hex digits."""
        return Key(from_hex(seed) if isinstance(seed, str) else seed)

    @staticmethod
    def generate() -> Key:
        """A new one, by the system's randomness."""
        return Key(secrets.token_bytes(SEED_BYTES))

    @staticmethod
    def devnet(name: str) -> Key:
        """That of alice, bob, carol or dave on every devnet. It is public: anyone can spend."""
        return Key(sha256(b"lockstep/devnet/account/v1", name.encode()))

    @property
    def address(self) -> str:
        """In lower case, as nodes write it."""
        return to_hex(self.address_bytes)

    @property
    def address_text(self) -> str:
        """With a checksum in its case, for people who copy by hand."""
        return checksummed(self.address_bytes)

    def __repr__(self) -> str:
        return f"Key({self.address})"

    def sign(self, context: Context, body: Body) -> Transaction:
        """A signed transaction; that of nonce 0 brings the public key."""
        key = self.public_key if body.nonce == 0 else None
        unsigned = Transaction(self.address_bytes, body, key, b"")
        signature = self._pair.sign(unsigned.sign_bytes(context))
        return Transaction(self.address_bytes, body, key, signature)

    def bytes_of(self, nonce: int, action: Action) -> int:
        """How many bytes the signed transaction will have, which its fee is for."""
        key = self.public_key if nonce == 0 else None
        unsigned = Transaction(self.address_bytes, Body(nonce, 0, 0, action), key, b"")
        return len(unsigned.encode()) + crypto.SIGNATURE_BYTES
