"""The same for asyncio: calls run in threads of the client's own, each subscription in one more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, TypeVar

from .answers import Account, Answered, Application, Chain, Signed
from .client import FEE_PER_BYTE_MAX, Client
from .keys import Key
from .light import Checkpoint, LightClient
from .nouns import Action, Header
from .proofs import AccountState, RecordState
from .receipts import Receipt
from .subscriptions import Event

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


CALLS_MAX = 16
"""Calls that run at once; others wait. Each has a connection of its own, which the node counts."""


class _Closable(Protocol[T_co]):
    def __iter__(self) -> Iterator[T_co]: ...
    def close(self) -> None: ...


class AsyncClient:
    """:class:`Client` with ``await`` before every call."""

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 10.0,
        fee_per_byte_max: int = FEE_PER_BYTE_MAX,
        calls_max: int = CALLS_MAX,
    ) -> None:
        self.plain = Client(url, timeout=timeout, fee_per_byte_max=fee_per_byte_max)
        self._threads = ThreadPoolExecutor(calls_max, "lockstep-call")

    async def _run(self, call: Callable[..., T], *args: Any, **named: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(call, *args, **named))

    async def chain(self) -> Chain:
        return await self._run(self.plain.chain)

    async def account(self, address: str | bytes) -> Account:
        return await self._run(self.plain.account, address)

    async def balance(self, address: str | bytes) -> int:
        return await self._run(self.plain.balance, address)

    async def nonce(self, address: str | bytes) -> int:
        return await self._run(self.plain.nonce, address)

    async def record(self, owner: str | bytes, key: bytes) -> RecordState | None:
        return await self._run(self.plain.record, owner, key)

    async def applications(self) -> list[Application]:
        return await self._run(self.plain.applications)

    async def application_state(self, application: str, key: bytes) -> bytes | None:
        return await self._run(self.plain.application_state, application, key)

    async def query(self, application: str, path: str, data: bytes = b"") -> Answered:
        return await self._run(self.plain.query, application, path, data)

    async def receipt(self, transaction: str | bytes) -> Receipt | None:
        return await self._run(self.plain.receipt, transaction)

    async def transfer(
        self, key: Key, to: str | bytes, amount: int, memo: str = "", **terms: int | None
    ) -> Signed:
        return await self._run(self.plain.transfer, key, to, amount, memo, **terms)

    async def put(self, key: Key, record: bytes, value: bytes, **terms: int | None) -> Signed:
        return await self._run(self.plain.put, key, record, value, **terms)

    async def delete(self, key: Key, record: bytes, **terms: int | None) -> Signed:
        return await self._run(self.plain.delete, key, record, **terms)

    async def update_validator(
        self, key: Key, public_key: bytes, power: int, **terms: int | None
    ) -> Signed:
        return await self._run(self.plain.update_validator, key, public_key, power, **terms)

    async def declare_ready(self, key: Key, **terms: int | None) -> Signed:
        return await self._run(self.plain.declare_ready, key, **terms)

    async def call(
        self, key: Key, application: str, data: bytes, **terms: int | None
    ) -> Signed:
        return await self._run(self.plain.call, key, application, data, **terms)

    async def sign(self, key: Key, action: Action, **terms: int | None) -> Signed:
        return await self._run(self.plain.sign, key, action, **terms)

    async def send(self, signed: Signed) -> str:
        return await self._run(self.plain.send, signed)

    async def send_and_wait(self, signed: Signed, timeout: float = 60.0) -> Receipt:
        return await self._run(self.plain.send_and_wait, signed, timeout)

    def subscribe(
        self,
        topics: tuple[str, ...] = ("newBlocks",),
        *,
        address: str | bytes | None = None,
        from_seq: int | None = None,
    ) -> AsyncGenerator[Event, None]:
        return _stream(self.plain.subscribe(topics, address=address, from_seq=from_seq))

    def new_heads(self, from_height: int | None = None) -> AsyncGenerator[Header, None]:
        return _stream(self.plain.new_heads(from_height))

    async def light(
        self, checkpoint: Checkpoint | str, *, trusted_max_ms: int | None = 14 * 86_400_000
    ) -> LightClient:
        return await self._run(self.plain.light, checkpoint, trusted_max_ms=trusted_max_ms)

    async def verified_account(
        self, light: LightClient, address: str | bytes, *, head_max_ms: int | None = 600_000
    ) -> AccountState | None:
        return await self._run(self.plain.verified_account, light, address, head_max_ms=head_max_ms)

    async def verified_record(
        self,
        light: LightClient,
        owner: str | bytes,
        key: bytes,
        *,
        head_max_ms: int | None = 600_000,
    ) -> RecordState | None:
        return await self._run(self.plain.verified_record, light, owner, key, head_max_ms=head_max_ms)

    async def verified_application_state(
        self,
        light: LightClient,
        application: str,
        key: bytes,
        *,
        head_max_ms: int | None = 600_000,
    ) -> bytes | None:
        return await self._run(
            self.plain.verified_application_state, light, application, key, head_max_ms=head_max_ms
        )


_END = object()


async def _stream(source: _Closable[T]) -> AsyncGenerator[T, None]:
    """One after the other; the thread that waits for the next one wakes when this ends."""
    iterator = iter(source)
    loop = asyncio.get_running_loop()
    thread = ThreadPoolExecutor(1, "lockstep-events")
    waiting: asyncio.Future[Any] | None = None
    try:
        while True:
            waiting = loop.run_in_executor(thread, next, iterator, _END)
            item = await asyncio.shield(waiting)
            waiting = None
            if item is _END:
                return
            yield item
    finally:
        source.close()
        if waiting is not None:
            await asyncio.wait([waiting])
        thread.shutdown(wait=False)
