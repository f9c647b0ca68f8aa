"""What items are asked about, in SQL: the fields of the query language, over `items as i` and, of media, `media as m`.

Names of accounts, datasets, collections and queues were looked up before (see `naming.py`): here they are numbers.
"""

# SQL is put together here, of constants and of places for parameters only (see `filters.py`).
# ruff: noqa: S608

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, LiteralString

from typing_extensions import override

from pinakes.server.paging import INT4
from pinakes.server.search.fields import Key, Number, Sortable, Text, Time, listed, present, text_of
from pinakes.server.search.filters import ORDERING, Compare, Field, Fields, Op, Params, Path, Way
from pinakes.server.search.language import COLLECTION_KINDS
from pinakes.server.search.moments import Moments, moments

# The largest number of four bytes; a score is one.
_FLOAT4 = 3.4e38
# What is nearer to zero is zero there.
_SMALLEST = 1.5e-45


@dataclass(frozen=True, slots=True)
class Name(Text):
    """A text of which a part is found in any case; patterns of LIKE have no escape."""

    @override
    def ways(self) -> Mapping[Op, Way]:
        """Return what the field can be asked."""
        return {**Text.ways(self), Op.CONTAINS: self._inside, Op.LIKE: self._like, Op.ILIKE: self._like}

    def _inside(self, asked: Compare, params: Params) -> LiteralString:
        return f"strpos(lower({self.sql}), lower({params.add(text_of(asked, asked.value))}::text)) > 0"

    def _like(self, asked: Compare, params: Params) -> LiteralString:
        sign: LiteralString = "ilike" if asked.op is Op.ILIKE else "like"
        return f"{self.sql} {sign} {params.add(text_of(asked, asked.value))}::text escape ''"


@dataclass(frozen=True, slots=True)
class When(Time):
    """A moment, asked for by a date, a moment or an age: younger than a week is `< 7d`."""

    @override
    def ways(self) -> Mapping[Op, Way]:
        """Return what the field can be asked."""
        return {
            **Time.ways(self),
            Op.EQUALS: self._within,
            Op.IN: self._any,
            **dict.fromkeys(ORDERING, self._compared),
        }

    def _within(self, asked: Compare, params: Params) -> LiteralString:
        return f"{self.sql} is null" if asked.value is None else self._between(_moments(asked, asked.value), params)

    def _any(self, asked: Compare, params: Params) -> LiteralString:
        parts: list[LiteralString] = [self._between(_moments(asked, value), params) for value in listed(asked)]
        return " or ".join(parts) if parts else "false"

    def _between(self, meant: Moments, params: Params) -> LiteralString:
        begin: LiteralString = f"{self.sql} >= {params.add(meant.begin)}::timestamptz"
        if meant.is_age:
            return begin
        return f"({begin} and {self.sql} < {params.add(meant.end)}::timestamptz)"

    def _compared(self, asked: Compare, params: Params) -> LiteralString:
        meant = _moments(asked, asked.value)
        if meant.is_age:  # what is older than an age was before it
            older: dict[Op, LiteralString] = {Op.LESS: ">", Op.AT_MOST: ">=", Op.MORE: "<", Op.AT_LEAST: "<="}
            return f"{self.sql} {older[asked.op]} {params.add(meant.begin)}::timestamptz"
        sign: LiteralString = ">=" if asked.op in (Op.MORE, Op.AT_LEAST) else "<"
        moment = meant.end if asked.op in (Op.MORE, Op.AT_MOST) else meant.begin
        return f"{self.sql} {sign} {params.add(moment)}::timestamptz"


