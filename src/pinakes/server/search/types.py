"""What a search answers with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that a search found.

    Attributes:
        description: The beginning of what it says about itself.
        rank: How well it fits; hits come by falling rank, then by falling number.
        public_id: A collection's 24 hex digits, None for all else.
    """

    item_id: int
    kind: str
    owner_id: int | None
    owner: str | None
    name: str
    title: str
    visibility: str
    updated_at: datetime
    public_id: str | None
    description: str
    rank: float

    @property
    def address(self) -> str:
        """Return where it is found: `owner/name`, a bare name, or a collection's slug."""
        address = f"{self.owner}/{self.name}" if self.owner else self.name
        return f"{address}-{self.public_id}" if self.public_id else address
