# ruff: noqa: D417 - what `common` is stands once, in common.py
"""`pinakes artifacts …`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from pinakes.cli.common import DEFAULT, Common, confirmed
from pinakes.cli.output import Column
from pinakes.cli.releases import columns, place_of

if TYPE_CHECKING:
    from pinakes.api.releases import Lineage, Standing, Version, VersionFile
    from pinakes.sdk._sync.client import Client
    from pinakes.sdk.results import Traced

app = App(name="artifacts", help="Put and get versions of artifacts with their files; see where they come from.")

Flag = Annotated[bool, Parameter(negative="")]
Aliases = Annotated[list[str] | None, Parameter(name=["--alias", "-a"])]
Files = Annotated[list[str] | None, Parameter(name=["--file", "-f"])]
References = Annotated[list[str] | None, Parameter(name=["--reference", "-r"])]


# What the API says for the two that are no number of seconds.
_KEPT = {"project": -1, "forever": -2}
_DAY = 86_400
_LONGEST_NUMBER = 6


def _fields() -> list[Column[Version]]:
    return [
        Column("version", _label),
        Column("source", lambda v: v.source),
        Column("type", lambda v: v.type),
        Column("state", lambda v: v.state),
        Column("description", lambda v: v.description),
        Column("size", lambda v: v.size),
        Column("files", lambda v: v.file_count),
        Column("metadata", lambda v: [f"{key}={value}" for key, value in v.metadata.items()]),
        Column("tags", lambda v: v.tags),
        Column("digest", lambda v: v.digest),
        Column("by", lambda v: v.created_by),
        Column("logged", lambda v: v.committed_at or v.created_at),
        Column("deleted", lambda v: v.deleted_at),
        Column("id", lambda v: v.id),
    ]


def _label(version: Version) -> str:
    return version.name if version.number is None else f"{version.name}:v{version.number}"


@app.command
def ls(
    project: str,
    *,
    type: str | None = None,  # noqa: A002 - what it is called
    releases: Flag = False,
    limit: int = 100,
    common: Common = DEFAULT,
) -> None:
    """List the artifacts of a project, by name; `pinakes releases versions` lists the versions of one.

    Args:
        project: OWNER/PROJECT.
        type: Only those of this type.
        releases: Releases in the project instead.
        limit: How many at most.
    """
    with common.client() as client:
        rows = client.projects.artifacts(project, type=type, kind="release" if releases else "artifact").first(limit)
        common.output.rows(rows, columns(), name=place_of, nothing="No artifacts.")


@app.command
def put(
    artifact: str,
    *files: Path,
    type: str,  # noqa: A002
    description: str | None = None,
    metadata: str | None = None,
    alias: Aliases = None,
    tag: list[str] | None = None,
    reference: References = None,
    common: Common = DEFAULT,
) -> None:
    """Log a version of an artifact. After a broken connection, repeat: only what is missing is sent.

    Args:
        artifact: OWNER/PROJECT/ARTIFACT; project and artifact are made when they are not there.
        files: Files and folders; a folder's content keeps the paths that it has there.
        type: The artifact's type, such as model or dataset.
        description: What it is.
        metadata: What is to be known about it, as a JSON object.
        alias: What it shall be called, beside latest; several times for several.
        tag: A word to find it by; several times for several.
        reference: What lives elsewhere, as PATH=URL (s3, gs, http, file); several times for several.
    """
    from pinakes.sdk.naming import artifact_parts

    project, name = artifact_parts(artifact)
    given, elsewhere = _metadata(metadata), _references(reference or ())
    with common.client() as client, common.progress("Uploading") as progress:
        done = client.versions.upload(
            project,
            name,
            type,
            files,
            references=elsewhere,
            description=description,
            metadata=given,
            tags=tag or (),
            aliases=alias or (),
            progress=progress,
        )
    common.output.one(done.version, _fields(), name=lambda v: v.id)
    if done.existing:
        common.output.hint("A version with the same content was there already: this is it.")
    else:
        common.output.hint(f"{done.sent:,} of {done.version.file_count:,} files sent, {done.sent_bytes:,} bytes.")


@app.command
def get(version: str, to: Path | None = None, *, file: Files = None, common: Common = DEFAULT) -> None:
    """Bring a version's files into a folder. After a broken connection, repeat: it goes on where it broke.

    Args:
        version: OWNER/PROJECT/ARTIFACT:v3, ORGANIZATION/REGISTRY/RELEASE:alias, or its number on the server; without an
            alias, the latest.
        to: The folder; NAME-vN here without it.
        file: Only this file of the version; several times for several.
    """
    from pinakes.sdk import local

    with common.client() as client, common.progress("Downloading") as progress:
        found = client.versions.get(version)
        folder = to or local.place_of(Path(), f"{found.name}-v{found.number}")
        done = client.versions.download(found, folder, paths=file, progress=progress)
    output = common.output
    if output.json:
        output.data(done)
        return
    output.text(str(done.folder))
    there = f", {done.kept:,} of them there already" if done.kept else ""
    output.hint(f"{done.files:,} files, {done.size:,} bytes{there}.")
    for one in done.references:
        output.hint(f"{one.path} lives elsewhere: {one.reference}")


@app.command
def info(version: str, *, common: Common = DEFAULT) -> None:
    """Show a version, and where it stands.

    Args:
        version: OWNER/PROJECT/ARTIFACT:v3, ORGANIZATION/REGISTRY/RELEASE:alias, or its number on the server.
    """
    with common.client() as client:
        found = client.versions.get(version)
        standings = client.versions.collections(found).all()
    here: Column[Version] = Column("stands in", lambda _: [_standing(one) for one in standings])
    common.output.one(found, [*_fields(), here], name=lambda v: v.id)


@app.command
def edit(
    version: str,
    *,
    description: str | None = None,
    metadata: str | None = None,
    tag: list[str] | None = None,
    remove_tag: list[str] | None = None,
    alias: Aliases = None,
    remove_alias: list[str] | None = None,
    keep: str | None = None,
    reason: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Change what is said of a version; what is left out stays. Every release that holds it shows that.

    Aliases are set and removed one by one, after all else: when one of these changes fails, those before it stay.

    Args:
        version: OWNER/PROJECT/ARTIFACT:v3, ORGANIZATION/REGISTRY/RELEASE:alias, or its number on the server.
        description: What it is; "" for nothing.
        metadata: All that is to be known about it, anew, as a JSON object.
        tag: A word to find it by; several times for several.
        remove_tag: A word to take away; several times for several.
        alias: What it shall be called in its artifact, and no other version any more; several times for several.
            `pinakes releases alias` sets those in releases.
        remove_alias: What it shall be called there no more; several times for several.
        keep: How many days it is kept from when it was logged; `forever`, or `project` for what its project says.
        reason: Why an alias is set or removed; `pinakes releases log` tells it for ever.
    """
    known, ttl = _metadata(metadata), _ttl(keep)
    with common.client() as client:
        changed = client.versions.update(
            version,
            description=description,
            metadata=known,
            add_tags=tag or (),
            remove_tags=remove_tag or (),
            ttl_seconds=ttl,
        )
        assert changed.source is not None  # whoever may change a version sees where it was logged
        own = changed.source.rpartition(":")[0]
        for word in alias or ():
            client.releases.set_alias(own, word, changed, reason=reason)
        for word in remove_alias or ():
            if _is_called(client, own, word, changed):
                client.releases.remove_alias(own, word, reason=reason)
            else:
                common.output.hint(f"{_label(changed)} is not called {word} in its artifact.")
    common.output.one(changed, _fields(), name=lambda v: v.id)