@dataclass(frozen=True, slots=True)
class Float(Sortable):
    """A number that need not be whole; what has none is sorted as if it had `otherwise`."""

    sql: LiteralString
    otherwise: LiteralString = "'-Infinity'"
    kind: ClassVar[type] = float

    def ways(self) -> Mapping[Op, Way]:
        """Return what the field can be asked."""
        return {Op.EQUALS: self._equals, Op.IN: self._among, **dict.fromkeys(ORDERING, self._ordered)}

    def key(self, path: Path, params: Params, *, descending: bool) -> Key:
        """Return the number to sort by."""
        _ = path, params, descending
        sql: LiteralString = f"coalesce({self.sql}, {self.otherwise}::double precision)"
        return Key(sql, "double precision", f"{sql}::text")

    @override
    def of_cursor(self, value: object) -> object:
        """Return the number, which is written as text: it may be infinite."""
        return float(str(value))

    def _equals(self, asked: Compare, params: Params) -> LiteralString:
        if asked.value is None:
            return f"{self.sql} is null"
        return f"{self.sql} = {params.add(_number(asked, asked.value))}::real"

    def _among(self, asked: Compare, params: Params) -> LiteralString:
        return f"{self.sql} = any({params.add([_number(asked, one) for one in listed(asked)])}::real [])"

    def _ordered(self, asked: Compare, params: Params) -> LiteralString:
        return f"{self.sql} {ORDERING[asked.op]} {params.add(_number(asked, asked.value))}::real"


@dataclass(frozen=True, slots=True)
class Kinds(Field):
    """An item's kind; a collection has that and its own."""

    def ways(self) -> Mapping[Op, Way]:
        """Return what the field can be asked."""
        return {Op.EQUALS: self._among, Op.IN: self._among}

    def _among(self, asked: Compare, params: Params) -> LiteralString:
        kinds = [text_of(asked, one) for one in _values(asked)]
        among: LiteralString = f"i.kind = any({params.add(kinds)}::text [])"
        own = [kind for kind in kinds if kind in COLLECTION_KINDS]
        if not own:
            return among
        place = params.add(own)
        return (
            f"{among} or exists (select 1 from collections as n where n.id = i.id and n.kind = any({place}::text []))"
        )


@dataclass(frozen=True, slots=True)
class Tagged(Field):
    """A tag of an item of media and its value; the path is the tag's name.

    Attributes:
        project: The project of the items, where they are of one.
        others: Where else tags are, those without a value: each the end of a query, `table where … and tags`.
    """

    project: int | None = None
    others: tuple[LiteralString, ...] = ()
    has_paths: ClassVar[bool] = True

    def ways(self) -> Mapping[Op, Way]:
        """Return what the field can be asked."""
        return {
            Op.EXISTS: self._exists,
            Op.EQUALS: self._among,
            Op.IN: self._among,
            **dict.fromkeys(ORDERING, self._ordered),
        }

    def _exists(self, asked: Compare, params: Params) -> LiteralString:
        parts: list[LiteralString] = [self._has(asked, params, "true")]
        if self.others:
            word = params.add([asked.path[0]])
            for other in self.others:
                parts.append(f"exists (select 1 from {other} && {word}::text [])")  # noqa: PERF401 - keeps the type
        return present(f"({' or '.join(parts)})", asked)

    def _among(self, asked: Compare, params: Params) -> LiteralString:
        values = params.add([str(one) for one in _values(asked)])
        return self._has(asked, params, f"(g.value #>> '{{}}') = any({values}::text [])")

    def _ordered(self, asked: Compare, params: Params) -> LiteralString:
        sign, text = ORDERING[asked.op], str(asked.value)
        try:
            number = float(text)
        except ValueError:
            compared: LiteralString = f"(g.value #>> '{{}}') collate \"C\" {sign} {params.add(text)}::text"
            return self._has(asked, params, f"jsonb_typeof(g.value) = 'string' and {compared}")
        value: LiteralString = "case when jsonb_typeof(g.value) = 'number' then (g.value)::numeric end"
        return self._has(asked, params, f"{value} {sign} {params.add(number)}::double precision::numeric")

    def _has(self, asked: Compare, params: Params, condition: LiteralString) -> LiteralString:
        """Return whether there is such a tag: all items with one are found at once, by the index of the tag."""
        name = params.add(asked.path[0])
        within: LiteralString = (
            "" if self.project is None else f" and t.project_id = {params.add(self.project)}::integer"
        )
        return (
            "m.item_id in (select g.item_id from label_tags as t inner join tagged as g on t.id = g.tag_id"
            f" where t.name = {name}::text{within} and g.item_id is not null and {condition})"
        )


