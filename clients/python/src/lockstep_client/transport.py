"""HTTP by the standard library: JSON-RPC, canonical bytes and server-sent events, each with a limit."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from .errors import Busy, LockstepError, Refused, Unreachable

ANSWER_BYTES_MAX = 8 * 1024 * 1024
"""Twice what a node answers to a call at the most."""
EVENT_LINE_BYTES_MAX = 64 * 1024
"""A line of an event; a header has some hundred bytes."""
SILENCE_MAX_S = 60.0
"""A stream is pinged more often than this; one that is silent for longer is dead."""

JSON_TYPE = "application/json"
BYTES_TYPE = "application/octet-stream"
_BUSY = frozenset({429, 503})
_ERRORS = (OSError, http.client.HTTPException)


class Transport:
    """Calls to one node, each thread by a connection of its own that stays."""

    def __init__(self, url: str, timeout: float) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"expected http://HOST:PORT, got {url[:200]!r}")
        self.url = url
        self.timeout = timeout
        self._host = parts.hostname
        self._port = parts.port
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._prefix = parts.path.rstrip("/")
        self._local = threading.local()

    def open(self, timeout: float) -> http.client.HTTPConnection:
        if self._tls is not None:
            return http.client.HTTPSConnection(
                self._host, self._port, timeout=timeout, context=self._tls
            )
        return http.client.HTTPConnection(self._host, self._port, timeout=timeout)

    def request(
        self, verb: str, path: str, body: bytes | None, kind: str | None, timeout: float
    ) -> tuple[int, bytes]:
        """Status and body. A connection that the node has closed meanwhile is opened anew: nothing
        that is asked here does harm when it is asked twice."""
        headers = {} if kind is None else {"Content-Type": kind}
        kept: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        self._local.connection = None
        for connection in (kept, None) if kept is not None else (None,):
            connection = connection or self.open(timeout)
            try:
                connection.timeout = timeout
                if connection.sock is not None:
                    connection.sock.settimeout(timeout)
                connection.request(verb, self._prefix + path, body, headers)
                response = connection.getresponse()
                content = response.read(ANSWER_BYTES_MAX + 1)
                if response.length and len(content) <= ANSWER_BYTES_MAX:
                    raise http.client.IncompleteRead(content)
            except _ERRORS as error:
                connection.close()
                if connection is kept:
                    continue
                raise Unreachable(f"{self.url} does not answer: {error}") from error
            if len(content) > ANSWER_BYTES_MAX:
                connection.close()
                raise LockstepError("answer_too_large", f"more than {ANSWER_BYTES_MAX} bytes")
            if response.will_close:
                connection.close()
            else:
                self._local.connection = connection
            return response.status, content
        raise AssertionError("the last connection has answered or raised")

    def get(self, path: str) -> bytes:
        status, content = self.request("GET", path, None, None, self.timeout)
        if status != 200:
            raise refusal(status, content)
        return content

    def get_json(self, path: str) -> dict[str, Any]:
        return _object(_parsed(self.get(path)))

    def rpc(self, method: str, params: list[Any], timeout: float | None = None) -> Any:
        """The result of a call."""
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        body = json.dumps(call).encode()
        status, content = self.request("POST", "/", body, JSON_TYPE, timeout or self.timeout)
        if status != 200:
            raise refusal(status, content)
        answer = _object(_parsed(content))
        if "error" in answer:
            raise _rpc_error(_object(answer["error"]))
        return answer.get("result")


def refusal(status: int, content: bytes) -> Refused:
    """A refusal is ``{"code", "message"}``."""
    with suppress(LockstepError, KeyError):
        said = _object(_parsed(content))
        return _refused(status in _BUSY, str(said["code"]), str(said["message"]))
    return _refused(status in _BUSY, f"http_{status}", f"the answer has the status {status}")


def _rpc_error(error: dict[str, Any]) -> Refused:
    data = error.get("data")
    code = data.get("code") if isinstance(data, dict) else None
    word = code if isinstance(code, str) else f"rpc_{error.get('code')}"
    # -32601 has no data: some clients take it for a contract that reverted.
    word = "unknown_method" if error.get("code") == -32601 else word
    return _refused(word == "busy", word, str(error.get("message", "")))


def _refused(is_busy: bool, code: str, message: str) -> Refused:
    return (Busy if is_busy else Refused)(code, message[:2_000])


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise LockstepError("malformed_answer", "the answer is no JSON") from None


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise LockstepError("malformed_answer", "the answer is no JSON object")
    return value


class EventStream:
    """Server-sent events of one connection, until it ends."""

    def __init__(self, transport: Transport, query: str, last_event_id: int | None) -> None:
        self._connection = transport.open(SILENCE_MAX_S)
        headers = {"Accept": "text/event-stream"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = str(last_event_id)
        try:
            path = f"{transport._prefix}/events?{query}"
            self._connection.request("GET", path, headers=headers)
            # Kept, because the connection lets go of its socket once the answer has begun.
            self._socket = self._connection.sock
            self._response = self._connection.getresponse()
            refused = None
            if self._response.status != 200:
                refused = refusal(self._response.status, self._response.read(ANSWER_BYTES_MAX))
        except _ERRORS as error:
            self.close()
            raise Unreachable(f"{transport.url} does not answer: {error}") from error
        if refused is not None:
            self.close()
            raise refused

    def __iter__(self) -> Iterator[tuple[int | None, str, str]]:
        """Id, name and data of each event; ends when the connection does."""
        fields: dict[str, str] = {}
        while True:
            try:
                line = self._response.readline(EVENT_LINE_BYTES_MAX + 1)
            except (*_ERRORS, ValueError, AttributeError):
                return  # also where another thread has closed it
            if not line or len(line) > EVENT_LINE_BYTES_MAX:
                return
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            if not text:
                if "data" in fields:
                    number = fields.get("id", "")
                    seq = int(number) if number.isascii() and number.isdigit() else None
                    yield seq, fields.get("event", "message"), fields["data"]
                fields = {}
                continue
            name, _, value = text.partition(":")
            if name:
                fields[name] = value.removeprefix(" ")

    def close(self) -> None:
        """From any thread: who waits for the next event wakes."""
        opened: socket.socket | None = getattr(self, "_socket", None)
        if opened is not None:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            self._connection.close()
