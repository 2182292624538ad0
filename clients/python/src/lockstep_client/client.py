"""What an application calls: one node, read and written."""

from __future__ import annotations

import json
import time

from .answers import (
    Account,
    Answered,
    Application,
    Chain,
    Signed,
    end_of,
    reading,
    receipt_of,
)
from .errors import Busy, LockstepError, TimedOut, Unreachable
from .hashes import address_of, from_hex, hash_of, name_of, to_hex
from .keys import Key
from .light import Checkpoint, LightClient
from .nouns import (
    Action,
    Body,
    Call,
    Context,
    DeclareReady,
    Delete,
    LightBlock,
    Put,
    Transfer,
    UpdateValidator,
)
from .proofs import AccountState, RecordState
from .receipts import Receipt
from .subscriptions import Heads, Subscription
from .transport import BYTES_TYPE, Transport, refusal

EXPIRES_AFTER = 10_000
"""Heights after which a transaction expires, unless its sender says."""
FEE_PER_BYTE_MAX = 10
"""What is paid for a byte without being told so: a node that lies about the price takes little."""
WAIT_S = 20.0
"""How long one call waits at the node; the node itself allows for 30 s."""
RETRY_S = 0.2
DAY_MS = 86_400_000


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

    def applications(self) -> list[Application]:
        """All that the chain has, rising by name."""
        said = self._transport.rpc("lockstep_getApplications", [])
        return reading(lambda: [Application(str(a["name"]), int(a["version"])) for a in said])

    def application_state(self, application: str, key: bytes) -> bytes | None:
        """What an application keeps under a key of 1 to 64 bytes."""
        params = [name_of(application), to_hex(key)]
        said = self._transport.rpc("lockstep_getApplicationState", params)
        return reading(lambda: None if said["value"] is None else from_hex(said["value"]))

    def query(self, application: str, path: str, data: bytes = b"") -> Answered:
        """What an application answers about the newest state; path and data are its own."""
        params = [name_of(application), path, to_hex(data)]
        said = self._transport.rpc("lockstep_query", params)
        return reading(lambda: Answered(from_hex(said["value"]), int(said["height"])))

    def receipt(self, transaction: str | bytes) -> Receipt | None:
        """``None``: no block has carried it."""
        said = self._transport.rpc("lockstep_getReceipt", [to_hex(hash_of(transaction))])
        return None if said is None else receipt_of(said)

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

    def call(self, key: Key, application: str, data: bytes, **terms: int | None) -> Signed:
        return self.sign(key, Call(application, data), **terms)

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
            if (receipt := end_of(said)) is not None:
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

    def verified_application_state(
        self,
        light: LightClient,
        application: str,
        key: bytes,
        *,
        head_max_ms: int | None = 600_000,
    ) -> bytes | None:
        path = f"/light/applications/{name_of(application)}/state/{to_hex(key)}"
        height, proof = light.open_application_state(self._transport.get(path))
        self._follow(light, height, head_max_ms)
        return light.application_state(application, key, height, proof)

    def _follow(self, light: LightClient, height: int, head_max_ms: int | None) -> None:
        light.follow(height, lambda asked: self.light_block(light.context, asked), now_ms())
        if head_max_ms is not None:
            light.no_older_than(head_max_ms, "stale", now_ms())


def now_ms() -> int:
    return time.time_ns() // 1_000_000
