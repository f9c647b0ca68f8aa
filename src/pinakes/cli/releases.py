# ruff: noqa: D417 - what `common` is stands once, in common.py
"""`pinakes releases …`: of releases, and of artifacts, which are numbered and named in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from pinakes.cli.common import DEFAULT, Common
from pinakes.cli.output import Column

if TYPE_CHECKING:
    from datetime import datetime

    from pinakes.api.releases import AliasForm, Link, LinkedVersion, LinkRecord, Numbered, Promotion

app = App(name="releases", help="Link versions, set aliases, promote; ask what an alias named then.")
alias_app = App(name="alias", help="Set and remove aliases.")
app.command(alias_app)

Flag = Annotated[bool, Parameter(negative="")]
Aliases = Annotated[list[str] | None, Parameter(name=["--alias", "-a"])]
Types = Annotated[list[str], Parameter(name=["--type", "-t"])]
State = Literal["open", "applied", "rejected", "withdrawn"]

_DAY = 10


def columns() -> list[Column[Numbered]]:
    """The columns of a list of artifacts and releases."""
    return [
        Column("name", place_of, style="cyan"),
        Column("types", lambda n: n.types),
        Column("versions", lambda n: n.version_count, right=True),
        Column("tags", lambda n: n.tags),
        Column("changed", lambda n: n.updated_at),
    ]


def place_of(found: Numbered) -> str:
    """Return what a release or artifact is named by."""
    where = found.project if found.registry is None else f"{found.organization}/{found.registry}"
    return f"{where}/{found.name}"


def version_columns() -> list[Column[LinkedVersion]]:
    """The columns of a list of versions as they stand somewhere."""
    return [
        Column("version", lambda v: f"v{v.number}", style="cyan"),
        Column("aliases", lambda v: v.aliases, style="bold"),
        Column("source", lambda v: v.version.source),
        Column("type", lambda v: v.version.type),
        Column("size", lambda v: v.version.size, right=True),
        Column("files", lambda v: v.version.file_count, right=True),
        Column("linked by", lambda v: v.linked_by),
        Column("linked", lambda v: v.linked_at),
        Column("state", lambda v: "deleted" if v.broken else None),
        Column("id", lambda v: v.version.id, right=True),
    ]


def _fields() -> list[Column[Numbered]]:
    return [
        Column("name", place_of),
        Column("kind", lambda n: n.kind),
        Column("description", lambda n: n.description),
        Column("types", lambda n: n.types),
        Column("tags", lambda n: n.tags),
        Column("versions", lambda n: n.version_count),
        Column("revision", lambda n: n.revision),
        Column("created", lambda n: n.created_at),
        Column("changed", lambda n: n.updated_at),
        Column("id", lambda n: n.id),
    ]


def _alias_columns() -> list[Column[AliasForm]]:
    return [
        Column("alias", lambda a: a.alias, style="cyan"),
        Column("version", lambda a: f"v{a.number}", style="bold"),
        Column("source", lambda a: f"{a.owner}/{a.name}"),
        Column("set by", lambda a: a.set_by),
        Column("set", lambda a: a.set_at),
        Column("why", lambda a: a.reason),
        Column("ended by", lambda a: a.ended_by),
        Column("ended", lambda a: a.ended_at),
        Column("digest", lambda a: a.digest),
    ]


def _promotion_columns() -> list[Column[Promotion]]:
    return [
        Column("id", lambda p: p.id, right=True),
        Column("release", lambda p: p.collection_name, style="cyan"),
        Column("alias", lambda p: p.alias, style="bold"),
        Column("version", lambda p: f"v{p.number}"),
        Column("state", lambda p: p.state),
        Column("approvals", lambda p: f"{p.approvals} of {p.needed}"),
        Column("asked by", lambda p: p.requested_by),
        Column("asked", lambda p: p.requested_at),
        Column("why", lambda p: p.reason),
        Column("votes", lambda p: [f"{vote.user}: {'yes' if vote.approves else 'no'}" for vote in p.votes]),
    ]


@app.command
def ls(
    registry: str,
    *,
    text: str | None = None,
    type: str | None = None,  # noqa: A002 - what it is called
    tag: str | None = None,
    limit: int = 100,
    common: Common = DEFAULT,
) -> None:
    """List the releases in a registry, newest first.

    Args:
        registry: ORGANIZATION/REGISTRY.
        text: What their names contain.
        type: Only those that accept this type.
        tag: Only those with this tag.
        limit: How many at most.
    """
    with common.client() as client:
        rows = client.registries.releases(registry, text=text, type=type, tag=tag).first(limit)
        common.output.rows(rows, columns(), name=place_of, nothing="No releases.")


@app.command
def create(
    release: str,
    *,
    types: Types,
    description: str | None = None,
    tag: list[str] | None = None,
    reason: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Make a release in a registry; linking a version into one that is not there makes it, too.

    Args:
        release: ORGANIZATION/REGISTRY/RELEASE.
        types: A type of versions that it accepts; several times for several.
        description: What it holds.
        tag: A word to find it by; several times for several.
        reason: Why; kept in the history.
    """
    from pinakes.sdk.naming import release_parts

    registry, name = release_parts(release)
    with common.client() as client:
        made = client.registries.create_release(
            registry, name, types, description=description, tags=tag or (), reason=reason
        )
    common.output.one(made, _fields(), name=place_of)


