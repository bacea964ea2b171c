"""What a row of the comparison is."""

from dataclasses import dataclass
from typing import Callable


@dataclass(frozen=True)
class Target:
    ratio: float = 0  # to the best rival
    share: float = 0  # percent of the limit
    at_most: float = 0  # in the row's unit
    fall: float = 0  # percent that a depth may cost


@dataclass(frozen=True)
class Row:
    key: str
    title: str
    unit: str
    target: Target
    contestants: Callable  # (settings) -> those of Swiftlet, of which the first is compared, and the rivals
    limit: str = ""  # "read", "int8", "bf16", "f32": what the shares are of; empty: none
    lower_is_better: bool = False
    digits: int = 0  # after the point, in the tables
    runs: int = 3  # of one contestant in one round
    # What is found out by running something: lines, and whether the row counts.
    notes: Callable = lambda: ([], True)
