"""Calls of applications and what is asked of them, without a node: by a transport that answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from lockstep_client import (
    Answered,
    Application,
    CallEvent,
    Checkpoint,
    Client,
    Context,
    Key,
    KnownAccount,
    LightClient,
    LightError,
    LockstepError,
    NotCommitted,
    Receipt,
    State,
    verdict,
)
from lockstep_client.codec import decode
from lockstep_client.hashes import from_hex, hash_of, to_hex
from lockstep_client.nouns import Body, Call, LightBlock, Transaction
from vectors import context_of, load

CONTEXT = Context(7, bytes([0x9E]) * 32)
ALICE = Key.devnet("alice")
STATUS = {
    "chain_id": 7,
    "genesis_hash": to_hex(CONTEXT.genesis_hash),
    "scheme": "ml-dsa-65",
    "protocol_version": 7,
    "parameters": {"fee_per_byte": 2},
    "height": 3,
}
ID = "0x" + "22" * 32
RECEIPT = {
    "transaction": ID,
    "status": "success",
    "fee": "6",
    "bytes": 3,
    "events": [],
    "height": 4,
    "block_id": "0x" + "33" * 32,
}


class Node:
    """Answers JSON-RPC by method and `GET` by path; what it was asked stands in `asked`."""

    def __init__(self, methods: dict[str, Any], paths: dict[str, bytes] | None = None) -> None:
        self.methods, self.paths = methods, paths or {}
        self.asked: list[Any] = []
        self.timeout = 1.0

    def rpc(self, method: str, params: list[Any], timeout: float | None = None) -> Any:
        self.asked.append((method, *params))
        return self.methods[method]

    def get_json(self, path: str) -> Any:
        assert path == "/status"
        return STATUS

    def get(self, path: str) -> bytes:
        self.asked.append(path)
        return self.paths[path]


def client_of(node: Node) -> Client:
    client = Client("http://127.0.0.1:9")
    vars(client)["_transport"] = node
    return client


def test_a_call_is_signed_for_the_least_fee_of_its_bytes_and_reads_back() -> None:
    signed = client_of(Node({})).call(ALICE, "notes", b"milk=2", nonce=0)
    back = Transaction.open(signed.data, CONTEXT)
    assert back == signed.transaction
    assert back.body.action == Call("notes", b"milk=2")
    assert back.body.fee == 2 * len(back.encode())


@pytest.mark.parametrize(
    ("application", "data", "expected"),
    [
        ("notes", b"milk=2", "accepted"),
        ("a" * 32, b"", "unknown_application"),
        ("a" * 33, b"", "invalid_application_name"),
        ("", b"", "invalid_application_name"),
        ("1notes", b"", "invalid_application_name"),
        ("-notes", b"", "invalid_application_name"),
        ("notes\n", b"", "invalid_application_name"),
        ("nötes", b"", "invalid_application_name"),
        ("nots", bytes(8_193), "unknown_application"),
        ("notes", bytes(8_193), "call_too_large"),
        ("notes", b"=" * 8_192, "accepted"),
        ("notes", b"milk", "call_refused"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_a_node_refuses_of_a_call_is_said_of_it_without_one(
    application: str, data: bytes, expected: str
) -> None:
    known = KnownAccount(1_000_000, 0, ALICE.public_key)
    accounts = {ALICE.address_bytes: known}
    state = State(CONTEXT, 3, 2, accounts, {"notes": lambda data: b"=" in data})
    action = Call(application, data)
    body = Body(1, 2 * ALICE.bytes_of(1, action), 9, action)
    sealed = ALICE.sign(CONTEXT, body).seal(CONTEXT)
    assert verdict(state, sealed) == expected
    if expected == "accepted":
        assert verdict(replace(state, applications={}), sealed) == "unknown_application"


def test_a_receipt_has_the_events_that_an_application_has_told() -> None:
    events = [{"name": "noted", "data": "0x6d696c6b"}]
    node = Node({"lockstep_getReceipt": {**RECEIPT, "events": events}})
    receipt = client_of(node).receipt(ID)
    assert receipt is not None
    assert receipt.events == (CallEvent("noted", b"milk"),)
    assert receipt.application_code is None
    assert decode(receipt.encode(), Receipt.read, 200).leaf == receipt.leaf
    silent = {name: value for name, value in RECEIPT.items() if name != "events"}
    with pytest.raises(LockstepError) as error:
        client_of(Node({"lockstep_getReceipt": silent})).receipt(ID)
    assert error.value.code == "malformed_answer"


def test_a_call_that_its_application_has_failed_says_so_with_the_number_of_the_application() -> None:
    signed = client_of(Node({})).call(ALICE, "notes", b"milk=?", nonce=0)

    def ended(**failure: Any) -> LockstepError:
        receipt = {**RECEIPT, "status": "failed", "sentence": "it failed", **failure}
        said = {"status": "failed", "receipt": receipt}
        with pytest.raises(LockstepError) as error:
            client_of(Node({"lockstep_sendTransactionAndWait": said})).send_and_wait(signed)
        return error.value

    failed = ended(code="application_failed", application_code=7)
    assert isinstance(failed, NotCommitted) and failed.receipt is not None
    assert (failed.code, failed.receipt.application_code) == ("application_failed", 7)
    assert decode(failed.receipt.encode(), Receipt.read, 200).application_code == 7
    exhausted = ended(code="work_exhausted")
    assert isinstance(exhausted, NotCommitted) and exhausted.receipt is not None
    assert (exhausted.code, exhausted.receipt.application_code) == ("work_exhausted", None)
    assert ended(code="application_failed").code == "malformed_answer"
    with pytest.raises(ValueError):
        replace(failed.receipt, application_code=None).encode()


def test_what_a_node_says_of_applications_is_read() -> None:
    node = Node(
        {
            "lockstep_getApplications": [{"name": "notes", "version": 1}],
            "lockstep_getApplicationState": {"height": 9, "value": "0x32"},
            "lockstep_query": {"height": 9, "value": "0x"},
        }
    )
    client = client_of(node)
    assert client.applications() == [Application("notes", 1)]
    assert client.application_state("notes", b"m") == b"2"
    assert client.query("notes", "a/b c", b"x") == Answered(b"", 9)
    assert client.query("notes", "all") == Answered(b"", 9)
    assert node.asked == [
        ("lockstep_getApplications",),
        ("lockstep_getApplicationState", "notes", "0x6d"),
        ("lockstep_query", "notes", "a/b c", "0x78"),
        ("lockstep_query", "notes", "all", "0x"),
    ]
    nothing = Node({"lockstep_getApplicationState": {"height": 9, "value": None}})
    assert client_of(nothing).application_state("notes", b"m") is None


@pytest.mark.parametrize("name", ["", "Notes", "..", "notes/../x", "notes\n", "n" * 33])
def test_nobody_is_asked_about_what_no_application_can_be_called(name: str) -> None:
    node = Node({})
    client = client_of(node)
    with pytest.raises(ValueError):
        client.application_state(name, b"m")
    with pytest.raises(ValueError):
        client.query(name, "all")
    assert node.asked == []


def test_a_value_is_proved_through_what_a_node_answers() -> None:
    file = load("light")
    context = context_of(file["chain"])
    cases = [vector for vector in file["vectors"] if "application" in vector]
    assert {case["verdict"] for case in cases} == {"accepted", "proof"}
    for case in cases:
        said = case["application"]
        start = LightBlock.open(from_hex(file["light_blocks"][case["start"]]), context)
        checkpoint = Checkpoint(case["trusted"]["height"], hash_of(case["trusted"]["id"]))
        light = LightClient(context, checkpoint, start, case["now_ms"])
        for step in case["advance"]:
            shown = LightBlock.open(from_hex(file["light_blocks"][step["shown"]]), context)
            light.advance(step["asked"], shown, case["now_ms"])
        path = f"/light/applications/{said['name']}/state/{said['key']}"
        client = client_of(Node({}, {path: from_hex(said["proved"])}))
        arguments = (light, said["name"], from_hex(said["key"]))
        if case["verdict"] == "proof":
            with pytest.raises(LightError) as error:
                client.verified_application_state(*arguments, head_max_ms=None)
            assert error.value.code == "proof"
            continue
        value = client.verified_application_state(*arguments, head_max_ms=None)
        assert (None if value is None else to_hex(value)) == case["value"]
