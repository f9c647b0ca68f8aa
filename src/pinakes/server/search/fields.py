"""The kinds of fields that a search can declare, each with how it is compared and sorted in SQL.

The `sql` of a field is an expression over the tables of the query that it is declared for.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, LiteralString, NamedTuple

import orjson

from pinakes.server.paging import INT8, BigInt
from pinakes.server.search import patterns
from pinakes.server.search.filters import ORDERING, Compare, Field, Op, Params, Path, Way

_INTEGER = re.compile(r"-?[0-9]{1,19}")
# As PostgreSQL writes numbers: without exponents.
_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400})?")


class Key(NamedTuple):
    """What rows are sorted by: the expression, its type, and how it is read for a cursor. It is never null."""

    sql: LiteralString
    type: LiteralString
    read: LiteralString


class Sortable(Field):
    """A field that rows can be sorted by.

    Attributes:
        kind: The type of what a cursor holds.
    """

    kind: ClassVar[type] = str

    @abstractmethod
    def key(self, path: Path, params: Params, *, descending: bool) -> Key:
        """Return what to sort by."""

    def of_cursor(self, value: object) -> object:
        """Return the parameter for what a cursor holds.

        Raises:
            ValueError: no cursor of this order holds that.
        """
        return value


@dataclass(frozen=True, slots=True)
class Text(Sortable):
    """A text, compared as it is spelled, and sorted by its first 200 characters."""

    sql: LiteralString

    def ways(self) -> Mapping[Op, Way]:
        """Return what the field can be asked."""
        ordering = dict.fromkeys(ORDERING, self._ordered)
        found = {Op.CONTAINS: self._found, Op.MATCHES: self._found}
        return {Op.EXISTS: self._exists, Op.EQUALS: self._equals, Op.IN: self._among, **ordering, **found}

    def key(self, path: Path, params: Params, *, descending: bool) -> Key:
        """Return the text to sort by, in the order of its code points."""
        _ = path, params, descending
        sql: LiteralString = f"left(coalesce({self.sql}, ''), 200) collate \"C\""
        return Key(sql, "text", sql)

    def _as_said(self, asked: Compare, params: Params) -> LiteralString:
        """Return the text as the caller's language has it."""
        return f"({params.add(asked.prefix)}::text || {self.sql})" if asked.prefix else self.sql

    def _exists(self, asked: Compare, params: Params) -> LiteralString:
        _ = params
        return present(f"{self.sql} is not null", asked)

    def _equals(self, asked: Compare, params: Params) -> LiteralString:
        if asked.value is None:
            return f"{self.sql} is null"
        return f"{self._as_said(asked, params)} = {params.add(text_of(asked, asked.value))}::text"

    def _among(self, asked: Compare, params: Params) -> LiteralString:
        values = listed(asked)
        texts = params.add([text_of(asked, value) for value in values if value is not None])
        among: LiteralString = f"{self._as_said(asked, params)} = any({texts}::text [])"
        return f"{among} or {self.sql} is null" if None in values else among

    def _ordered(self, asked: Compare, params: Params) -> LiteralString:
        text = params.add(text_of(asked, asked.value))
        return f'{self._as_said(asked, params)} collate "C" {ORDERING[asked.op]} {text}::text'

    def _found(self, asked: Compare, params: Params) -> LiteralString:
        return found_in(self._as_said(asked, params), asked, params)


