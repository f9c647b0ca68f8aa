"""The names in a query, looked up: owners, projects, datasets, labelers, collections and queues become numbers.

What the reader can't see is said not to be there, in the same words as what is not. A tree whose names were looked up
is good for one search, at once: names are given away and taken again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from pinakes.server.actor import Actor
from pinakes.server.collections import change
from pinakes.server.collections.rules.fields import title_key
from pinakes.server.db import Part, Tx, load
from pinakes.server.errors import CollectionNotFound, Invalid
from pinakes.server.labeling import hiding
from pinakes.server.paging import INT4
from pinakes.server.permissions.service import sight
from pinakes.server.search.filters import And, Compare, Expression, Not, Op, Or

SQL = load(__package__, "items.sql")


@dataclass(frozen=True, slots=True)
class Bound:
    """A query whose names are numbers.

    Attributes:
        expression: The query.
        collections: The numbers of the collections that it names.
    """

    expression: Expression
    collections: tuple[int, ...]


async def bound(
    tx: Tx,
    actor: Actor,
    expression: Expression,
    *,
    project_id: int | None = None,
    collection_id: int | None = None,
    working: bool = False,
) -> Bound:
    """Look the names in a query up, as an actor sees them.

    Args:
        tx: Where to read.
        actor: Who asks.
        expression: The query.
        project_id: The project in which datasets and selections are named, where there is one.
        collection_id: The collection whose scores are meant, where there is one.
        working: Whether he sees only the items of his jobs: then he learns nothing of others' work.

    Raises:
        Invalid: (as the query's argument) there is nothing of some name that he sees, or a score is asked for and
            it is not said in which collection.
    """
    names = _Names(tx, actor, project_id, working=working)
    found = await names.replaced(expression)
    scored = _scored(found, collection_id)
    return Bound(scored, tuple(dict.fromkeys(names.collections)))


def compares(expression: Expression, *, positive: bool = False) -> Iterator[Compare]:
    """Go through the comparisons of a query; with `positive`, not through those that are negated."""
    match expression:
        case And(parts) | Or(parts):
            for part in parts:
                yield from compares(part, positive=positive)
        case Not(part):
            if not positive:
                yield from compares(part)
        case Compare():
            yield expression


def nameless(actor: Actor, expression: Expression) -> Part | None:
    """Return the condition that keeps from an actor who labeled what he is not told of, if a query asks who did."""
    return hiding.shown(actor) if any(one.field == "labeler" for one in compares(expression)) else None


def demanded(expression: Expression) -> Iterator[Compare]:
    """Go through the comparisons that hold for everything that a query finds."""
    match expression:
        case And(parts):
            for part in parts:
                yield from demanded(part)
        case Compare():
            yield expression
        case _:
            return


def without(expression: Expression, gone: Compare) -> Expression:
    """Return a query without a comparison that holds for everything that it finds."""
    if expression == gone:
        return And(())
    if isinstance(expression, And):
        return And(tuple(without(part, gone) for part in expression.parts))
    return expression


def _scored(expression: Expression, collection_id: int | None) -> Expression:
    """Return a query that says of which collection the scores are that it asks for."""
    asked = next((one for one in compares(expression) if one.field == "score"), None)
    if asked is None:
        return expression
    named = {one.value for one in compares(expression, positive=True) if one.field == "in" and one.op is Op.EQUALS}
    if collection_id is not None:
        named = {collection_id}
    if len(named) != 1:
        asked.said.refuse("a score is that of an entry: name one collection with in:, and ask for its scores.")
    path = (str(named.pop()),)
    return _mapped(expression, lambda one: replace(one, path=path) if one.field == "score" else one)


def _mapped(expression: Expression, turn: Callable[[Compare], Expression]) -> Expression:
    match expression:
        case And(parts):
            return And(tuple(_mapped(part, turn) for part in parts))
        case Or(parts):
            return Or(tuple(_mapped(part, turn) for part in parts))
        case Not(part):
            return Not(_mapped(part, turn))
        case Compare():
            return turn(expression)


class _Names:
    """Looks the names of one query up, each once."""

    def __init__(self, tx: Tx, actor: Actor, project_id: int | None, *, working: bool) -> None:
        self.collections: list[int] = []
        self._tx = tx
        self._actor = actor
        self._project_id = project_id
        self._working = working
        seen = sight(actor)
        self._seen: Mapping[str, object] = {"everything": seen.everything, "accounts": seen.accounts}
        self._finders: Mapping[str, Callable[[Compare, str], Awaitable[list[int]]]] = {
            "owner": self._accounts,
            "labeler": self._labelers,
            "project": self._projects,
            "dataset": self._datasets,
            "in": self._collection,
        }
        self._known: dict[tuple[str, str], list[int]] = {}

    async def replaced(self, expression: Expression) -> Expression:
        match expression:
            case And(parts):
                return And(tuple([await self.replaced(part) for part in parts]))
            case Or(parts):
                return Or(tuple([await self.replaced(part) for part in parts]))
            case Not(part):
                return Not(await self.replaced(part))
            case Compare(field="queue"):
                return await self._queue(expression)
            case Compare():
                return await self._numbers(expression) if expression.field in self._finders else expression

    async def _numbers(self, asked: Compare) -> Expression:
        values = cast("Sequence[object]", asked.value) if asked.op is Op.IN else [asked.value]
        if not all(isinstance(value, str) for value in values):
            if asked.field == "in":
                for value in values:
                    await self._held(asked, cast("int", value))
            return asked
        numbers = [number for value in values for number in await self._find(asked, cast("str", value))]
        if len(numbers) == 1:
            return replace(asked, op=Op.EQUALS, value=numbers[0])
        return replace(asked, op=Op.IN, value=numbers)

    async def _find(self, asked: Compare, name: str) -> list[int]:
        key = (asked.field, name)
        if key not in self._known:
            self._known[key] = await self._finders[asked.field](asked, name)
            if not self._known[key]:
                raise self._missing(asked, name)
        return self._known[key]

    async def _accounts(self, _: Compare, name: str) -> list[int]:
        return await self._tx.all(SQL.account_ids, int, name=name)

    async def _labelers(self, asked: Compare, name: str) -> list[int]:
        found = await self._accounts(asked, name)
        return [one for one in found if not self._working or one == self._actor.user_id]

    async def _projects(self, _: Compare, name: str) -> list[int]:
        owner, slash, rest = name.rpartition("/")
        return await self._tx.all(
            SQL.project_ids,
            int,
            owner=owner if slash else None,
            name=rest,
            number=None if slash else _number(name),
            **self._seen,
        )

    async def _datasets(self, _: Compare, name: str) -> list[int]:
        path = [step for step in name.split("/") if step]
        return await self._tx.all(
            SQL.dataset_ids,
            int,
            path=path,
            top=name.startswith("/"),
            number=_number(name),
            project_id=self._project_id,
            worked=self._project_id if self._working else None,
            **self._seen,
        )

    async def _collection(self, asked: Compare, name: str) -> list[int]:
        number = _number(name)
        if number is not None:
            await self._held(asked, number)
            return [number]
        if self._project_id is not None and not self._working:
            titled = await self._tx.all(
                SQL.selection_ids, int, project_id=self._project_id, name_key=f"selection/{title_key(name)}"
            )
            if titled:
                self.collections.append(titled[0])
                return titled
        try:
            found = await change.look(self._tx, self._actor, name)
        except CollectionNotFound:
            return []
        self.collections.append(found.id)
        return [found.id]

    async def _held(self, asked: Compare, number: int) -> None:
        """Raise unless the actor sees the collection of that number; a live one is brought up to date."""
        try:
            found = await change.view(self._tx, self._actor, number if number in INT4 else 0)
        except CollectionNotFound:
            raise self._missing(asked, str(number)) from None
        await change.up_to_date(self._tx, self._actor, found)
        self.collections.append(number)

    async def _queue(self, asked: Compare) -> Expression:
        number = _number(asked.path[0])
        seen = None
        if number is not None and not self._working:
            seen = await self._tx.value(SQL.queue_id, id=number, **self._seen)
        if seen is None:
            asked.said.refuse(f"there is no queue {asked.path[0][:80]!r} that you see: name one by its number.")
        return asked

    @staticmethod
    def _missing(asked: Compare, name: str) -> Invalid:
        what = {"owner": "account", "labeler": "user", "in": "collection"}.get(asked.field, asked.field)
        message = f"{asked.field}: there is no {what} {name[:120]!r} that you can see."
        return Invalid(message, field=asked.said.argument)


def _number(text: str) -> int | None:
    """Return the number that a text is, as far as an id could be it."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 11 else 0  # noqa: PLR2004 - digits of an int4
    return number if 0 < number < INT4.stop else None
