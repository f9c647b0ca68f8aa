"""Organizations and their teams: accounts that several users keep together."""

from __future__ import annotations

from pinakes.api.people import Account, Member, MemberRole, Organization
from pinakes.sdk._async._noun import AsyncNoun
from pinakes.sdk._async._paging import AsyncPages
from pinakes.sdk.calls import call, given, segment


class AsyncOrganizations(AsyncNoun):
    """Organizations."""

    def list(self, *, page_size: int = 100) -> AsyncPages[Account]:
        """List the organizations that one has a role in; all of them for an administrator of the server."""
        return self._pages("/organizations", Account, page_size)

    async def create(self, name: str, *, display_name: str | None = None) -> Account:
        """Make an organization; who makes it is its first admin."""
        body = given(name=name, display_name=display_name)
        return await self._session.read(call("POST", "/organizations", body=body, keyed=False), Account)

    async def get(self, organization: str) -> Organization:
        """Read an organization, with its members and teams where one has a role in it."""
        return await self._session.get(f"/organizations/{segment(organization)}", Organization)

    async def delete(self, organization: str, *, missing_ok: bool = False) -> None:
        """Delete an organization with its teams and everything that they own; the names are free again."""
        path = f"/organizations/{segment(organization)}"
        await self._delete(call("DELETE", path, keyed=False, gone_is_done=True), missing_ok=missing_ok)

    def members(self, organization: str) -> AsyncPages[Member]:
        """List an organization's members, by name."""
        return self._pages(f"/organizations/{segment(organization)}/members", Member)

    async def put_member(self, organization: str, user: str, role: MemberRole) -> Member:
        """Make a user a member, or give a member another role."""
        path = f"/organizations/{segment(organization)}/members/{segment(user)}"
        return await self._session.read(call("PUT", path, body={"role": role}, keyed=False), Member)

    async def remove_member(self, organization: str, user: str, *, missing_ok: bool = False) -> None:
        """End a membership, and those of the organization's teams with it."""
        path = f"/organizations/{segment(organization)}/members/{segment(user)}"
        await self._delete(call("DELETE", path, keyed=False, gone_is_done=True), missing_ok=missing_ok)

    def teams(self, organization: str) -> AsyncPages[Account]:
        """List an organization's teams, by name."""
        return self._pages(f"/organizations/{segment(organization)}/teams", Account)

    async def create_team(self, organization: str, name: str, *, display_name: str | None = None) -> Account:
        """Make a team of an organization; no other user, organization or team has its name."""
        path = f"/organizations/{segment(organization)}/teams"
        body = given(name=name, display_name=display_name)
        return await self._session.read(call("POST", path, body=body, keyed=False), Account)


class AsyncTeams(AsyncNoun):
    """Teams; `organizations.create_team` makes one."""

    async def get(self, team: str) -> Organization:
        """Read a team, with its members where one has a role in it."""
        return await self._session.get(f"/teams/{segment(team)}", Organization)

    async def delete(self, team: str, *, missing_ok: bool = False) -> None:
        """Delete a team and everything that it owns."""
        await self._delete(
            call("DELETE", f"/teams/{segment(team)}", keyed=False, gone_is_done=True), missing_ok=missing_ok
        )

    def members(self, team: str) -> AsyncPages[Member]:
        """List a team's members, by name."""
        return self._pages(f"/teams/{segment(team)}/members", Member)

    async def put_member(self, team: str, user: str, role: MemberRole) -> Member:
        """Make a user a member, or give a member another role."""
        path = f"/teams/{segment(team)}/members/{segment(user)}"
        return await self._session.read(call("PUT", path, body={"role": role}, keyed=False), Member)

    async def remove_member(self, team: str, user: str, *, missing_ok: bool = False) -> None:
        """End a membership."""
        path = f"/teams/{segment(team)}/members/{segment(user)}"
        await self._delete(call("DELETE", path, keyed=False, gone_is_done=True), missing_ok=missing_ok)
