"""Canonical bytes: borsh, one encoding for each value, nothing left over."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TypeVar

from .errors import Malformed

T = TypeVar("T")


class Reader:
    """Reads values from the front of some bytes."""

    __slots__ = ("_at", "_bytes")

    def __init__(self, data: bytes) -> None:
        self._bytes = data
        self._at = 0

    def take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._bytes):
            raise Malformed("the bytes end too early")
        taken = self._bytes[self._at : end]
        self._at = end
        return taken

    def u8(self) -> int:
        return self.take(1)[0]

    def u16(self) -> int:
        return int.from_bytes(self.take(2), "little")

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "little")

    def bytes(self) -> bytes:
        return self.take(self.u32())

    def text(self) -> str:
        try:
            return self.bytes().decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("the text is no UTF-8") from None

    def option(self, read: Callable[[], T]) -> T | None:
        tag = self.u8()
        if tag > 1:
            raise Malformed("an option is 0 or 1")
        return read() if tag else None

    def list(self, read: Callable[[], T]) -> list[T]:
        # One after the other: a count that lies ends with the bytes.
        return [read() for _ in range(self.u32())]

    def tag(self, kinds: int) -> int:
        tag = self.u8()
        if tag >= kinds:
            raise Malformed(f"no variant has the number {tag}")
        return tag

    def end(self) -> None:
        if self._at != len(self._bytes):
            raise Malformed(f"{len(self._bytes) - self._at} bytes are left over")


def decode(data: bytes, read: Callable[[Reader], T], limit: int) -> T:
    """One value that uses every byte."""
    if len(data) > limit:
        raise Malformed(f"{len(data)} bytes are more than the limit of {limit}")
    reader = Reader(data)
    value = read(reader)
    reader.end()
    return value


def u16(value: int) -> bytes:
    return struct.pack("<H", value)


def u32(value: int) -> bytes:
    return struct.pack("<I", value)


def u64(value: int) -> bytes:
    if not 0 <= value < 1 << 64:
        raise ValueError(f"{value} does not fit into 64 bits")
    return struct.pack("<Q", value)


def var(value: bytes) -> bytes:
    """Bytes with their count."""
    return u32(len(value)) + value


def option(value: T | None, write: Callable[[T], bytes]) -> bytes:
    return b"\0" if value is None else b"\1" + write(value)


def many(values: list[T], write: Callable[[T], bytes]) -> bytes:
    return u32(len(values)) + b"".join(map(write, values))