@app.command
def info(release: str, *, common: Common = DEFAULT) -> None:
    """Show a release or an artifact.

    Args:
        release: ORGANIZATION/REGISTRY/RELEASE, OWNER/PROJECT/ARTIFACT, or its id.
    """
    with common.client() as client:
        common.output.one(client.releases.get(release), _fields(), name=place_of)


@app.command
def edit(
    release: str,
    *,
    name: str | None = None,
    description: str | None = None,
    tag: Annotated[list[str] | None, Parameter(negative_iterable="no-")] = None,
    types: Annotated[list[str] | None, Parameter(name=["--type", "-t"])] = None,
    reason: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Change a release's, or an artifact's, own fields; what is left out stays.

    Args:
        release: ORGANIZATION/REGISTRY/RELEASE, OWNER/PROJECT/ARTIFACT, or its id.
        name: Its name; the former one still finds it.
        description: What it holds; "" for nothing.
        tag: All of its tags, anew; --no-tag for none.
        types: A type of versions that it shall accept, too; several times for several. It never accepts fewer.
        reason: Why; kept in the history.
    """
    with common.client() as client:
        found = client.releases.get(release)
        if name is not None or description is not None or tag is not None:
            client.collections.update(found.id, title=name, description=description, tags=tag, reason=reason)
        if types:
            client.releases.add_types(found, types, reason=reason)
        common.output.one(client.releases.get(found.id), _fields(), name=place_of)


@app.command
def versions(
    release: str,
    *,
    tombstones: Flag = False,
    oldest_first: Flag = False,
    limit: int = 100,
    common: Common = DEFAULT,
) -> None:
    """List the versions in a release or an artifact, the newest first.

    Args:
        release: Which.
        tombstones: Also those that were deleted since.
        oldest_first: From v0 on.
        limit: How many at most.
    """
    with common.client() as client:
        pages = client.releases.versions(release, tombstones=tombstones, oldest_first=oldest_first)
        rows = pages.first(limit)
        common.output.rows(rows, version_columns(), name=lambda v: f"v{v.number}", nothing="No versions.")


@app.command
def link(
    release: str, version: str, *, alias: Aliases = None, reason: str | None = None, common: Common = DEFAULT
) -> None:
    """Link a version into a release; one of a registry is made when it is not there.

    Args:
        release: ORGANIZATION/REGISTRY/RELEASE.
        version: OWNER/PROJECT/ARTIFACT:v3 (or :alias), or its number on the server.
        alias: What it shall be called there; several times for several.
        reason: Why; kept in the history.
    """
    with common.client() as client:
        done = client.releases.link(release, version, aliases=alias or (), reason=reason)
    fields: list[Column[Link]] = [
        Column("release", lambda made: place_of(made.collection)),
        Column("version", lambda made: f"v{made.number}"),
        Column("aliases", lambda made: made.aliases),
        Column("linked", lambda made: made.linked_at),
        Column("revision", lambda made: made.revision),
    ]
    common.output.one(done, fields, name=lambda made: f"v{made.number}")
    if not done.new:
        common.output.hint("It was linked there before.")


@app.command
def unlink(release: str, version: str, *, reason: str | None = None, common: Common = DEFAULT) -> None:
    """Take a version out of a release, with its aliases there; the version itself stays.

    Args:
        release: ORGANIZATION/REGISTRY/RELEASE, or its id.
        version: v3, or an alias there.
        reason: Why; kept in the history.
    """
    with common.client() as client:
        revision = client.releases.unlink(release, version, reason=reason)
    common.output.hint(f"It is linked there no more (revision {revision}).")


@alias_app.command(name="set")
def set_alias(release: str, alias: str, version: str, *, reason: str | None = None, common: Common = DEFAULT) -> None:
    """Let an alias name a version, and no other any more.

    Args:
        release: ORGANIZATION/REGISTRY/RELEASE, OWNER/PROJECT/ARTIFACT, or its id.
        alias: Such as production.
        version: v3, another alias there, or the version's number on the server.
        reason: Why; `pinakes releases log` tells it for ever.
    """
    with common.client() as client:
        revision = client.releases.set_alias(release, alias, version, reason=reason)
    common.output.hint(f"{alias} is {version} now (revision {revision}).")


@alias_app.command(name="rm")
def remove_alias(release: str, alias: str, *, reason: str | None = None, common: Common = DEFAULT) -> None:
    """Take an alias away; the version stays.

    Args:
        release: Which.
        alias: Which.
        reason: Why; `pinakes releases log` tells it for ever.
    """
    with common.client() as client:
        client.releases.remove_alias(release, alias, reason=reason)
    common.output.hint(f"{alias} names nothing now.")


@app.command(name="alias-at")
def alias_at(release: str, alias: str, *, at: str | None = None, common: Common = DEFAULT) -> None:
    """Tell what an alias named at a moment, who set it, when and why.

    Args:
        release: ORGANIZATION/REGISTRY/RELEASE, OWNER/PROJECT/ARTIFACT, or its id.
        alias: Such as production.
        at: A day (2026-03-14: its end), or a time (2026-03-14T12:00, or with a zone); now without it.
    """
    moment = None if at is None else moment_of(at)
    with common.client() as client:
        found = client.releases.alias_at(release, alias, moment)
    if found is None:
        from pinakes.sdk.errors import NotFound

        message = f"{alias} named nothing {'then' if at else 'now'}; `pinakes releases log` tells when it did."
        raise NotFound(message, code="not_found", field="alias")
    common.output.one(found, _alias_columns(), name=lambda a: f"v{a.number}")


@app.command
def log(
    release: str,
    *,
    alias: str | None = None,
    links: Flag = False,
    limit: int = 50,
    common: Common = DEFAULT,
) -> None:
    """List what aliases named and name, the last set first: who, when, why, and how it ended.

    Args:
        release: Which.
        alias: Only this one.
        links: The links instead, present and past.
        limit: How many at most.
    """
    with common.client() as client:
        if links:
            records = client.releases.link_log(release).first(limit)
            common.output.rows(records, _link_columns(), name=lambda r: f"v{r.number}", nothing="No links.")
            return
        rows = client.releases.alias_log(release, alias=alias).first(limit)
        common.output.rows(rows, _alias_columns(), name=lambda a: f"v{a.number}", nothing="No aliases.")


def _link_columns() -> list[Column[LinkRecord]]:
    return [
        Column("version", lambda r: f"v{r.number}", style="cyan"),
        Column("source", lambda r: f"{r.owner}/{r.name}"),
        Column("linked by", lambda r: r.linked_by),
        Column("linked", lambda r: r.linked_at),
        Column("why", lambda r: r.link_reason),
        Column("unlinked by", lambda r: r.unlinked_by),
        Column("unlinked", lambda r: r.unlinked_at),
        Column("why not", lambda r: r.unlink_reason),
    ]


@app.command
def promote(release: str, alias: str, version: str, *, reason: str | None = None, common: Common = DEFAULT) -> None:
    """Ask for a protected alias to be set; enough of the registry's admins then approve it.

    Args:
        release: ORGANIZATION/REGISTRY/RELEASE, or its id.
        alias: The protected alias.
        version: v3, another alias there, or the version's number on the server.
        reason: Why; those who decide read it.
    """
    with common.client() as client:
        asked = client.releases.request_promotion(release, alias, version, reason=reason)
    _show(asked, common)
    if asked.state == "open":
        common.output.hint(f"An admin approves it with: pinakes releases approve {asked.id}")


@app.command
def approve(promotion: int, *, comment: str | None = None, common: Common = DEFAULT) -> None:
    """Approve a promotion; the last approval that it takes sets the alias at once.

    Args:
        promotion: Its id, as `pinakes releases promotions` shows it.
        comment: What there is to say about it.
    """
    with common.client() as client:
        _show(client.releases.approve(promotion, comment=comment), common)


@app.command
def reject(promotion: int, *, comment: str | None = None, common: Common = DEFAULT) -> None:
    """Reject a promotion, which ends it.

    Args:
        promotion: Its id.
        comment: What there is to say about it.
    """
    with common.client() as client:
        _show(client.releases.reject(promotion, comment=comment), common)


@app.command
def withdraw(promotion: int, *, common: Common = DEFAULT) -> None:
    """Take back your own request for a promotion.

    Args:
        promotion: Its id.
    """
    with common.client() as client:
        _show(client.releases.withdraw(promotion), common)


@app.command
def promotions(
    release: str | None = None, *, state: State | None = None, limit: int = 50, common: Common = DEFAULT
) -> None:
    """List promotions, newest first.

    Args:
        release: Only those of this release.
        state: Only those in this state.
        limit: How many at most.
    """
    with common.client() as client:
        which = None if release is None else client.releases.get(release)
        rows = client.releases.promotions(which, state=state).first(limit)
        common.output.rows(rows, _promotion_columns(), name=lambda p: p.id, nothing="No promotions.")


def _show(promotion: Promotion, common: Common) -> None:
    common.output.one(promotion, _promotion_columns(), name=lambda p: p.id)


def moment_of(text: str) -> datetime:
    """Read a moment: of a mere day its end, without a zone this machine's.

    Raises:
        Invalid: It is none.
    """
    from datetime import datetime, timedelta

    from pinakes.sdk.errors import Invalid

    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        message = f"{text!r} is no day or time: write 2026-03-14, 2026-03-14T12:00 or 2026-03-14T12:00+01:00."
        raise Invalid(message, code="invalid", field="at") from None
    if len(text.strip()) == _DAY:
        found += timedelta(days=1, microseconds=-1)
    return found.astimezone()
