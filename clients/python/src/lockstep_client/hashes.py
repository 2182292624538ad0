"""SHA-256 with the tags of the protocol, hex, and addresses in text."""

from __future__ import annotations

import hashlib
import re

from .limits import APPLICATION_NAME_BYTES_MAX

SCHEME = "ml-dsa-65"
ZERO_HASH = bytes(32)

_NAME = re.compile(r"[a-z][a-z0-9-]*", re.ASCII)
_ADDRESS = re.compile(r"(?:0x)?([0-9a-fA-F]{40})", re.ASCII)
_HASH = re.compile(r"(?:0x)?([0-9a-fA-F]{64})", re.ASCII)


def sha256(*parts: bytes) -> bytes:
    """Over the concatenation."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


def to_hex(data: bytes) -> str:
    return "0x" + data.hex()


def from_hex(text: str) -> bytes:
    if not text.startswith("0x"):
        raise ValueError(f"expected 0x and hex digits, got {text[:80]!r}")
    return bytes.fromhex(text[2:])


def hash_of(text: str | bytes) -> bytes:
    """A hash from its text."""
    if isinstance(text, bytes):
        if len(text) != 32:
            raise ValueError(f"a hash has 32 bytes, not {len(text)}")
        return text
    found = _HASH.fullmatch(text)
    if found is None:
        raise ValueError(f"expected 0x and 64 hex digits, got {text[:80]!r}")
    return bytes.fromhex(found[1])


def is_name(text: str) -> bool:
    """Whether an application, or an event, can be called so: 1 to 32 of ``a-z 0-9 -``, a letter
    first."""
    return len(text) <= APPLICATION_NAME_BYTES_MAX and _NAME.fullmatch(text) is not None


def name_of(text: str) -> str:
    """The name of an application."""
    if not is_name(text):
        raise ValueError(f"expected 1 to 32 of a-z, 0-9 and -, a letter first, got {text[:80]!r}")
    return text


def address_of_key(public_key: bytes) -> bytes:
    """The first 20 bytes of SHA-256(scheme name, public key)."""
    return sha256(SCHEME.encode(), public_key)[:20]


def checksummed(address: bytes) -> str:
    """``0x`` and 40 digits; a letter is upper case where the hash of the digits has a high nibble."""
    digits = address.hex()
    nibbles = sha256(digits.encode()).hex()
    marked = (d.upper() if int(n, 16) >= 8 else d for d, n in zip(digits, nibbles))
    return "0x" + "".join(marked)


def address_of(text: str | bytes) -> bytes:
    """An address from its text. Letters of both cases must be those of the checksum."""
    if isinstance(text, bytes):
        if len(text) != 20:
            raise ValueError(f"an address has 20 bytes, not {len(text)}")
        return text
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise ValueError(f"expected 0x and 40 hex digits, got {text[:80]!r}")
    digits = found[1]
    address = bytes.fromhex(digits)
    is_mixed = digits != digits.lower() and digits != digits.upper()
    if is_mixed and digits != checksummed(address)[2:]:
        raise ValueError(f"the letters of {text} do not fit its checksum: there is a typing error")
    return address
