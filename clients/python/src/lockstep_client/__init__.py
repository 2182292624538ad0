"""Client of Lockstep: keys, transactions, proofs and a light client, in plain Python and asyncio."""

from .aio import AsyncClient
from .answers import Account, Answered, Application, Chain, Signed
from .client import Client
from .errors import (
    Busy,
    LightError,
    LockstepError,
    Malformed,
    NotCommitted,
    Refused,
    TimedOut,
    Unreachable,
    UnsupportedScheme,
)
from .keys import Key
from .light import Checkpoint, LightClient
from .nouns import Body, Context, Header, Transaction
from .receipts import CallEvent, Receipt
from .subscriptions import Event
from .verdict import KnownAccount, State, verdict

__all__ = [
    "Account",
    "Answered",
    "Application",
    "AsyncClient",
    "Body",
    "Busy",
    "CallEvent",
    "Chain",
    "Checkpoint",
    "Client",
    "Context",
    "Event",
    "Header",
    "Key",
    "KnownAccount",
    "LightClient",
    "LightError",
    "LockstepError",
    "Malformed",
    "NotCommitted",
    "Receipt",
    "Refused",
    "Signed",
    "State",
    "TimedOut",
    "Transaction",
    "Unreachable",
    "UnsupportedScheme",
    "verdict",
]
