"""How the command line prints: data on stdout, everything that is said to people on stderr.

On a terminal a list is a table; in a pipe its lines are separated by tabs, after a line with the names of the columns.
`--json` prints what the API answers with, `--quiet` ids alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

import orjson

if TYPE_CHECKING:
    from pydantic import BaseModel

T = TypeVar("T")

# What would end a line or a field where tabs and newlines mean something.
_FLAT = str.maketrans({"\t": " ", "\n": " ", "\r": " "})
# What would let a title from the server write over the terminal.
_CONTROL = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160)])


class Column(Generic[T]):
    """A column of a table: its heading and what stands in it."""

    def __init__(self, heading: str, value: Callable[[T], object], *, style: str = "", right: bool = False) -> None:
        """Describe the column."""
        self.heading: str = heading
        self.value: Callable[[T], object] = value
        self.style: str = style
        self.right: bool = right


class Output:
    """Prints, in one of the forms.

    Attributes:
        printed: Whether the command has printed data.
        said: What it said last to people, where it prints JSON and they don't read it.
    """

    printed: ClassVar[bool] = False
    said: ClassVar[str] = ""

    def __init__(self, form: str = "") -> None:
        """Choose the form: `json`, `quiet`, or for people."""
        self.json: bool = form == "json"
        self.quiet: bool = form == "quiet"
        self.terminal: bool = sys.stdout.isatty()

    def rows(
        self, rows: Iterable[T], columns: Sequence[Column[T]], *, name: Callable[[T], object], nothing: str = "Nothing."
    ) -> None:
        """Print a list; `name` is what `--quiet` prints of each, `nothing` what people read when it is empty."""
        if self.json:
            self._array(rows)
        elif self.quiet:
            for row in rows:
                _line(shown(name(row)))
        elif self.terminal:
            self._table(list(rows), columns, nothing)
        else:
            _line("\t".join(column.heading for column in columns))
            for row in rows:
                _line("\t".join(_flat(column.value(row)) for column in columns))

    def one(self, thing: T, fields: Sequence[Column[T]], *, name: Callable[[T], object]) -> None:
        """Print one thing: its fields, one in a line, as far as they are not empty."""
        if self.json:
            self.data(thing)
        elif self.quiet:
            _line(shown(name(thing)))
        else:
            pairs = [(field.heading, shown(field.value(thing))) for field in fields]
            pairs = [(heading, text) for heading, text in pairs if text]
            width = max((len(heading) for heading, _ in pairs), default=0)
            for heading, text in pairs:
                _line(f"{heading:<{width}}  {_clean(text)}" if self.terminal else f"{heading}\t{_flat(text)}")

    def data(self, value: object) -> None:
        """Print something as JSON."""
        Output.printed = True
        option = orjson.OPT_INDENT_2 if self.terminal else 0
        sys.stdout.buffer.write(orjson.dumps(value, default=plain, option=option | orjson.OPT_APPEND_NEWLINE))
        sys.stdout.flush()

    def text(self, line: str) -> None:
        """Print a line of data."""
        _line(_clean(line))

    def hint(self, sentence: str) -> None:
        """Say something to people."""
        if self.json:
            Output.said = sentence
        elif not self.quiet:
            say(sentence)

    def done(self, sentence: str, /, **facts: object) -> None:
        """Say that something is done that has no answer of its own; as JSON, what it came to."""
        if self.json:
            self.data(facts)
        else:
            self.hint(sentence)

    def wrote(self, number: int, what: str, file: object) -> None:
        """Say how much was written to a file; without one it went to stdout, where nothing else may stand."""
        if file is None:
            Output.printed = True
            self.hint(f"{number:,} {what} written.")
        else:
            self.done(f"{number:,} {what} written to {file}.", file=str(file), **{what: number})

    @staticmethod
    def begin() -> None:
        """Begin a command: what another one said in this process before, one that failed perhaps, is not its own."""
        Output.printed, Output.said = False, ""

    @staticmethod
    def end() -> None:
        """End a command: one that was to print JSON and printed none prints what it said."""
        if Output.said and not Output.printed:
            Output("json").data({"message": Output.said})

    def _array(self, rows: Iterable[object]) -> None:
        Output.printed = True
        out = sys.stdout.buffer
        out.write(b"[")
        for number, row in enumerate(rows):
            out.write(b",\n" if number else b"\n")
            out.write(orjson.dumps(row, default=plain))
        out.write(b"\n]\n")
        sys.stdout.flush()

    def _table(self, rows: list[T], columns: Sequence[Column[T]], nothing: str) -> None:
        if not rows:
            say(nothing)
            return
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in columns:
            table.add_column(column.heading, justify="right" if column.right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(_clean(shown(column.value(row))), style=column.style) for column in columns))
        Console().print(table)


def say(sentence: str) -> None:
    """Say something to people, on stderr."""
    print(_clean(sentence), file=sys.stderr)


def shown(value: object) -> str:
    """Write a value for people; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone().isoformat(sep=" ", timespec="seconds")
    if isinstance(value, list | tuple):
        return ", ".join(shown(one) for one in cast("Sequence[object]", value))
    return str(value)


def plain(value: object) -> Any:  # noqa: ANN401 - orjson's protocol
    """Turn what the SDK answers with into what JSON has."""
    if hasattr(value, "model_dump"):
        return cast("BaseModel", value).model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError


def _clean(text: str) -> str:
    return text.translate(_CONTROL)


def _flat(value: object) -> str:
    return shown(value).translate(_FLAT).translate(_CONTROL)


def _line(text: str) -> None:
    sys.stdout.write(_clean(text) + "\n")
