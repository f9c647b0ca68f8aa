"""The shape of a kind's rules."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """What one kind of collection allows. Lengths are in characters, not bytes.

    Attributes:
        accepts: The kinds of items that may enter.
        description_length: The longest description.
        note_length: The longest note on an entry.
        managed: How its entries change, where that is not by adding and removing items; a sentence for who tries.
    """

    kind: str
    accepts: tuple[str, ...]
    description_length: int
    note_length: int
    managed: str | None = None