@dataclass(frozen=True, slots=True)
class Classed(Field):
    """How many labels of a class there are; the path is the class's name.

    Attributes:
        project: The project of the items, where they are of one.
    """

    project: int | None = None
    has_paths: ClassVar[bool] = True

    def ways(self) -> Mapping[Op, Way]:
        """Return what the field can be asked."""
        return {
            Op.EXISTS: self._exists,
            Op.EQUALS: self._among,
            Op.IN: self._among,
            **dict.fromkeys(ORDERING, self._ordered),
        }

    def _exists(self, asked: Compare, params: Params) -> LiteralString:
        return present(self._with(asked, params, None), asked)

    def _among(self, asked: Compare, params: Params) -> LiteralString:
        counts = [_whole(asked, one) for one in _values(asked)]
        found: list[LiteralString] = []
        if wanted := [count for count in counts if count > 0]:
            found.append(self._with(asked, params, f"count(*) = any({params.add(wanted)}::bigint [])"))
        if 0 in counts:
            found.append(f"not {self._with(asked, params, None)}")
        return " or ".join(found) if found else "false"

    def _ordered(self, asked: Compare, params: Params) -> LiteralString:
        least = _whole(asked, asked.value) + (asked.op in (Op.MORE, Op.AT_MOST))
        at_least: LiteralString = "true"
        if least > 0:
            at_least = self._with(asked, params, f"count(*) >= {params.add(least)}::bigint")
        return at_least if asked.op in (Op.MORE, Op.AT_LEAST) else f"not {at_least}"

    def _with(self, asked: Compare, params: Params, having: LiteralString | None) -> LiteralString:
        """Return whether there are such labels: all items with some are found at once, by the index of the class."""
        name = params.add(asked.path[0])
        within: LiteralString = (
            "" if self.project is None else f" and c.project_id = {params.add(self.project)}::integer"
        )
        grouped: LiteralString = f" group by f.item_id having {having}" if having else ""
        return (
            "m.item_id in (select f.item_id from label_classes as c inner join figures as f on c.id = f.class_id"
            f" where c.name = {name}::text{within}{grouped})"
        )


@dataclass(frozen=True, slots=True)
class LabelsBetween(Field):
    """How many labels there are, from the first of the value's numbers to the second; the path is a class's number."""

    has_paths: ClassVar[bool] = True

    def ways(self) -> Mapping[Op, Way]:
        """Return what the field can be asked."""
        return {Op.EQUALS: self._between}

    def _between(self, asked: Compare, params: Params) -> LiteralString:
        low, high = (_whole(asked, one) for one in listed(asked))
        if not asked.path:
            return f"m.label_count between {params.add(low)}::bigint and {params.add(high)}::bigint"
        if high < max(low, 0):
            return "false"
        of_class: LiteralString = (
            "m.item_id in (select f.item_id from figures as f"
            f" where f.class_id = {params.add(int(asked.path[0]))}::integer group by f.item_id having count(*)"
        )
        if low > 0:
            return f"{of_class} between {params.add(low)}::bigint and {params.add(high)}::bigint)"
        return f"not {of_class} > {params.add(high)}::bigint)"


@dataclass(frozen=True, slots=True)
class Labeler(Field):
    """Who labeled an item, by his number: made a figure that it has, or handed it in."""

    def ways(self) -> Mapping[Op, Way]:
        """Return what the field can be asked."""
        return {Op.EQUALS: self._among, Op.IN: self._among}

    def _among(self, asked: Compare, params: Params) -> LiteralString:
        place = params.add([_whole(asked, one) for one in _values(asked)])
        return (
            f"exists (select 1 from figures as f where f.item_id = i.id and f.created_by = any({place}::integer []))"
            " or exists (select 1 from work as w where w.item_id = i.id and w.submitted_at is not null"
            f" and w.labeler_id = any({place}::integer []))"
        )


