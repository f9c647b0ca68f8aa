"""Patterns that callers search texts with: the regular part of what `re2` and Python understand, said to PostgreSQL.

A pattern is taken apart and written anew, so that PostgreSQL only ever gets what it accepts and what it searches in a
time that grows with the text: no references back, no looking around, no repetitions that blow up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

LENGTH = 500
# How many single steps a pattern may have, when its repetitions are written out.
WEIGHT = 1000
REPEATS = 255
DEPTH = 50

_CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}
_ANCHORS = {"A": r"\A", "z": r"\Z", "Z": r"\Z", "b": r"\y", "B": r"\Y"}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_POSIX = ("alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "xdigit")
_NAMED_GROUP = re.compile(r"\(\?P?<[A-Za-z_]\w*>", re.ASCII)
_BOUNDS = re.compile(r"\{(?P<low>\d{1,4})(?P<open>,(?P<high>\d{0,4}))?\}", re.ASCII)
_HEX = re.compile(r"x(?:\{(?P<long>[0-9A-Fa-f]{1,6})\}|(?P<short>[0-9A-Fa-f]{2}))")
_POSIX_CLASS = re.compile(r"\[:\^?[a-z]*:\]")


class PatternError(ValueError):
    """A pattern is none, or none that is searched with here."""


def translated(pattern: str) -> str:
    """Return a pattern as PostgreSQL writes it.

    Raises:
        PatternError: it can't be read, or asks for what is not offered; the message says what.
    """
    if len(pattern) > LENGTH:
        message = f"a pattern has at most {LENGTH} characters."
        raise PatternError(message)
    return _Reader(pattern).read()


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a pattern: as PostgreSQL writes it, how many steps it takes, and whether it can be repeated."""

    sql: str
    weight: int
    repeatable: bool = True


