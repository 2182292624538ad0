"""What is signed, sent and kept: transactions, headers, certificates, light blocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Union

from . import codec
from .codec import Reader, decode
from .errors import LockstepError, Malformed
from .hashes import sha256, to_hex
from .limits import (
    CERTIFICATE_BYTES_MAX,
    LIGHT_BLOCK_BYTES_MAX,
    PROTOCOL_VERSION,
    TRANSACTION_BYTES_MAX,
)

ENVELOPE_BYTES = 34


@dataclass(frozen=True)
class Context:
    """The chain that signatures are bound to."""

    chain_id: int
    genesis_hash: bytes

    def sign_bytes(self, tag: bytes, payload: bytes) -> bytes:
        return tag + codec.u64(self.chain_id) + self.genesis_hash + payload

    def seal(self, body: bytes) -> bytes:
        """In the envelope of this chain."""
        return codec.u16(PROTOCOL_VERSION) + self.genesis_hash + body

    def open(self, data: bytes, limit: int) -> bytes:
        """What lies in an envelope of this chain."""
        if len(data) > limit:
            raise LockstepError("too_large", f"{len(data)} bytes are more than {limit}")
        if len(data) < ENVELOPE_BYTES:
            raise Malformed("shorter than its envelope")
        reader = Reader(data)
        version, genesis = reader.u16(), reader.take(32)
        if version != PROTOCOL_VERSION:
            raise LockstepError("version", f"it speaks protocol version {version}")
        if genesis != self.genesis_hash:
            raise LockstepError("foreign_chain", f"it belongs to the chain {to_hex(genesis)}")
        return data[ENVELOPE_BYTES:]


@dataclass(frozen=True)
class Transfer:
    to: bytes
    amount: int
    memo: str = ""

    def encode(self) -> bytes:
        return b"\0" + self.to + codec.u64(self.amount) + codec.var(self.memo.encode())


@dataclass(frozen=True)
class Put:
    key: bytes
    value: bytes

    def encode(self) -> bytes:
        return b"\1" + codec.var(self.key) + codec.var(self.value)


@dataclass(frozen=True)
class Delete:
    key: bytes

    def encode(self) -> bytes:
        return b"\2" + codec.var(self.key)


@dataclass(frozen=True)
class UpdateValidator:
    public_key: bytes
    power: int

    def encode(self) -> bytes:
        return b"\3" + codec.var(self.public_key) + codec.u64(self.power)


@dataclass(frozen=True)
class DeclareReady:
    def encode(self) -> bytes:
        return b"\4"


@dataclass(frozen=True)
class Call:
    """Has an application that the chain's genesis names do what the data says."""

    application: str
    data: bytes

    def encode(self) -> bytes:
        return b"\5" + codec.var(self.application.encode()) + codec.var(self.data)


Action = Union[Transfer, Put, Delete, UpdateValidator, DeclareReady, Call]


def _read_action(reader: Reader) -> Action:
    tag = reader.tag(6)
    if tag == 0:
        return Transfer(reader.take(20), reader.u64(), reader.text())
    if tag == 1:
        return Put(reader.bytes(), reader.bytes())
    if tag == 2:
        return Delete(reader.bytes())
    if tag == 3:
        return UpdateValidator(reader.bytes(), reader.u64())
    return DeclareReady() if tag == 4 else Call(reader.text(), reader.bytes())


@dataclass(frozen=True)
class Body:
    """The part of a transaction that its id and its signature cover, without the sender."""

    nonce: int
    fee: int
    expires_at: int
    action: Action

    def encode(self) -> bytes:
        numbers = codec.u64(self.nonce) + codec.u64(self.fee) + codec.u64(self.expires_at)
        return numbers + self.action.encode()


@dataclass(frozen=True)
class Transaction:
    """A signed transaction. ``public_key`` goes with nonce 0 only."""

    sender: bytes
    body: Body
    public_key: bytes | None
    signature: bytes
    _encoded: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        encoded = self.payload() + self._unsigned()
        object.__setattr__(self, "_encoded", encoded)

    def payload(self) -> bytes:
        return self.sender + self.body.encode()

    def _unsigned(self) -> bytes:
        return codec.option(self.public_key, codec.var) + codec.var(self.signature)

    def encode(self) -> bytes:
        """Its canonical bytes, which the fee is for."""
        return self._encoded

    @property
    def id(self) -> bytes:
        return sha256(b"lockstep/transaction/v1", self.payload())

    @property
    def witness(self) -> bytes:
        return sha256(b"lockstep/witness/v1", self._unsigned())

    @property
    def leaf(self) -> bytes:
        return transaction_leaf(self.id, self.witness)

    def sign_bytes(self, context: Context) -> bytes:
        return context.sign_bytes(b"LS-TRANS", self.payload())

    def seal(self, context: Context) -> bytes:
        """What is handed to a node."""
        return context.seal(self.encode())

    @staticmethod
    def read(reader: Reader) -> Transaction:
        sender = reader.take(20)
        body = Body(reader.u64(), reader.u64(), reader.u64(), _read_action(reader))
        return Transaction(sender, body, reader.option(reader.bytes), reader.bytes())

    @staticmethod
    def open(data: bytes, context: Context) -> Transaction:
        """From an envelope. Nothing of it is verified."""
        body = context.open(data, TRANSACTION_BYTES_MAX)
        return decode(body, Transaction.read, TRANSACTION_BYTES_MAX)


