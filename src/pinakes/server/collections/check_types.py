"""What checks are made of and answered with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pinakes.server.actor import Actor
from pinakes.server.collections.types import Collection
from pinakes.server.db import Tx


@dataclass(frozen=True, slots=True)
class Check:
    """A rule that a collection is held against; one that `blocks` refuses changes, another is told of on demand."""

    id: int
    collection_id: int
    kind: str
    params: dict[str, object]
    blocks: bool
    created_by: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Violation:
    """What is against a check: an item, or (None) the collection as a whole, and why."""

    item_id: int | None
    why: str


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found: how much is against it, and the first hundred."""

    check: Check
    count: int
    violations: list[Violation]

    @property
    def passed(self) -> bool:
        """Tell whether nothing is against it."""
        return self.count == 0


@dataclass(frozen=True, slots=True)
class Violations:
    """What an evaluation found among some items: how many are against the check, and the first of them in order."""

    count: int = 0
    first: list[Violation] = field(default_factory=list[Violation])


@dataclass(frozen=True, slots=True)
class Subject:
    """What is evaluated.

    Attributes:
        entry_count: How many entries the collection has, after the change where there is one.
        delta: By how many the change made it more or fewer; None where the collection is looked at as it is.
    """

    collection_id: int
    entry_count: int
    delta: int | None = None


# Checks what somebody gave as a check's parameters, and returns them as they are kept.
CheckParams = Callable[[Tx, Actor, Collection, Mapping[str, object]], Awaitable[dict[str, object]]]
# Looks for what is against a check among some items of a collection, which come in pieces, in the collection's order.
Evaluate = Callable[[Tx, Subject, Mapping[str, object], Sequence[int]], Awaitable[Violations]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of check: what its parameters may be, and how it is evaluated.

    Attributes:
        whole: It is about the collection as a whole: evaluated once, without items.
    """

    name: str
    check_params: CheckParams
    evaluate: Evaluate
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Other:
    """The collection that another shall share nothing with."""

    id: int
    revision: int


@dataclass(frozen=True, slots=True)
class Against:
    """An item that is against a check, what it clashes with where there is such, and how many there are in all."""

    item_id: int
    clashes_with: int | None
    total: int
