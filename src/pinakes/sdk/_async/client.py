"""The client: one connection to one server, with a small client for each noun."""

from __future__ import annotations

from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

import httpx2

from pinakes.sdk import config
from pinakes.sdk._async._http import AsyncSession
from pinakes.sdk.retrying import RetryPolicy

if TYPE_CHECKING:
    from pinakes.sdk._async.catalog import AsyncBuckets, AsyncItems, AsyncPapers, AsyncReferences, AsyncRepos
    from pinakes.sdk._async.collections import AsyncCollections
    from pinakes.sdk._async.datasets import AsyncDatasets
    from pinakes.sdk._async.events import AsyncEvents
    from pinakes.sdk._async.exports import AsyncExports
    from pinakes.sdk._async.jobs import AsyncJobs
    from pinakes.sdk._async.labels import AsyncLabels
    from pinakes.sdk._async.media import AsyncMedia
    from pinakes.sdk._async.organizations import AsyncOrganizations, AsyncTeams
    from pinakes.sdk._async.projects import AsyncProjects
    from pinakes.sdk._async.queues import AsyncQueues
    from pinakes.sdk._async.registries import AsyncRegistries
    from pinakes.sdk._async.releases import AsyncReleases
    from pinakes.sdk._async.search import AsyncSearch
    from pinakes.sdk._async.tokens import AsyncTokens
    from pinakes.sdk._async.users import AsyncUsers
    from pinakes.sdk._async.versions import AsyncVersions
    from pinakes.sdk._async.webhooks import AsyncWebhooks
    from pinakes.sdk._async.workspaces import AsyncWorkspaces


