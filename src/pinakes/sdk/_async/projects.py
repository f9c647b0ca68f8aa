"""Projects: where runs and artifacts are logged."""

from __future__ import annotations

from pinakes.api.common import Visibility
from pinakes.api.releases import Numbered, NumberedKind, Project
from pinakes.sdk._async._noun import AsyncNoun
from pinakes.sdk._async._paging import AsyncPages
from pinakes.sdk.calls import call, given
from pinakes.sdk.naming import ProjectLike, artifact_parts, project_parts, project_path


class AsyncProjects(AsyncNoun):
    """Projects of teams and users. One is named as `OWNER/PROJECT`, or by the object that a call answered with."""

    def list(self, owner: str | None = None, *, page_size: int = 100) -> AsyncPages[Project]:
        """List the projects that one may see, newest first; of an owner, if one is given."""
        return self._pages("/projects", Project, page_size, owner=owner)

    async def create(self, project: str, *, description: str | None = None) -> Project:
        """Make a project, `OWNER/PROJECT`; one that is there already is answered as it is.

        Logging a version makes its project too.
        """
        owner, name = project_parts(project)
        body = given(owner=owner, name=name, description=description)
        return await self._session.read(call("POST", "/projects", body=body), Project)

    async def get(self, project: ProjectLike) -> Project:
        """Read a project, by its name or a former one."""
        return await self._session.get(project_path(project), Project)

    async def update(
        self,
        project: ProjectLike,
        *,
        name: str | None = None,
        description: str | None = None,
        visibility: Visibility | None = None,
    ) -> Project:
        """Change a project; what is left out stays. A new name leaves the former one leading there."""
        body = given(name=name, description=description, visibility=visibility)
        return await self._session.read(call("PATCH", project_path(project), body=body, keyed=False), Project)

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
