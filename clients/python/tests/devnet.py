"""A devnet of the binary that ``LOCKSTEP_BINARY`` names."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import pytest

_URL = re.compile(r"http://127\.0\.0\.1:\d+")


@contextmanager
def devnet(*arguments: str) -> Iterator[str]:
    """The URL of its first node."""
    binary = os.environ.get("LOCKSTEP_BINARY")
    if binary is None:
        if os.environ.get("LOCKSTEP_CLIENTS") == "required":
            pytest.fail("LOCKSTEP_BINARY names no binary of lockstep")
        pytest.skip("LOCKSTEP_BINARY names no binary of lockstep")
    ports = [] if "--rpc-port" in arguments else ["--rpc-port", "0"]
    command = [binary, "devnet", "--plain", *ports, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = _url(process.stdout)
            # A full pipe would stop the devnet.
            threading.Thread(target=process.stdout.read, daemon=True).start()
            yield url
        finally:
            process.terminate()
            process.wait()


def _url(lines: IO[str]) -> str:
    for line in lines:
        if "node 0" in line and (found := _URL.search(line)) is not None:
            return found[0]
    raise AssertionError("the devnet has ended")
