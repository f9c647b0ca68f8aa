"""The language in which people write queries: `kind:image dataset:train tag:weather=rain -class:car size>1mb`.

A condition is a field, an operator and a value; a word or a "quoted text" alone is looked for in names, titles and
descriptions. Conditions side by side all hold; there are `or`, `not` (or `-` in front) and parentheses. `parse` reads
a query into the tree that `filters.py` compiles, `spell` writes one that reads as the same tree. Nothing is looked up
here: names of collections, datasets and people stay names, and ages stay ages, so a saved query means what it says
whenever it is asked (`items.py` looks them up).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, cast

from pinakes.server.catalog.media_types import MEDIA_KINDS
from pinakes.server.catalog.types import KINDS
from pinakes.server.errors import Invalid
from pinakes.server.search import patterns
from pinakes.server.search.filters import (
    DEPTH,
    EVERYTHING,
    NODES,
    ORDERING,
    PATTERNS,
    And,
    Compare,
    Expression,
    Not,
    Op,
    Or,
    Said,
)
from pinakes.server.search.moments import moments

LENGTH = 20_000

ITEM_KINDS = (*KINDS, *MEDIA_KINDS)
COLLECTION_KINDS = ("showcase", "release", "artifact", "selection")
STATUSES = ("pending", "held", "done", "checked", "accepted", "rejected", "skipped")

# In this order they are tried: the longest first. After `:` an operator may follow, which is then what counts.
_OPERATORS = (":~", ":>=", ":<=", ":!=", ":>", ":<", ":=", ">=", "<=", "!=", ":", "=", "~", ">", "<")
_FIELD = re.compile(r"([A-Za-z_][A-Za-z_]*)(?=[:=~<>]|!=)")
_OPERATOR = re.compile("|".join(map(re.escape, _OPERATORS)))
_SPACE = re.compile(r"\s+")
_BARE = re.compile(r'[^\s()",]+')
_BARE_NAME = re.compile(r'[^\s()",=<>~!]+')
_JOINT = re.compile(r"(or|and|not)(?![^\s()\"])", re.IGNORECASE)
# What is written without quotes.
_PLAIN = re.compile(r"[\w./@-]+")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,30})?(e[+-]?[0-9]{1,3})?", re.IGNORECASE)
_SIZE = re.compile(r"([0-9]{1,19}(?:\.[0-9]{1,9})?)\s?(b|[kmgt]i?b?)?", re.IGNORECASE)
_LARGEST = 10**18
_UNITS = {"k": 1, "m": 2, "g": 3, "t": 4}

_ASKED: Mapping[str, Op] = {
    "=": Op.EQUALS,
    "<": Op.LESS,
    "<=": Op.AT_MOST,
    ">": Op.MORE,
    ">=": Op.AT_LEAST,
    "~": Op.MATCHES,
}
_SIGNS = {op: sign for sign, op in _ASKED.items()}

_WORD = (Op.EQUALS, Op.IN)
_TEXT = (Op.CONTAINS, Op.EQUALS, Op.IN, Op.MATCHES)
_ORDERED = (Op.EQUALS, Op.IN, *ORDERING)


@dataclass(frozen=True, slots=True)
class Term:
    """A field of the language.

    Attributes:
        about: What it says of an item.
        example: A condition with it.
        ops: What it can be asked.
        reads: Turns a value as it is written into the value; a ValueError says what would be right.
        named: Whether a name stands behind the colon, and what is asked about it behind that: `tag:weather=rain`.
    """

    about: str
    example: str
    ops: tuple[Op, ...]
    reads: Callable[[str], object]
    named: bool = False


def _text(written: str) -> object:
    if not written:
        message = "there is nothing between the quotes"
        raise ValueError(message)
    return written


def _one_of(*words: str) -> Callable[[str], object]:
    def read(written: str) -> object:
        word = written.lower().replace(" ", "_").replace("-", "_")
        if word not in words:
            message = f"{written[:80]!r} is none of: {', '.join(words)}"
            raise ValueError(message)
        return word

    return read


def _whole(written: str) -> object:
    if not _INTEGER.fullmatch(written):
        message = f"{written[:80]!r} is no whole number"
        raise ValueError(message)
    return int(written)


def _number(written: str) -> object:
    number = float(written) if _NUMBER.fullmatch(written) else math.inf
    if not math.isfinite(number):
        message = f"{written[:80]!r} is no number such as 0.5"
        raise ValueError(message)
    return number


def _size(written: str) -> object:
    match = _SIZE.fullmatch(written)
    number, unit = (match[1], (match[2] or "b").lower()) if match else ("", "b")
    times = 1 if unit == "b" else (1024 if "i" in unit else 1000) ** _UNITS[unit[0]]
    size = (round(float(number) * times) if "." in number else int(number) * times) if match else _LARGEST + 1
    if size > _LARGEST:
        message = f"{written[:80]!r} is no size such as 500kb, 1.5mb or 2gib"
        raise ValueError(message)
    return size


def _time(written: str) -> object:
    text = written.strip().lower()
    moments(text)
    return text


FIELDS: Mapping[str, Term] = {
    "kind": Term("what it is", "kind:image", _WORD, _one_of(*ITEM_KINDS, *COLLECTION_KINDS)),
    "owner": Term("whose it is: an account's name", "owner:anna", _WORD, _text),
    "project": Term("its project: owner/name, a name or a number", "project:anna/streets", _WORD, _text),
    "dataset": Term(
        "its dataset of media: a path of names or a number; those nested below count",
        "dataset:train/night",
        _WORD,
        _text,
    ),
    "id": Term("its number", "id:5,6", _ORDERED, _whole),
    "name": Term("its name: a part of it, with = all of it, with ~ a pattern", "name:~cam_.*", _TEXT, _text),
    "title": Term("its title, as names", "title:street", _TEXT, _text),
    "description": Term("its description, as names", 'description:"by night"', _TEXT, _text),
    "tag": Term("a tag that it has, and its value", "tag:weather=rain", _ORDERED, _text, named=True),
    "class": Term("a class that it has labels of, and how many", "class:car>=2", _ORDERED, _whole, named=True),
    "labeler": Term("who labeled it: a user's name", "labeler:anna", _WORD, _text),
    "labels": Term("how many labels it has", "labels>=1", _ORDERED, _whole),
    "size": Term("how many bytes it has", "size>1mb", _ORDERED, _size),
    "width": Term("its width in pixels", "width>=640", _ORDERED, _whole),
    "height": Term("its height in pixels", "height>=480", _ORDERED, _whole),
    "frames": Term("how many frames a video has", "frames>100", _ORDERED, _whole),
    "created": Term("when it was made: a date, or its age", "created>2026-01-01", _ORDERED, _time),
    "updated": Term("when it was last changed: a date, or how long ago", "updated<7d", _ORDERED, _time),
    "score": Term("its score in the collection that `in:` names", "in:5 score>0.5", _ORDERED, _number),
    "in": Term("a collection that holds it: an address or a number", "in:anna/night-65f0", _WORD, _text),
    "queue": Term(
        "a labeling queue that it is in, by number, and its status there",
        "queue:12=accepted",
        _WORD,
        _one_of(*STATUSES),
        named=True,
    ),
    "visibility": Term("who sees it", "visibility:private", _WORD, _one_of("public", "private")),
}

# The field of words that stand alone.
WORDS = "text"


def parse(text: str | None, *, field: str = "query") -> Expression:
    """Read a query; None, "" and white space ask for nothing, so everything is found.

    Raises:
        Invalid: (as `field`) it can't be read; the message names the place, counted from 1, and what would be right.
    """
    text = text or ""
    if len(text) > LENGTH:
        message = f"A query has at most {LENGTH} characters; this one has {len(text)}."
        raise Invalid(message, field=field)
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        message = "The query holds a character that no text has (NUL or half a surrogate pair)."
        raise Invalid(message, field=field)
    return _Reader(text, field).whole()


def compare(name: str, op: Op, value: object, path: tuple[str, ...] = (), *, field: str = "query") -> Compare:
    """Return a comparison as `parse` makes it."""
    return Compare(name, op, value, Said(field, name, _sign(name, op, path)), path)


def spell(expression: Expression) -> str:
    """Write a tree that `parse` made as a query: reading it gives the same tree."""
    match expression:
        case And(parts):
            return " ".join(f"({spell(part)})" if isinstance(part, And | Or) else spell(part) for part in parts)
        case Or(parts):
            return " or ".join(f"({spell(part)})" if isinstance(part, Or) else spell(part) for part in parts)
        case Not(part):
            return f"-({spell(part)})" if isinstance(part, And | Or) else f"-{spell(part)}"
        case Compare():
            return _spelled(expression)


def _spelled(asked: Compare) -> str:
    if asked.field == WORDS:
        return _quoted(str(asked.value))
    name = f"{asked.field}:{_value(asked.path[0])}" if asked.path else asked.field
    if asked.op is Op.EXISTS:
        return name
    values = cast("Sequence[object]", asked.value) if asked.op is Op.IN else [asked.value]
    return f"{name}{asked.said.op}{','.join(map(_value, values))}"


def _sign(name: str, op: Op, path: tuple[str, ...]) -> str:
    """Return the sign under which `spell` writes an operator of a field."""
    if name == WORDS or op is Op.EXISTS or op is Op.CONTAINS:
        return ":"
    if op in (Op.EQUALS, Op.IN):
        return "=" if path or Op.CONTAINS in FIELDS[name].ops else ":"
    return f":{_SIGNS[op]}" if op is Op.MATCHES else _SIGNS[op]


def _value(value: object) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) and not text.startswith("-") else _quoted(text)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Reader:
    """Reads one query from left to right: what is asked for with `or` is made of what stands side by side."""

    def __init__(self, text: str, argument: str) -> None:
        self._text = text
        self._argument = argument
        self._at = 0
        self._nodes = 0
        self._patterns = 0

    def whole(self) -> Expression:
        """Read all of it."""
        self._skip()
        if self._at == len(self._text):
            return EVERYTHING
        found = self._either(1)
        if self._at < len(self._text):
            self._refuse("this ')' closes nothing: leave it out, or put a '(' in front")
        return found

    def _either(self, depth: int) -> Expression:
        parts = [self._all(depth)]
        while self._word() == "or":
            self._at += 2
            self._skip()
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _all(self, depth: int) -> Expression:
        parts = [self._one(depth)]
        while self._at < len(self._text) and self._text[self._at] != ")" and self._word() != "or":
            if self._word() == "and":
                self._at += 3
                self._skip()
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _one(self, depth: int) -> Expression:
        """Read one condition with what stands in front of it."""
        self._nodes += 1
        if self._nodes > NODES:
            self._refuse(f"a query has at most {NODES} conditions")
        if depth > DEPTH:
            self._refuse(f"a query is at most {DEPTH} levels deep")
        char = self._text[self._at : self._at + 1]
        word = self._word()
        if word in ("or", "and") or char in ("", ")"):
            self._refuse("here a condition is missing, such as name:cam, kind:image or a word to look for")
        if char == "-" or word == "not":
            self._at += 1 if char == "-" else 3
            self._skip()
            return Not(self._one(depth + 1))
        if char == "(":
            return self._bracketed(depth)
        return self._condition()

    def _bracketed(self, depth: int) -> Expression:
        opened = self._at
        self._at += 1
        self._skip()
        found = self._either(depth + 1)
        if self._text[self._at : self._at + 1] != ")":
            self._refuse("this '(' is never closed: a ')' is missing", opened)
        self._at += 1
        self._skip()
        return found

    def _condition(self) -> Expression:
        start = self._at
        match = _FIELD.match(self._text, self._at)
        if match is None:
            word = self._operand(_BARE, "a word to look for")
            self._skip()
            if not word:
                self._refuse("there is nothing between the quotes to look for", start)
            return compare(WORDS, Op.CONTAINS, word, field=self._argument)
        name = match[1].lower()
        if name not in FIELDS:
            self._refuse(
                f"there is no field {match[1][:40]!r}; there are {', '.join(FIELDS)}. To look for the text, quote it",
                start,
            )
        self._at = match.end()
        sign = self._sign()
        found = self._named(name, sign, start) if FIELDS[name].named else self._asked(name, sign, start)
        self._skip()
        return found

    def _named(self, name: str, sign: str, start: int) -> Expression:
        """Read what stands behind `tag:` and the like: a name, and perhaps what is asked about it."""
        term = FIELDS[name]
        if sign not in (":", "="):
            self._refuse(f"behind {name} comes a colon and a name: {term.example}", start)
        at = self._at
        path = (self._operand(_BARE_NAME, f"a name: {term.example}"),)
        if not path[0]:
            self._refuse(f"here a name is missing: {term.example}", at)
        if not _OPERATOR.match(self._text, self._at):
            return compare(name, Op.EXISTS, value=True, path=path, field=self._argument)
        return self._asked(name, self._sign(), start, path)

    def _asked(self, name: str, sign: str, start: int, path: tuple[str, ...] = ()) -> Expression:
        """Read the values behind a field and its operator."""
        term = FIELDS[name]
        wanted = Op.CONTAINS if sign == ":" and Op.CONTAINS in term.ops else _ASKED[sign.strip(":!") or "="]
        if wanted not in term.ops:
            signs = ", ".join([":", *(_SIGNS[op] for op in term.ops if op in _SIGNS)])
            self._refuse(f"{name} takes {signs}, not {sign}: {term.example}", start)
        values = [self._read(term, name, wanted)]
        while self._text[self._at : self._at + 1] == ",":
            if wanted is not Op.EQUALS:
                self._refuse(f"several values are asked for with {name}= only: write 'or' between conditions instead")
            self._at += 1
            values.append(self._read(term, name, wanted))
        if len(values) > 1:
            found = compare(name, Op.IN, values, path, field=self._argument)
        else:
            found = compare(name, wanted, values[0], path, field=self._argument)
        return Not(found) if "!" in sign else found

    def _read(self, term: Term, name: str, op: Op) -> object:
        at = self._at
        written = self._operand(_BARE, f"a value: {term.example}")
        try:
            if op is Op.MATCHES:
                self._patterns += 1
                patterns.translated(written)
            value = term.reads(written)
        except (ValueError, OverflowError) as error:
            self._refuse(f"{name}: {error}; for instance {term.example}", at)
        if self._patterns > PATTERNS:
            self._refuse(f"a query has at most {PATTERNS} patterns", at)
        return value

    def _operand(self, bare: re.Pattern[str], wanted: str) -> str:
        """Read a quoted text, or characters up to the next that ends a bare one."""
        if self._text[self._at : self._at + 1] == '"':
            return self._quotes()
        match = bare.match(self._text, self._at)
        if match is None:
            self._refuse(f"here comes {wanted}")
        self._at = match.end()
        return match[0]

    def _quotes(self) -> str:
        """Read a text in quotes; in it, a backslash stands before a quote or another backslash."""
        opened = self._at
        found: list[str] = []
        self._at += 1
        while (char := self._text[self._at : self._at + 1]) != '"':
            if not char:
                self._refuse("this quote is never closed", opened)
            following = self._text[self._at + 1 : self._at + 2]
            if char == "\\" and following and following in '\\"':
                char = following
                self._at += 1
            found.append(char)
            self._at += 1
        self._at += 1
        return "".join(found)

    def _sign(self) -> str:
        match = _OPERATOR.match(self._text, self._at)
        if match is None:
            self._refuse(f"here comes one of {' '.join(_OPERATORS)}")
        self._at = match.end()
        return match[0]

    def _word(self) -> str | None:
        """Return the joining word that stands here, if one does."""
        match = _JOINT.match(self._text, self._at)
        return match[1].lower() if match else None

    def _skip(self) -> None:
        match = _SPACE.match(self._text, self._at)
        if match:
            self._at = match.end()

    def _refuse(self, why: str, at: int | None = None) -> NoReturn:
        place = (self._at if at is None else at) + 1
        message = f"Position {place}: {why}."
        raise Invalid(message, field=self._argument, details={"position": place})
