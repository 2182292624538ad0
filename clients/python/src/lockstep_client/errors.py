"""What can go wrong. Every error has a stable ``code``; the text is for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .receipts import Receipt


class LockstepError(Exception):
    """Something went wrong; ``code`` is one stable word for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message


class Malformed(LockstepError):
    """The bytes are no value of their kind."""

    def __init__(self, message: str) -> None:
        super().__init__("malformed", message)


class Refused(LockstepError):
    """The node has refused the call; ``code`` is the node's."""


class Busy(Refused):
    """The node has no room or no time just now: the same call may succeed in a moment."""


class Unreachable(LockstepError):
    """No answer came: the node is away, or the network between."""

    def __init__(self, message: str) -> None:
        super().__init__("unreachable", message)


class TimedOut(LockstepError):
    """The time is over. What was sent may still be committed: the same bytes may be sent again."""

    def __init__(self, message: str) -> None:
        super().__init__("timeout", message)


class UnsupportedScheme(LockstepError):
    """The chain signs with something else than ML-DSA-65."""

    def __init__(self, scheme: str) -> None:
        super().__init__(
            "unsupported_scheme",
            f"the chain signs with {scheme}, this client with ml-dsa-65 only: "
            "start one with lockstep devnet --scheme ml-dsa-65",
        )


class NotCommitted(LockstepError):
    """A transaction has ended, and not as it was meant: ``failed`` in a block, which has a receipt,
    or without a block (``expired``, ``replaced``, dropped)."""

    def __init__(self, code: str, message: str, receipt: Receipt | None = None) -> None:
        super().__init__(code, message)
        self.receipt = receipt


class LightError(LockstepError):
    """What was shown does not follow from what is trusted."""
