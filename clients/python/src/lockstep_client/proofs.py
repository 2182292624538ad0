"""Paths from a value to a root that is trusted: of the state, of transactions, of receipts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import codec
from .codec import Reader, decode
from .hashes import sha256
from .limits import (
    EVENTS_BYTES_MAX,
    MERKLE_STEPS_MAX,
    PROVED_ACCOUNT_BYTES_MAX,
    PROVED_APPLICATION_BYTES_MAX,
    PROVED_RECORD_BYTES_MAX,
    STATE_SIBLINGS_MAX,
)
from .nouns import Context, transaction_leaf
from .receipts import Receipt

INCLUSION_PROOF_BYTES_MAX = 2_048 + EVENTS_BYTES_MAX
EMPTY_NODE = b"SPARSE_MERKLE_PLACEHOLDER_HASH__"


def merkle_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 over SHA-256."""
    if not leaves:
        return sha256()
    if len(leaves) == 1:
        return sha256(b"\0", leaves[0])
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\1", merkle_root(leaves[:split]), merkle_root(leaves[split:]))


@dataclass(frozen=True)
class ListPath:
    """What stands beside a leaf and the nodes above it, from the leaf up."""

    steps: tuple[tuple[bool, bytes], ...]
    """Whether the sibling stands right, and the sibling."""

    def leads(self, leaf: bytes, root: bytes) -> bool:
        if len(self.steps) > MERKLE_STEPS_MAX:
            return False
        top = sha256(b"\0", leaf)
        for is_right, sibling in self.steps:
            top = sha256(b"\1", top, sibling) if is_right else sha256(b"\1", sibling, top)
        return top == root

    @staticmethod
    def read(reader: Reader) -> ListPath:
        return ListPath(tuple(reader.list(lambda: (reader.tag(2) == 1, reader.take(32)))))


@dataclass(frozen=True)
class TransactionProof:
    """That a transaction stands in a block."""

    witness: bytes
    path: ListPath

    def holds(self, transactions_root: bytes, transaction: bytes) -> bool:
        return self.path.leads(transaction_leaf(transaction, self.witness), transactions_root)

    @staticmethod
    def decode(data: bytes) -> TransactionProof:
        def read(reader: Reader) -> TransactionProof:
            return TransactionProof(reader.take(32), ListPath.read(reader))

        return decode(data, read, INCLUSION_PROOF_BYTES_MAX)


@dataclass(frozen=True)
class ReceiptProof:
    """What became of a transaction of a block."""

    receipt: Receipt
    path: ListPath

    def holds(self, receipts_root: bytes, transaction: bytes) -> bool:
        leads = self.path.leads(self.receipt.leaf, receipts_root)
        return leads and self.receipt.transaction == transaction

    @staticmethod
    def decode(data: bytes) -> ReceiptProof:
        def read(reader: Reader) -> ReceiptProof:
            return ReceiptProof(Receipt.read(reader), ListPath.read(reader))

        return decode(data, read, INCLUSION_PROOF_BYTES_MAX)


def _leaf_node(key: bytes, value_hash: bytes) -> bytes:
    return sha256(b"JMT::LeafNode", key, value_hash)


def _inner_node(left: bytes, right: bytes) -> bytes:
    return sha256(b"JMT::IntrnalNode", left, right)  # so it is spelled


def _read_sibling(reader: Reader) -> bytes:
    """A sibling's hash: nothing, an inner node, or a leaf."""
    tag = reader.tag(3)
    if tag == 0:
        return EMPTY_NODE
    first, second = reader.take(32), reader.take(32)
    return _inner_node(first, second) if tag == 1 else _leaf_node(first, second)


