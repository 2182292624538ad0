"""What a node says, and what becomes of a transaction, as values of this package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from .errors import LockstepError, NotCommitted, Refused, UnsupportedScheme
from .hashes import SCHEME, from_hex, hash_of, to_hex
from .limits import PROTOCOL_VERSION
from .nouns import Context, Transaction
from .receipts import OF_APPLICATION, CallEvent, Receipt

T = TypeVar("T")


@dataclass(frozen=True)
class Chain:
    """What a node says of its chain."""

    chain_id: int
    genesis_hash: str
    scheme: str
    protocol_version: int
    fee_per_byte: int
    height: int

    @property
    def context(self) -> Context:
        """What signatures are bound to, if this client can sign for this chain."""
        if self.scheme != SCHEME:
            raise UnsupportedScheme(self.scheme)
        if self.protocol_version != PROTOCOL_VERSION:
            said = f"the node speaks version {self.protocol_version}, this client {PROTOCOL_VERSION}"
            raise LockstepError("version", said)
        return Context(self.chain_id, hash_of(self.genesis_hash))


@dataclass(frozen=True)
class Account:
    """What a node says of an address. ``next_nonce`` counts what waits for a block."""

    address: str
    exists: bool
    balance: int
    nonce: int
    next_nonce: int
    height: int


@dataclass(frozen=True)
class Application:
    """An application that the chain's genesis names."""

    name: str
    version: int


@dataclass(frozen=True)
class Answered:
    """What an application answers to a question, and the block after which it is so."""

    value: bytes
    height: int


@dataclass(frozen=True)
class Signed:
    """A signed transaction: send it as often as you like, it is executed once at the most."""

    transaction: Transaction
    data: bytes
    """What is handed in."""

    @property
    def id(self) -> str:
        return to_hex(self.transaction.id)

    @property
    def expires_at(self) -> int:
        """After this height it stands in a block or never will."""
        return self.transaction.body.expires_at


def reading(read: Callable[[], T]) -> T:
    """What a node has answered, unless it is not what it has to be."""
    try:
        return read()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LockstepError("malformed_answer", f"the answer lacks something: {error!r}") from None


def receipt_of(said: Any) -> Receipt:
    def read() -> Receipt:
        code = str(said["code"]) if said["status"] == "failed" else None
        return Receipt(
            hash_of(said["transaction"]),
            code,
            int(said["fee"]),
            int(said["bytes"]),
            int(said["height"]),
            hash_of(said["block_id"]),
            int(said["application_code"]) if code == OF_APPLICATION else None,
            tuple(CallEvent(str(e["name"]), from_hex(e["data"])) for e in said["events"]),
        )

    return reading(read)


def end_of(said: Any) -> Receipt | None:
    """The receipt of what a block carries; ``None`` as long as it is open."""
    status = reading(lambda: str(said["status"]))
    if status == "pending":
        return None
    if status in ("committed", "failed") and "receipt" in said:
        receipt = receipt_of(said["receipt"])
        if receipt.code is None:
            return receipt
        sentence = str(said["receipt"].get("sentence", "it failed"))
        raise NotCommitted(receipt.code, sentence, receipt)
    if status == "committed":
        raise Refused("pruned", f"block {said.get('height')} carries it, and is not kept any more")
    if status == "dropped":
        raise NotCommitted(str(said.get("code")), "the node has dropped it")
    raise NotCommitted(status, f"it waits no more: {status}")
