# ruff: noqa: D417 - what `common` is stands once, in common.py
"""`pinakes registries …`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from pinakes.cli.common import DEFAULT, Common, confirmed
from pinakes.cli.output import Column

if TYPE_CHECKING:
    from pinakes.api.releases import BrokenEntry, ProtectedAlias, Registry, RegistryMember

app = App(name="registries", help="Keep an organization's shelves of releases, and who may do what there.")
members = App(name="members", help="Who was given a role in a registry; others have theirs by their organization.")
app.command(members)

Flag = Annotated[bool, Parameter(negative="")]
Role = Literal["restricted_viewer", "viewer", "member", "admin"]
Visibility = Literal["organization", "restricted"]
OnDeletion = Literal["refuse", "tombstone"]
Types = Annotated[list[str] | None, Parameter(name=["--type", "-t"])]


def address_of(registry: Registry) -> str:
    """Return what a registry is named by."""
    return f"{registry.organization}/{registry.name}"


def _columns() -> list[Column[Registry]]:
    return [
        Column("registry", address_of, style="cyan"),
        Column("releases", lambda r: r.collection_count, right=True),
        Column("types", lambda r: "any" if r.all_types else r.types),
        Column("visibility", lambda r: r.visibility),
        Column("changed", lambda r: r.updated_at),
    ]


def _fields() -> list[Column[Registry]]:
    return [
        Column("registry", address_of),
        Column("description", lambda r: r.description),
        Column("visibility", lambda r: r.visibility),
        Column("types", lambda r: "any" if r.all_types else r.types),
        Column("on deletion", lambda r: r.on_deletion),
        Column("releases", lambda r: r.collection_count),
        Column("handle", lambda r: r.handle),
        Column("created by", lambda r: r.created_by),
        Column("created", lambda r: r.created_at),
        Column("changed", lambda r: r.updated_at),
        Column("you may", lambda r: r.can),
    ]


def _member_columns() -> list[Column[RegistryMember]]:
    return [
        Column("name", lambda m: m.name, style="cyan"),
        Column("role", lambda m: m.role),
        Column("display name", lambda m: m.display_name),
        Column("since", lambda m: m.created_at),
    ]


def _protected_columns() -> list[Column[ProtectedAlias]]:
    return [
        Column("alias", lambda p: p.alias, style="cyan"),
        Column("approvals", lambda p: p.approvals, right=True),
        Column("protected by", lambda p: p.created_by),
        Column("since", lambda p: p.created_at),
    ]


@app.command
def ls(organization: str | None = None, *, limit: int = 100, common: Common = DEFAULT) -> None:
    """List registries.

    Args:
        organization: Whose; all that you see without it.
        limit: How many at most.
    """
    with common.client() as client:
        rows = client.registries.list(organization).first(limit)
        common.output.rows(rows, _columns(), name=address_of, nothing="No registries.")


@app.command
def create(
    registry: str,
    *,
    description: str | None = None,
    visibility: Visibility | None = None,
    types: Types = None,
    on_deletion: OnDeletion | None = None,
    exists_ok: Flag = False,
    reason: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Open a registry; you are its first admin.

    Args:
        registry: ORGANIZATION/REGISTRY, such as "acme/Fine-tuned models".
        description: What it is for.
        visibility: organization (its members see it), or restricted (only who gets a role).
        types: A type of versions that it accepts; several times for several; any without it.
        on_deletion: What becomes of a deletion that would take a linked version away: refuse it, or leave a tombstone.
        exists_ok: That there is one of that name is no mistake.
        reason: Why; kept in the history.
    """
    from pinakes.sdk.naming import registry_parts

    organization, name = registry_parts(registry)
    with common.client() as client:
        made = client.registries.create(
            organization,
            name,
            description=description,
            visibility=visibility,
            types=types,
            on_deletion=on_deletion,
            reason=reason,
            exists_ok=exists_ok,
        )
    common.output.one(made, _fields(), name=address_of)


@app.command
def info(registry: str, *, common: Common = DEFAULT) -> None:
    """Show a registry, and what you may do there.

    Args:
        registry: ORGANIZATION/REGISTRY.
    """
    with common.client() as client:
        common.output.one(client.registries.get(registry), _fields(), name=address_of)


