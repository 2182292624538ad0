"""What an application calls: one node, read and written."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from .errors import (
    Busy,
    LockstepError,
    NotCommitted,
    Refused,
    TimedOut,
    Unreachable,
    UnsupportedScheme,
)
from .hashes import SCHEME, address_of, from_hex, hash_of, to_hex
from .keys import Key
from .light import Checkpoint, LightClient
from .limits import PROTOCOL_VERSION
from .nouns import (
    Action,
    Body,
    Context,
    DeclareReady,
    Delete,
    LightBlock,
    Put,
    Receipt,
    Transaction,
    Transfer,
    UpdateValidator,
)
from .proofs import AccountState, RecordState
from .subscriptions import Heads, Subscription
from .transport import BYTES_TYPE, Transport, refusal

T = TypeVar("T")

EXPIRES_AFTER = 10_000
"""Heights after which a transaction expires, unless its sender says."""
FEE_PER_BYTE_MAX = 10
"""What is paid for a byte without being told so: a node that lies about the price takes little."""
WAIT_S = 20.0
"""How long one call waits at the node; the node itself allows for 30 s."""
RETRY_S = 0.2
DAY_MS = 86_400_000


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


class Client:
    """One node, by its URL for people, such as ``http://127.0.0.1:8545``."""

    def __init__(
        self, url: str, *, timeout: float = 10.0, fee_per_byte_max: int = FEE_PER_BYTE_MAX
    ) -> None:
        self._transport = Transport(url, timeout)
        self._fee_per_byte_max = fee_per_byte_max

    # What it says.

    def chain(self) -> Chain:
        status = self._transport.get_json("/status")
        return reading(
            lambda: Chain(
                int(status["chain_id"]),
                str(status["genesis_hash"]),
                str(status["scheme"]),
                int(status["protocol_version"]),
                int(status["parameters"]["fee_per_byte"]),
                int(status["height"]),
            )
        )

    def account(self, address: str | bytes) -> Account:
        text = to_hex(address_of(address))
        said = self._transport.rpc("lockstep_getAccount", [text])
        return reading(
            lambda: Account(
                text,
                bool(said["exists"]),
                int(said["balance"]),
                int(said["nonce"]),
                int(said["next_nonce"]),
                int(said["height"]),
            )
        )

    def balance(self, address: str | bytes) -> int:
        return self.account(address).balance

    def nonce(self, address: str | bytes) -> int:
        """Of the next transaction: behind all that wait."""
        return self.account(address).next_nonce

    def record(self, owner: str | bytes, key: bytes) -> RecordState | None:
        params = [to_hex(address_of(owner)), to_hex(key)]
        said = self._transport.rpc("lockstep_getRecord", params)
        record = reading(lambda: said["record"])
        if record is None:
            return None
        return reading(lambda: RecordState(from_hex(record["value"]), int(record["height"])))

    def receipt(self, transaction: str | bytes) -> Receipt | None:
        """``None``: no block has carried it."""
        said = self._transport.rpc("lockstep_getReceipt", [to_hex(hash_of(transaction))])
        return None if said is None else _receipt(said)

    # What is signed.

    def transfer(
        self, key: Key, to: str | bytes, amount: int, memo: str = "", **terms: int | None
    ) -> Signed:
        """Terms are ``fee``, ``nonce`` and ``expires_at``; what is not given is found."""
        return self.sign(key, Transfer(address_of(to), amount, memo), **terms)

    def put(self, key: Key, record: bytes, value: bytes, **terms: int | None) -> Signed:
        return self.sign(key, Put(record, value), **terms)

    def delete(self, key: Key, record: bytes, **terms: int | None) -> Signed:
        return self.sign(key, Delete(record), **terms)

    def update_validator(
        self, key: Key, public_key: bytes, power: int, **terms: int | None
    ) -> Signed:
        return self.sign(key, UpdateValidator(public_key, power), **terms)

    def declare_ready(self, key: Key, **terms: int | None) -> Signed:
        return self.sign(key, DeclareReady(), **terms)

    def sign(
        self,
        key: Key,
        action: Action,
        *,
        fee: int | None = None,
        nonce: int | None = None,
        expires_at: int | None = None,
    ) -> Signed:
        """A signed transaction for this node's chain; nothing is sent."""
        chain = self.chain()
        context = chain.context
        if nonce is None:
            nonce = self.nonce(key.address)
        if fee is None:
            fee = self._least_fee(chain, key.bytes_of(nonce, action))
        if expires_at is None:
            expires_at = chain.height + EXPIRES_AFTER
        transaction = key.sign(context, Body(nonce, fee, expires_at, action))
        return Signed(transaction, transaction.seal(context))

    def _least_fee(self, chain: Chain, count: int) -> int:
        price = chain.fee_per_byte
        if price > self._fee_per_byte_max:
            said = f"the node asks {price} a byte: give fee, or a higher fee_per_byte_max"
            raise LockstepError("fee_too_high", said)
        return price * count

    # What is sent.

    def send(self, signed: Signed) -> str:
        """Hands it in: ``pending``, ``queued`` behind a gap of nonces, or ``known``."""
        status, content = self._transport.request(
            "POST", "/transactions", signed.data, BYTES_TYPE, self._transport.timeout
        )
        if status != 202:
            raise refusal(status, content)
        return reading(lambda: str(json.loads(content)["status"]))

    def send_and_wait(self, signed: Signed, timeout: float = 60.0) -> Receipt:
        """Hands it in until it has an end, and gives the receipt of its block.

        It is safe to repeat, with the same ``signed``: after an error, a timeout or a crash the same
        bytes are the same transaction, which is executed once at the most. Raises
        :class:`NotCommitted` where it ended otherwise, :class:`TimedOut` where it has not ended."""
        until = time.monotonic() + timeout
        raw = to_hex(signed.data)
        while (left := until - time.monotonic()) > 0:
            wait = min(left, WAIT_S)
            params = [raw, int(wait * 1_000)]
            try:
                said = self._transport.rpc(
                    "lockstep_sendTransactionAndWait", params, wait + self._transport.timeout
                )
            except (Unreachable, Busy):
                time.sleep(min(RETRY_S, max(0.0, until - time.monotonic())))
                continue
            if (receipt := _end(said)) is not None:
                return receipt
        raise TimedOut(f"{signed.id} has no end yet: send the same bytes again")

    # What happens.

    def subscribe(
        self,
        topics: tuple[str, ...] = ("newBlocks",),
        *,
        address: str | bytes | None = None,
        from_seq: int | None = None,
    ) -> Subscription:
        """Events as they come (``newBlocks``, ``receipts``, ``rounds``). A broken connection is made
        again, and goes on behind the last event; what the node does not keep is told as ``missed``."""
        of = None if address is None else to_hex(address_of(address))
        return Subscription(self._transport, topics, of, from_seq)

    def new_heads(self, from_height: int | None = None) -> Heads:
        """The header of each block, in order and without a gap, from a height on or from now."""
        return Heads(self._transport, from_height)

    # What is verified.

    def light_block(self, context: Context, height: int) -> LightBlock:
        return LightBlock.open(self._transport.get(f"/light/blocks/{height}"), context)

    def light(
        self, checkpoint: Checkpoint | str, *, trusted_max_ms: int | None = 14 * DAY_MS
    ) -> LightClient:
        """A light client that trusts this block (``HASH@HEIGHT``) and nothing else."""
        if isinstance(checkpoint, str):
            checkpoint = Checkpoint.parse(checkpoint)
        context = self.chain().context
        shown = self.light_block(context, checkpoint.height)
        light = LightClient(context, checkpoint, shown, now_ms())
        if trusted_max_ms is not None:
            light.no_older_than(trusted_max_ms, "trusted_too_old", now_ms())
        return light

    def verified_account(
        self, light: LightClient, address: str | bytes, *, head_max_ms: int | None = 600_000
    ) -> AccountState | None:
        """What the chain holds of an address, whatever the node says: by certificates and a proof."""
        address = address_of(address)
        data = self._transport.get(f"/light/accounts/{to_hex(address)}")
        height, proof = light.open_account(data)
        self._follow(light, height, head_max_ms)
        return light.account(address, height, proof)

    def verified_record(
        self,
        light: LightClient,
        owner: str | bytes,
        key: bytes,
        *,
        head_max_ms: int | None = 600_000,
    ) -> RecordState | None:
        owner = address_of(owner)
        data = self._transport.get(f"/light/records/{to_hex(owner)}/{to_hex(key)}")
        height, proof = light.open_record(data)
        self._follow(light, height, head_max_ms)
        return light.record(owner, key, height, proof)

    def _follow(self, light: LightClient, height: int, head_max_ms: int | None) -> None:
        light.follow(height, lambda asked: self.light_block(light.context, asked), now_ms())
        if head_max_ms is not None:
            light.no_older_than(head_max_ms, "stale", now_ms())


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def _receipt(said: Any) -> Receipt:
    def read() -> Receipt:
        code = str(said["code"]) if said["status"] == "failed" else None
        return Receipt(
            hash_of(said["transaction"]),
            code,
            int(said["fee"]),
            int(said["bytes"]),
            int(said["height"]),
            hash_of(said["block_id"]),
        )

    return reading(read)


def _end(said: Any) -> Receipt | None:
    """The receipt of what a block carries; ``None`` as long as it is open."""
    status = reading(lambda: str(said["status"]))
    if status == "pending":
        return None
    if status in ("committed", "failed") and "receipt" in said:
        receipt = _receipt(said["receipt"])
        if receipt.code is None:
            return receipt
        sentence = str(said["receipt"].get("sentence", "it failed"))
        raise NotCommitted(receipt.code, sentence, receipt)
    if status == "committed":
        raise Refused("pruned", f"block {said.get('height')} carries it, and is not kept any more")
    if status == "dropped":
        raise NotCommitted(str(said.get("code")), "the node has dropped it")
    raise NotCommitted(status, f"it waits no more: {status}")