class _Reader:
    """Reads a pattern once, from left to right."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._depth = 0

    def read(self) -> str:
        flags = "(?i)" if self._text.startswith("(?i)") else ""
        self._at = len(flags)
        whole = self._alternatives()
        if self._at < len(self._text):
            self._refuse("a ')' too many")
        if whole.weight > WEIGHT:
            self._refuse("it is too large: its repetitions come to too many steps")
        return flags + whole.sql

    def _alternatives(self) -> _Piece:
        branches = [self._branch()]
        while self._next() == "|":
            self._at += 1
            branches.append(self._branch())
        return _Piece("|".join(branch.sql for branch in branches), sum(branch.weight for branch in branches) + 1)

    def _branch(self) -> _Piece:
        pieces: list[_Piece] = []
        while (char := self._next()) and char not in "|)":
            pieces.append(self._repeated(self._atom()))
        return _Piece("".join(piece.sql for piece in pieces), sum(piece.weight for piece in pieces))

    def _atom(self) -> _Piece:
        char = self._text[self._at]
        if char == "(":
            return self._group()
        if char == "[":
            return self._brackets()
        if char == "\\":
            return self._escape()
        self._at += 1
        if char in "*+?":
            self._refuse(f"nothing stands before {char!r} that could be repeated")
        if char in "^$":
            return _Piece(char, 1, repeatable=False)
        return _Piece("[^\n]" if char == "." else _literal(char), 1)

    def _repeated(self, piece: _Piece) -> _Piece:
        """Read what says how often a piece comes; greedy or not makes no difference to whether a text is found."""
        char = self._next()
        bounds = _BOUNDS.match(self._text, self._at)
        if bounds is None and (not char or char not in "*+?"):
            return piece
        if not piece.repeatable:
            self._refuse("an anchor can't be repeated")
        if bounds is None:
            self._at += 1
            repeated = _Piece(piece.sql + char, piece.weight + 1)
        else:
            repeated = self._bounded(piece, bounds)
        if self._next() == "?":
            self._at += 1
        if (again := self._next()) and (again in "*+?" or _BOUNDS.match(self._text, self._at)):
            self._refuse("a repetition can't be repeated; put it into a group")
        return repeated

    def _bounded(self, piece: _Piece, bounds: re.Match[str]) -> _Piece:
        low = int(bounds["low"])
        high = low if not bounds["open"] else int(bounds["high"]) if bounds["high"] else None
        if max(low, high or 0) > REPEATS or (high is not None and high < low):
            self._refuse(f"{bounds[0]} is no repetition: the smaller number first, at most {REPEATS}")
        self._at = bounds.end()
        weight = piece.weight * max(low + 1 if high is None else high, 1) + 1
        if weight > WEIGHT:
            self._refuse("it is too large: its repetitions come to too many steps")
        return _Piece(f"{piece.sql}{bounds[0]}", weight)

    def _group(self) -> _Piece:
        named = _NAMED_GROUP.match(self._text, self._at)
        if named:
            self._at = named.end()
        elif self._text.startswith("(?:", self._at):
            self._at += 3
        elif self._text.startswith("(?", self._at):
            self._refuse("of the groups that begin with '(?', there are (?:…), (?P<name>…), and (?i) at the start")
        else:
            self._at += 1
        self._depth += 1
        if self._depth > DEPTH:
            self._refuse("its groups are nested too deeply")
        inside = self._alternatives()
        self._depth -= 1
        if self._next() != ")":
            self._refuse("a ')' is missing")
        self._at += 1
        return _Piece(f"(?:{inside.sql})", inside.weight + 1)

    def _escape(self) -> _Piece:
        char = self._text[self._at + 1 : self._at + 2]
        if char in _ANCHORS and char:
            self._at += 2
            return _Piece(_ANCHORS[char], 1, repeatable=False)
        if char and char.lower() in _CLASSES:
            self._at += 2
            return _Piece(f"[{'^' if char.isupper() else ''}{_CLASSES[char.lower()]}]", 1)
        return _Piece(_literal(self._character()), 1)

    def _character(self) -> str:
        """Read an escape that stands for one character."""
        self._at += 1
        char = self._next()
        if char in _CONTROLS and char:
            self._at += 1
            return _CONTROLS[char]
        if found := _HEX.match(self._text, self._at):
            self._at = found.end()
            return self._storable(int(found["long"] or found["short"], 16))
        if not char:
            self._refuse("a backslash stands at its end")
        if char.isalnum():
            self._refuse(f"there is no escape \\{char} here")
        self._at += 1
        return char

    def _storable(self, code: int) -> str:
        if not code or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:  # noqa: PLR2004 - Unicode's own bounds
            self._refuse(f"no text has the character {code:x}")
        return chr(code)

    def _brackets(self) -> _Piece:
        """Read `[…]`: characters, ranges of them, and classes."""
        self._at += 1
        sql = "["
        if self._next() == "^":
            self._at += 1
            sql += "^"
        weight = 0
        while self._next() != "]" or not weight:
            if not self._next():
                self._refuse("a ']' is missing")
            member = self._member()
            sql += member.sql
            weight += member.weight
        self._at += 1
        return _Piece(sql + "]", weight)

    def _member(self) -> _Piece:
        if posix := _POSIX_CLASS.match(self._text, self._at):
            if posix[0][2:-2] not in _POSIX:
                self._refuse(f"there is no class {posix[0]}")
            self._at = posix.end()
            return _Piece(posix[0], 1)
        following = self._text[self._at + 1 : self._at + 2]
        if self._next() == "\\" and following and following in "dwsDWS":
            if following.isupper():
                self._refuse(f"\\{following} can't stand between brackets")
            self._at += 2
            return _Piece(_CLASSES[following], 1)
        first = self._one()
        if self._next() != "-" or self._text[self._at + 1 : self._at + 2] in ("]", ""):
            return _Piece(_member_literal(first), 1)
        self._at += 1
        last = self._one()
        if last < first:
            self._refuse(f"{first}-{last} is no range")
        # A wide range takes long where case doesn't count.
        return _Piece(f"{_member_literal(first)}-{_member_literal(last)}", 1 + (ord(last) - ord(first)) // 10_000)

    def _one(self) -> str:
        char = self._next()
        if char == "\\":
            return self._character()
        if self._text.startswith(("[:", "[.", "[="), self._at):
            self._refuse("[: , [. and [= between brackets begin the name of a class")
        self._at += 1
        return char

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _refuse(self, why: str) -> NoReturn:
        message = f"{self._text[:80]!r} is no pattern to search with: {why}."
        raise PatternError(message)


def _literal(char: str) -> str:
    return f"\\{char}" if char in r".^$*+?()[]{}|\\" else char


def _member_literal(char: str) -> str:
    return f"\\{char}" if char in r"\[]^-" else char