@dataclass(frozen=True, slots=True)
class Number(Sortable):
    """A whole number; with a letter, also spelled with it in front, and then a text as well: `v3`."""

    sql: LiteralString
    letter: LiteralString = ""
    kind: ClassVar[type] = BigInt

    def ways(self) -> Mapping[Op, Way]:
        """Return what the field can be asked."""
        ordering = dict.fromkeys(ORDERING, self._ordered)
        found = {Op.CONTAINS: self._found, Op.MATCHES: self._found} if self.letter else {}
        return {Op.EXISTS: self._exists, Op.EQUALS: self._equals, Op.IN: self._among, **ordering, **found}

    def key(self, path: Path, params: Params, *, descending: bool) -> Key:
        """Return the number to sort by."""
        _ = path, params, descending
        return Key(self.sql, "bigint", self.sql)

    def _exists(self, asked: Compare, params: Params) -> LiteralString:
        _ = params
        return present(f"{self.sql} is not null", asked)

    def _equals(self, asked: Compare, params: Params) -> LiteralString:
        if asked.value is None:
            return f"{self.sql} is null"
        return f"{self.sql} = {params.add(self._number(asked, asked.value))}::bigint"

    def _among(self, asked: Compare, params: Params) -> LiteralString:
        numbers = params.add([self._number(asked, value) for value in listed(asked)])
        return f"{self.sql} = any({numbers}::bigint [])"

    def _ordered(self, asked: Compare, params: Params) -> LiteralString:
        return f"{self.sql} {ORDERING[asked.op]} {params.add(self._number(asked, asked.value))}::bigint"

    def _found(self, asked: Compare, params: Params) -> LiteralString:
        return found_in(f"('{self.letter}' || {self.sql})", asked, params)

    def _number(self, asked: Compare, value: object) -> int:
        if isinstance(value, str) and _INTEGER.fullmatch(value.removeprefix(self.letter)):
            value = int(value.removeprefix(self.letter))
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            asked.said.refuse(f"it takes whole numbers{f', also as {self.letter}3' if self.letter else ''}.")
        return _bounded(value)


@dataclass(frozen=True, slots=True)
class Time(Sortable):
    """A moment. One that is written without a zone is in UTC."""

    sql: LiteralString
    kind: ClassVar[type] = datetime

    def ways(self) -> Mapping[Op, Way]:
        """Return what the field can be asked."""
        ordering = dict.fromkeys(ORDERING, self._ordered)
        return {Op.EXISTS: self._exists, Op.EQUALS: self._equals, Op.IN: self._among, **ordering}

    def key(self, path: Path, params: Params, *, descending: bool) -> Key:
        """Return the moment to sort by."""
        _ = path, params, descending
        return Key(self.sql, "timestamptz", self.sql)

    def _exists(self, asked: Compare, params: Params) -> LiteralString:
        _ = params
        return present(f"{self.sql} is not null", asked)

    def _equals(self, asked: Compare, params: Params) -> LiteralString:
        if asked.value is None:
            return f"{self.sql} is null"
        return f"{self.sql} = {params.add(_moment(asked, asked.value))}::timestamptz"

    def _among(self, asked: Compare, params: Params) -> LiteralString:
        moments = params.add([_moment(asked, value) for value in listed(asked)])
        return f"{self.sql} = any({moments}::timestamptz [])"

    def _ordered(self, asked: Compare, params: Params) -> LiteralString:
        return f"{self.sql} {ORDERING[asked.op]} {params.add(_moment(asked, asked.value))}::timestamptz"


@dataclass(frozen=True, slots=True)
class Words(Field):
    """Several texts: a `text []`, or rows beside the one asked for. It is equal to each of them, and to all of them.

    Attributes:
        sql: The array; or, with a source, the column of its rows.
        source: What stands behind `from`, with a condition that ties it to the row asked for.
    """

    sql: LiteralString
    source: LiteralString | None = None

    def ways(self) -> Mapping[Op, Way]:
        """Return what the field can be asked."""
        return {
            Op.EXISTS: self._exists,
            Op.EQUALS: self._equals,
            Op.IN: self._among,
            Op.ALL: self._all,
            Op.SIZE: self._size,
            Op.CONTAINS: self._found,
            Op.MATCHES: self._found,
        }

    def _exists(self, asked: Compare, params: Params) -> LiteralString:
        _ = params
        return present(self._any("true"), asked)

    def _equals(self, asked: Compare, params: Params) -> LiteralString:
        if asked.value is None:
            return f"not {self._any('true')}"
        if not isinstance(asked.value, list | tuple):
            return self._holds([text_of(asked, asked.value)], params)
        words = params.add([text_of(asked, value) for value in listed(asked)])
        return f"{self._array} @> {words}::text [] and {self._array} <@ {words}::text []"

    def _among(self, asked: Compare, params: Params) -> LiteralString:
        values = listed(asked)
        among = self._holds([text_of(asked, value) for value in values if value is not None], params)
        return f"{among} or not {self._any('true')}" if None in values else among

    def _all(self, asked: Compare, params: Params) -> LiteralString:
        words = [text_of(asked, value) for value in listed(asked)]
        return f"{self._array} @> {params.add(words)}::text []" if words else "false"

    def _size(self, asked: Compare, params: Params) -> LiteralString:
        return f"cardinality({self._array}) = {params.add(_count(asked))}::bigint"

    def _found(self, asked: Compare, params: Params) -> LiteralString:
        return self._any(found_in("w.word", asked, params))

    @property
    def _array(self) -> LiteralString:
        return f"array(select {self.sql} from {self.source})" if self.source else self.sql  # noqa: S608 - constants

    def _any(self, condition: LiteralString) -> LiteralString:
        """Return whether there is a word, as `w.word`, of which something is true."""
        if self.source:
            one: LiteralString = f"(select {condition} from (select {self.sql} as word) as w)"  # noqa: S608 - constants
            return f"exists (select 1 from {self.source} and {one})"  # noqa: S608 - constants
        return f"exists (select 1 from unnest({self.sql}) as w (word) where {condition})"  # noqa: S608 - constants

    def _holds(self, words: list[str], params: Params) -> LiteralString:
        """Return whether any of some words is there, in a form that indexes know."""
        place = params.add(words)
        if self.source:
            return f"exists (select 1 from {self.source} and {self.sql} = any({place}::text []))"  # noqa: S608 - constants
        return f"{self.sql} && {place}::text []"


