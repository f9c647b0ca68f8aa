"""Projects: where runs and artifacts are logged, and where media live."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pinakes.api.common import Visibility
from pinakes.api.media import DataType, Workspace
from pinakes.api.releases import Numbered, NumberedKind, Project
from pinakes.sdk._async._noun import AsyncNoun
from pinakes.sdk._async._paging import AsyncPages
from pinakes.sdk._async._places import project_of
from pinakes.sdk.calls import call, given
from pinakes.sdk.errors import Conflict
from pinakes.sdk.naming import ProjectLike, artifact_parts, project_parts, project_path


class AsyncProjects(AsyncNoun):
    """Projects of teams and users.

    One is named as `OWNER/PROJECT`, by its number, or by the object that a call answered with. Outside its owner's
    first workspace a project of media has no other name than its number.
    """

    def list(
        self,
        owner: str | None = None,
        *,
        media: bool = False,
        data_type: DataType | None = None,
        workspace: int | Workspace | None = None,
        page_size: int = 100,
    ) -> AsyncPages[Project]:
        """List the projects that one may see, newest first.

        Args:
            owner: Only those of this account.
            media: Only those of media.
            data_type: Only those of `images`, `videos`, `point_clouds`, `point_cloud_episodes` or `volumes`.
            workspace: Only those of this workspace.
            page_size: How many to ask for at once.
        """
        place = workspace.id if isinstance(workspace, Workspace) else workspace
        return self._pages(
            "/projects",
            Project,
            page_size,
            owner=owner,
            media=media or None,
            data_type=data_type,
            workspace=place,
        )

    async def create(
        self,
        project: str,
        *,
        description: str | None = None,
        data_type: DataType | None = None,
        workspace: int | Workspace | None = None,
        exists_ok: bool = False,
    ) -> Project:
        """Make a project, `OWNER/PROJECT`; it is private at first.

        One of runs that is there already is answered as it is; logging a version makes its project, too.

        Args:
            project: `OWNER/PROJECT`.
            description: What it is for.
            data_type: What media it holds; for runs and artifacts only without it.
            workspace: Of the owner's workspaces; the first one without it.
            exists_ok: Answer with the project of media of that name if there is one, as it is.
        """
        owner, name = project_parts(project)
        place = workspace.id if isinstance(workspace, Workspace) else workspace
        body = given(owner=owner, name=name, description=description, data_type=data_type, workspace=place)
        try:
            return await self._session.read(call("POST", "/projects", body=body), Project)
        except Conflict as error:
            clashes = error.details.get("errors") or [{}]
            if not (exists_ok and error.code == "name_taken" and clashes[0].get("id")):
                raise
            return await self.get(int(clashes[0]["id"]))

    async def get(self, project: ProjectLike) -> Project:
        """Read a project, by its number, its name or a former one."""
        return await self._session.get(project_path(project), Project)

    async def update(
        self,
        project: ProjectLike,
        *,
        name: str | None = None,
        description: str | None = None,
        visibility: Visibility | None = None,
        readme: str | None = None,
        custom_data: Mapping[str, Any] | None = None,
        workspace: int | Workspace | None = None,
    ) -> Project:
        """Change a project; what is left out stays. A new name leaves the former one leading there.

        Args:
            project: Which.
            name: Its name.
            description: What it is for.
            visibility: `public` or `private`; all that is in it follows.
            readme: Of a project of media: what one should know.
            custom_data: Of a project of media: JSON of yours.
            workspace: Of a project of media: where it goes, of its owner's workspaces.
        """
        place = workspace.id if isinstance(workspace, Workspace) else workspace
        more = given(readme=readme, custom_data=custom_data, workspace=place)
        body = given(name=name, description=description, visibility=visibility) | more
        path = f"/projects/{await project_of(self._session, project)}" if more else project_path(project)
        return await self._session.read(call("PATCH", path, body=body, keyed=False), Project)

    async def delete(self, project: ProjectLike, *, missing_ok: bool = False) -> None:
        """Delete a project with all that is in it.

        Raises:
            Conflict: A registry holds a version of it (`held_by_registry`); `.details["holders"]` lists which.
        """
        the_call = call("DELETE", project_path(project), keyed=False, gone_is_done=True)
        await self._delete(the_call, missing_ok=missing_ok)

    def artifacts(
        self,
        project: ProjectLike,
        *,
        type: str | None = None,  # noqa: A002 - what it is called
        kind: NumberedKind | None = None,
        page_size: int = 100,
    ) -> AsyncPages[Numbered]:
        """List the artifacts and releases of a project, by name.

        Args:
            project: Which.
            type: Only those of this type.
            kind: Only `artifact`s, or only `release`s.
            page_size: How many to ask for at once.
        """
        return self._pages(project_path(project, "artifacts"), Numbered, page_size, type=type, kind=kind)

    async def delete_artifact(
        self, artifact: str | Numbered, *, missing_ok: bool = False, reason: str | None = None
    ) -> None:
        """Delete an artifact, `OWNER/PROJECT/ARTIFACT`, with all its versions.

        Raises:
            Conflict: A registry holds a version of it (`held_by_registry`); `.details["holders"]` lists which.
        """
        text = f"{artifact.project}/{artifact.name}" if isinstance(artifact, Numbered) else artifact
        project, name = artifact_parts(text)
        path = project_path(project, "artifacts", name)
        the_call = call("DELETE", path, reason=reason, keyed=False, gone_is_done=True)
        await self._delete(the_call, missing_ok=missing_ok)
