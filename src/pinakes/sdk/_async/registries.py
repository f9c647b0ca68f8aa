"""Registries: an organization's shelves of releases."""

from __future__ import annotations

from collections.abc import Sequence

from pinakes.api.releases import (
    BrokenEntry,
    Link,
    Numbered,
    OnDeletion,
    ProtectedAlias,
    Registry,
    RegistryMember,
    RegistryVisibility,
    Role,
)
from pinakes.sdk._async._naming import AsyncNumberedNoun
from pinakes.sdk._async._paging import AsyncPages
from pinakes.sdk.calls import call, given, segment
from pinakes.sdk.errors import Conflict
from pinakes.sdk.naming import RegistryLike, VersionLike, registry_path


class AsyncRegistries(AsyncNumberedNoun):
    """Registries. One is named as `ORGANIZATION/REGISTRY`, or by the object that an earlier call answered with."""

    def list(self, organization: str | None = None, *, page_size: int = 100) -> AsyncPages[Registry]:
        """List the registries that one may see, by name; of an organization, if one is given."""
        path = "/registries" if organization is None else f"/organizations/{segment(organization)}/registries"
        return self._pages(path, Registry, page_size)

    async def create(
        self,
        organization: str,
        name: str,
        *,
        description: str | None = None,
        visibility: RegistryVisibility | None = None,
        types: Sequence[str] | None = None,
        on_deletion: OnDeletion | None = None,
        reason: str | None = None,
        exists_ok: bool = False,
    ) -> Registry:
        """Open a registry; who opens it is its first admin.

        Args:
            organization: Whose.
            name: Its name, without a slash.
            description: What it is for.
            visibility: `organization` (the default): its members see it; or `restricted`: only who gets a role.
            types: The types of versions that it accepts; any without it.
            on_deletion: What becomes of a deletion that would take a linked version away: `refuse` it (the default),
                or leave a `tombstone` in the release.
            reason: Why; kept in the history.
            exists_ok: Answer with the one of that name if there is one, as it is.
        """
        body = given(
            name=name,
            description=description,
            visibility=visibility,
            types=None if types is None else [*types],
            on_deletion=on_deletion,
            reason=reason,
        )
        try:
            path = f"/organizations/{segment(organization)}/registries"
            return await self._session.read(call("POST", path, body=body), Registry)
        except Conflict as error:
            if not (exists_ok and error.code == "name_taken"):
                raise
            return await self.get(f"{organization}/{name}")

    async def get(self, registry: RegistryLike) -> Registry:
        """Read a registry."""
        return await self._session.get(registry_path(registry), Registry)

    async def update(
        self,
        registry: RegistryLike,
        *,
        name: str | None = None,
        description: str | None = None,
        visibility: RegistryVisibility | None = None,
        types: Sequence[str] | None = None,
        all_types: bool | None = None,
        on_deletion: OnDeletion | None = None,
        reason: str | None = None,
    ) -> Registry:
        """Change a registry; what is left out stays.

        Args:
            registry: Which.
            name: Its name.
            description: What it is for.
            visibility: `organization` or `restricted`.
            types: All types that it accepts; one that was saved can't be left out.
            all_types: Whether it accepts any type.
            on_deletion: `refuse` or `tombstone`.
            reason: Why; kept in the history.
        """
        body = given(
            name=name,
            description=description,
            visibility=visibility,
            types=None if types is None else [*types],
            all_types=all_types,
            on_deletion=on_deletion,
            reason=reason,
        )
        return await self._session.read(call("PATCH", registry_path(registry), body=body, keyed=False), Registry)

    async def delete(self, registry: RegistryLike, *, missing_ok: bool = False, reason: str | None = None) -> None:
        """Close a registry; its releases go to the trash with it."""
        the_call = call("DELETE", registry_path(registry), reason=reason, keyed=False, gone_is_done=True)
        await self._delete(the_call, missing_ok=missing_ok)

    # --- Who may do what in it

    def members(self, registry: RegistryLike) -> AsyncPages[RegistryMember]:
        """List who was given a role in a registry; others have theirs by their organization or teams."""
        return self._pages(registry_path(registry, "members"), RegistryMember)

    async def put_member(self, registry: RegistryLike, user: str, role: Role = "member") -> RegistryMember:
        """Give somebody a role in a registry: `restricted_viewer`, `viewer`, `member` or `admin`.

        It counts before any other that he has there. A restricted viewer sees what there is, and downloads nothing.
        """
        path = registry_path(registry, "members", user)
        return await self._session.read(call("PUT", path, body={"role": role}, keyed=False), RegistryMember)

    async def remove_member(self, registry: RegistryLike, user: str, *, missing_ok: bool = False) -> None:
        """Take back a role that somebody was given in a registry."""
        path = registry_path(registry, "members", user)
        await self._delete(call("DELETE", path, keyed=False, gone_is_done=True), missing_ok=missing_ok)

    def teams(self, registry: RegistryLike) -> AsyncPages[RegistryMember]:
        """List the teams that were given a role in a registry."""
        return self._pages(registry_path(registry, "teams"), RegistryMember)

    async def put_team(self, registry: RegistryLike, team: str, role: Role = "member") -> RegistryMember:
        """Give a team of the organization a role in a registry."""
        path = registry_path(registry, "teams", team)
        return await self._session.read(call("PUT", path, body={"role": role}, keyed=False), RegistryMember)

    async def remove_team(self, registry: RegistryLike, team: str, *, missing_ok: bool = False) -> None:
        """Take back a role that a team was given in a registry."""
        path = registry_path(registry, "teams", team)
        await self._delete(call("DELETE", path, keyed=False, gone_is_done=True), missing_ok=missing_ok)

    # --- Protected aliases

    def protected(self, registry: RegistryLike) -> AsyncPages[ProtectedAlias]:
        """List the aliases that only the registry's admins may set, move and remove."""
        return self._pages(registry_path(registry, "protected-aliases"), ProtectedAlias)

    async def protect(
        self, registry: RegistryLike, alias: str, *, approvals: int = 0, reason: str | None = None
    ) -> ProtectedAlias:
        """Protect an alias in all releases of a registry.

        Args:
            registry: Which.
            alias: Such as `production`.
            approvals: How many admins have to agree, beside who asks, before it is set; 0: any admin sets it.
            reason: Why; kept in the history.
        """
        path = registry_path(registry, "protected-aliases", alias)
        body = {"approvals": approvals, **given(reason=reason)}
        return await self._session.read(call("PUT", path, body=body, keyed=False), ProtectedAlias)

    async def unprotect(self, registry: RegistryLike, alias: str, *, reason: str | None = None) -> None:
        """Protect an alias no more; its open promotions are withdrawn."""
        path = registry_path(registry, "protected-aliases", alias)
        await self._session.send(call("DELETE", path, reason=reason, keyed=False, gone_is_done=True))

    # --- What is in it

    def releases(
        self,
        registry: RegistryLike,
        *,
        text: str | None = None,
        type: str | None = None,  # noqa: A002 - what it is called
        tag: str | None = None,
        page_size: int = 100,
    ) -> AsyncPages[Numbered]:
        """List the releases in a registry, newest first.

        Args:
            registry: Which.
            text: What their names contain.
            type: Only those that accept this type.
            tag: Only those with this tag.
            page_size: How many to ask for at once.
        """
        path = registry_path(registry, "collections")
        return self._pages(path, Numbered, page_size, q=text, type=type, tag=tag)

    async def create_release(
        self,
        registry: RegistryLike,
        name: str,
        types: Sequence[str],
        *,
        description: str | None = None,
        tags: Sequence[str] = (),
        first: VersionLike | None = None,
        aliases: Sequence[str] = (),
        reason: str | None = None,
    ) -> Numbered:
        """Make a release in a registry, perhaps with its first version and the aliases of that.

        Args:
            registry: Where.
            name: Its name, without a slash.
            types: The types of versions that it accepts, at least one.
            description: What it holds.
            tags: Words to find it by.
            first: The version that it begins with.
            aliases: The first version's aliases.
            reason: Why; kept in the history.
        """
        begin = None if first is None else {"version": await self._version(first), "aliases": [*aliases]}
        body = given(name=name, types=[*types], description=description, tags=[*tags], first=begin, reason=reason)
        return await self._session.read(call("POST", registry_path(registry, "collections"), body=body), Numbered)

    async def link(
        self,
        registry: RegistryLike,
        collection: str,
        version: VersionLike,
        *,
        aliases: Sequence[str] = (),
        reason: str | None = None,
    ) -> Link:
        """Link a version into a release of a registry, which is made, of the version's type, when it is not there.

        Args:
            registry: Where.
            collection: The release's name.
            version: What to link: its number, `owner/project/artifact:v3`, or an object.
            aliases: What it shall be called there.
            reason: Why; kept in the history.
        """
        body = {
            "version": await self._version(version),
            "collection": collection,
            "aliases": [*aliases],
            **given(reason=reason),
        }
        return await self._session.read(call("POST", registry_path(registry, "links"), body=body), Link)

    def broken(self, registry: RegistryLike, *, page_size: int = 100) -> AsyncPages[BrokenEntry]:
        """List the entries of a registry whose version was deleted, with what it was."""
        return self._pages(registry_path(registry, "broken"), BrokenEntry, page_size)