@dataclass(frozen=True, slots=True)
class Queued(Field):
    """A queue that an item is in, by its number (the path), and its status there.

    What nobody was given yet is pending, and so is what was given to somebody who let his time run out.
    """

    has_paths: ClassVar[bool] = True

    def ways(self) -> Mapping[Op, Way]:
        """Return what the field can be asked."""
        return {Op.EXISTS: self._exists, Op.EQUALS: self._among, Op.IN: self._among}

    def _exists(self, asked: Compare, params: Params) -> LiteralString:
        return present(self._inside(params.add(int(asked.path[0]))), asked)

    def _among(self, asked: Compare, params: Params) -> LiteralString:
        statuses = params.add([text_of(asked, one) for one in _values(asked)])
        queue = params.add(int(asked.path[0]))
        status: LiteralString = (
            "(select case when w.status = 'held' and w.lease_until < now() then 'pending' else w.status end"
            f" from work as w where w.queue_id = {queue}::integer and w.item_id = i.id and w.round = 1 and w.present)"
        )
        return f"coalesce({status}, 'pending') = any({statuses}::text []) and {self._inside(queue)}"

    @staticmethod
    def _inside(queue: LiteralString) -> LiteralString:
        return (
            f"exists (select 1 from queues as q where q.id = {queue}::integer and case q.source"
            " when 'collection' then exists (select 1 from entries as e"
            " where e.item_id = i.id and e.collection_id = q.collection_id)"
            " when 'dataset' then exists (select 1 from media as d"
            " where d.item_id = i.id and d.dataset_id = q.dataset_id)"
            " else exists (select 1 from work as l where l.queue_id = q.id and l.item_id = i.id and l.present) end)"
        )


@dataclass(frozen=True, slots=True)
class Holding(Field):
    """A collection that holds an item, by its number.

    With a path (`least` or `below`, a score) by the score there; with the path `whole` by all its items, read at once.
    """

    has_paths: ClassVar[bool] = True

    def ways(self) -> Mapping[Op, Way]:
        """Return what the field can be asked."""
        return {Op.EQUALS: self._among, Op.IN: self._among}

    def _among(self, asked: Compare, params: Params) -> LiteralString:
        parts: list[LiteralString] = [self._in(asked, _whole(asked, one), params) for one in _values(asked)]
        return " or ".join(parts) if parts else "false"

    @staticmethod
    def _in(asked: Compare, collection_id: int, params: Params) -> LiteralString:
        if asked.path == ("whole",):
            place = params.add(collection_id)
            return f"i.id in (select e.item_id from entries as e where e.collection_id = {place}::integer)"
        score: LiteralString = ""
        if asked.path:
            sign: LiteralString = ">=" if asked.path[0] == "least" else "<"
            score = f" and e.score {sign} {params.add(_number(asked, float(asked.path[1])))}::real"
        place = params.add(collection_id)
        return (
            f"exists (select 1 from entries as e where e.item_id = i.id and e.collection_id = {place}::integer{score})"
        )


@dataclass(frozen=True, slots=True)
class Scored(Field):
    """The score of an item's entry in a collection, whose number is the path."""

    has_paths: ClassVar[bool] = True

    def ways(self) -> Mapping[Op, Way]:
        """Return what the field can be asked."""
        return {Op.EQUALS: self._compared, Op.IN: self._compared, **dict.fromkeys(ORDERING, self._compared)}

    def _compared(self, asked: Compare, params: Params) -> LiteralString:
        collection = params.add(int(asked.path[0]))
        score = Float("e.score").condition(Compare(asked.field, asked.op, asked.value, asked.said), params)
        return (
            "exists (select 1 from entries as e"
            f" where e.item_id = i.id and e.collection_id = {collection}::integer and ({score}))"
        )


