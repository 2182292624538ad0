"""A proxy before a node that breaks connections, and a server that answers what no node does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Proxy:
    """Passes on what both sides say until it is told to break all connections, or to swallow answers."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None and parts.port is not None
        self._node = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.answers_to_lose = 0
        self.connections = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                node = socket.create_connection(self._node)
                self.connections += 1
                self._open += [client, node]
                for pair in ((client, node, False), (node, client, True)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, to: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if is_answer and self.answers_to_lose > 0:
                    self.answers_to_lose -= 1
                    break
                to.sendall(data)
        close(source)
        close(to)

    def break_all(self) -> None:
        opened, self._open = self._open, []
        for each in opened:
            close(each)

    def close(self) -> None:
        self._listener.close()
        self.break_all()


def close(opened: socket.socket) -> None:
    with suppress(OSError):
        opened.shutdown(socket.SHUT_RDWR)
    opened.close()


@contextmanager
def proxy(url: str) -> Iterator[Proxy]:
    made = Proxy(url)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def liar(answer: bytes) -> Iterator[str]:
    """Says this to whoever asks, and closes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=tell, args=(client,), daemon=True).start()

    def tell(client: socket.socket) -> None:
        with suppress(OSError):
            client.recv(65_536)
            client.sendall(answer)
        close(client)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()