def transaction_leaf(transaction: bytes, witness: bytes) -> bytes:
    return sha256(b"lockstep/leaf/v1", transaction, witness)


@dataclass(frozen=True)
class Header:
    """What a block id covers."""

    chain_id: int
    height: int
    time: int
    proposer: bytes
    previous_block: bytes
    last_commit_hash: bytes
    transactions_root: bytes
    evidence_root: bytes
    state_root: bytes
    receipts_root: bytes
    validators_hash: bytes
    next_validators_hash: bytes

    def encode(self) -> bytes:
        numbers = codec.u64(self.chain_id) + codec.u64(self.height) + codec.u64(self.time)
        hashes = (
            self.previous_block,
            self.last_commit_hash,
            self.transactions_root,
            self.evidence_root,
            self.state_root,
            self.receipts_root,
            self.validators_hash,
            self.next_validators_hash,
        )
        return numbers + self.proposer + b"".join(hashes)

    @property
    def id(self) -> bytes:
        return sha256(b"lockstep/header/v1", self.encode())

    @staticmethod
    def read(reader: Reader) -> Header:
        numbers = (reader.u64(), reader.u64(), reader.u64())
        proposer = reader.take(20)
        hashes = [reader.take(32) for _ in range(8)]
        return Header(*numbers, proposer, *hashes)


@dataclass(frozen=True)
class Validator:
    address: bytes
    public_key: bytes
    power: int

    def encode(self) -> bytes:
        return self.address + codec.var(self.public_key) + codec.u64(self.power)

    @staticmethod
    def read(reader: Reader) -> Validator:
        return Validator(reader.take(20), reader.bytes(), reader.u64())


@dataclass(frozen=True)
class Certificate:
    """The precommits of more than two thirds of the power for one block, as far as it is verified."""

    height: int
    round: int
    block_id: bytes
    bitmap: bytes
    signatures: tuple[bytes, ...]

    def encode(self) -> bytes:
        numbers = codec.u64(self.height) + codec.u32(self.round)
        signers = codec.var(self.bitmap) + codec.many(list(self.signatures), codec.var)
        return numbers + self.block_id + signers

    @property
    def hash(self) -> bytes:
        return sha256(b"lockstep/commit/v1", self.encode())

    def sign_bytes(self, context: Context) -> bytes:
        """What every member has signed."""
        payload = codec.u64(self.height) + codec.u32(self.round) + b"\1" + self.block_id
        return context.sign_bytes(b"LS-PRECO", payload)

    @staticmethod
    def read(reader: Reader) -> Certificate:
        height, round_, block_id = reader.u64(), reader.u32(), reader.take(32)
        return Certificate(height, round_, block_id, reader.bytes(), tuple(reader.list(reader.bytes)))

    @staticmethod
    def decode(data: bytes) -> Certificate:
        return decode(data, Certificate.read, CERTIFICATE_BYTES_MAX)


@dataclass(frozen=True)
class LightBlock:
    """What a server shows of one height; every part of it is a claim."""

    header: Header
    certificate: Certificate
    validators: tuple[Validator, ...]

    def encode(self) -> bytes:
        validators = codec.many(list(self.validators), Validator.encode)
        return self.header.encode() + self.certificate.encode() + validators

    @staticmethod
    def read(reader: Reader) -> LightBlock:
        header, certificate = Header.read(reader), Certificate.read(reader)
        validators = reader.list(lambda: Validator.read(reader))
        return LightBlock(header, certificate, tuple(validators))

    @staticmethod
    def open(data: bytes, context: Context) -> LightBlock:
        body = context.open(data, LIGHT_BLOCK_BYTES_MAX)
        return decode(body, LightBlock.read, LIGHT_BLOCK_BYTES_MAX)
