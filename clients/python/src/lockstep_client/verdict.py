"""What a node would say of the bytes of a transaction, with nothing else waiting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .crypto import is_degenerate, verify
from .errors import LockstepError
from .hashes import address_of_key, is_name
from .limits import (
    CALL_DATA_BYTES_MAX,
    EXPIRY_HEIGHTS_MAX,
    MEMO_BYTES_MAX,
    NONCES_AHEAD_MAX,
    PUBLIC_KEY_BYTES,
    RECORD_KEY_BYTES_MAX,
    RECORD_VALUE_BYTES_MAX,
    SIGNATURE_BYTES,
)
from .nouns import Action, Call, Context, Delete, Put, Transaction, Transfer

ACCEPTED = "accepted"


@dataclass(frozen=True)
class KnownAccount:
    """What the state holds of an address; nothing of one that is not known."""

    balance: int = 0
    nonce: int = 0
    public_key: bytes | None = None


@dataclass(frozen=True)
class State:
    """What a verdict depends on beside the bytes: the height of the next block, and the accounts."""

    context: Context
    height: int
    fee_per_byte: int
    accounts: dict[bytes, KnownAccount] = field(default_factory=dict)
    applications: dict[str, Callable[[bytes], bool]] = field(default_factory=dict)
    """Those of the chain: whether one takes these bytes for a call."""


def verdict(state: State, data: bytes) -> str:
    """"accepted", or the stable word of the refusal; in the order in which a node looks."""
    try:
        transaction = Transaction.open(data, state.context)
    except LockstepError as error:
        return error.code
    account = state.accounts.get(transaction.sender, KnownAccount())
    return (
        _form(state, transaction)
        or _place(account, transaction)
        or _signature(state, account, transaction)
        or ACCEPTED
    )


def _form(state: State, transaction: Transaction) -> str | None:
    body = transaction.body
    if (refusal := _action(state, body.action)) is not None:
        return refusal
    if body.fee < min(state.fee_per_byte * len(transaction.encode()), (1 << 64) - 1):
        return "underpriced"
    if body.expires_at < state.height:
        return "expired"
    if body.expires_at > state.height + EXPIRY_HEIGHTS_MAX:
        return "expiry_too_far"
    return None


def _action(state: State, action: Action) -> str | None:
    if isinstance(action, Call):
        return _call(state, action)
    if isinstance(action, Transfer) and len(action.memo.encode()) > MEMO_BYTES_MAX:
        return "memo_too_large"
    if isinstance(action, Put) and len(action.value) > RECORD_VALUE_BYTES_MAX:
        return "value_too_large"
    if isinstance(action, (Put, Delete)) and not 1 <= len(action.key) <= RECORD_KEY_BYTES_MAX:
        return "record_key_length"
    return None


def _call(state: State, call: Call) -> str | None:
    if not is_name(call.application):
        return "invalid_application_name"
    if (takes := state.applications.get(call.application)) is None:
        return "unknown_application"
    if len(call.data) > CALL_DATA_BYTES_MAX:
        return "call_too_large"
    return None if takes(call.data) else "call_refused"


def _place(account: KnownAccount, transaction: Transaction) -> str | None:
    body = transaction.body
    if body.nonce < account.nonce:
        return "nonce_too_low"
    if body.nonce >= account.nonce + NONCES_AHEAD_MAX:
        return "nonce_too_high"
    if body.fee > account.balance:
        return "unfunded"
    return None


def _signature(state: State, account: KnownAccount, transaction: Transaction) -> str | None:
    given, key = transaction.public_key, account.public_key
    if key is not None:
        if given is not None:
            return "key_on_record"
    elif given is None:
        return "unknown_key"
    elif transaction.body.nonce != 0:
        return "key_too_late"
    elif address_of_key(given) != transaction.sender:
        return "foreign_key"
    else:
        key = given
    if len(key) != PUBLIC_KEY_BYTES or is_degenerate(key):
        return "bad_key"
    signature = transaction.signature
    if len(signature) != SIGNATURE_BYTES:
        return "bad_signature"
    if not verify(key, transaction.sign_bytes(state.context), signature):
        return "bad_signature"
    return None