@app.command
def update(
    registry: str,
    *,
    name: str | None = None,
    description: str | None = None,
    visibility: Visibility | None = None,
    types: Types = None,
    all_types: Annotated[bool | None, Parameter(negative="--no-all-types")] = None,
    on_deletion: OnDeletion | None = None,
    reason: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Change a registry; what is left out stays.

    Args:
        registry: ORGANIZATION/REGISTRY.
        name: Its name.
        description: What it is for.
        visibility: organization or restricted.
        types: A type that it shall accept too; several times for several.
        all_types: Whether it accepts any type; --no-all-types keeps it to those that it holds, and --type.
        on_deletion: refuse a deletion that would take a linked version away, or leave a tombstone.
        reason: Why; kept in the history.
    """
    with common.client() as client:
        wanted = None
        if types:
            found = client.registries.get(registry)
            wanted = [*dict.fromkeys([*found.types, *types])]
        changed = client.registries.update(
            registry,
            name=name,
            description=description,
            visibility=visibility,
            types=wanted,
            all_types=False if wanted and all_types is None else all_types,
            on_deletion=on_deletion,
            reason=reason,
        )
    common.output.one(changed, _fields(), name=address_of)


@app.command
def rm(
    registry: str,
    *,
    missing_ok: Flag = False,
    yes: Flag = False,
    reason: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Close a registry, with its releases; the versions stay in their projects.

    Args:
        registry: ORGANIZATION/REGISTRY.
        missing_ok: That there is none is no mistake.
        yes: Yes, with its releases.
        reason: Why; kept in the history.
    """
    confirmed(f'pinakes registries rm "{registry}" --yes', given=yes)
    with common.client() as client:
        client.registries.delete(registry, missing_ok=missing_ok, reason=reason)
    common.output.done(f"{registry} is gone.", removed=registry)


@members.command(name="ls")
def list_members(registry: str, *, teams: Flag = False, common: Common = DEFAULT) -> None:
    """List who was given a role in a registry.

    Args:
        registry: ORGANIZATION/REGISTRY.
        teams: The teams instead.
    """
    with common.client() as client:
        pages = client.registries.teams(registry) if teams else client.registries.members(registry)
        rows = pages.all()
        common.output.rows(rows, _member_columns(), name=lambda m: m.name, nothing="Nobody was given a role.")


@members.command(name="add")
def add_member(
    registry: str, name: str, *, role: Role = "member", team: Flag = False, common: Common = DEFAULT
) -> None:
    """Give somebody, or a team, a role in a registry; or another one.

    Args:
        registry: ORGANIZATION/REGISTRY.
        name: The user's name, or with --team the team's.
        role: restricted_viewer (sees, downloads nothing), viewer, member (links and sets aliases), or admin.
        team: It is a team of the organization.
    """
    with common.client() as client:
        put = client.registries.put_team if team else client.registries.put_member
        common.output.one(put(registry, name, role), _member_columns(), name=lambda m: m.name)


@members.command(name="remove")
def remove_member(
    registry: str, name: str, *, team: Flag = False, missing_ok: Flag = False, common: Common = DEFAULT
) -> None:
    """Take back a role in a registry; what somebody is by his organization or teams stays.

    Args:
        registry: ORGANIZATION/REGISTRY.
        name: The user's name, or with --team the team's.
        team: It is a team.
        missing_ok: That there is none is no mistake.
    """
    with common.client() as client:
        remove = client.registries.remove_team if team else client.registries.remove_member
        remove(registry, name, missing_ok=missing_ok)
    common.output.done(f"{name} has no role of its own in {registry} any more.", removed=name, registry=registry)


@app.command
def protected(registry: str, *, common: Common = DEFAULT) -> None:
    """List the aliases that only a registry's admins may set, move and remove.

    Args:
        registry: ORGANIZATION/REGISTRY.
    """
    with common.client() as client:
        rows = client.registries.protected(registry).all()
        common.output.rows(rows, _protected_columns(), name=lambda p: p.alias, nothing="No alias is protected.")


@app.command
def protect(
    registry: str, alias: str, *, approvals: int = 0, reason: str | None = None, common: Common = DEFAULT
) -> None:
    """Protect an alias in all releases of a registry: only its admins set, move and remove it.

    Args:
        registry: ORGANIZATION/REGISTRY.
        alias: Such as production.
        approvals: How many admins have to agree, beside who asks; 0: any admin sets it.
        reason: Why; kept in the history.
    """
    with common.client() as client:
        made = client.registries.protect(registry, alias, approvals=approvals, reason=reason)
    common.output.one(made, _protected_columns(), name=lambda p: p.alias)


@app.command
def unprotect(registry: str, alias: str, *, reason: str | None = None, common: Common = DEFAULT) -> None:
    """Protect an alias no more; its open promotions are withdrawn.

    Args:
        registry: ORGANIZATION/REGISTRY.
        alias: Which.
        reason: Why; kept in the history.
    """
    with common.client() as client:
        client.registries.unprotect(registry, alias, reason=reason)
    common.output.done(f"{alias} is not protected any more.", unprotected=alias, registry=registry)


@app.command
def broken(registry: str, *, limit: int = 100, common: Common = DEFAULT) -> None:
    """List the entries of a registry whose version was deleted, with what it was.

    Args:
        registry: ORGANIZATION/REGISTRY.
        limit: How many at most.
    """
    columns: list[Column[BrokenEntry]] = [
        Column("release", lambda b: b.collection_name, style="cyan"),
        Column("version", lambda b: f"v{b.number}"),
        Column("was", lambda b: f"{b.owner}/{b.name}"),
        Column("aliases", lambda b: b.aliases),
        Column("digest", lambda b: b.digest),
        Column("deleted by", lambda b: b.deleted_by),
        Column("deleted", lambda b: b.deleted_at),
    ]
    with common.client() as client:
        rows = client.registries.broken(registry).first(limit)
        common.output.rows(rows, columns, name=lambda b: f"{b.collection}:v{b.number}", nothing="Nothing is broken.")
