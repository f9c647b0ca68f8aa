"""Items of media, listed: of a project, a dataset or a collection, by any query, in any order, page by page.

Every API lists media through this. Who reads the project sees all of it; an annotator or reviewer sees what his jobs
hand him and nothing else: in no page, no count and no filter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2s
from typing import LiteralString

from pinakes.server.actor import Actor
from pinakes.server.catalog import media
from pinakes.server.collections import change
from pinakes.server.collections.types import Collection
from pinakes.server.db import Part, Query, Tx, load
from pinakes.server.errors import DatasetNotFound, Invalid, ProjectNotFound
from pinakes.server.paging import INT4, INT8, decode_cursor, encode_cursor
from pinakes.server.permissions.service import Sight, sight
from pinakes.server.search.fields import Key, Number, Sortable, Text, Time
from pinakes.server.search.filters import EVERYTHING, And, Compare, Expression, Not, Op, Params, Path, Said, condition
from pinakes.server.search.item_fields import Float, media_fields
from pinakes.server.search.item_types import DatasetPart, MediaPage, MediaRow, Reach, Scope
from pinakes.server.search.naming import bound, compares, demanded, nameless, without
from pinakes.server.search.orders import behind, ordered

__all__ = ["COMPARED", "SORTS", "MediaPage", "Scope", "both", "compare", "count", "ids", "page"]

SQL = load(__package__, "media.sql")

PAGE = 100_000
# Where a collection holds at least one in so many of a project's items, they are found by walking through the project.
DENSE = 20
# Bounds of how many rows a page may have to sort, as constants for the planner.
_BOUNDS: Mapping[int, LiteralString] = {200: "200", 2000: "2000", 20_000: "20000", 200_000: "200000"}

_AT_WORK: LiteralString = "i.id in (select a.item_id from items_at_work(%(worker)s::integer) as a)"
# Who works on items in a blind queue finds none of them by labels, which may be others'.
_SEES_LABELS: LiteralString = "not sees_only_own(i.id, %(worker)s::integer, false)"
_OF_LABELS = frozenset({"class", "tag", "labels", "labels_between", "labeler"})


@dataclass(frozen=True, slots=True)
class _Place(Sortable):
    """The place of an entry in its collection."""

    def key(self, path: Path, params: Params, *, descending: bool) -> Key:
        """Return the entry's key."""
        _ = path, params, descending
        return Key("e.order_key", "bytea", "encode(e.order_key, 'hex')")

    def ways(self) -> Mapping[Op, Callable[[Compare, Params], LiteralString]]:
        """Return nothing: it is only sorted by."""
        return {}

    def of_cursor(self, value: object) -> object:
        """Return the key that is written there."""
        return bytes.fromhex(str(value))


SORTS: Mapping[str, Sortable | None] = {
    "id": None,
    "name": Text("i.name"),
    "description": Text("m.description"),
    "labels": Number("m.label_count"),
    "dataset": Number("m.dataset_id"),
    "created": Time("i.created_at"),
    "updated": Time("i.updated_at"),
    "size": Number("coalesce(m.size, -1)"),
    "custom": Float("m.custom_sort", "'Infinity'"),
    "index": _Place(),
    "score": Float("e.score"),
}

# Those in whose order an index has the items of a project or of a dataset.
_WALKED = frozenset({"id", "custom"})

# What a comparison that is put together by hand may name, and the field that it means.
COMPARED: Mapping[str, str] = {
    "id": "id",
    "name": "name",
    "description": "description",
    "labels": "labels",
    "dataset_id": "dataset",
    "project_id": "project",
    "created_at": "created",
    "updated_at": "updated",
    "size": "size",
    "width": "width",
    "height": "height",
    "frames": "frames",
    "mime": "mime",
    "link": "link",
    "parent_id": "parent",
    "created_by": "creator",
    "custom_sort": "custom",
}

_OPERATORS: Mapping[str, Op] = {
    "=": Op.EQUALS,
    "eq": Op.EQUALS,
    "in": Op.IN,
    "<": Op.LESS,
    "lt": Op.LESS,
    "<=": Op.AT_MOST,
    "lte": Op.AT_MOST,
    ">": Op.MORE,
    "gt": Op.MORE,
    ">=": Op.AT_LEAST,
    "gte": Op.AT_LEAST,
    "like": Op.LIKE,
    "ilike": Op.ILIKE,
}
_NEGATED: Mapping[str, str] = {"!=": "=", "not": "=", "!in": "in", "!like": "like", "!ilike": "ilike"}


