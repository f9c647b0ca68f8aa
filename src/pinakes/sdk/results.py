"""What the SDK answers with where the API's own types don't say it all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from pinakes.api.collections import Batch, BulkLine, EntryItem, Summary
from pinakes.api.media import MediaResult
from pinakes.api.queues import Proof
from pinakes.api.releases import Origin, Version, VersionFile
from pinakes.sdk.errors import PinakesError, from_line
from pinakes.sdk.local_media import MediaFile
from pinakes.sdk.progress import OnProgress, Progress

# In a summary these are plural, in the outcome of a line they are not.
_OUTCOMES = {
    "added": "added",
    "duplicates": "duplicate",
    "unknown": "unknown",
    "invalid": "invalid",
    "not_applied": "not_applied",
}


@dataclass(frozen=True, slots=True)
class Additions:
    """What became of items that were added, however many.

    Attributes:
        revision: The collection's number afterwards.
        applied: False when an `atomic` call had a bad line, so that nothing was done.
        counts: How many lines had which outcome: `added`, `duplicate`, `unknown`, `invalid`; `not_applied` for the good
            lines of an `atomic` call that was refused.
        lines: What became of the lines, numbered from 1: of each one for up to 10,000 items; for more, only of those
            that were not added, unless all were asked for.
        problems_cut: There were more problems than a repeated answer names; `counts` counts them all.
        replayed: The very same call was carried out before; this is what it came to then, and nothing was done now.
    """

    revision: int
    applied: bool
    counts: dict[str, int] = field(default_factory=dict[str, int])
    lines: list[BulkLine] = field(default_factory=list[BulkLine])
    replayed: bool = False
    problems_cut: bool = False

    @property
    def added(self) -> int:
        """How many items were added."""
        return self.counts.get("added", 0)

    @property
    def entries(self) -> list[str]:
        """The ids of the new entries, as far as the lines tell them."""
        return [line.entry for line in self.lines if line.outcome == "added" and line.entry is not None]

    @property
    def problems(self) -> list[BulkLine]:
        """The lines that were not added."""
        return [line for line in self.lines if line.outcome != "added"]

    def checked(self, *, exists_ok: bool = False) -> Additions:
        """Return this; raise the error of the first line that was not added, if there is one.

        Args:
            exists_ok: Items that were there already are no mistake.
        """
        for line in self.problems:
            if line.error is not None and not (exists_ok and line.outcome == "duplicate"):
                raise error_of(line)
        return self


def error_of(line: BulkLine) -> PinakesError:
    """Build the exception of a refused line."""
    assert line.error is not None
    error = from_line(line.error.model_dump())
    error.details.setdefault("line", line.line)
    return error


def of_batch(batch: Batch, *, replayed: bool) -> Additions:
    """Read the answer to a small call."""
    lines = [
        BulkLine(line=number, outcome=result.outcome, entry=result.entry, error=result.error)
        for number, result in enumerate(batch.results, 1)
    ]
    return Additions(batch.revision, batch.applied, dict(batch.counts), lines, replayed)


def of_summary(summary: Summary, lines: list[BulkLine], *, replayed: bool) -> Additions:
    """Read the end of the answer to a large one."""
    counts = {outcome: getattr(summary, name) for name, outcome in _OUTCOMES.items()}
    named = {name: count for name, count in counts.items() if count}
    return Additions(summary.revision, summary.applied, named, lines, replayed, summary.problems_cut)


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What logging a version came to.

    Attributes:
        version: The version, with its number.
        existing: A version with the same content was there already, and this is it; nothing was sent.
        sent: How many files had to be sent; the server had the others, from before or from other versions.
        sent_bytes: How long they were together.
    """

    version: Version
    existing: bool = False
    sent: int = 0
    sent_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Downloaded:
    """What is in the folder now.

    Attributes:
        folder: Where.
        files: How many of the version's files are there.
        size: How long they are together, in bytes.
        kept: How many of them had been there already.
        references: What lives elsewhere: it was not fetched; each one's `reference` says where it is.
    """

    folder: Path
    files: int
    size: int
    kept: int
    references: list[VersionFile] = field(default_factory=list[VersionFile])


