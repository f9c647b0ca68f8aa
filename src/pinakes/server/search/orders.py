"""The order that somebody wants rows in: a field with a sign, `+name` or `-config.rate`. Without a sign it rises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import LiteralString

from pinakes.server.db import Part
from pinakes.server.errors import Invalid
from pinakes.server.search.fields import Key
from pinakes.server.search.filters import Named, Params, Path, Vocabulary

LENGTH = 500


@dataclass(frozen=True, slots=True)
class Order:
    """An order: by which declared field, by which path inside it, and whether it falls; `argument` is for messages."""

    field: str
    path: Path = ()
    descending: bool = False
    argument: str = "order"

    @property
    def spelled(self) -> str:
        """Return the order as text: orders that read the same are the same."""
        return f"{'-' if self.descending else '+'}{'.'.join((self.field, *self.path))}"


def parse(text: str | None, words: Vocabulary, *, field: str = "order") -> Order | None:
    """Read an order; None and "" ask for none.

    Raises:
        Invalid: (as `field`) there is no such field.
    """
    name = (text or "").strip()
    if not name:
        return None
    if len(name) > LENGTH or "\0" in name or any("\ud800" <= char <= "\udfff" for char in name):
        message = f"{field} is a field with a sign, such as -created_at."
        raise Invalid(message, field=field)
    named = Named.find(words, name.removeprefix(name[0]) if name[0] in "+-" else name, field)
    return Order(named.word.field, named.path, name[0] == "-", field)


def ordered(
    key: Key | None, place: LiteralString, values: Mapping[str, object], *, descending: bool
) -> dict[str, Part]:
    """Return the parts of a query for an order: what is sorted by, then a place that tells rows apart."""
    by: list[LiteralString] = [f"{column} desc" if descending else column for column in _columns(key, place)]
    parts = {"order": Part(", ".join(by))}
    if key is not None:
        parts["key"] = Part(key.read, values)
    return parts


def behind(key: Key | None, place: LiteralString, mark: Sequence[object], *, descending: bool) -> Part:
    """Return the condition of rows behind the one whose key and place are given."""
    params = Params("b")
    types: tuple[LiteralString, ...] = (*((key.type,) if key else ()), "bigint")
    marks: list[LiteralString] = [f"{params.add(one)}::{kind}" for one, kind in zip(mark, types, strict=True)]
    sign: LiteralString = "<" if descending else ">"
    return Part(f"({', '.join(_columns(key, place))}) {sign} ({', '.join(marks)})", params.values)


def _columns(key: Key | None, place: LiteralString) -> tuple[LiteralString, ...]:
    return (*((key.sql,) if key else ()), place)
