"""Reads envelopes in hex, a line each, and says of each what a node says: "accepted" or the stable word
of the refusal, by the state in ``mutated.json``. For comparison with the other implementations:

    verdicts mutate 1 100000 > changed && verdicts < changed > rust
    python tests/verdicts.py < changed > python && cmp rust python

(``verdicts`` is the example of that name in ``protocol``.)
"""

from __future__ import annotations

import sys

from lockstep_client import verdict
from vectors import load, state_of


def main() -> None:
    state = state_of(load("mutated"))
    for line in sys.stdin:
        print(verdict(state, bytes.fromhex(line.strip().removeprefix("0x"))))


if __name__ == "__main__":
    main()