@dataclass(frozen=True, slots=True)
class Json(Sortable):
    """A JSON document, and with a path, what is inside it: members by name, elements by number.

    A number is compared with numbers only, a text with texts, and so on. A list is equal to each of its elements as
    well as to itself, and less than something where one of them is. Missing is the same as null, except to `exists`.
    """

    sql: LiteralString
    has_paths: ClassVar[bool] = True

    def ways(self) -> Mapping[Op, Way]:
        """Return what the field can be asked."""
        return {
            Op.EXISTS: self._exists,
            Op.EQUALS: self._equals,
            Op.IN: self._among,
            Op.ALL: self._all,
            Op.SIZE: self._size,
            Op.CONTAINS: self._found,
            Op.MATCHES: self._found,
            **dict.fromkeys(ORDERING, self._ordered),
        }

    def key(self, path: Path, params: Params, *, descending: bool) -> Key:
        """Return what to sort by: texts (their first 100 characters), numbers, truth values; all else is at the end."""
        found = self._at(path, params)
        last: LiteralString = "'null'" if descending else "'{}'"
        sql: LiteralString = (
            f"(case when jsonb_typeof({found}) in ('number', 'boolean') then {found}"
            f" when jsonb_typeof({found}) = 'string' then to_jsonb(left({found} #>> '{{}}', 100))"
            f" else {last}::jsonb end)"
        )
        return Key(sql, "jsonb", f"{sql}::text")

    def of_cursor(self, value: object) -> object:
        """Return the JSON that is written there: a number, a truth value, what stands for nothing, or a text."""
        text = str(value)
        if not _NUMBER.fullmatch(text) and text not in ("true", "false", "null", "{}"):
            found = orjson.loads(text)
            if not isinstance(found, str) or "\0" in found:
                message = "nothing is sorted by that"
                raise ValueError(message)
        return text

    def _at(self, path: Path, params: Params) -> LiteralString:
        return f"({self.sql} #> {params.add(list(path))}::text [])" if path else self.sql

    def _exists(self, asked: Compare, params: Params) -> LiteralString:
        return present(f"{self._at(asked.path, params)} is not null", asked)

    def _equals(self, asked: Compare, params: Params) -> LiteralString:
        found = self._at(asked.path, params)
        value: LiteralString = f"{params.add(_json(asked, asked.value))}::jsonb"
        if isinstance(asked.value, list | tuple | dict):
            return f"{found} = {value} or {_any_element(found, f'x.value = {value}')}"
        return f"coalesce({found}, 'null') @> {value}"

    def _among(self, asked: Compare, params: Params) -> LiteralString:
        found = self._at(asked.path, params)
        values = params.add([_json(asked, value) for value in listed(asked)])
        among: LiteralString = f"any({values}::jsonb [])"
        return f"{found} = {among} or {_any_element(found, f'x.value = {among}')}"

    def _all(self, asked: Compare, params: Params) -> LiteralString:
        values = listed(asked)
        if any(isinstance(value, list | tuple | dict) for value in values):
            asked.said.refuse("the list may hold texts, numbers, truth values and null.")
        found = self._at(asked.path, params)
        return f"{_listed(found)} @> {params.add(_json(asked, values))}::jsonb" if values else "false"

    def _size(self, asked: Compare, params: Params) -> LiteralString:
        found = self._at(asked.path, params)
        length: LiteralString = f"case jsonb_typeof({found}) when 'array' then jsonb_array_length({found}) end"
        return f"{length} = {params.add(_count(asked))}::bigint"

    def _found(self, asked: Compare, params: Params) -> LiteralString:
        inside = found_in("(x.value #>> '{}')", asked, params)
        return _any_element(self._at(asked.path, params), f"jsonb_typeof(x.value) = 'string' and {inside}")

    def _ordered(self, asked: Compare, params: Params) -> LiteralString:
        found, sign = self._at(asked.path, params), ORDERING[asked.op]
        if isinstance(asked.value, str):
            return _any_element(
                found,
                f"jsonb_typeof(x.value) = 'string'"
                f" and (x.value #>> '{{}}') collate \"C\" {sign} {params.add(asked.value)}::text",
            )
        if not isinstance(asked.value, int | float):
            asked.said.refuse("it takes a number, a text or a truth value.")
        kind: LiteralString = "boolean" if isinstance(asked.value, bool) else "number"
        value = params.add(_json(asked, asked.value))
        return _any_element(found, f"jsonb_typeof(x.value) = '{kind}' and x.value {sign} {value}::jsonb")


