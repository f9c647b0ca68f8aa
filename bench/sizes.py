"""How much of everything there is: for the real run, for one with a collection of ten million, for the smoke test."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """What is loaded, how long each workload is driven, and how often the sides take turns."""

    items: int
    owners: int
    collections: int
    entries: int
    thousand: int
    million: int
    apart: int
    ten_million: int | None
    versions: int
    paged: int
    queued: int
    rounds: int
    seconds: float
    connections: int = 16

    @property
    def popular(self) -> int:
        """Showcases hold what is well known: items among the first so many.

        Were they drawn from all, pages of the catalog that nobody has read before would take most of the time, on
        either side.
        """
        return min(self.items, 100_000)

    @property
    def name(self) -> str:
        """What tells loaded data of these sizes from others."""
        rest = (self.ten_million or 0, self.versions, self.paged, self.queued)
        return "-".join(map(str, (self.items, self.owners, self.collections, self.million, *rest)))

    @property
    def pictures(self) -> int:
        """So many that each selection is as large as it is said to be, those without the first among them too."""
        return max(self.paged + self.queued, self.million + self.apart, self.ten_million or 0)


FULL = Sizes(
    items=1_100_000,
    owners=100,
    collections=10_000,
    entries=20,
    thousand=1000,
    million=1_000_000,
    apart=100_000,
    ten_million=None,
    versions=10_000,
    paged=100_000,
    queued=1_000_000,
    rounds=3,
    seconds=4.0,
)
HUGE = Sizes(
    items=10_000_000,
    owners=100,
    collections=10_000,
    entries=20,
    thousand=1000,
    million=1_000_000,
    apart=100_000,
    ten_million=10_000_000,
    versions=10_000,
    paged=100_000,
    queued=1_000_000,
    rounds=3,
    seconds=4.0,
)
QUICK = Sizes(
    items=6000,
    owners=10,
    collections=1000,
    entries=20,
    thousand=1000,
    million=5000,
    apart=500,
    ten_million=None,
    versions=1000,
    paged=5000,
    queued=20_000,
    rounds=1,
    seconds=0.25,
)
