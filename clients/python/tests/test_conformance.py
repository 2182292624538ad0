"""The steps of `clients/conformance`, against a devnet."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from devnet import devnet
from lockstep_client import Client, Key, LockstepError, NotCommitted, Receipt, Signed
from lockstep_client.hashes import from_hex, to_hex
from lockstep_client.nouns import (
    Action,
    Call,
    DeclareReady,
    Delete,
    Put,
    Transfer,
    UpdateValidator,
)

FOLDER = Path(__file__).resolve().parents[2] / "conformance"
NAMES = ("alice", "bob", "carol", "dave")

SIGNED = ("transfer", "put", "delete", "update_validator", "declare_ready", "call")

Step = dict[str, Any]


class Runner:
    def __init__(self, url: str) -> None:
        self.client = Client(url)
        self.keys = {name: Key.devnet(name) for name in NAMES}
        self.signed: dict[str, Signed] = {}

    def take(self, step: Step) -> None:
        """One step; what it gives is what it has to be."""
        expected = step["expect"]
        try:
            got = self.call(step)
        except LockstepError as error:
            got = {"code": error.code}
            got["has_receipt"] = isinstance(error, NotCommitted) and error.receipt is not None
        if expected is None:
            assert got is None, step
            return
        if not expected:
            return
        assert got is not None, step
        for field, value in expected.items():
            assert got.get(field) == value, (field, step, got)

    def call(self, step: Step) -> Any:
        do = step["do"]
        if do in SIGNED:
            return self.sign(step)
        calls: dict[str, Callable[[Step], Any]] = {
            "chain": lambda _: vars(self.client.chain()),
            "account": self.account,
            "send": lambda s: {"status": self.client.send(self.signed[s["what"]])},
            "send_and_wait": self.send_and_wait,
            "send_bytes": self.send_bytes,
            "receipt": self.receipt,
            "record": self.record,
            "applications": self.applications,
            "application_state": self.application_state,
            "query": self.query,
            "verified_application_state": self.verified_application_state,
            "verified_account": self.verified_account,
            "verified_record": self.verified_record,
            "new_heads": self.new_heads,
            "rpc": lambda s: self.client._transport.rpc(s["method"], s["params"]),
        }
        return calls[do](step)

    def address(self, name: str) -> str:
        return self.keys[name].address if name in self.keys else name

    def sign(self, step: Step) -> Any:
        terms = {name: int(step[name]) for name in ("nonce", "fee", "expires_at") if name in step}
        signed = self.client.sign(self.keys[step["key"]], self.action(step), **terms)
        self.signed[step["as"]] = signed
        return {"payload": to_hex(signed.transaction.payload()), "id": signed.id}

    def action(self, step: Step) -> Action:
        do = step["do"]
        if do == "transfer":
            to = from_hex(self.address(step["to"]))
            return Transfer(to, int(step["amount"]), step["memo"])
        if do == "put":
            return Put(from_hex(step["record"]), from_hex(step["value"]))
        if do == "delete":
            return Delete(from_hex(step["record"]))
        if do == "update_validator":
            return UpdateValidator(self.keys[step["public_key"]].public_key, int(step["power"]))
        if do == "call":
            return Call(step["application"], from_hex(step["data"]))
        return DeclareReady()

    def account(self, step: Step) -> Any:
        account = self.client.account(self.address(step["of"]))
        return {**vars(account), "balance": str(account.balance)}

    def send_and_wait(self, step: Step) -> Any:
        signed = self.signed[step["what"]]
        receipt = self.client.send_and_wait(signed)
        assert to_hex(receipt.transaction) == signed.id
        return shown(receipt)

    def send_bytes(self, step: Step) -> Any:
        some = next(iter(self.signed.values())).transaction
        return self.client.send(Signed(some, from_hex(step["bytes"])))

    def receipt(self, step: Step) -> Any:
        receipt = self.client.receipt(step.get("id") or self.signed[step["what"]].id)
        return receipt and shown(receipt)

    def record(self, step: Step) -> Any:
        record = self.client.record(self.address(step["of"]), from_hex(step["key"]))
        return record and {"value": to_hex(record.value)}

    def applications(self, _: Step) -> Any:
        return {"names": [application.name for application in self.client.applications()]}

    def application_state(self, step: Step) -> Any:
        key = from_hex(step["key"])
        return shown_value(self.client.application_state(step["application"], key))

    def query(self, step: Step) -> Any:
        data = from_hex(step["data"])
        return shown_value(self.client.query(step["application"], step["path"], data).value)

    def verified_application_state(self, step: Step) -> Any:
        light = self.client.light(self.checkpoint(step["trusted_height"]))
        name, key = step["application"], from_hex(step["key"])
        return shown_value(self.client.verified_application_state(light, name, key))

    def checkpoint(self, height: int) -> str:
        header = next(iter(self.client.new_heads(height)))
        return f"{to_hex(header.id)}@{height}"

    def verified_account(self, step: Step) -> Any:
        light = self.client.light(self.checkpoint(step["trusted_height"]))
        account = self.client.verified_account(light, self.address(step["of"]))
        return account and {"balance": str(account.balance), "nonce": account.nonce}

    def verified_record(self, step: Step) -> Any:
        light = self.client.light(self.checkpoint(step["trusted_height"]))
        owner = self.address(step["of"])
        record = self.client.verified_record(light, owner, from_hex(step["key"]))
        return record and {"value": to_hex(record.value)}

    def new_heads(self, step: Step) -> Any:
        heads = self.client.new_heads(step["from"])
        heights = [header.height for header in islice(heads, step["count"])]
        heads.close()
        return {"heights": heights}


def shown(receipt: Receipt) -> Step:
    return {
        "fee": str(receipt.fee),
        "bytes": receipt.size,
        "code": receipt.code,
        "application_code": receipt.application_code,
        "events": [[event.name, to_hex(event.data)] for event in receipt.events],
    }


def shown_value(value: bytes | None) -> Step:
    return {"value": None if value is None else to_hex(value)}


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.json")), ids=lambda file: file.stem)
def test_each_step_gives_what_it_has_to_give(file: Path) -> None:
    plan = json.loads(file.read_text())
    with devnet(*plan["devnet"]) as url:
        runner = Runner(url)
        for step in plan["steps"]:
            runner.take(step)