def compare(
    field: str, operator: str, value: object, *, argument: str = "filter", said: str | None = None
) -> Expression:
    """Return a comparison with one of `COMPARED`, by an operator as `=`, `!in` or `ilike`.

    Args:
        field: What is compared.
        operator: How.
        value: With what: a number, a text, a time, None; for `in` a list of those.
        argument: The argument that it came in, for messages.
        said: What the caller calls the field, for messages.

    Raises:
        Invalid: (as `argument`) there is no such field or operator.
    """
    if field not in COMPARED:
        message = f"There is no field {(said or field)[:80]!r} to filter by."
        raise Invalid(message, field=argument)
    plain = _NEGATED.get(operator, operator)
    if plain not in _OPERATORS:
        message = f"There is no operator {operator[:40]!r}; there are: {', '.join((*_OPERATORS, *_NEGATED))}."
        raise Invalid(message, field=argument)
    values = _values(value) if isinstance(value, list | tuple) else value
    found = Compare(COMPARED[field], _OPERATORS[plain], values, Said(argument, said or field, operator))
    return found if plain == operator else Not(found)


def in_collection(
    collection_id: int,
    include: bool = True,  # noqa: FBT001, FBT002 - with or without is what is asked
    *,
    threshold: float | None = None,
    above: bool = True,
    argument: str = "filters",
) -> Expression:
    """Return that a collection holds an item, or does not; with a threshold, with a score from there, or below."""
    path = () if threshold is None else ("least" if above else "below", repr(float(threshold)))
    found = Compare("in", Op.EQUALS, collection_id, Said(argument, "collection", "="), path)
    return found if include else Not(found)


def name_contains(text: str, *, argument: str = "filters") -> Expression:
    """Return that a name has a text in it, in any case."""
    return Compare("name", Op.CONTAINS, text, Said(argument, "name", "contains"))


def labels_between(
    class_id: int | None,
    low: int,
    high: int,
    include: bool = True,  # noqa: FBT001, FBT002 - with or without is what is asked
    *,
    argument: str = "filters",
) -> Expression:
    """Return that an item has so many labels, of a class or of any; or has not."""
    path = () if class_id is None else (str(min(max(class_id, 0), INT4.stop - 1)),)
    found = Compare("labels_between", Op.EQUALS, [low, high], Said(argument, "labels", "between"), path)
    return found if include else Not(found)


def both(*expressions: Expression) -> Expression:
    """Return what several queries find together."""
    parts = tuple(one for one in expressions if one != EVERYTHING)
    return parts[0] if len(parts) == 1 else And(parts)


async def page(
    tx: Tx,
    actor: Actor,
    scope: Scope,
    expression: Expression = EVERYTHING,
    *,
    kinds: Sequence[str] | None = None,
    sort: str = "id",
    descending: bool = False,
    limit: int = 100,
    offset: int = 0,
    cursor: str | None = None,
    with_total: bool = True,
) -> MediaPage:
    """List items of media; what is sorted by the same is in the order of its numbers.

    Args:
        tx: Where to read.
        actor: Who reads.
        scope: Where.
        expression: Which: a query that was read (`language.parse`) or put together (`compare` and so on).
        kinds: Only items of these kinds.
        sort: By what, of `SORTS`; `index` and `score` are those of entries, so they need a collection.
        descending: The other way round.
        limit: How many at most.
        offset: How many to pass over; not with a cursor.
        cursor: The `next` of the page before.
        with_total: Whether to count all that fit.

    Raises:
        ProjectNotFound, DatasetNotFound, CollectionNotFound: he does not see it, so it does not exist.
        Invalid: the query asks what can't be asked, or there is no such order, page or cursor.
    """
    if not 1 <= limit <= PAGE:
        message = f"limit must be 1 to {PAGE}."
        raise Invalid(message, field="limit")
    if not 0 <= offset < INT8.stop:
        message = "offset must be 0 or more."
        raise Invalid(message, field="offset")
    search = await _Search.prepare(tx, actor, scope, expression, kinds)
    total = await search.count() if with_total or offset > limit else None
    rows = await search.rows(sort, limit + 1, offset=offset, cursor=cursor, descending=descending, total=total)
    shown = rows[:limit]
    numbers = [row.id for row in shown]
    found = await media.get_many(tx, actor, numbers) if numbers else []
    following = None
    if len(rows) > limit:
        key = shown[-1].key if SORTS[sort] else ""
        following = encode_cursor(_mark(sort, descending=descending), key, shown[-1].id)
    return MediaPage(found, total if with_total else None, following, await search.scores(numbers))