class AsyncClient:
    """A connection to a server. Use it in an `async with` block, or call `close` at the end.

    Each noun has a small client, an attribute of this one; its types are imported when it is first used.

    Attributes:
        url: The server.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        timeout: float = 60.0,
        retry: RetryPolicy | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        user_agent: str | None = None,
    ) -> None:
        """Make a client; nothing is sent yet. `connect_async` finds url and token by itself.

        Args:
            url: The server, such as https://pinakes.example.org.
            token: Who acts; None for what is public.
            timeout: Seconds to wait for the next bytes of an answer.
            retry: How patient to be with what passes; `RetryPolicy(retries=0)` not at all.
            transport: What carries the requests, for tests.
            user_agent: Put before the SDK's own name.
        """
        self.url: str = url
        self._session: AsyncSession = AsyncSession(
            url, token, timeout=timeout, retry=retry, transport=transport, user_agent=user_agent
        )

    @cached_property
    def collections(self) -> AsyncCollections:
        """Collections, their entries and their revisions."""
        from pinakes.sdk._async.collections import AsyncCollections

        return AsyncCollections(self._session)

    @cached_property
    def items(self) -> AsyncItems:
        """Whatever can be put into a collection, of any kind."""
        from pinakes.sdk._async.catalog import AsyncItems

        return AsyncItems(self._session)

    @cached_property
    def repos(self) -> AsyncRepos:
        """Models, datasets and spaces."""
        from pinakes.sdk._async.catalog import AsyncRepos

        return AsyncRepos(self._session)

    @cached_property
    def papers(self) -> AsyncPapers:
        """Papers, by arXiv id."""
        from pinakes.sdk._async.catalog import AsyncPapers

        return AsyncPapers(self._session)

    @cached_property
    def references(self) -> AsyncReferences:
        """Things that live elsewhere, by URL."""
        from pinakes.sdk._async.catalog import AsyncReferences

        return AsyncReferences(self._session)

    @cached_property
    def buckets(self) -> AsyncBuckets:
        """Buckets, by name."""
        from pinakes.sdk._async.catalog import AsyncBuckets

        return AsyncBuckets(self._session)

    @cached_property
    def registries(self) -> AsyncRegistries:
        """Organizations' shelves of releases."""
        from pinakes.sdk._async.registries import AsyncRegistries

        return AsyncRegistries(self._session)

    @cached_property
    def releases(self) -> AsyncReleases:
        """Releases and artifacts: versions with numbers and aliases, and what was remembered."""
        from pinakes.sdk._async.releases import AsyncReleases

        return AsyncReleases(self._session)

    @cached_property
    def versions(self) -> AsyncVersions:
        """Versions of artifacts, and their files."""
        from pinakes.sdk._async.versions import AsyncVersions

        return AsyncVersions(self._session)

    @cached_property
    def projects(self) -> AsyncProjects:
        """Where runs and artifacts are logged, and where media live."""
        from pinakes.sdk._async.projects import AsyncProjects

        return AsyncProjects(self._session)

    @cached_property
    def workspaces(self) -> AsyncWorkspaces:
        """The parts of an account's work."""
        from pinakes.sdk._async.workspaces import AsyncWorkspaces

        return AsyncWorkspaces(self._session)

    @cached_property
    def datasets(self) -> AsyncDatasets:
        """The folders of a project of media."""
        from pinakes.sdk._async.datasets import AsyncDatasets

        return AsyncDatasets(self._session)

    @cached_property
    def media(self) -> AsyncMedia:
        """Images, videos, point clouds and volumes, and their files."""
        from pinakes.sdk._async.media import AsyncMedia

        return AsyncMedia(self._session)

    @cached_property
    def labels(self) -> AsyncLabels:
        """Classes and tags of projects, and the annotations of media."""
        from pinakes.sdk._async.labels import AsyncLabels

        return AsyncLabels(self._session)

    @cached_property
    def queues(self) -> AsyncQueues:
        """Labeling work over a collection or a dataset."""
        from pinakes.sdk._async.queues import AsyncQueues

        return AsyncQueues(self._session)

    @cached_property
    def jobs(self) -> AsyncJobs:
        """One person's part in a queue, and the work itself."""
        from pinakes.sdk._async.jobs import AsyncJobs

        return AsyncJobs(self._session)

    @cached_property
    def search(self) -> AsyncSearch:
        """Words, in collections and items."""
        from pinakes.sdk._async.search import AsyncSearch

        return AsyncSearch(self._session)

    @cached_property
    def events(self) -> AsyncEvents:
        """What happened, and what happens now."""
        from pinakes.sdk._async.events import AsyncEvents

        return AsyncEvents(self._session)

    @cached_property
    def users(self) -> AsyncUsers:
        """Users; `users.me()` says who the token acts for."""
        from pinakes.sdk._async.users import AsyncUsers

        return AsyncUsers(self._session)

    @cached_property
    def tokens(self) -> AsyncTokens:
        """What users let programs act with."""
        from pinakes.sdk._async.tokens import AsyncTokens

        return AsyncTokens(self._session)

    @cached_property
    def organizations(self) -> AsyncOrganizations:
        """Accounts that several users keep together."""
        from pinakes.sdk._async.organizations import AsyncOrganizations

        return AsyncOrganizations(self._session)

    @cached_property
    def teams(self) -> AsyncTeams:
        """Teams of organizations."""
        from pinakes.sdk._async.organizations import AsyncTeams

        return AsyncTeams(self._session)

    @cached_property
    def exports(self) -> AsyncExports:
        """Labels in the forms that trainers read: COCO, YOLO, JSON lines."""
        from pinakes.sdk._async.exports import AsyncExports

        return AsyncExports(self._session)

    @cached_property
    def webhooks(self) -> AsyncWebhooks:
        """Being told of what happens, by signed requests."""
        from pinakes.sdk._async.webhooks import AsyncWebhooks

        return AsyncWebhooks(self._session)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def __aenter__(self) -> Self:
        """Enter a block at whose end the connections are closed."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self.close()

    def __repr__(self) -> str:
        """Name the server; never the token."""
        return f"<{type(self).__name__} of {self.url}>"


def connect_async(
    url: str | None = None,
    token: str | None = None,
    *,
    timeout: float = 60.0,
    retry: RetryPolicy | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
    user_agent: str | None = None,
) -> AsyncClient:
    """Connect to a server.

    Args:
        url: The server; without it PINAKES_URL, else the one that `pinakes login` saved.
        token: Who acts; without it PINAKES_TOKEN, else the one saved for that server, else nobody.
        timeout: Seconds to wait for the next bytes of an answer.
        retry: How patient to be with what passes.
        transport: What carries the requests, for tests.
        user_agent: Put before the SDK's own name.

    Raises:
        NotConnected: Nobody said which server, or it is no URL of one.
    """
    login = config.resolve(url, token)
    return AsyncClient(login.url, login.token, timeout=timeout, retry=retry, transport=transport, user_agent=user_agent)