# So many refused files are named in an answer; all are counted.
MOST_REFUSED = 1000


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that no item was made of, and why."""

    path: Path
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class MediaUploaded:
    """What sending a folder came to.

    Attributes:
        files: How many files there are in it.
        added: How many items were made, of files that were sent and of those that the server had.
        unchanged: How many were there already.
        sent: How many files had to be sent, and how many bytes those were.
        refused: How many could not be added; `problems` names the first thousand.
    """

    files: int
    added: int
    unchanged: int
    sent: int
    sent_bytes: int
    refused: int
    problems: list[RefusedFile]


@dataclass(frozen=True, slots=True)
class MediaDownloaded:
    """What is in the folder now.

    Attributes:
        folder: Where.
        files: How many files are there, and how long they are together.
        kept: How many of them had been there already.
        elsewhere: How many items are links: they were not fetched.
    """

    folder: Path
    files: int
    size: int
    kept: int
    elsewhere: int


class FetchTally:
    """Counts what is fetched, over several threads, and tells whoever wants to know.

    Attributes:
        stopped: Whether what is on its way is to end: something else has failed.
    """

    def __init__(self, progress: OnProgress) -> None:
        """Begin to count."""
        self.stopped: bool = False
        self._progress: OnProgress = progress
        self._lock: Lock = Lock()
        self._counts: Counter[str] = Counter()

    def count(self, *, size: int = 0, kept: bool = False, elsewhere: bool = False) -> None:
        """Count an item."""
        with self._lock:
            self._counts.update(items=1, elsewhere=elsewhere, kept=kept, size=size)
            self._progress(Progress("receiving", self._counts["items"], None, "items"))

    def stop(self) -> None:
        """Let what is on its way end."""
        self.stopped = True

    def downloaded(self, folder: Path) -> MediaDownloaded:
        """Say what it came to."""
        counts = self._counts
        files = counts["items"] - counts["elsewhere"]
        return MediaDownloaded(folder, files, counts["size"], counts["kept"], counts["elsewhere"])


class MediaTally:
    """Counts what becomes of files, over several threads, and tells whoever wants to know."""

    def __init__(self, total: int, progress: OnProgress) -> None:
        """Begin to count."""
        self._total: int = total
        self._progress: OnProgress = progress
        self._lock: Lock = Lock()
        self._counts: Counter[str] = Counter()
        self._problems: list[RefusedFile] = []

    def sent(self, file: MediaFile, result: MediaResult) -> None:
        """Count a file that was sent, and what became of it."""
        if result.error is None:
            with self._lock:
                self._counts.update(sent=1, bytes=file.size)
        self.settled(file.source, result)

    def settled(self, path: Path, result: MediaResult) -> None:
        """Count what became of a file."""
        if result.error is not None:
            self.refused(path, (result.error.code, result.error.message))
        else:
            self._count(**{result.outcome: 1})

    def refused(self, path: Path, why: tuple[str, str]) -> None:
        """Count a file that no item can be made of."""
        with self._lock:
            if len(self._problems) < MOST_REFUSED:
                self._problems.append(RefusedFile(path, *why))
        self._count(refused=1)

    def storable(self, path: Path, *names: str) -> bool:
        """Say whether names are Unicode, as the server needs them; a file with another one is refused."""
        try:
            "".join(names).encode()
        except UnicodeEncodeError:
            self.refused(path, ("invalid", "Its name, or its folder's, is not valid Unicode."))
            return False
        return True

    def pass_over(self, count: int) -> None:
        """Count files that are not asked for."""
        self._count(passed=count)

    def uploaded(self) -> MediaUploaded:
        """Say what it came to."""
        counts = self._counts
        return MediaUploaded(
            files=counts["added"] + counts["unchanged"] + counts["refused"],
            added=counts["added"],
            unchanged=counts["unchanged"],
            sent=counts["sent"],
            sent_bytes=counts["bytes"],
            refused=counts["refused"],
            problems=self._problems,
        )

    def _count(self, **more: int) -> None:
        with self._lock:
            self._counts.update(more)
            done = sum(self._counts[name] for name in ("added", "unchanged", "refused", "passed"))
            self._progress(Progress("sending", done, self._total, "items"))


def error_facts(error: PinakesError) -> tuple[str, str]:
    """Return what a refused file's error says."""
    return error.code, error.message


@dataclass(frozen=True, slots=True)
class Traced:
    """An item that a version was made of.

    Attributes:
        origin: The collection that held it, at the revision that the version was made of.
        item: The item.
        proofs: Who labeled it and who accepted that, the latest decision first; none where nobody did, in no queue.
    """

    origin: Origin
    item: EntryItem
    proofs: list[Proof] = field(default_factory=list[Proof])
