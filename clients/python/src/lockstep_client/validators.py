"""The validators of a height, and what they have signed together."""

from __future__ import annotations

from collections.abc import Iterable

from . import codec
from .crypto import is_degenerate, verify
from .errors import LightError
from .hashes import address_of_key, sha256
from .limits import PUBLIC_KEY_BYTES, SIGNATURE_BYTES, VALIDATORS_MAX
from .nouns import Certificate, Context, Validator


class ValidatorSet:
    """Sorted by address, each once, with a total power of 64 bits at the most."""

    def __init__(self, members: Iterable[tuple[bytes, int]]) -> None:
        """From public keys and powers, in any order; an address is made of its key."""
        validators = [Validator(address_of_key(key), key, power) for key, power in members]
        if not 1 <= len(validators) <= VALIDATORS_MAX:
            raise _none(f"a set has 1 to {VALIDATORS_MAX} validators, not {len(validators)}")
        for validator in validators:
            key = validator.public_key
            if len(key) != PUBLIC_KEY_BYTES or is_degenerate(key):
                raise _none("a public key is none of ml-dsa-65, or a weak one")
            if validator.power == 0:
                raise _none("a validator has no power")
        validators.sort(key=lambda validator: validator.address)
        self.validators = tuple(validators)
        self._places = {validator.address: at for at, validator in enumerate(validators)}
        if len(self._places) != len(validators):
            raise _none("a validator stands in the set twice")
        self.total = sum(validator.power for validator in validators)
        if self.total >= 1 << 64:
            raise _none("the total power does not fit into 64 bits")
        self.hash = sha256(b"lockstep/validators/v1", codec.many(validators, Validator.encode))

    def __len__(self) -> int:
        return len(self.validators)

    def is_quorum(self, power: int) -> bool:
        """More than two thirds."""
        return 3 * power > 2 * self.total

    def is_skip_set(self, power: int) -> bool:
        """More than one third."""
        return 3 * power > self.total

    def power_of(self, address: bytes) -> int:
        """0 of who is none of them."""
        place = self._places.get(address)
        return 0 if place is None else self.validators[place].power


def _none(why: str) -> LightError:
    return LightError("validators", why)


def members(certificate: Certificate, of: ValidatorSet) -> list[tuple[Validator, bytes]]:
    """The members with their signatures, if the bitmap fits the set."""
    bitmap = certificate.bitmap
    if len(bitmap) != (len(of) + 7) // 8:
        raise _shape()
    places = [at for at in range(len(bitmap) * 8) if bitmap[at // 8] >> at % 8 & 1]
    if len(places) != len(certificate.signatures) or any(at >= len(of) for at in places):
        raise _shape()
    return [(of.validators[at], sig) for at, sig in zip(places, certificate.signatures)]


def _shape() -> LightError:
    return LightError("certificate", "the signer bitmap does not fit the validator set")


def verify_certificate(certificate: Certificate, of: ValidatorSet, context: Context) -> None:
    """Shape, quorum and every signature; raises :class:`LightError`."""
    signers = members(certificate, of)
    power = sum(validator.power for validator, _ in signers)
    if not of.is_quorum(power):
        raise LightError("no_quorum", f"the signers hold {power} of {of.total} power")
    message = certificate.sign_bytes(context)
    for validator, signature in signers:
        is_right = len(signature) == SIGNATURE_BYTES
        if not is_right or not verify(validator.public_key, message, signature):
            raise LightError("signature", f"that of 0x{validator.address.hex()} does not verify")