@dataclass(frozen=True)
class StatePath:
    """From a value, or from the place where it would stand, to the state root."""

    leaf: tuple[bytes, bytes] | None
    siblings: tuple[bytes, ...]

    def leads(self, root: bytes, key: bytes, value: bytes | None) -> bool:
        if len(self.siblings) > STATE_SIBLINGS_MAX or not self._fits(key, value):
            return False
        top = EMPTY_NODE if self.leaf is None else _leaf_node(*self.leaf)
        depth = len(self.siblings)
        for index, sibling in enumerate(self.siblings):
            bit = depth - 1 - index
            is_right = key[bit // 8] >> (7 - bit % 8) & 1
            top = _inner_node(sibling, top) if is_right else _inner_node(top, sibling)
        return top == root

    def _fits(self, key: bytes, value: bytes | None) -> bool:
        if value is not None:
            return self.leaf == (key, sha256(value))
        if self.leaf is None:
            return True
        # Another key that stands alone where this one would.
        other = self.leaf[0]
        differ = int.from_bytes(key, "big") ^ int.from_bytes(other, "big")
        return other != key and 256 - differ.bit_length() >= len(self.siblings)

    @staticmethod
    def read(reader: Reader) -> StatePath:
        leaf = reader.option(lambda: (reader.take(32), reader.take(32)))
        return StatePath(leaf, tuple(reader.list(lambda: _read_sibling(reader))))


def account_key(address: bytes) -> bytes:
    return sha256(b"account/", address)


def record_key(owner: bytes, key: bytes) -> bytes:
    return sha256(b"record/", owner, key)


def application_key(application: str, key: bytes) -> bytes:
    """Name and key are hashed with their counts: no two pairs of them meet."""
    return sha256(b"lockstep/application/v1", codec.var(application.encode()), codec.var(key))


@dataclass(frozen=True)
class AccountState:
    """What the state holds of an address."""

    balance: int
    nonce: int

    def encode(self) -> bytes:
        return codec.u64(self.balance) + codec.u64(self.nonce)

    @staticmethod
    def read(reader: Reader) -> AccountState:
        return AccountState(reader.u64(), reader.u64())


@dataclass(frozen=True)
class RecordState:
    """What stands under a key of an account, and the block that has written it."""

    value: bytes
    height: int

    def encode(self) -> bytes:
        return codec.var(self.value) + codec.u64(self.height)

    @staticmethod
    def read(reader: Reader) -> RecordState:
        return RecordState(reader.bytes(), reader.u64())


@dataclass(frozen=True)
class AccountProof:
    """The claim with its path; ``None`` claims that there is no such account."""

    account: AccountState | None
    path: StatePath

    def holds(self, root: bytes, address: bytes) -> bool:
        value = None if self.account is None else self.account.encode()
        return self.path.leads(root, account_key(address), value)

    @staticmethod
    def read(reader: Reader) -> AccountProof:
        account = reader.option(lambda: AccountState.read(reader))
        return AccountProof(account, StatePath.read(reader))

    @staticmethod
    def decode(data: bytes) -> AccountProof:
        return decode(data, AccountProof.read, PROVED_ACCOUNT_BYTES_MAX)


@dataclass(frozen=True)
class RecordProof:
    """The claim with its path; ``None`` claims that there is no such record."""

    record: RecordState | None
    path: StatePath

    def holds(self, root: bytes, owner: bytes, key: bytes) -> bool:
        value = None if self.record is None else self.record.encode()
        return self.path.leads(root, record_key(owner, key), value)

    @staticmethod
    def read(reader: Reader) -> RecordProof:
        record = reader.option(lambda: RecordState.read(reader))
        return RecordProof(record, StatePath.read(reader))

    @staticmethod
    def decode(data: bytes) -> RecordProof:
        return decode(data, RecordProof.read, PROVED_RECORD_BYTES_MAX)


@dataclass(frozen=True)
class ApplicationProof:
    """The claim with its path; ``None`` claims that there is no such value."""

    value: bytes | None
    path: StatePath

    def holds(self, root: bytes, application: str, key: bytes) -> bool:
        return self.path.leads(root, application_key(application, key), self.value)

    @staticmethod
    def read(reader: Reader) -> ApplicationProof:
        value = reader.option(reader.bytes)
        return ApplicationProof(value, StatePath.read(reader))

    @staticmethod
    def decode(data: bytes) -> ApplicationProof:
        return decode(data, ApplicationProof.read, PROVED_APPLICATION_BYTES_MAX)


def open_proved(
    data: bytes, context: Context, read: Callable[[Reader], codec.T], limit: int
) -> tuple[int, codec.T]:
    """What ``GET /light/accounts`` and the like answer: a height and a proof."""

    def both(reader: Reader) -> tuple[int, codec.T]:
        return reader.u64(), read(reader)

    return decode(context.open(data, limit), both, limit)
