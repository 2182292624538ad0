"""Every vector, both ways: from the fields to the bytes, and from the bytes to the verdict."""

from __future__ import annotations

from typing import Any

import pytest
from lockstep_client import Key, LightError, LockstepError, codec, verdict
from lockstep_client.codec import Reader, decode
from lockstep_client.crypto import verify
from lockstep_client.hashes import address_of, from_hex, hash_of, sha256, to_hex
from lockstep_client.light import Checkpoint, LightClient
from lockstep_client.nouns import (
    Action,
    Body,
    Call,
    Certificate,
    DeclareReady,
    Delete,
    Header,
    LightBlock,
    Put,
    Transaction,
    Transfer,
    UpdateValidator,
    Validator,
)
from lockstep_client.proofs import (
    EMPTY_NODE,
    AccountProof,
    AccountState,
    ApplicationProof,
    ReceiptProof,
    RecordProof,
    RecordState,
    TransactionProof,
    account_key,
    application_key,
    merkle_root,
    record_key,
)
from lockstep_client.receipts import CallEvent, Receipt
from lockstep_client.subscriptions import header_of
from lockstep_client.validators import ValidatorSet, verify_certificate
from vectors import context_of, load, state_of

Vector = dict[str, Any]


def named(file: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", load(file)["vectors"], ids=lambda v: v["name"])


@named("keys")
def test_a_seed_gives_its_key_and_its_address(vector: Vector) -> None:
    key = Key.from_seed(vector["seed"])
    assert to_hex(key.public_key) == vector["public_key"]
    assert key.address == vector["address"]
    assert key.address_text == vector["address_text"]
    assert address_of(vector["address_text"]) == address_of(vector["address"])


def action_of(said: Vector) -> Action:
    kind = said["kind"]
    if kind == "transfer":
        return Transfer(from_hex(said["to"]), int(said["amount"]), said["memo"])
    if kind == "put":
        return Put(from_hex(said["key"]), from_hex(said["value"]))
    if kind == "delete":
        return Delete(from_hex(said["key"]))
    if kind == "update_validator":
        return UpdateValidator(from_hex(said["public_key"]), int(said["power"]))
    if kind == "call":
        return Call(said["application"], from_hex(said["data"]))
    assert kind == "declare_ready"
    return DeclareReady()


@named("transactions")
def test_a_transaction_has_its_bytes_and_its_id(vector: Vector) -> None:
    context = context_of(load("transactions")["chain"])
    fields = vector["fields"]
    body = Body(
        fields["nonce"], int(fields["fee"]), fields["expires_at"], action_of(fields["action"])
    )
    key = Key.from_seed(vector["signer_seed"])
    ours = key.sign(context, body)
    assert to_hex(ours.payload()) == vector["payload"]
    assert to_hex(ours.sign_bytes(context)) == vector["sign_bytes"]
    assert to_hex(ours.id) == vector["id"]
    assert verify(key.public_key, ours.sign_bytes(context), ours.signature)
    # This library signs with randomness: with the vector's signature the bytes are the vector's.
    theirs = Transaction(ours.sender, body, ours.public_key, from_hex(vector["signature"]))
    assert to_hex(theirs.seal(context)) == vector["signed"]
    assert to_hex(theirs.leaf) == vector["leaf"]
    assert len(theirs.encode()) == vector["bytes"] == key.bytes_of(body.nonce, body.action)
    assert Transaction.open(from_hex(vector["signed"]), context) == theirs
    assert verify(key.public_key, theirs.sign_bytes(context), theirs.signature)


def test_every_transaction_with_a_byte_changed_has_its_verdict() -> None:
    file = load("mutated")
    state = state_of(file)
    bases = {base["name"]: from_hex(base["bytes"]) for base in file["bases"]}
    assert all(verdict(state, base) == "accepted" for base in bases.values())
    assert len(file["vectors"]) > 500
    for vector in file["vectors"]:
        if "bytes" in vector:
            data = from_hex(vector["bytes"])
        else:
            changed = bytearray(bases[vector["base"]])
            changed[vector["at"]] = vector["byte"]
            data = bytes(changed)
        assert verdict(state, data) == vector["verdict"], vector["name"]


@named("blocks")
def test_a_header_has_its_bytes_its_id_and_its_roots(vector: Vector) -> None:
    header = header_of(vector)
    assert to_hex(header.encode()) == vector["header_bytes"]
    leaves = [hash_of(leaf) for leaf in vector["transaction_leaves"]]
    assert merkle_root(leaves) == header.transactions_root
    receipts = [hash_of(receipt["leaf"]) for receipt in vector["receipts"]]
    assert merkle_root(receipts) == header.receipts_root
    for receipt in vector["receipts"]:
        data = from_hex(receipt["bytes"])
        ours = decode(data, Receipt.read, 10_000)
        assert ours.encode() == data
        assert to_hex(ours.leaf) == receipt["leaf"]
        said = receipt["receipt"]
        assert ours.code == said.get("code")
        assert ours.application_code == said.get("application_code")
        told = [CallEvent(event["name"], from_hex(event["data"])) for event in said["events"]]
        assert list(ours.events) == told
    assert set_of(vector["validators"]).hash == header.validators_hash
    last = vector["last_commit"]
    hash_ = bytes(32) if last is None else Certificate.decode(from_hex(last)).hash
    assert hash_ == header.last_commit_hash


def set_of(validators: list[Vector]) -> ValidatorSet:
    made = ValidatorSet((from_hex(v["public_key"]), int(v["power"])) for v in validators)
    assert [to_hex(v.address) for v in made.validators] == [v["address"] for v in validators]
    return made


@named("certificates")
def test_a_certificate_has_its_verdict(vector: Vector) -> None:
    file = load("certificates")
    named = file["validator_sets"][vector["validators"]]
    validators = set_of(named["validators"])
    assert to_hex(validators.hash) == named["hash"]
    assert certified(vector, validators, file) == vector["verdict"]


def certified(vector: Vector, validators: ValidatorSet, file: Vector) -> str:
    data = from_hex(vector["bytes"])
    try:
        certificate = Certificate.decode(data)
        assert certificate.encode() == data
        assert to_hex(certificate.hash) == vector["hash"]
        verify_certificate(certificate, validators, context_of(file["chain"]))
    except LockstepError as error:
        return error.code
    return "accepted"


@named("proofs")
def test_a_proof_has_its_verdict(vector: Vector) -> None:
    root, data = hash_of(vector["root"]), from_hex(vector["proof"])
    try:
        holds, value = proved(vector, root, data)
    except LockstepError as error:
        assert error.code == vector["verdict"]
        return
    assert ("accepted" if holds else "proof") == vector["verdict"]
    if holds:
        assert value == vector["value"]


def proved(vector: Vector, root: bytes, data: bytes) -> tuple[bool, Any]:
    kind = vector["kind"]
    if kind == "account":
        account = AccountProof.decode(data)
        return account.holds(root, address_of(vector["address"])), shown_account(account.account)
    if kind == "record":
        record = RecordProof.decode(data)
        owner, key = address_of(vector["address"]), from_hex(vector["key"])
        return record.holds(root, owner, key), shown_record(record.record)
    if kind == "application":
        claim = ApplicationProof.decode(data)
        holds = claim.holds(root, vector["application"], from_hex(vector["key"]))
        return holds, shown_value(claim.value)
    if kind == "transaction":
        return TransactionProof.decode(data).holds(root, hash_of(vector["id"])), True
    receipt = ReceiptProof.decode(data)
    holds = receipt.holds(root, hash_of(vector["id"]))
    said = vector["value"]
    # The sentence for people is no part of what is proved.
    if holds:
        assert (said["fee"], said["bytes"]) == (str(receipt.receipt.fee), receipt.receipt.size)
        assert said.get("code") == receipt.receipt.code
    return holds, said


def shown_account(account: AccountState | None) -> Any:
    return account and {"balance": str(account.balance), "nonce": account.nonce}


def shown_record(record: RecordState | None) -> Any:
    return record and {"value": to_hex(record.value), "height": record.height}


def shown_value(value: bytes | None) -> Any:
    return None if value is None else to_hex(value)


def test_a_list_has_its_root() -> None:
    for made in load("proofs")["lists"]:
        assert to_hex(merkle_root([hash_of(leaf) for leaf in made["leaves"]])) == made["root"]


@named("light")
def test_a_light_client_ends_as_it_has_to(vector: Vector) -> None:
    file = load("light")
    asked: list[int] = []
    value: list[Any] = []
    try:
        walk(vector, file, asked, value)
        end = "accepted"
    except LockstepError as error:
        end = error.code
    assert end == vector["verdict"]
    if "goal" in vector:
        assert asked == vector["goal"]["asked"]
    if value:
        assert value[0] == vector["value"]


def walk(vector: Vector, file: Vector, asked: list[int], value: list[Any]) -> None:
    ours = context_of(file["chain"])
    now = vector["now_ms"]

    def shown(name: str) -> LightBlock:
        data = from_hex(file["light_blocks"][name])
        block = LightBlock.open(data, ours)
        assert ours.seal(block.encode()) == data
        return block

    trusted = Checkpoint(vector["trusted"]["height"], hash_of(vector["trusted"]["id"]))
    context = context_of(vector["chain"] if "chain" in vector else file["chain"])
    light = LightClient(context, trusted, shown(vector["start"]), now)
    if "trusted_max_ms" in vector:
        light.no_older_than(vector["trusted_max_ms"], "trusted_too_old", now)
    for step in vector["advance"]:
        before = light.trusted
        try:
            light.advance(step["asked"], shown(step["shown"]), now)
        except LightError:
            assert light.trusted is before, "it keeps what it has"
            raise
    if "goal" in vector:

        def show(height: int) -> LightBlock:
            asked.append(height)
            return shown(f"height {height}")

        light.follow(vector["goal"]["height"], show, now)
    if "shown_max_ms" in vector:
        light.no_older_than(vector["shown_max_ms"], "stale", now)
    if "account" in vector:
        said = vector["account"]
        proved_account = light.open_account(from_hex(said["proved"]))
        value.append(shown_account(light.account(address_of(said["address"]), *proved_account)))
    if "record" in vector:
        said = vector["record"]
        proved_record = light.open_record(from_hex(said["proved"]))
        owner, key = address_of(said["address"]), from_hex(said["key"])
        value.append(shown_record(light.record(owner, key, *proved_record)))
    if "application" in vector:
        said = vector["application"]
        proved_value = light.open_application_state(from_hex(said["proved"]))
        name, key = said["name"], from_hex(said["key"])
        value.append(shown_value(light.application_state(name, key, *proved_value)))


def test_a_header_reads_back() -> None:
    for vector in load("blocks")["vectors"]:
        data = from_hex(vector["header_bytes"])
        assert decode(data, Header.read, 1_000).encode() == data


def change(data: bytes, vector: Vector) -> bytes:
    """With the byte that a vector of ``changed`` names."""
    changed = bytearray(data)
    changed[vector["at"]] = vector["byte"]
    return bytes(changed)


def test_a_certificate_with_a_byte_changed_has_its_verdict() -> None:
    file = load("certificates")
    bases = {vector["name"]: vector for vector in file["vectors"]}
    assert len(file["changed"]) > 80
    for vector in file["changed"]:
        base = bases[vector["base"]]
        validators = set_of(file["validator_sets"][base["validators"]]["validators"])
        data = change(from_hex(base["bytes"]), vector)
        try:
            verify_certificate(Certificate.decode(data), validators, context_of(file["chain"]))
            code = "accepted"
        except LockstepError as error:
            code = error.code
        assert code == vector["verdict"], vector


def test_a_proof_with_a_byte_changed_has_its_verdict() -> None:
    file = load("proofs")
    bases = {vector["name"]: vector for vector in file["vectors"]}
    assert len(file["changed"]) > 300
    for vector in file["changed"]:
        base = bases[vector["base"]]
        try:
            data = change(from_hex(base["proof"]), vector)
            holds = holds_for(base, hash_of(base["root"]), data)
            code = "accepted" if holds else "proof"
        except LockstepError as error:
            code = error.code
        assert code == vector["verdict"] != "accepted", vector


def holds_for(base: Vector, root: bytes, data: bytes) -> bool:
    kind = base["kind"]
    if kind == "account":
        return AccountProof.decode(data).holds(root, address_of(base["address"]))
    if kind == "record":
        owner, key = address_of(base["address"]), from_hex(base["key"])
        return RecordProof.decode(data).holds(root, owner, key)
    if kind == "application":
        key = from_hex(base["key"])
        return ApplicationProof.decode(data).holds(root, base["application"], key)
    if kind == "transaction":
        return TransactionProof.decode(data).holds(root, hash_of(base["id"]))
    return ReceiptProof.decode(data).holds(root, hash_of(base["id"]))


def test_a_light_block_with_a_byte_changed_has_its_verdict() -> None:
    file = load("light")
    first = file["vectors"][0]
    context = context_of(file["chain"])
    trusted = Checkpoint(first["trusted"]["height"], hash_of(first["trusted"]["id"]))
    start = LightBlock.open(from_hex(file["light_blocks"][first["start"]]), context)
    light = LightClient(context, trusted, start, first["now_ms"])
    begin = light.trusted
    assert len(file["changed"]) > 200
    for vector in file["changed"]:
        data = change(from_hex(file["light_blocks"][vector["base"]]), vector)
        light.trusted = begin
        try:
            light.advance(4, LightBlock.open(data, context), first["now_ms"])
            code = "accepted"
        except LockstepError as error:
            code = error.code
        assert code == vector["verdict"], vector


def state_root(values: dict[bytes, bytes], depth: int = 0) -> bytes:
    """As `docs/protocol.md` says: it depends on the map alone."""
    if not values:
        return EMPTY_NODE
    if len(values) == 1:
        ((key, value),) = values.items()
        return sha256(b"JMT::LeafNode", key, sha256(value))
    halves: tuple[dict[bytes, bytes], dict[bytes, bytes]] = ({}, {})
    for key, value in values.items():
        halves[key[depth // 8] >> (7 - depth % 8) & 1][key] = value
    left, right = (state_root(half, depth + 1) for half in halves)
    return sha256(b"JMT::IntrnalNode", left, right)


def test_the_whole_state_has_the_root_in_the_header() -> None:
    """The state after block 2: a record was put and deleted before."""
    values = {}
    for address, account in state_of(load("mutated")).accounts.items():
        values[account_key(address)] = AccountState(account.balance, account.nonce).encode()
        if account.public_key is not None:
            values[sha256(b"key/", address)] = account.public_key
    alice = Key.devnet("alice").address_bytes
    values[record_key(alice, b"deed/1")] = RecordState(b"a house", 1).encode()
    values[application_key("notes", b"first")] = b"hello"
    values[application_key("notes", b"milk")] = b"2"
    second = load("blocks")["vectors"][1]
    founders = set_of(second["validators"]).validators
    record = codec.u64(1) + b"\0" + codec.many(list(founders), Validator.encode)
    values[sha256(b"validators/set/", (1).to_bytes(8, "big"))] = record
    values[sha256(b"validators/newest")] = codec.u64(1)
    assert to_hex(state_root(values)) == second["header"]["state_root"]


def encode_application(application: tuple[str, int, bytes]) -> bytes:
    name, version, state = application
    return codec.var(name.encode()) + codec.u32(version) + codec.var(state)


def test_the_genesis_has_its_hash_and_a_whole_block_its_bytes() -> None:
    file = load("blocks")
    said = file["genesis"]
    founders = [(from_hex(v["public_key"]), int(v["power"])) for v in said["validators"]]
    accounts = [(from_hex(a["address"]), int(a["balance"])) for a in said["accounts"]]
    applications = [(a["name"], a["version"], from_hex(a["state"])) for a in said["applications"]]
    data = (
        codec.u64(said["chain_id"])
        + b"\1"
        + codec.u64(said["time"])
        + codec.u64(said["fee_per_byte"])
        + codec.many(founders, lambda founder: codec.var(founder[0]) + codec.u64(founder[1]))
        + codec.many(accounts, lambda account: account[0] + codec.u64(account[1]))
        + codec.many(applications, encode_application)
    )
    assert to_hex(data) == said["bytes"]
    assert to_hex(sha256(b"lockstep/genesis/v1", data)) == said["hash"]
    assert said["hash"] == file["chain"]["genesis_hash"]
    for vector in file["vectors"]:
        header, transactions, last = decode(from_hex(vector["block"]), read_block, 1 << 20)
        assert to_hex(header.id) == vector["id"]
        assert [to_hex(each.leaf) for each in transactions] == vector["transaction_leaves"]
        assert (None if last is None else to_hex(last.encode())) == vector["last_commit"]


def read_block(reader: Reader) -> tuple[Header, list[Transaction], Certificate | None]:
    header = Header.read(reader)
    transactions = reader.list(lambda: Transaction.read(reader))
    assert reader.u32() == 0, "no evidence"
    return header, transactions, reader.option(lambda: Certificate.read(reader))
