"""A light client: from one block that its owner trusts it follows the chain by certificates, and
believes an account by its Merkle proof, whatever the server says.

The rules are those of ``protocol/src/proofs/light_client``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .errors import LightError
from .hashes import hash_of, to_hex
from .limits import (
    CLOCK_DRIFT_MS,
    PROVED_ACCOUNT_BYTES_MAX,
    PROVED_APPLICATION_BYTES_MAX,
    PROVED_RECORD_BYTES_MAX,
)
from .nouns import Context, Header, LightBlock
from .proofs import (
    AccountProof,
    AccountState,
    ApplicationProof,
    RecordProof,
    RecordState,
    open_proved,
)
from .validators import ValidatorSet, members, verify_certificate


@dataclass(frozen=True)
class Checkpoint:
    """A block that is trusted: its owner has the id from somewhere else."""

    height: int
    id: bytes

    @staticmethod
    def parse(text: str) -> Checkpoint:
        """From ``HASH@HEIGHT``."""
        block_id, at, height = text.partition("@")
        if not at or not (height.isascii() and height.isdigit()) or int(height) == 0:
            raise ValueError(f"expected HASH@HEIGHT, with a height from 1, got {text[:100]!r}")
        return Checkpoint(int(height), hash_of(block_id))


@dataclass(frozen=True)
class Trusted:
    """A header that counts, with the set that signed it."""

    header: Header
    id: bytes
    validators: ValidatorSet


class LightClient:
    """Follows one chain from one checkpoint on."""

    def __init__(
        self, context: Context, checkpoint: Checkpoint, shown: LightBlock, now_ms: int
    ) -> None:
        self.context = context
        if shown.header.id != checkpoint.id:
            raise LightError("not_the_checkpoint", f"its id is {to_hex(shown.header.id)}")
        validators = self._check(checkpoint.height, shown, now_ms)
        verify_certificate(shown.certificate, validators, context)
        self.trusted = Trusted(shown.header, checkpoint.id, validators)
        """The newest header that counts."""

    def advance(self, asked: int, shown: LightBlock, now_ms: int) -> None:
        """Takes what is shown of a later height, or refuses it and keeps what it has. The code
        ``too_far_ahead`` is no lie: a header between the two may help."""
        trusted = self.trusted.header.height
        if asked <= trusted:
            raise LightError("not_ahead", f"height {asked} lies not after the trusted {trusted}")
        validators = self._check(asked, shown, now_ms)
        self._follows(shown, validators)
        verify_certificate(shown.certificate, validators, self.context)
        self.trusted = Trusted(shown.header, shown.certificate.block_id, validators)

    def follow(self, goal: int, show: Callable[[int], LightBlock], now_ms: int) -> None:
        """To ``goal``, by as few headers as it takes; ``show`` asks for one."""
        wanted = [goal]
        while wanted and wanted[-1] > self.trusted.header.height:
            asked, trusted = wanted[-1], self.trusted.header.height
            try:
                self.advance(asked, show(asked), now_ms)
                wanted.pop()
            except LightError as error:
                if error.code != "too_far_ahead":
                    raise
                wanted.append(trusted + (asked - trusted) // 2)

    def no_older_than(self, max_ms: int, code: str, now_ms: int) -> None:
        """Refuses a trusted header that is older: ``trusted_too_old`` or ``stale``."""
        age = max(0, now_ms - self.trusted.header.time)
        if age > max_ms:
            raise LightError(code, f"the block was made {age} ms ago")

    def account(self, address: bytes, height: int, proof: AccountProof) -> AccountState | None:
        """What the chain holds of an address after the trusted header."""
        self._of_trusted_height(height)
        if not proof.holds(self.trusted.header.state_root, address):
            raise _no_proof()
        return proof.account

    def record(
        self, owner: bytes, key: bytes, height: int, proof: RecordProof
    ) -> RecordState | None:
        """What the chain holds under a key after the trusted header."""
        self._of_trusted_height(height)
        if not proof.holds(self.trusted.header.state_root, owner, key):
            raise _no_proof()
        return proof.record

    def application_state(
        self, application: str, key: bytes, height: int, proof: ApplicationProof
    ) -> bytes | None:
        """What an application keeps under a key after the trusted header."""
        self._of_trusted_height(height)
        if not proof.holds(self.trusted.header.state_root, application, key):
            raise _no_proof()
        return proof.value

    def open_account(self, data: bytes) -> tuple[int, AccountProof]:
        """From what ``GET /light/accounts`` answers."""
        return open_proved(data, self.context, AccountProof.read, PROVED_ACCOUNT_BYTES_MAX)

    def open_record(self, data: bytes) -> tuple[int, RecordProof]:
        """From what ``GET /light/records`` answers."""
        return open_proved(data, self.context, RecordProof.read, PROVED_RECORD_BYTES_MAX)

    def open_application_state(self, data: bytes) -> tuple[int, ApplicationProof]:
        """From what ``GET /light/applications`` answers."""
        return open_proved(data, self.context, ApplicationProof.read, PROVED_APPLICATION_BYTES_MAX)

    def _of_trusted_height(self, height: int) -> None:
        if height != self.trusted.header.height:
            raise LightError("other_height", f"it proves something of height {height}")

    def _check(self, asked: int, shown: LightBlock, now_ms: int) -> ValidatorSet:
        """All that can be said without what came before, and before any signature."""
        header, certificate = shown.header, shown.certificate
        if header.chain_id != self.context.chain_id:
            raise LightError("other_chain", f"a header of chain {header.chain_id}")
        if header.height != asked or certificate.height != asked:
            raise LightError("other_height", f"height {asked} was asked for")
        if header.height == 1 and header.previous_block != self.context.genesis_hash:
            raise LightError("other_genesis", f"it stands on {to_hex(header.previous_block)}")
        if header.id != certificate.block_id:
            raise LightError("certificate_of_other", "the certificate is one of another block")
        if header.time > now_ms + CLOCK_DRIFT_MS:
            raise LightError("future", f"its time {header.time} is ahead of this clock's {now_ms}")
        validators = ValidatorSet((v.public_key, v.power) for v in shown.validators)
        if validators.hash != header.validators_hash:
            raise LightError("validators_hash", "the validators shown are not the header's")
        return validators

    def _follows(self, shown: LightBlock, validators: ValidatorSet) -> None:
        """Whether it can be of this chain, and by a set of this chain."""
        trusted, header = self.trusted, shown.header
        if header.time <= trusted.header.time:
            raise LightError("time_goes_back", "it is not later than the trusted header")
        is_named = validators.hash == trusted.header.next_validators_hash
        if header.height == trusted.header.height + 1:
            if header.previous_block != trusted.id:
                raise LightError("other_parent", "its parent is not the trusted block")
            if not is_named:
                raise LightError("other_validators", "its validators are not those that were named")
        if is_named:
            return
        signers = members(shown.certificate, validators)
        power = sum(trusted.validators.power_of(signer.address) for signer, _ in signers)
        if not trusted.validators.is_skip_set(power):
            total = trusted.validators.total
            raise LightError("too_far_ahead", f"{power} of {total} trusted power signed it")


def _no_proof() -> LightError:
    return LightError("proof", "the proof does not lead from this claim to the state root")
