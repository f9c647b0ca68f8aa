"""Reads filters in JSON that look like MongoDB's: `{"name": "x", "$or": [{"tag": "a"}, {"size": {"$gt": 5}}]}`.

Of its operators there are `$and $or $nor $not $eq $ne $gt $gte $lt $lte $in $nin $exists $regex $all $size`, and
`$contains`, which looks for a part of a text. Several keys of one object are all meant; a plain value is `$eq`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, cast

import orjson

from pinakes.server.errors import Invalid
from pinakes.server.search.filters import (
    DEPTH,
    EVERYTHING,
    NODES,
    PATTERNS,
    TEXT_LENGTH,
    VALUES,
    And,
    Compare,
    Expression,
    Named,
    Not,
    Op,
    Or,
    Said,
    Vocabulary,
)

COMPARISONS: Mapping[str, Op] = {
    "$eq": Op.EQUALS,
    "$gt": Op.MORE,
    "$gte": Op.AT_LEAST,
    "$lt": Op.LESS,
    "$lte": Op.AT_MOST,
    "$in": Op.IN,
    "$exists": Op.EXISTS,
    "$regex": Op.MATCHES,
    "$contains": Op.CONTAINS,
    "$all": Op.ALL,
    "$size": Op.SIZE,
}
NEGATIONS: Mapping[str, Op] = {"$ne": Op.EQUALS, "$nin": Op.IN}
JUNCTIONS: Mapping[str, Callable[[tuple[Expression, ...]], Expression]] = {
    "$and": And,
    "$or": Or,
    "$nor": lambda parts: Not(Or(parts)),
}
OPERATORS = (*JUNCTIONS, "$not", *NEGATIONS, *COMPARISONS)


def parse_text(text: str | None, words: Vocabulary, *, field: str = "filters") -> Expression:
    """Read a filter that is a text holding JSON; None and "" ask for nothing, so everything is found.

    Raises:
        Invalid: (as `field`) it is not JSON, or not a filter.
    """
    if text is None or not text.strip():
        return EVERYTHING
    try:
        document = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError) as error:
        message = f"{field} is no JSON: {error}."
        raise Invalid(message, field=field) from None
    return parse(document, words, field=field)


def parse(document: object, words: Vocabulary, *, field: str = "filters") -> Expression:
    """Read a filter that was decoded from JSON; None and {} ask for nothing, so everything is found.

    Args:
        document: The filter.
        words: What its names of fields mean.
        field: The argument that it came in, for messages.

    Raises:
        Invalid: (as `field`) it is not a filter, names a field or an operator that there is not, or is too large.
    """
    return EVERYTHING if document is None else _Reader(words, field).whole(document, 1)


class _Reader:
    """Reads one filter, and counts what it holds."""

    def __init__(self, words: Vocabulary, argument: str) -> None:
        self._words = words
        self._argument = argument
        self._nodes = 0
        self._values = 0
        self._patterns = 0

    def whole(self, document: object, depth: int) -> Expression:
        """Read an object whose keys are fields and operators that join."""
        self._count(depth)
        if not isinstance(document, dict):
            self._refuse('A filter is a JSON object such as {"name": "x"}.')
        parts = [self._entry(str(key), value, depth) for key, value in cast("dict[object, object]", document).items()]
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _entry(self, key: str, value: object, depth: int) -> Expression:
        if key == "$not":
            return Not(self.whole(value, depth + 1))
        if key in JUNCTIONS:
            if not isinstance(value, list | tuple):
                self._refuse(f"{key} takes a list of filters.")
            return JUNCTIONS[key](tuple(self.whole(part, depth + 1) for part in cast("Sequence[object]", value)))
        if key.startswith("$"):
            if key in OPERATORS:
                self._refuse(f'{key} belongs behind a field: {{"name": {{"{key}": …}}}}.')
            self._unknown(key)
        return self._field(key, Named.find(self._words, self._checked(key), self._argument), value, depth)

    def _field(self, name: str, named: Named, value: object, depth: int) -> Expression:
        """Read what is asked of a field: a value that it shall have, or an object of operators."""
        self._count(depth)
        operators = cast("dict[object, object]", value) if isinstance(value, dict) else {}
        if not any(str(key).startswith("$") for key in operators):
            return self._compare(name, named, "$eq", value)
        parts = [self._operator(name, named, str(key), operand, depth) for key, operand in operators.items()]
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _operator(self, name: str, named: Named, key: str, operand: object, depth: int) -> Expression:
        if key == "$not":
            if not isinstance(operand, dict):
                self._refuse(f'$not takes an operator and its value: {{"{name}": {{"$not": {{"$gt": 5}}}}}}.')
            return Not(self._field(name, named, cast("object", operand), depth + 1))
        if key in NEGATIONS:
            return Not(self._compare(name, named, key, operand))
        if key not in COMPARISONS:
            self._unknown(key)
        return self._compare(name, named, key, operand)

    def _compare(self, name: str, named: Named, key: str, operand: object) -> Expression:
        self._count(1)
        op = COMPARISONS.get(key) or NEGATIONS[key]
        self._patterns += op is Op.MATCHES
        if self._patterns > PATTERNS:
            self._refuse(f"A filter has at most {PATTERNS} patterns.")
        value = self._value(operand, 1)
        if (reads := named.word.reads) and op not in (Op.EXISTS, Op.SIZE, Op.MATCHES, Op.CONTAINS):
            value = [_read(reads, one) for one in value] if isinstance(value, list) else _read(reads, value)
        said = Said(self._argument, name, key)
        return Compare(named.word.field, op, value, said, named.path, named.word.prefix)

    def _value(self, value: object, depth: int) -> object:
        """Check a value and all that is inside it."""
        self._values += 1
        if self._values > VALUES:
            self._refuse(f"A filter has at most {VALUES} values.")
        if depth > DEPTH:
            self._refuse(f"A filter is at most {DEPTH} levels deep.")
        if isinstance(value, list | tuple):
            return [self._value(one, depth + 1) for one in cast("Sequence[object]", value)]
        if isinstance(value, dict):
            members = cast("dict[object, object]", value)
            return {self._member(str(key)): self._value(one, depth + 1) for key, one in members.items()}
        if isinstance(value, str):
            return self._checked(value)
        if not (value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))):
            self._refuse(f"{str(value)[:40]} is no value to compare with.")
        return value

    def _member(self, key: str) -> str:
        if key.startswith("$"):
            self._refuse(f"{key[:40]!r} can't stand inside a value; what is inside a field is named by a path: a.b.")
        return self._checked(key)

    def _checked(self, text: str) -> str:
        if len(text) > TEXT_LENGTH:
            self._refuse(f"A text in a filter has at most {TEXT_LENGTH} characters.")
        if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
            self._refuse("A filter holds a character that no text has (NUL or half a surrogate pair).")
        return text

    def _count(self, depth: int) -> None:
        self._nodes += 1
        if self._nodes > NODES:
            self._refuse(f"A filter has at most {NODES} conditions.")
        if depth > DEPTH:
            self._refuse(f"A filter is at most {DEPTH} levels deep.")

    def _unknown(self, key: str) -> NoReturn:
        self._refuse(f"There is no operator {key[:40]!r}; there are: {', '.join(OPERATORS)}.")

    def _refuse(self, message: str) -> NoReturn:
        raise Invalid(message, field=self._argument)


def _read(reads: Callable[[object], object], value: object) -> object:
    return None if value is None else reads(value)