@dataclass(frozen=True, slots=True)
class Anywhere(Field):
    """A text looked for in several columns, in any case; and in documents, as words in a row."""

    columns: tuple[LiteralString, ...]
    documents: tuple[LiteralString, ...] = ()

    def ways(self) -> Mapping[Op, Way]:
        """Return what the field can be asked."""
        return {Op.CONTAINS: self._found}

    def _found(self, asked: Compare, params: Params) -> LiteralString:
        text = params.add(text_of(asked, asked.value))
        cleaned: LiteralString = f"regexp_replace({text}::text, '[^[:alnum:]]+', ' ', 'g')"
        parts: list[LiteralString] = [f"strpos(lower({column}), lower({text}::text)) > 0" for column in self.columns]
        for document in self.documents:
            parts.append(f"{document} @@ phraseto_tsquery('simple'::regconfig, {cleaned})")  # noqa: PERF401 - as above
        return " or ".join(parts)


_DESCRIPTION: LiteralString = (
    "(case when m.item_id is not null then m.description else coalesce("
    "(select r.description from repos as r where r.item_id = i.id),"
    " (select n.description from collections as n where n.id = i.id),"
    " (select a.abstract from papers as a where a.item_id = i.id),"
    " (select v.description from versions as v where v.item_id = i.id),"
    " (select p.description from projects as p where p.item_id = i.id), '') end)"
)


def media_fields(project_id: int | None = None) -> Fields:
    """Return the fields of items of media, those of one project or of any."""
    return {
        "kind": Kinds(),
        "owner": Number("i.owner_id"),
        "project": Number("m.project_id"),
        "dataset": Number("m.dataset_id"),
        "id": Number("i.id"),
        "name": Name("i.name"),
        "title": Name("i.title"),
        "description": Name("m.description"),
        "tag": Tagged(project_id),
        "class": Classed(project_id),
        "labeler": Labeler(),
        "labels": Number("m.label_count"),
        "labels_between": LabelsBetween(),
        "size": Number("m.size"),
        "width": Number("m.width"),
        "height": Number("m.height"),
        "frames": Number("m.frames"),
        "created": When("i.created_at"),
        "updated": When("i.updated_at"),
        "score": Scored(),
        "in": Holding(),
        "queue": Queued(),
        "visibility": Text("i.visibility"),
        "text": Anywhere(("i.name", "i.title", "m.description")),
        "mime": Name("m.mime"),
        "link": Name("m.link"),
        "parent": Number("m.parent_id"),
        "creator": Number("m.created_by"),
        "custom": Float("m.custom_sort", "'Infinity'"),
    }


# Of items of every kind; of what is no media, all of `m` is null.
ITEM_FIELDS: Fields = {
    **media_fields(),
    "project": Number("i.container_id"),
    "description": Name(_DESCRIPTION),
    "tag": Tagged(
        None,
        (
            "repos as r where r.item_id = i.id and r.tags",
            "collections as n where n.id = i.id and n.tags",
            "versions as v where v.item_id = i.id and v.tags",
        ),
    ),
    "size": Number("coalesce(m.size, (select v.size from versions as v where v.item_id = i.id))"),
    "updated": When("coalesce((select n.updated_at from collections as n where n.id = i.id), i.updated_at)"),
    "text": Anywhere(("i.name", "i.title", _DESCRIPTION), ("i.document",)),
}


def _moments(asked: Compare, value: object) -> Moments:
    if isinstance(value, datetime):
        return Moments(value, value)
    try:
        return moments(value if isinstance(value, str) else repr(value))
    except ValueError as error:
        asked.said.refuse(f"{error}.")


def _values(asked: Compare) -> list[object]:
    return listed(asked) if asked.op is Op.IN else [asked.value]


def _number(asked: Compare, value: object) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or abs(value) > _FLOAT4
    ):
        asked.said.refuse("it takes a number below 3.4e38.")
    return float(value) if abs(value) > _SMALLEST else 0.0


def _whole(asked: Compare, value: object) -> int:
    """Return a whole number; one that is no int4 becomes the next that is."""
    if isinstance(value, bool) or not isinstance(value, int):
        asked.said.refuse("it takes a whole number.")
    return min(max(value, INT4.start), INT4.stop - 1)
