"""Events that go on behind the last one when a connection breaks."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from .errors import Busy, LockstepError, Unreachable
from .hashes import address_of, hash_of
from .nouns import Header
from .transport import EventStream, Transport

T = TypeVar("T")

RECONNECT_FIRST_S = 0.1
RECONNECT_MAX_S = 5.0


@dataclass(frozen=True)
class Event:
    """Its number, its name, and what it says."""

    seq: int | None
    name: str
    data: Any


class Subscription:
    """An iterator of events that ends when it is closed, from any thread."""

    def __init__(
        self,
        transport: Transport,
        topics: tuple[str, ...],
        address: str | None,
        from_seq: int | None,
    ) -> None:
        self._transport = transport
        self._query = {"topics": ",".join(topics)}
        if address is not None:
            self._query["address"] = address
        self._from_seq = from_seq
        self._last: int | None = None
        self._stream: EventStream | None = None
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Event]:
        pause = RECONNECT_FIRST_S
        while not self._closed.is_set():
            try:
                for event in self._connected():
                    pause = RECONNECT_FIRST_S
                    yield event
            except (Unreachable, Busy):
                if self._stream is None:
                    raise  # it never was there
            self._closed.wait(pause)
            pause = min(2 * pause, RECONNECT_MAX_S)

    def patiently(self, ask: Callable[[], T]) -> T | None:
        """Asks until there is an answer; ``None``: this was closed meanwhile."""
        pause = RECONNECT_FIRST_S
        while not self._closed.is_set():
            try:
                return ask()
            except (Unreachable, Busy):
                self._closed.wait(pause)
                pause = min(2 * pause, RECONNECT_MAX_S)
        return None

    def _connected(self) -> Iterator[Event]:
        query = dict(self._query)
        if self._last is None and self._from_seq is not None:
            query["from_seq"] = str(self._from_seq)
        stream = EventStream(self._transport, urlencode(query), self._last)
        self._stream = stream
        try:
            for seq, name, data in stream:
                if self._closed.is_set() or name == "dropped":
                    return
                if seq is not None:
                    self._last = seq
                yield Event(seq, name, _parsed(data))
        finally:
            stream.close()

    def close(self) -> None:
        self._closed.set()
        if self._stream is not None:
            self._stream.close()


def _parsed(data: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise LockstepError("malformed_answer", "the event is no JSON") from None


class Heads:
    """Headers in order and without a gap: what an event does not tell is asked for by height."""

    def __init__(self, transport: Transport, from_height: int | None) -> None:
        self._transport = transport
        self._next = from_height
        self._events = Subscription(transport, ("newBlocks",), None, None)

    def __iter__(self) -> Iterator[Header]:
        if self._next is not None:
            yield from self._up_to(self._newest())
        for event in self._events:
            if event.name == "newBlocks":
                header = header_of(event.data)
                if self._next is None or header.height == self._next:
                    self._next = header.height + 1
                    yield header
                else:
                    yield from self._up_to(header.height)
            elif event.name == "missed" and self._next is not None:
                yield from self._up_to(self._events.patiently(self._newest))

    def _up_to(self, height: int | None) -> Iterator[Header]:
        while self._next is not None and height is not None and self._next <= height:
            wanted = self._next
            said = self._events.patiently(
                lambda: self._transport.rpc("lockstep_getCommit", [wanted])
            )
            if said is None:
                return
            if not isinstance(said, dict):
                raise LockstepError("malformed_answer", "the answer is no JSON object")
            header = header_of({"id": said.get("block_id"), "header": said.get("header")})
            if header.height != wanted:
                raise LockstepError("malformed_answer", f"block {header.height}, not {wanted}")
            self._next = wanted + 1
            yield header

    def _newest(self) -> int:
        status = self._transport.get_json("/status")
        height = status.get("height")
        if not isinstance(height, int):
            raise LockstepError("malformed_answer", "the status has no height")
        return height

    def close(self) -> None:
        self._events.close()


def header_of(said: Any) -> Header:
    """A header from its JSON; its id must be its own."""
    try:
        fields = said["header"]
        numbers = (int(fields["chain_id"]), int(fields["height"]), int(fields["time"]))
        proposer = address_of(str(fields["proposer"]))
        names = (
            "previous_block",
            "last_commit_hash",
            "transactions_root",
            "evidence_root",
            "state_root",
            "receipts_root",
            "validators_hash",
            "next_validators_hash",
        )
        header = Header(*numbers, proposer, *(hash_of(str(fields[name])) for name in names))
        claimed = hash_of(str(said["id"]))
    except (KeyError, TypeError, ValueError):
        raise LockstepError("malformed_answer", "the event holds no header") from None
    if header.id != claimed:
        raise LockstepError("malformed_answer", "the header has another id than it claims")
    return header
