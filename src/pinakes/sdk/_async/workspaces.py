"""Workspaces: the parts of an account's work."""

from __future__ import annotations

from pinakes.api.media import Workspace
from pinakes.sdk._async._noun import AsyncNoun
from pinakes.sdk._async._paging import AsyncPages
from pinakes.sdk.calls import call, given


class AsyncWorkspaces(AsyncNoun):
    """Workspaces of users, organizations and teams. One is named by its number, or by an object."""

    def list(self, account: str | None = None) -> AsyncPages[Workspace]:
        """List the workspaces of an account; without one, your own."""
        return self._pages("/workspaces", Workspace, account=account)

    async def create(self, name: str, *, account: str | None = None, description: str | None = None) -> Workspace:
        """Make a workspace in an account; without one, in your own."""
        body = given(name=name, account=account, description=description)
        return await self._session.read(call("POST", "/workspaces", body=body), Workspace)

    async def get(self, workspace: int | Workspace) -> Workspace:
        """Read a workspace."""
        return await self._session.get(_path(workspace), Workspace)

    async def update(
        self,
        workspace: int | Workspace,
        *,
        name: str | None = None,
        description: str | None = None,
        hidden: bool | None = None,
    ) -> Workspace:
        """Change a workspace; what is left out stays."""
        body = given(name=name, description=description, hidden=hidden)
        return await self._session.read(call("PATCH", _path(workspace), body=body), Workspace)

    async def delete(self, workspace: int | Workspace, *, missing_ok: bool = False) -> None:
        """Take a workspace away with all that is in it; the first one of an account stays."""
        await self._delete(call("DELETE", _path(workspace), gone_is_done=True), missing_ok=missing_ok)


def _path(workspace: int | Workspace) -> str:
    return f"/workspaces/{workspace if isinstance(workspace, int) else workspace.id}"