def _is_called(client: Client, artifact: str, alias: str, version: Version) -> bool:
    from pinakes.sdk.errors import NotFound

    try:
        return client.releases.version(alias, within=artifact).version.id == version.id
    except NotFound:
        return False


def _standing(one: Standing) -> str:
    aliases = f" ({', '.join(one.aliases)})" if one.aliases else ""
    return f"{place_of(one.collection)}:v{one.number}{aliases}"


@app.command(name="files")
def list_files(version: str, *, limit: int = 1000, common: Common = DEFAULT) -> None:
    """List a version's files, by path.

    Args:
        version: Which.
        limit: How many at most.
    """
    shown: list[Column[VersionFile]] = [
        Column("path", lambda f: f.path, style="cyan"),
        Column("size", lambda f: f.size, right=True),
        Column("md5", lambda f: f.md5),
        Column("reference", lambda f: f.reference),
    ]
    with common.client() as client:
        rows = client.versions.files(version).first(limit)
        common.output.rows(rows, shown, name=lambda f: f.path, nothing="No files.")


@app.command
def rm(
    version: str,
    *,
    aliases: Flag = False,
    all_versions: Annotated[bool, Parameter(name="--all", negative="")] = False,
    missing_ok: Flag = False,
    yes: Flag = False,
    reason: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Delete a version, which leaves every release; or with --all an artifact with all its versions.

    Args:
        version: OWNER/PROJECT/ARTIFACT:v3, or its number on the server; with --all OWNER/PROJECT/ARTIFACT.
        aliases: Also when it has aliases (latest is one).
        all_versions: The artifact with all its versions.
        missing_ok: That there is none is no mistake.
        yes: Yes, for good.
        reason: Why; kept in the history.
    """
    from pinakes.sdk.errors import Invalid

    if not all_versions and "/" in version and ":" not in version:
        message = f"Say which version: {version}:v3; or --all for the artifact with all its versions."
        raise Invalid(message, code="invalid", field="version")
    flags = [word for word, on in (("--all", all_versions), ("--aliases", aliases)) if on]
    confirmed(" ".join(["pinakes artifacts rm", f'"{version}"', *flags, "--yes"]), given=yes)
    with common.client() as client:
        if all_versions:
            client.projects.delete_artifact(version, missing_ok=missing_ok, reason=reason)
        else:
            client.versions.delete(version, aliases=aliases, missing_ok=missing_ok, reason=reason)
    common.output.hint("It is gone.")


@app.command
def lineage(
    version: str,
    *,
    depth: int = 3,
    direction: Literal["both", "up", "down"] = "both",
    common: Common = DEFAULT,
) -> None:
    """Show where a version comes from and what was made of it: which run read or made which version.

    Args:
        version: Which.
        depth: How many steps away, a reading or making being one; 1 to 10.
        direction: Where it comes from (up), what was made of it (down), or both.
    """
    with common.client() as client:
        graph = client.versions.lineage(version, depth=depth, direction=direction)
    if common.output.json:
        common.output.data(graph)
        return
    rows = _steps(graph)
    shown: list[Column[tuple[str, str, str]]] = [
        Column("from", lambda row: row[0], style="cyan"),
        Column("", lambda row: row[1]),
        Column("to", lambda row: row[2], style="cyan"),
    ]
    common.output.rows(rows, shown, name=lambda row: f"{row[0]} {row[2]}", nothing="No run read or made it.")
    if graph.truncated:
        common.output.hint("There is more: --depth goes further.")


def _steps(graph: Lineage) -> list[tuple[str, str, str]]:
    versions = {one.id: f"{one.project}/{one.name}" for one in graph.versions}
    runs = {one.id: f"run {one.project}/{one.display_name or one.name}" for one in graph.runs}
    return [
        (versions[edge.version], "was read by", runs[edge.run])
        if edge.kind == "input"
        else (runs[edge.run], "made", versions[edge.version])
        for edge in graph.edges
        if edge.version in versions and edge.run in runs
    ]


@app.command
def provenance(version: str, *, limit: int = 1000, common: Common = DEFAULT) -> None:
    """Show the items that a version was made of, with who labeled each, who accepted that and when.

    They are those of the collections that its metadata name, and that of the versions that it came from, as they were
    at the revision that is named. An item that was labeled several times has a line for each time.

    Args:
        version: Which.
        limit: How many lines at most.
    """
    shown: list[Column[Step]] = [
        Column("item", lambda s: s.item, style="cyan", right=True),
        Column("file", lambda s: s.file),
        Column("labeler", lambda s: s.labeler),
        Column("reviewer", lambda s: s.reviewer),
        Column("accepted", lambda s: s.accepted_at),
        Column("state", lambda s: s.state),
        Column("queue", lambda s: s.queue_name),
        Column("collection", lambda s: f"{s.title}, revision {s.revision}"),
    ]
    with common.client() as client:
        steps = (step for one in client.versions.traced(version) for step in _lines(one))
        rows = islice(steps, limit)
        common.output.rows(rows, shown, name=lambda s: s.item, nothing="It names no collection that you may see.")
        if next(steps, None) is not None:
            common.output.hint("There is more: --limit goes further.")


@dataclass(frozen=True, slots=True)
class Step:
    """A line of `provenance`: an item, where it was taken from, and what somebody did to it in a queue."""

    item: int
    kind: str
    file: str
    collection: str
    title: str
    revision: int
    labeler: str | None = None
    submitted_at: datetime | None = None
    reviewer: str | None = None
    accepted_at: datetime | None = None
    state: str | None = None
    queue: int | None = None
    queue_name: str | None = None


def _lines(one: Traced) -> Iterator[Step]:
    item, origin = one.item, one.origin
    plain = Step(item.id, item.kind, item.title or item.name, origin.collection, origin.title, origin.revision)
    for proof in one.proofs:
        yield replace(
            plain,
            labeler=proof.labeler,
            submitted_at=proof.submitted_at,
            reviewer=proof.reviewer,
            accepted_at=proof.reviewed_at if proof.state == "accepted" else None,
            state=proof.state,
            queue=proof.queue,
            queue_name=proof.queue_name,
        )
    if not one.proofs:
        yield plain


def _metadata(text: str | None) -> dict[str, Any] | None:
    import json

    from pinakes.sdk.errors import Invalid

    if text is None:
        return None
    try:
        found: Any = json.loads(text)
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        message = 'Metadata is a JSON object, such as {"accuracy": 0.98}.'
        raise Invalid(message, code="invalid", field="metadata")
    return found  # pyright: ignore[reportUnknownVariableType] - whatever JSON holds


def _ttl(keep: str | None) -> int | None:
    """Return how many seconds a version is kept, as the API says it."""
    from pinakes.sdk.errors import Invalid

    if keep is None or keep in _KEPT:
        return _KEPT.get(keep or "")
    if not (keep.isascii() and keep.isdigit() and len(keep) <= _LONGEST_NUMBER and int(keep)):
        message = f"{keep!r} is no time to keep a version for: give a number of days, `forever` or `project`."
        raise Invalid(message, code="invalid", field="keep")
    return int(keep) * _DAY


def _references(given: list[str] | tuple[()]) -> dict[str, str]:
    from pinakes.sdk.errors import Invalid

    pairs = [one.partition("=") for one in given]
    for path, equals, where in pairs:
        if not (path and equals and where):
            message = "A reference is PATH=URL, such as images=s3://bucket/images."
            raise Invalid(message, code="invalid", field="reference")
    return {path: where for path, _, where in pairs}
