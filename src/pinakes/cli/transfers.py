# ruff: noqa: D417 - what `common` is stands once, in common.py
"""`pinakes export` and `pinakes import`."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from pinakes.cli import errors
from pinakes.cli.common import DEFAULT, Asked, Common
from pinakes.cli.output import Column, say

if TYPE_CHECKING:
    from pinakes.api.collections import BulkLine
    from pinakes.sdk.results import Additions

Format = Literal["jsonl", "csv"]
Flag = Annotated[bool, Parameter(negative="")]

# So many bad lines are said to people; --json prints all.
_TOLD = 20


def export(
    collection: str,
    file: Path | None = None,
    *,
    format: Format | None = None,  # noqa: A002 - the word that everybody knows
    revision: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Write a collection's entries, with notes and scores, as JSON lines or CSV.

    Args:
        collection: Which: its id, slug or URL.
        file: Where to; the standard output without it.
        format: jsonl or csv; by the file's ending without it, else jsonl.
        revision: As it was at this revision, a number or a name.
    """
    from pinakes.cli.collections import revision_of

    with common.client() as client, common.progress("Exporting") as progress:
        written = client.collections.export(
            collection,
            sys.stdout.buffer if file is None else file,
            format=format,
            revision=revision_of(revision),
            progress=progress,
        )
    sys.stdout.flush()
    common.output.wrote(written, "bytes", file)


def import_(
    collection: str,
    file: Asked[Path],
    *,
    format: Format | None = None,  # noqa: A002
    create: Flag = False,
    owner: str | None = None,
    atomic: Flag = False,
    exists_ok: Flag = False,
    again: Flag = False,
    key: str | None = None,
    expected: int | None = None,
    reason: str | None = None,
    common: Common = DEFAULT,
) -> int:
    """Add what a file of JSON lines or CSV lists (kind, address, note, score) to the end of a collection.

    Repeating the command after a broken connection is safe: the same file into the same collection, with the same
    options and within a day, is carried out once (but for --again). Lines that were not added are reported; the exit
    status is 7 then.

    Args:
        collection: Which: its id, slug or URL; with --create, the title of a new one.
        file: An export, or lines like {"kind": "model", "address": "owner/name", "note": "…"}; - for standard input.
        format: jsonl or csv; by the file's ending without it, else jsonl.
        create: Create the collection; one of that title is used if there is one.
        owner: Whose the new collection is; yours without it.
        atomic: All lines, or none.
        exists_ok: Items that are there already are no mistake.
        again: Do it even if the very same import was carried out today.
        key: What makes repeating safe; without it, it comes from the file's content and the options.
        expected: The revision that the collection must still have.
        reason: Why; kept in the history.
    """
    with common.client() as client, _at_hand(file) as path:
        target = client.collections.create(collection, owner=owner, exists_ok=True).id if create else collection
        with common.progress("Importing") as progress:
            result = client.collections.import_file(
                target,
                path,
                format=format,
                atomic=atomic,
                key=key or (None if again else _key_of(path, target, format, atomic, expected, reason)),
                expected=expected,
                reason=reason,
                progress=progress,
            )
    if result.replayed:
        say("This import was carried out before, with the result below; nothing was done now. --again does it anew.")
    return report(result, common, exists_ok=exists_ok)


def report(result: Additions, common: Common, *, exists_ok: bool = False) -> int:
    """Print what additions came to, and return the exit status."""
    output = common.output
    problems = [line for line in result.problems if not (exists_ok and line.outcome == "duplicate")]
    if output.json:
        output.data(result)
    elif output.quiet:
        for entry in result.entries:
            output.text(entry)
    else:
        columns: list[Column[tuple[str, int]]] = [
            Column("outcome", lambda row: row[0]),
            Column("lines", lambda row: row[1], right=True),
        ]
        output.rows(sorted(result.counts.items()), columns, name=lambda row: row[0], nothing="No lines.")
        for line in problems[:_TOLD]:
            say(_told(line))
        if len(problems) > _TOLD:
            say(f"… and {len(problems) - _TOLD:,} more; --json names them all.")
        output.hint(f"The collection is at revision {result.revision}.")
    return errors.PARTLY if problems else errors.DONE


def _told(line: BulkLine) -> str:
    return f"line {line.line}: {line.outcome}" + (f": {line.error.message}" if line.error else "")


@contextmanager
def _at_hand(file: Path) -> Generator[Path]:
    """Give a file as a path: what comes in on the standard input is kept in one first, so that it can be sent again."""
    if str(file) != "-":
        yield file
        return
    import shutil
    import tempfile

    with tempfile.NamedTemporaryFile(prefix="pinakes-", suffix=".jsonl") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.flush()
        yield Path(copy.name)


def _key_of(path: Path, *options: object) -> str:
    """Return what tells this import from every other: a digest of the file's content, and of the options."""
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    return "import-" + hashlib.sha256(repr((content, options)).encode()).hexdigest()