def _listed(found: LiteralString) -> LiteralString:
    """Return a JSON value as a list: its elements, or itself as the only one. What is missing is a list of null."""
    return f"(case jsonb_typeof({found}) when 'array' then {found} else jsonb_build_array({found}) end)"


def _any_element(found: LiteralString, condition: LiteralString) -> LiteralString:
    """Return whether a JSON value, or an element of it when it is a list, has something true of it, as `x.value`."""
    elements: LiteralString = f"jsonb_array_elements({_listed(found)}) as x (value)"
    return f"exists (select 1 from {elements} where {condition})"  # noqa: S608 - constants


def found_in(sql: LiteralString, asked: Compare, params: Params) -> LiteralString:
    """Return whether a text contains another (case counts), or a pattern is found somewhere in it."""
    text = text_of(asked, asked.value)
    if asked.op is Op.CONTAINS:
        return f"strpos({sql}, {params.add(text)}::text) > 0"
    try:
        return f"{sql} ~ {params.add(patterns.translated(text))}::text"
    except patterns.PatternError as error:
        asked.said.refuse(str(error))


def present(condition: LiteralString, asked: Compare) -> LiteralString:
    """Return a condition that says whether something is there, or its opposite where false is asked for."""
    if not isinstance(asked.value, bool):
        asked.said.refuse("it takes true or false.")
    return condition if asked.value else f"not ({condition})"


def listed(asked: Compare) -> list[object]:
    """Return the operand of a comparison that takes a list."""
    if not isinstance(asked.value, list | tuple):
        asked.said.refuse("it takes a list.")
    return list(asked.value)


def text_of(asked: Compare, value: object) -> str:
    """Return an operand that has to be a text."""
    if not isinstance(value, str):
        asked.said.refuse("it takes a text.")
    return value


def _count(asked: Compare) -> int:
    if isinstance(asked.value, bool) or not isinstance(asked.value, int):
        asked.said.refuse("it takes a whole number.")
    return _bounded(asked.value)


def _bounded(number: int) -> int:
    """Return a number as PostgreSQL can hold it; what is beyond is more, or less, than anything there."""
    return min(max(number, INT8.start), INT8.stop - 1)


def _moment(asked: Compare, value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if not isinstance(moment, datetime):
        asked.said.refuse("it takes a time such as 2026-03-14T12:00:00Z.")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _json(asked: Compare, value: object) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError as error:
        asked.said.refuse(f"this is no value of JSON ({error}).")
