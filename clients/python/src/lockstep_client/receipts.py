"""What became of transactions that a block has executed."""

from __future__ import annotations

from dataclasses import dataclass

from . import codec
from .codec import Reader
from .hashes import sha256

FAILURES = (
    "insufficient_balance",
    "balance_overflow",
    "no_such_record",
    "not_a_validator",
    "nothing_to_change",
    "last_validator",
    "too_many_validators",
    "power_overflow",
    "invalid_validator_key",
    "validator_too_powerful",
    "not_a_candidate",
    "already_a_validator",
    "application_failed",
    "work_exhausted",
)
OF_APPLICATION = "application_failed"


@dataclass(frozen=True)
class CallEvent:
    """Something that an application has told in a call."""

    name: str
    data: bytes

    def encode(self) -> bytes:
        return codec.var(self.name.encode()) + codec.var(self.data)

    @staticmethod
    def read(reader: Reader) -> CallEvent:
        return CallEvent(reader.text(), reader.bytes())


@dataclass(frozen=True)
class Receipt:
    """What became of a transaction that a block has executed. ``code`` says why it failed."""

    transaction: bytes
    code: str | None
    fee: int
    size: int
    """The transaction's canonical bytes, which the fee is for."""
    height: int | None = None
    block_id: bytes | None = None
    application_code: int | None = None
    """With ``application_failed`` the application's own number."""
    events: tuple[CallEvent, ...] = ()
    """What the application of a call has told; of what has failed, and of other transactions, none."""

    @property
    def succeeded(self) -> bool:
        return self.code is None

    def encode(self) -> bytes:
        events = codec.many(list(self.events), CallEvent.encode)
        numbers = codec.u64(self.fee) + codec.u32(self.size)
        return self.transaction + self._status() + numbers + events

    def _status(self) -> bytes:
        if self.code is None:
            return b"\0"
        failed = b"\1" + bytes([FAILURES.index(self.code)])
        if self.code != OF_APPLICATION:
            return failed
        if self.application_code is None:
            raise ValueError("application_failed comes with a number of the application")
        return failed + codec.u32(self.application_code)

    @property
    def leaf(self) -> bytes:
        return sha256(b"lockstep/receipt/v1", self.encode())

    @staticmethod
    def read(reader: Reader) -> Receipt:
        transaction = reader.take(32)
        code = FAILURES[reader.tag(len(FAILURES))] if reader.tag(2) else None
        own = reader.u32() if code == OF_APPLICATION else None
        fee, size = reader.u64(), reader.u32()
        events = tuple(reader.list(lambda: CallEvent.read(reader)))
        return Receipt(transaction, code, fee, size, application_code=own, events=events)
