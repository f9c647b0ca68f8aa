"""Progress of long transfers: what a callback gets, and a ready bar for the terminal."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a transfer is.

    Attributes:
        phase: `preparing` (reading what you gave), `sending`, `applying` (the server works), `receiving`.
        done: How much is done, in `unit`s.
        total: How much there is; None while nobody knows.
        unit: What is counted: `items` or `bytes`.
    """

    phase: Literal["preparing", "sending", "applying", "receiving"]
    done: int
    total: int | None
    unit: Literal["items", "bytes"]


class OnProgress(Protocol):
    """What is called again and again while a transfer runs. It should return at once."""

    def __call__(self, progress: Progress, /) -> object:
        """Take note of how far the transfer is."""
        ...


def silent(progress: Progress, /) -> None:
    """Take no note."""


@contextmanager
def bar(title: str = "", *, console: Console | None = None) -> Generator[OnProgress]:
    """Show a progress bar on the terminal (on stderr) while the block runs.

    Like `with pinakes.progress_bar("Adding") as bar: client.collections.add(collection, items, progress=bar)`.
    """
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, Progress as RichProgress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[amount]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with RichProgress(*columns, console=console or RichConsole(stderr=True), transient=True) as shown:
        task = shown.add_task(title, total=None, amount="")

        def update(progress: Progress, /) -> None:
            shown.update(
                task,
                description=f"{title} {progress.phase}".strip(),
                completed=progress.done,
                total=progress.total,
                amount=_amount(progress),
            )

        yield update


def _amount(progress: Progress) -> str:
    if progress.unit == "bytes":
        from rich.filesize import decimal

        return decimal(progress.done) + (f" of {decimal(progress.total)}" if progress.total else "")
    return f"{progress.done:,}" + (f" of {progress.total:,}" if progress.total is not None else "")