async def ids(
    tx: Tx,
    actor: Actor,
    scope: Scope,
    expression: Expression = EVERYTHING,
    *,
    kinds: Sequence[str] | None = None,
    sort: str = "id",
    descending: bool = False,
    limit: int | None = None,
) -> list[int]:
    """Return the numbers of what `page` lists, all or so many of the first."""
    search = await _Search.prepare(tx, actor, scope, expression, kinds)
    rows = await search.rows(sort, limit, offset=0, cursor=None, descending=descending, total=None)
    return [row.id for row in rows]


async def count(
    tx: Tx, actor: Actor, scope: Scope, expression: Expression = EVERYTHING, *, kinds: Sequence[str] | None = None
) -> int:
    """Count what `page` lists."""
    return await (await _Search.prepare(tx, actor, scope, expression, kinds)).count()


class _Search:
    """One search: where, for what, and by whom."""

    def __init__(self, tx: Tx, seen: Sight) -> None:
        self._tx = tx
        self._parts: dict[str, Part] = {}
        self._params: dict[str, object] = {}
        self._collection: int | None = None
        self._walks = False
        self._kept: int | None = None
        self._seen = seen

    @classmethod
    async def prepare(
        cls, tx: Tx, actor: Actor, scope: Scope, expression: Expression, kinds: Sequence[str] | None
    ) -> _Search:
        """Look up where to search and what the query names, as the actor sees it."""
        search = cls(tx, sight(actor))
        held = None
        if scope.collection_id is not None:
            held = await change.view(tx, actor, _id(scope.collection_id))
            held = await change.up_to_date(tx, actor, held)
        reach = await search._reach(scope)
        found = await bound(
            tx,
            actor,
            expression,
            project_id=reach.project_id if reach else None,
            collection_id=scope.collection_id,
            working=search._works(reach),
        )
        wanted = found.expression
        if held is None:
            one = next((one for one in demanded(wanted) if one.field == "in" and one.op is Op.EQUALS), None)
            if one is not None and isinstance(one.value, int):
                held = await change.view(tx, actor, one.value)
                wanted = wanted if one.path else without(wanted, one)
        plain = kinds is None and _is_everything(wanted)
        await search._narrow(scope, reach, held, plain=plain)
        if held is None and reach is not None and not plain:
            wanted = await search._outside(actor, reach, wanted, whole=kinds is None and scope.dataset_id is None)
        search._ask(wanted, reach, kinds)
        search._keep_names(nameless(actor, wanted))
        return search

    async def _reach(self, scope: Scope) -> Reach | None:
        """Return the project to search; None where a collection is, wherever its items lie.

        Raises:
            ProjectNotFound, DatasetNotFound: the actor does not see it.
        """
        project_id, missing = scope.project_id, ProjectNotFound
        if scope.dataset_id is not None:
            missing = DatasetNotFound
        if project_id is None and scope.dataset_id is None:
            if scope.collection_id is None:
                message = "Say where: in which project, dataset or collection."
                raise Invalid(message, field="scope")
            project_id = await self._tx.value(SQL.project_of, collection_id=scope.collection_id)
            if project_id is None:
                return None
        reach = await self._tx.one(
            SQL.reach,
            Reach,
            project_id=None if project_id is None else _id(project_id),
            dataset_id=None if scope.dataset_id is None else _id(scope.dataset_id),
            worker=self._seen.worker,
        )
        if reach is None or not self._sees(reach):
            raise missing
        return reach

    def _sees(self, reach: Reach) -> bool:
        reads = self._seen.sees(reach.visibility, reach.owner_id)
        return reads or (reach.worked and reach.owner_id in self._seen.at_work)

    def _works(self, reach: Reach | None) -> bool:
        """Tell whether the actor sees only what his jobs hand him."""
        return reach is not None and not self._seen.sees(reach.visibility, reach.owner_id)

    async def _narrow(self, scope: Scope, reach: Reach | None, held: Collection | None, *, plain: bool) -> None:
        """Say in SQL where to search, and what is known of how many there are."""
        within: list[LiteralString] = []
        size = reach.item_count if reach else None
        if scope.dataset_id is not None and reach is not None:
            datasets = await self._datasets(_id(scope.dataset_id), reach, recursive=scope.recursive)
            self._params["datasets"] = [one.id for one in datasets]
            size = sum(one.item_count for one in datasets)
            if len(datasets) > 1:
                within.append("m.dataset_id = any(%(datasets)s::integer [])")
            else:
                self._params["datasets"] = datasets[0].id
                within.append("m.dataset_id = %(datasets)s::integer")
        if reach is not None and (scope.dataset_id is None or scope.recursive):
            self._params["project_id"] = reach.project_id
            within.append("m.project_id = %(project_id)s::integer")
        if within:
            self._parts["within"] = Part(" and ".join(within))
        if held is not None:
            self._collection = held.id
            self._walks = size is not None and held.entry_count * DENSE >= size
        if plain and reach is not None and not self._works(reach):
            await self._keep(reach, held, size, whole=scope.dataset_id is None)

    async def _datasets(self, dataset_id: int, reach: Reach, *, recursive: bool) -> list[DatasetPart]:
        """Return a dataset of a project, and with it, when asked, all that are nested below."""
        if reach.dataset_count is None:
            raise DatasetNotFound
        if not recursive:
            return [DatasetPart(dataset_id, reach.dataset_count)]
        return await self._tx.all(SQL.datasets_in, DatasetPart, dataset_id=dataset_id, project_id=reach.project_id)

    async def _keep(self, reach: Reach, held: Collection | None, size: int | None, *, whole: bool) -> None:
        """Remember how many there are where that is kept: all of a project or dataset, or of one of its selections."""
        if held is None:
            self._kept = size
        elif whole and held.kind == "selection":
            home = await self._tx.value(SQL.project_of, collection_id=held.id)
            self._kept = held.entry_count if home == reach.project_id else 0

    async def _outside(self, actor: Actor, reach: Reach, wanted: Expression, *, whole: bool) -> Expression:
        """Prepare for what is not in a collection, if that is all that is asked.

        How many those are is known. Where most items are in it, its items are read at once: many would be looked at
        in vain.
        """
        if not (isinstance(wanted, Not) and isinstance(wanted.part, Compare)):
            return wanted
        one = wanted.part
        if one.field != "in" or one.op is not Op.EQUALS or one.path or not isinstance(one.value, int):
            return wanted
        held = await change.view(self._tx, actor, one.value)
        home = await self._tx.value(SQL.project_of, collection_id=held.id)
        if whole and held.kind == "selection" and home == reach.project_id and not self._works(reach):
            self._kept = reach.item_count - held.entry_count
        return Not(replace(one, path=("whole",))) if 2 * held.entry_count > reach.item_count else wanted

    def _ask(self, wanted: Expression, reach: Reach | None, kinds: Sequence[str] | None) -> None:
        """Say in SQL what is asked for and what the actor sees."""
        fields = media_fields(reach.project_id if reach else None)
        asked = condition(wanted, fields, "f")
        if kinds is not None:
            asked = Part(f"{asked.sql} and i.kind = any(%(kinds)s::text [])", asked.params)
            self._params["kinds"] = list(kinds)
        self._parts["asked"] = asked
        self._params |= asked.params
        worked = _AT_WORK
        if any(one.field in _OF_LABELS for one in compares(wanted)):
            worked = f"{_AT_WORK} and {_SEES_LABELS}"
        if reach is None:
            self._parts["seen"] = Part(
                "(readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])"
                f" or i.owner_id = any(%(at_work)s::integer []) and {worked})"
            )
            self._params |= {
                "everything": self._seen.everything,
                "accounts": self._seen.accounts,
                "at_work": self._seen.at_work,
                "worker": self._seen.worker,
            }
        elif self._works(reach):
            self._parts["seen"] = Part(worked)
            self._params["worker"] = self._seen.worker

    def _keep_names(self, nameless: Part | None) -> None:
        """Leave out the items of which the actor is not to know who labeled them."""
        if nameless is not None:
            seen = self._parts.get("seen", Part("true"))
            self._parts["seen"] = Part(f"{seen.sql} and {nameless.sql}", {**seen.params, **nameless.params})
            self._params |= nameless.params

    async def count(self) -> int:
        """Count all that fit."""
        if self._kept is not None:
            return self._kept
        if self._collection is None:
            return await self._tx.value(SQL.count.with_parts(**self._parts), **self._params)
        query = SQL.count_of_collection.with_parts(**self._parts)
        return await self._tx.value(query, collection_id=self._collection, **self._params)

    async def rows(
        self,
        sort: str,
        limit: int | None,
        *,
        offset: int,
        cursor: str | None,
        descending: bool,
        total: int | None,
    ) -> list[MediaRow]:
        """Read a page: from the nearer end, where it is known how many there are."""
        key, values = self._key(sort, descending=descending)
        parts = dict(self._parts)
        params = {**self._params, **values}
        if cursor is not None:
            mark = self._read(cursor, sort, descending=descending)
            parts["after"] = behind(key, "m.item_id", mark[0 if key else 1 :], descending=descending)
            params |= parts["after"].params
        turned = cursor is None and total is not None and limit is not None and 2 * offset > total
        if turned and total is not None and limit is not None:
            limit = min(limit, total - offset)
            if limit <= 0:
                return []
            offset = total - offset - limit
        parts |= ordered(key, "m.item_id", values, descending=descending is not turned)
        parts["reach"] = Part(_bound(limit, offset))
        query, more = self._query(sort)
        if more:
            parts["asked"] = _with(parts["asked"], more)
        params |= {"limit": limit, "offset": offset, "collection_id": self._collection}
        rows = await self._tx.all(query.with_parts(**parts), MediaRow, **params)
        return rows[::-1] if turned else rows

    def _query(self, sort: str) -> tuple[Query, LiteralString]:
        """Return the query that suits: by entries, or through a project of which most items are in the collection."""
        if self._collection is None:
            return (SQL.page if sort in _WALKED else SQL.page_sorted), ""
        if self._walks and sort not in ("index", "score"):
            return (SQL.page if sort in _WALKED else SQL.page_sorted), (
                "coalesce((select true from entries as h"
                " where h.item_id = m.item_id and h.collection_id = %(collection_id)s::integer), false)"
            )
        return SQL.page_of_collection, ""

    async def scores(self, numbers: Sequence[int]) -> dict[int, float]:
        """Return the scores of some items in the collection that is searched, if one is."""
        if self._collection is None or not numbers:
            return {}
        rows = await self._tx.rows(SQL.scores, items=list(numbers), collection_id=self._collection)
        return dict(rows)

    def _key(self, sort: str, *, descending: bool) -> tuple[Key | None, dict[str, object]]:
        if sort not in SORTS:
            message = f"There is no order by {sort[:80]!r}; there are orders by: {', '.join(SORTS)}."
            raise Invalid(message, field="sort")
        if sort in ("index", "score") and self._collection is None:
            message = f"The order by {sort} is that of entries: list one collection, or ask for what is in one."
            raise Invalid(message, field="sort")
        field = SORTS[sort]
        params = Params("k")
        return (field.key((), params, descending=descending) if field else None), params.values

    @staticmethod
    def _read(cursor: str, sort: str, *, descending: bool) -> list[object]:
        """Return what a cursor says of its row: what it was sorted by, and its number."""
        field = SORTS[sort]
        kind = str if field is None or field.kind is float else field.kind
        mark, key, number = decode_cursor(cursor, str, kind, int)
        message = "This cursor belongs to another order: take it from the answer before."
        if mark != _mark(sort, descending=descending):
            raise Invalid(message, field="cursor")
        try:
            return [field.of_cursor(key) if field else None, number]
        except ValueError:
            raise Invalid(message, field="cursor") from None


def _mark(sort: str, *, descending: bool) -> str:
    """Return what tells the cursors of an order from those of others."""
    return blake2s(f"{'-' if descending else '+'}{sort}".encode(), digest_size=6).hexdigest()


def _bound(limit: int | None, offset: int) -> LiteralString:
    """Return a constant that is no less than how many rows a page needs from the first."""
    if limit is None:
        return "all"
    for most, word in _BOUNDS.items():
        if limit + offset <= most:
            return word
    return "all"


def _with(part: Part, more: LiteralString) -> Part:
    return Part(f"{part.sql} and {more}", part.params)


def _is_everything(expression: Expression) -> bool:
    return isinstance(expression, And) and all(_is_everything(part) for part in expression.parts)


def _id(number: int) -> int:
    """Return a number as an id: one that can be none becomes one that nothing has."""
    return number if number in INT4 else 0


def _values(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]
