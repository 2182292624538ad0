"""Client of Lockstep: keys, transactions, proofs and a light client, in plain Python and asyncio."""

from .aio import AsyncClient
from .client import Account, Chain, Client, Signed
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
from .nouns import Body, Context, Header, Receipt, Transaction
from .subscriptions import Event
from .verdict import KnownAccount, State, verdict

__all__ = [
    "Account",
    "AsyncClient",
    "Body",
    "Busy",
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
