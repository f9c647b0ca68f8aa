"""The order that somebody wants rows in: a field with a sign, `+name` or `-config.rate`. Without a sign it rises."""

from __future__ import annotations

from dataclasses import dataclass

from pinakes.server.errors import Invalid
from pinakes.server.search.filters import Named, Path, Vocabulary

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
