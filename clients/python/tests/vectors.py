"""The vectors that all implementations share: `tests/vectors/protocol` of the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lockstep_client.hashes import from_hex, hash_of
from lockstep_client.nouns import Context
from lockstep_client.verdict import KnownAccount, State

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "tests/vectors/protocol"


def load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return loaded


def context_of(chain: dict[str, Any]) -> Context:
    return Context(chain["chain_id"], hash_of(chain["genesis_hash"]))


def state_of(file: dict[str, Any]) -> State:
    """The state that the verdicts of ``mutated.json`` depend on."""
    said = file["state"]
    accounts = {}
    for account in said["accounts"]:
        key = account["public_key"]
        accounts[from_hex(account["address"])] = KnownAccount(
            int(account["balance"]), account["nonce"], None if key is None else from_hex(key)
        )
    # That of the vectors' chain takes name=value.
    applications = {"notes": lambda data: b"=" in data}
    context = context_of(file["chain"])
    return State(context, said["height"], said["fee_per_byte"], accounts, applications)
