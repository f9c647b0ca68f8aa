"""Registries themselves: made, read, listed, changed and deleted.

A registry is an account, as a team is: it owns its releases, and `roles_of` says what everybody is to it. Its members
are in `members.py`, linking in `links.py` and `releases.py`, what aliases name in `aliases.py` and `promotions.py`, and
what it remembers in `memory.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from pinakes.server import db
from pinakes.server.actor import Actor
from pinakes.server.collections.rules import fields
from pinakes.server.db import Tx, load
from pinakes.server.errors import AccountNotFound, Invalid, NameTaken, RegistryNotFound
from pinakes.server.events.service import record
from pinakes.server.paging import Page, cut, decode_cursor
from pinakes.server.people.accounts import end_accounts, of_kind
from pinakes.server.people.checks import is_name, is_plain
from pinakes.server.people.organizations import find_organization
from pinakes.server.people.types import Account
from pinakes.server.permissions import service as permissions
from pinakes.server.permissions.service import require, sight
from pinakes.server.permissions.table import Permission
from pinakes.server.permissions.types import Explanation
from pinakes.server.registries import checks
from pinakes.server.registries.types import Located, Registry, RegistryChanges

SQL = load(__package__)

_HANDLE_TAKEN = "accounts_name_taken"
_NAME_TAKEN = "accounts_registry_name_taken"


async def create(
    tx: Tx,
    actor: Actor,
    organization: str,
    name: str,
    *,
    visibility: str = "organization",
    description: str = "",
    types: Sequence[str] | None = None,
    on_deletion: str = "refuse",
    reason: str | None = None,
) -> Registry:
    """Open a registry of an organization; who opens it is its first admin.

    Args:
        tx: The transaction that makes it.
        actor: Who opens it.
        organization: The organization, by its name or display name.
        name: What people will call it; unique in the organization, where case does not count.
        visibility: `organization` (each of its members reads it) or `restricted` (members of the registry only).
        description: What it is for.
        types: The types of versions that it accepts; None means any.
        on_deletion: Whether the deletion of a linked version is refused, or leaves a tombstone.
        reason: Why, for the record.

    Raises:
        AccountNotFound: there is no such organization.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor is not its member, or only a viewer.
        NameTaken: the organization has a registry of that name.
        Invalid: a value that can't be.
    """
    called = await find_organization(tx, actor, organization)
    org = await of_kind(tx, called.name, "organization", keep=True)
    require(actor, Permission.REGISTRY_CREATE, owner_id=org.id, visibility="public")
    values: dict[str, object] = {
        "name": checks.name(name),
        "visibility": checks.visibility(visibility),
        "description": checks.description(description),
        "all_types": types is None,
        "types": checks.types(types or ()),
        "on_deletion": checks.on_deletion(on_deletion),
    }
    made = await _insert(tx, actor, org, values)
    after = {**values, "organization": org.name}
    await record(tx, actor, "registry.created", account_id=made, after=after, reason=fields.reason(reason))
    return await _load(tx, made)


async def get(tx: Tx, actor: Actor, organization: str, name: str) -> Registry:
    """Return the registry of a name in an organization, which is named likewise; case does not count.

    Raises:
        AccountNotFound: there is no such organization.
        RegistryNotFound: it has no such registry that the actor sees.
    """
    org = await find_organization(tx, actor, organization)
    found = await _find(tx, actor, organization_id=org.id, name=name.strip()) if is_plain(name) else None
    if found is None:
        message = f"There is no registry {name[:120]!r} in the organization {org.name}."
        raise RegistryNotFound(message, field="registry")
    return found


async def locate(tx: Tx, actor: Actor, organization: str, name: str) -> Located:
    """Find the same, for who does not need all of it: `get` counts its releases and gathers their types.

    Raises:
        AccountNotFound: there is no such organization.
        RegistryNotFound: it has no such registry that the actor sees.
    """
    return await locate_in(tx, actor, await find_organization(tx, actor, organization), name)


async def locate_in(tx: Tx, actor: Actor, org: Account, name: str) -> Located:
    """Find the same in an organization that was found.

    Raises:
        RegistryNotFound: it has no such registry that the actor sees.
    """
    seen = sight(actor)
    asked = {"organization_id": org.id, "everything": seen.everything, "accounts": seen.accounts}
    found = await tx.one(SQL.located, Located, name=name.strip(), **asked) if is_plain(name) else None
    if found is None:
        message = f"There is no registry {name[:120]!r} in the organization {org.name}."
        raise RegistryNotFound(message, field="registry")
    return found


async def by_id(tx: Tx, actor: Actor, registry_id: int) -> Registry:
    """Return a registry by its number.

    Raises:
        RegistryNotFound: there is none that the actor sees.
    """
    found = (await views(tx, actor, [registry_id])).get(registry_id)
    if found is None:
        raise RegistryNotFound
    return found


async def by_handle(tx: Tx, actor: Actor, handle: str) -> Registry:
    """Return a registry by the name of its account, which begins its releases' slugs.

    Raises:
        RegistryNotFound: there is none that the actor sees.
    """
    found = await _find(tx, actor, handle=handle) if is_name(handle) else None
    if found is None:
        raise RegistryNotFound
    return found


async def views(tx: Tx, actor: Actor, ids: Sequence[int]) -> dict[int, Registry]:
    """Return registries by their numbers, as far as an actor sees them."""
    fitting = [number for number in ids if 0 < number < 2**31]
    return {found.id: found for found in await _rows(tx, actor, ids=fitting)}


async def page(
    tx: Tx, actor: Actor, *, organization: str | None = None, limit: int = 50, cursor: str | None = None
) -> Page[Registry]:
    """List the registries that an actor sees, of one organization or of all, by name.

    Raises:
        AccountNotFound: there is no such organization.
        Invalid: the limit is not 1 to 1,000, or the cursor is none of ours.
    """
    checks.limit(limit)
    after = decode_cursor(cursor, int)[0] if cursor else None
    org = await find_organization(tx, actor, organization) if organization is not None else None
    seen = sight(actor)
    ids = await tx.all(
        SQL.page,
        int,
        organization_id=org.id if org else None,
        after=after,
        limit=limit + 1,
        everything=seen.everything,
        accounts=seen.accounts,
    )
    numbers = cut(ids, limit, lambda last: (last,))
    found = await views(tx, actor, numbers.rows)
    return Page([found[number] for number in numbers.rows if number in found], numbers.next)


async def update(
    tx: Tx, actor: Actor, registry_id: int, changes: RegistryChanges, *, reason: str | None = None
) -> Registry:
    """Change a registry. A new name leaves its handle, and so its releases' addresses, as they are.

    Raises:
        RegistryNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: he is not its admin.
        NameTaken: the organization has another registry of that name.
        Invalid: a value that can't be; a saved type, or one in use, would not be accepted any more.
    """
    held = await tx.one(SQL.hold, Registry, id=registry_id if 0 < registry_id < 2**31 else 0)
    if held is None:
        raise RegistryNotFound
    require(actor, Permission.REGISTRY_MANAGE, owner_id=held.id, missing=RegistryNotFound)
    wanted = _wanted(held, changes)
    present = {**{name: getattr(held, name) for name in wanted if name != "types"}, "types": sorted(held.saved_types)}
    before = {name: present[name] for name in wanted if wanted[name] != present[name]}
    if before:
        try:
            async with tx.savepoint():
                await tx.run(SQL.update, id=held.id, **wanted)
        except db.IntegrityError as error:
            raise _refusal(error, str(wanted["name"])) from error
        after = {name: wanted[name] for name in before}
        why = fields.reason(reason)
        await record(tx, actor, "registry.updated", account_id=held.id, before=before, after=after, reason=why)
    return await _load(tx, held.id)


async def delete(tx: Tx, actor: Actor, registry_id: int, *, reason: str | None = None) -> None:
    """Delete a registry; its releases go to the trash with it, and its name is free again.

    The versions that were linked stay where they are.

    Raises:
        RegistryNotFound: there is none that the actor sees; so also the second time.
        Unauthenticated, Forbidden, ScopeTooNarrow: he is not its admin.
    """
    found = await by_id(tx, actor, registry_id)
    require(actor, Permission.REGISTRY_MANAGE, owner_id=found.id, missing=RegistryNotFound)
    try:
        await end_accounts(tx, actor, [found.id])
    except AccountNotFound as error:
        raise RegistryNotFound from error
    before = {"name": found.name, "organization": found.organization, "collections": found.collection_count}
    why = fields.reason(reason)
    await record(tx, actor, "registry.deleted", account_id=found.id, before=before, reason=why)


async def explain(tx: Tx, actor: Actor, registry_id: int, permission: Permission) -> Explanation:
    """Say whether an actor may do something in a registry, and why: by which membership, team or organization.

    Raises:
        RegistryNotFound: there is none that the actor sees.
    """
    found = await by_id(tx, actor, registry_id)
    verdict = permissions.explain(actor, permission, owner_id=found.id, visibility="private")
    held = await permissions.grants(tx, actor.user_id) if actor.user_id is not None else []
    because = [f"your role {grant.role}: {grant.because}" for grant in held if grant.account_id == found.id]
    return Explanation(verdict.allowed, verdict.permission, [*verdict.because, *because])


async def _insert(tx: Tx, actor: Actor, org: Account, values: dict[str, object]) -> int:
    """Insert a registry, under the plainest handle that is free."""
    for handle in checks.handles(org.name, str(values["name"])):
        try:
            async with tx.savepoint():
                made = await tx.value(
                    SQL.create, handle=handle, organization_id=org.id, created_by=actor.user_id, **values
                )
            return cast("int", made)
        except db.IntegrityError as error:
            if db.violated(error) != _HANDLE_TAKEN:
                raise _refusal(error, str(values["name"])) from error
    message = f"Every handle for a registry named {values['name']!r} is taken; choose another name."
    raise NameTaken(message, field="name")


def _refusal(error: db.IntegrityError, name: str) -> Exception:
    if db.violated(error) != _NAME_TAKEN:
        return error
    message = f"The organization has a registry named {name!r} already; choose another name."
    return NameTaken(message, field="name", details={"name": name})


async def _load(tx: Tx, registry_id: int) -> Registry:
    """Return a registry, whoever asks: for who has just changed it."""
    rows = await tx.all(
        SQL.registries,
        Registry,
        ids=[registry_id],
        handle=None,
        organization_id=None,
        name=None,
        everything=True,
        accounts=[],
    )
    return rows[0]


async def _find(tx: Tx, actor: Actor, **by: object) -> Registry | None:
    return next(iter(await _rows(tx, actor, **by)), None)


async def _rows(tx: Tx, actor: Actor, **by: object) -> list[Registry]:
    seen = sight(actor)
    asked = {"ids": None, "handle": None, "organization_id": None, "name": None, **by}
    return await tx.all(SQL.registries, Registry, everything=seen.everything, accounts=seen.accounts, **asked)


def _wanted(held: Registry, changes: RegistryChanges) -> dict[str, object]:
    """Return the settings that a registry shall have: the present ones, and those that change."""
    all_types = held.all_types if changes.all_types is None else changes.all_types
    return {
        "name": held.name if changes.name is None else checks.name(changes.name),
        "visibility": held.visibility if changes.visibility is None else checks.visibility(changes.visibility),
        "description": held.description if changes.description is None else checks.description(changes.description),
        "all_types": all_types,
        "types": _types_wanted(held, changes, narrowing=held.all_types and not all_types),
        "on_deletion": held.on_deletion if changes.on_deletion is None else checks.on_deletion(changes.on_deletion),
    }


def _types_wanted(held: Registry, changes: RegistryChanges, *, narrowing: bool) -> list[str]:
    """Return the types that a registry shall have saved: none is lost that was, or that is in use."""
    wanted = {*checks.types(changes.types if changes.types is not None else held.saved_types)}
    wanted |= {*checks.types(changes.add_types or (), "add_types")}
    if narrowing and changes.types is None:
        wanted |= {*held.used_types}
    if lost := [name for name in held.saved_types if name not in wanted]:
        message = f"A type that was saved can't be removed: {_listed(lost)}."
        raise Invalid(message, field="types", details={"types": lost})
    if narrowing and (lost := [name for name in held.used_types if name not in wanted]):
        message = f"The registry's releases use more types than these: {_listed(lost)}."
        raise Invalid(message, field="types", details={"types": lost})
    return sorted(wanted)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
