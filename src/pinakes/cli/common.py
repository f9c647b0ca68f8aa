"""What every command takes, and the client that it works with."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeVar

from cyclopts import Group, Parameter

from pinakes.cli.output import Output

if TYPE_CHECKING:
    from pinakes.sdk._sync.client import Client
    from pinakes.sdk.progress import OnProgress

# A value that may be `-`, which stands for the standard input, or for being asked.
T = TypeVar("T")
Asked = Annotated[T, Parameter(allow_leading_hyphen=True)]

GROUP = Group("Everywhere", sort_key=100)
OUTPUT_VARIABLE = "PINAKES_OUTPUT"


@Parameter(name="*", group=GROUP)
@dataclass(frozen=True, slots=True)
class Flags:
    """What every command takes."""

    json: Annotated[bool, Parameter(negative="")] = False
    """Print JSON (an object, or an array of them)."""
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], negative="")] = False
    """Print only ids, one in a line, and no hints."""

    @property
    def output(self) -> Output:
        """How to print, by these flags, else by PINAKES_OUTPUT."""
        chosen = os.environ.get(OUTPUT_VARIABLE, "")
        return Output("json" if self.json else "quiet" if self.quiet else chosen)


@Parameter(name="*", group=GROUP)
@dataclass(frozen=True, slots=True)
class Common(Flags):
    """What every command takes that asks a server."""

    url: str | None = None
    """The server (PINAKES_URL, or the one that you logged in to)."""
    token: Asked[str | None] = None
    """The token (PINAKES_TOKEN, or the one that you logged in with)."""

    @contextmanager
    def client(self) -> Generator[Client]:
        """Connect."""
        from importlib.metadata import version

        from pinakes.sdk._sync.client import connect

        with connect(self.url, self.token, user_agent=f"pinakes-cli/{version('pinakes')}") as client:
            yield client

    @contextmanager
    def progress(self, title: str) -> Generator[OnProgress]:
        """Show a bar while something long runs, where somebody looks at it."""
        from pinakes.sdk import progress

        if self.output.quiet or not sys.stderr.isatty():
            yield progress.silent
        else:
            with progress.bar(title) as shown:
                yield shown


DEFAULT = Common()
FLAGS = Flags()


def confirmed(command: str, *, given: bool) -> None:
    """Go on with what can't be taken back only where `--yes` was given.

    Raises:
        Invalid: It was not; the message says the command that goes on.
    """
    from pinakes.sdk.errors import Invalid

    if not given:
        message = f"This can't be taken back. If you mean it: {command}"
        raise Invalid(message, code="not_confirmed", field="yes")
