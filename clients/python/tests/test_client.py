"""The client against a devnet, through a proxy that breaks connections, and against one that lies."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing
from itertools import islice
from pathlib import Path

import pytest
from devnet import devnet
from lockstep_client import (
    AsyncClient,
    Client,
    Key,
    KnownAccount,
    LockstepError,
    Refused,
    Signed,
    State,
    TimedOut,
    Unreachable,
    verdict,
)
from proxy import liar, proxy

README = Path(__file__).resolve().parents[1] / "README.md"
SCHEME = ("--scheme", "ml-dsa-65")


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    with devnet(*SCHEME, "--block-time", "100ms") as url:
        yield url


def test_the_first_transfer_of_the_readme_runs_as_it_is_written(node: str) -> None:
    block = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert block is not None
    program = block[1]
    assert len(program.strip().splitlines()) <= 10
    assert "http://127.0.0.1:8545" in program
    program = program.replace("http://127.0.0.1:8545", node)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert re.search(r"block \d+.*5000000", run.stdout, re.DOTALL), run.stdout


def test_a_transaction_whose_answer_is_lost_is_sent_again_and_executed_once(node: str) -> None:
    new = Key.generate()
    plain = Client(node)
    plain.send_and_wait(plain.transfer(Key.devnet("alice"), new.address, 1_000_000))
    with proxy(node) as broken:
        client = Client(broken.url)
        signed = client.transfer(new, Key.devnet("bob").address, 1_000)
        broken.break_all()
        broken.answers_to_lose = 2
        receipt = client.send_and_wait(signed)
    assert broken.answers_to_lose == 0
    assert plain.account(new.address).nonce == 1
    assert plain.balance(new.address) == 1_000_000 - 1_000 - receipt.fee
    # By another client, after all is over: the same transaction with the same end.
    assert plain.send_and_wait(signed) == receipt
    assert plain.account(new.address).nonce == 1


def test_headers_go_on_without_a_gap_where_the_connection_breaks(node: str) -> None:
    with proxy(node) as broken:
        heads = Client(broken.url).new_heads()
        heights = []
        for header in islice(heads, 20):
            heights.append(header.height)
            if len(heights) % 5 == 0:
                broken.break_all()
        heads.close()
        assert broken.connections >= 4
    assert heights == list(range(heights[0], heights[0] + 20))


def free_port() -> int:
    """The lowest of four in a row."""
    for _ in range(100):
        with socket.create_server(("127.0.0.1", 0)) as first:
            port: int = first.getsockname()[1]
        try:
            for other in range(port, port + 4):
                socket.create_server(("127.0.0.1", other)).close()
        except (OSError, OverflowError):
            continue
        return port
    raise AssertionError("no four ports in a row are free")


def test_headers_go_on_without_a_gap_where_the_node_begins_anew(tmp_path: Path) -> None:
    arguments = (*SCHEME, "--block-time", "100ms", "--home", str(tmp_path / "home"))
    ports = ("--rpc-port", str(free_port()))
    heights: list[int] = []
    with devnet(*arguments, *ports) as url:
        heads = Client(url).new_heads()
        source = iter(heads)
        heights += [header.height for header in islice(source, 5)]
    with devnet(*arguments, *ports):
        heights += [header.height for header in islice(source, 10)]
        heads.close()
    assert heights == list(range(heights[0], heights[0] + 15))


def test_headers_go_on_where_the_node_is_busy_or_away_as_a_gap_is_filled(node: str) -> None:
    with proxy(node) as broken:
        heads = Client(broken.url, timeout=2).new_heads(1)
        heights = []
        for header in islice(heads, 12):
            heights.append(header.height)
            broken.break_all()
            broken.answers_to_lose = 1
        heads.close()
    assert heights == list(range(1, 13))


def test_a_subscription_begins_where_it_is_told_and_closes_from_another_thread(node: str) -> None:
    client = Client(node)
    events = client.subscribe(("newBlocks",))
    first = next(iter(events))
    events.close()
    assert first.seq is not None
    again = client.subscribe(("newBlocks",), from_seq=first.seq)
    assert next(iter(again)) == first
    again.close()
    silent = client.subscribe(("receipts",), address="0x" + "01" * 20)
    threading.Timer(0.2, silent.close).start()
    assert list(silent) == []


def test_a_subscription_that_the_node_refuses_says_why(node: str) -> None:
    with pytest.raises(Refused) as refused:
        next(iter(Client(node).subscribe(("weather",))))
    assert refused.value.code == "malformed"


def test_the_receipts_of_an_address_are_told(node: str) -> None:
    client, new = Client(node), Key.generate()
    receipts = client.subscribe(("receipts",), address=new.address, from_seq=None)
    told: list[str] = []

    def listen() -> None:
        for event in receipts:
            told.append(event.data["transaction"])
            return

    listener = threading.Thread(target=listen)
    listener.start()
    # What comes before it listens is not told: until one is.
    while listener.is_alive():
        sent = client.transfer(Key.devnet("carol"), new.address, 1)
        client.send_and_wait(sent)
        listener.join(0.2)
    receipts.close()
    assert len(told) == 1


def test_a_node_that_is_away_is_said_to_be_and_the_wait_for_it_ends(node: str) -> None:
    signed = Client(node).transfer(Key.devnet("dave"), Key.generate().address, 1)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(Unreachable) as away:
        Client(url).chain()
    assert away.value.code == "unreachable"
    with pytest.raises(Unreachable):
        next(iter(Client(url).new_heads()))
    with pytest.raises(TimedOut) as late:
        Client(url).send_and_wait(signed, timeout=0.5)
    assert late.value.code == "timeout"
    assert Client(node).receipt(signed.id) is None
    assert Client(node).send_and_wait(signed).succeeded


def test_asyncio_calls_run_beside_each_other(node: str) -> None:
    async def run() -> list[int]:
        client = AsyncClient(node)
        people = [Key.generate() for _ in range(8)]
        dave = Key.devnet("dave")
        first = await client.nonce(dave.address)
        signed = [
            await client.transfer(dave, key.address, 7, nonce=first + at)
            for at, key in enumerate(people)
        ]
        receipts = await asyncio.gather(*map(client.send_and_wait, signed))
        assert all(receipt.succeeded for receipt in receipts)
        return list(await asyncio.gather(*(client.balance(key.address) for key in people)))

    assert asyncio.run(run()) == [7] * 8


def test_asyncio_subscriptions_keep_no_call_from_its_turn(node: str) -> None:
    async def run() -> list[int]:
        client = AsyncClient(node, calls_max=1)
        quiet = [client.subscribe(("receipts",), address="0x" + "01" * 20) for _ in range(12)]
        waiting = [asyncio.ensure_future(anext(events)) for events in quiet]
        await asyncio.sleep(0.2)
        heights = await asyncio.gather(*(client.chain() for _ in range(8)))
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return [chain.height for chain in heights]

    assert len(asyncio.run(run())) == 8


def test_an_asyncio_subscription_ends_where_its_task_is_cancelled(node: str) -> None:
    async def run() -> list[int]:
        client = AsyncClient(node)
        async with aclosing(client.new_heads()) as heads:
            heights = [(await anext(heads)).height for _ in range(3)]
        quiet = client.subscribe(("receipts",), address="0x" + "01" * 20)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(anext(quiet), 0.2)
        return heights

    first, second, third = asyncio.run(run())
    assert (second, third) == (first + 1, first + 2)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", "unreachable"),
        (b"no HTTP\r\n\r\n", "unreachable"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "unreachable"),
        (HEAD + b"\r\nno JSON", "malformed_answer"),
        (HEAD + b"\r\n[]", "malformed_answer"),
        (HEAD + b"\r\n{}", "malformed_answer"),
        (HEAD + b"\r\n" + b"[" * 100_000, "malformed_answer"),
        (HEAD + b"\r\n" + b" " * (8 * 1024 * 1024 + 1), "answer_too_large"),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "http_500"),
        (b"HTTP/1.1 404 No\r\n\r\n" + b'{"code": "pruned", "message": "gone"}', "pruned"),
    ],
    ids=lambda value: repr(value[:40]),
)
def test_an_answer_that_no_node_gives_is_an_error_with_a_code(answer: bytes, code: str) -> None:
    with liar(answer) as url, pytest.raises(LockstepError) as error:
        Client(url, timeout=5).chain()
    assert error.value.code == code


def test_an_event_without_an_end_fills_no_memory() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    with liar(head + b"data: " + b"x" * 10_000_000) as url:
        events = Client(url).subscribe()
        threading.Timer(0.5, events.close).start()
        began = time.monotonic()
        assert list(events) == []
        assert time.monotonic() > began


def test_a_node_says_of_changed_bytes_what_this_client_says(node: str) -> None:
    """The verdicts of the vectors by a real node, through `POST /transactions`."""
    client, sender = Client(node), Key.generate()
    client.send_and_wait(client.transfer(Key.devnet("dave"), sender.address, 1_000_000))
    client.send_and_wait(client.transfer(sender, Key.devnet("bob").address, 1))
    account = client.account(sender.address)
    signed = client.transfer(sender, Key.devnet("bob").address, 2, "für Miete", expires_at=1_000)
    known = KnownAccount(account.balance, account.nonce, sender.public_key)
    chain = client.chain()
    state = State(
        chain.context, chain.height + 1, chain.fee_per_byte, {sender.address_bytes: known}
    )
    said = set()
    for at in [*range(130), *range(130, len(signed.data), 200)]:
        changed = bytearray(signed.data)
        changed[at] ^= 1
        expected = verdict(state, bytes(changed))
        with pytest.raises(Refused) as refused:
            client.send(Signed(signed.transaction, bytes(changed)))
        assert refused.value.code == expected, at
        said.add(expected)
    assert len(said) >= 8, said
    assert client.send_and_wait(signed).succeeded
