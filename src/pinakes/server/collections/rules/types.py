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
        in_project: Whether it is a part of a project: it holds items of that one only, and has its visibility.
        title_length: The longest title.
        not_in_titles: Characters that no title may have.
        key_prefix: What its titles have before them where they are compared with those of others in the same place.
    """

    kind: str
    accepts: tuple[str, ...]
    description_length: int
    note_length: int
    managed: str | None = None
    in_project: bool = False
    title_length: int = 250
    not_in_titles: str = ""
    key_prefix: str = ""
