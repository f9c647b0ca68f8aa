"""What somebody filters by: a small tree of comparisons, and the SQL condition that it becomes.

Every language of filters (`mongo.py` reads one) is read into this tree, and knows nothing of SQL; the tree is compiled
by the fields that a search declares (`fields.py`), and they know nothing of the languages. SQL is put together from
constants only: what a caller sent, the names of its fields included, ends in messages or in parameters.

A comparison with something that is missing is false, and its negation is true: `not (state = 'failed')` finds what has
no state, too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, LiteralString, NoReturn, TypeAlias, cast

from pinakes.server.db import Part
from pinakes.server.errors import Invalid

Path: TypeAlias = tuple[str, ...]

DEPTH = 20
NODES = 500
VALUES = 10_000
PATTERNS = 20
TEXT_LENGTH = 10_000
PATH_LENGTH = 20


class Op(StrEnum):
    """What a field can be asked. Whether it is unequal or not among some is a `Not` of these."""

    EQUALS = "="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    IN = "in"
    ALL = "all of"
    SIZE = "size"
    EXISTS = "exists"
    CONTAINS = "contains"
    MATCHES = "matches"
    LIKE = "like"
    ILIKE = "ilike"


ORDERING: Mapping[Op, LiteralString] = {Op.LESS: "<", Op.AT_MOST: "<=", Op.MORE: ">", Op.AT_LEAST: ">="}


@dataclass(frozen=True, slots=True)
class Said:
    """How a caller put a comparison, for a message about it: in which argument, of which field, by which operator."""

    argument: str
    field: str
    op: str

    def refuse(self, why: str) -> NoReturn:
        """Raise the error that says what is wrong with the comparison."""
        message = f"{self.field} {self.op}: {why}"
        raise Invalid(message, field=self.argument)


@dataclass(frozen=True, slots=True)
class Compare:
    """A field, asked something.

    Attributes:
        field: The name under which a search declares it.
        value: The operand: a text, a number, a truth value, None, or a list of those; for JSON anything.
        path: The way to a value inside a field that holds JSON.
        prefix: What the caller's values have in front of the field's own.
    """

    field: str
    op: Op
    value: object
    said: Said
    path: Path = ()
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class And:
    """All of several; of none, everything."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of several; of none, nothing."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """What something is not true of."""

    part: Expression


Expression: TypeAlias = And | Or | Not | Compare

EVERYTHING = And(())


@dataclass(frozen=True, slots=True)
class Word:
    """What a language's word for a field means.

    Attributes:
        field: The name under which a search declares the field.
        prefix: What the language's values have in front of the field's own.
        reads: Turns one value of the language into one of the field's; it may raise Invalid.
        steps: Turns the language's path inside a JSON field into the field's own.
    """

    field: str
    prefix: str = ""
    reads: Callable[[object], object] | None = None
    steps: Callable[[Path], Path] | None = None


# What a language calls the fields of a search: there are no others in it.
Vocabulary: TypeAlias = Mapping[str, Word]


@dataclass(frozen=True, slots=True)
class Named:
    """A field as a caller named it: the word for it, and the path behind that."""

    word: Word
    path: Path

    @classmethod
    def find(cls, words: Vocabulary, name: str, argument: str) -> Named:
        """Look a name up in a vocabulary; what comes after its first dot is a path.

        Raises:
            Invalid: (field `argument`) there is no such word, or the path is not one.
        """
        root, *steps = name.split(".")
        if root not in words:
            message = f"There is no field {name[:80]!r} to ask for; there are: {', '.join(words)}."
            raise Invalid(message, field=argument)
        if len(steps) > PATH_LENGTH or not all(steps):
            message = f"{name[:80]!r} is no path: names with single dots between, at most {PATH_LENGTH} of them."
            raise Invalid(message, field=argument)
        word = words[root]
        path = tuple(steps)
        return cls(word, word.steps(path) if word.steps else path)


def required(expression: Expression, field: str) -> list[str] | None:
    """Return texts of which all that fits an expression has at least one in a field; None where it is not so simple."""
    if isinstance(expression, And):
        return next((found for part in expression.parts if (found := required(part, field)) is not None), None)
    if not isinstance(expression, Compare) or expression.field != field:
        return None
    values = [expression.value] if expression.op is Op.EQUALS else expression.value
    if expression.op not in (Op.EQUALS, Op.IN, Op.ALL) or not isinstance(values, list | tuple):
        return None
    texts = [value for value in cast("Sequence[object]", values) if isinstance(value, str)]
    return texts if texts and len(texts) == len(cast("Sequence[object]", values)) else None


def plain(fields: Mapping[str, object]) -> Vocabulary:
    """Return the vocabulary that calls every declared field by its own name."""
    return {name: Word(name) for name in fields}


class Params:
    """The parameters of a condition, each under a name made of a letter and a number."""

    def __init__(self, letter: LiteralString) -> None:
        """Begin with none."""
        self._letter = letter
        self.values: dict[str, object] = {}

    def add(self, value: object) -> LiteralString:
        """Keep a value, and return the place that stands for it in the SQL."""
        name = f"{self._letter}{len(self.values)}"
        self.values[name] = value
        # A constant letter and a number: nothing of a caller's is in it.
        return cast("LiteralString", f"%({name})s")


# How a comparison becomes a condition.
Way: TypeAlias = Callable[[Compare, Params], LiteralString]


class Field(ABC):
    """Something that rows can be filtered by; a kind of field says how.

    Attributes:
        has_paths: Whether it holds JSON, so that a path leads into it.
    """

    has_paths: ClassVar[bool] = False

    def condition(self, asked: Compare, params: Params) -> LiteralString:
        """Return the condition of a comparison.

        Raises:
            Invalid: the field can't be asked that, or not with that value.
        """
        ways = self.ways()
        if asked.op not in ways:
            asked.said.refuse(f"this field takes only: {', '.join(op for op in Op if op in ways)}.")
        if asked.path and not self.has_paths:
            asked.said.refuse(f"this field has nothing inside it that {'.'.join(asked.path)[:80]!r} could mean.")
        return ways[asked.op](asked, params)

    @abstractmethod
    def ways(self) -> Mapping[Op, Way]:
        """Return what the field can be asked, and how each becomes a condition."""


Fields: TypeAlias = Mapping[str, Field]


def condition(expression: Expression, fields: Fields, letter: LiteralString = "f") -> Part:
    """Compile an expression into a condition over declared fields.

    Args:
        expression: What is asked for.
        fields: The fields, by the names that the expression uses.
        letter: What the names of the parameters begin with: another one for each condition in a query.

    Raises:
        Invalid: a field can't be asked that, or not with that value.
    """
    params = Params(letter)
    return Part(_sql(expression, fields, params), params.values)


def _sql(expression: Expression, fields: Fields, params: Params) -> LiteralString:
    match expression:
        case And(parts):
            return _joined(" and ", [_sql(part, fields, params) for part in parts]) if parts else "true"
        case Or(parts):
            return _joined(" or ", [_sql(part, fields, params) for part in parts]) if parts else "false"
        case Not(part):
            return f"({_sql(part, fields, params)}) is not true"
        case Compare():
            return f"({fields[expression.field].condition(expression, params)})"


def _joined(word: LiteralString, parts: Sequence[LiteralString]) -> LiteralString:
    return f"({word.join(parts)})" if len(parts) > 1 else parts[0]
