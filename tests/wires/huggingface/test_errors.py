"""How this wire says what went wrong: what `huggingface_hub` 2.4.0 (and 1.29.0) raises from is frozen here."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import httpx2
import pytest
from fastapi import APIRouter, FastAPI
from inline_snapshot import snapshot
from starlette.responses import Response

from pinakes.server import errors as taxonomy
from pinakes.server.errors import PinakesError
from pinakes.server.wires.huggingface.routing import Call, HubRoute, RepoRoute

STATUSES = {
    "AccessGated": 403,
    "AccountNotFound": 404,
    "AliasProtected": 403,
    "AlreadyInCollection": 409,
    "ApprovalNeeded": 403,
    "CheckFailed": 400,
    "CollectionNotFound": 404,
    "Conflict": 503,
    "DatasetNotFound": 404,
    "DeviceDenied": 400,
    "DeviceExpired": 400,
    "DevicePending": 400,
    "DeviceSlowDown": 400,
    "EntryNotFound": 404,
    "FileNotFound": 404,
    "Forbidden": 403,
    "HasAliases": 503,
    "IdempotencyMismatch": 503,
    "Invalid": 400,
    "InvalidCredentials": 401,
    "ItemLeftQueue": 400,
    "ItemNotFound": 404,
    "JobNotFound": 404,
    "LabelClassNotFound": 404,
    "LabelNotFound": 404,
    "LabelTagNotFound": 404,
    "LastAdministrator": 503,
    "LeaseLost": 503,
    "MediaNotFound": 404,
    "NameTaken": 409,
    "NotFound": 404,
    "NothingToUndo": 503,
    "PreconditionFailed": 412,
    "ProjectNotFound": 404,
    "PromotionDecided": 503,
    "PromotionNotFound": 404,
    "QueueNotFound": 404,
    "RegistryHolds": 503,
    "RegistryNotFound": 404,
    "RevisionNotFound": 404,
    "RunNotFound": 404,
    "ScopeTooNarrow": 403,
    "ShuttingDown": 503,
    "TitleTaken": 409,
    "TooLarge": 413,
    "TooManyRequests": 429,
    "TookTooLong": 413,
    "TypeNotAccepted": 400,
    "Unauthenticated": 401,
    "Unavailable": 503,
    "UnsupportedGrant": 400,
    "VersionNotFound": 404,
    "WebhookNotFound": 404,
    "WorkspaceNotFound": 404,
}


def subclasses(of: type[PinakesError]) -> set[type[PinakesError]]:
    return {found for child in of.__subclasses__() for found in {child, *subclasses(child)}}


@pytest.fixture
async def failing() -> AsyncGenerator[httpx2.AsyncClient]:
    """An application whose only routes raise what `wanted` says."""
    wanted: list[PinakesError] = []

    async def fail(_: Call) -> Response:
        raise wanted[0]

    app = FastAPI()
    for path, route in (("/plain", HubRoute), ("/repo", RepoRoute)):
        router = APIRouter(route_class=route)
        router.add_api_route(path, fail)
        app.include_router(router)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://hub.test") as client:
        client.wanted = wanted  # type: ignore[attr-defined]
        yield client


async def raised(client: httpx2.AsyncClient, error: PinakesError, path: str = "/plain") -> httpx2.Response:
    client.wanted[:] = [error]  # type: ignore[attr-defined]
    return await client.get(path)


async def test_every_error_has_its_status(failing: httpx2.AsyncClient) -> None:
    ours = {found for found in subclasses(PinakesError) if found.__module__ == taxonomy.__name__}
    assert {found.__name__ for found in ours} == set(STATUSES)
    for found in ours:
        answer = await raised(failing, found())
        assert answer.status_code == STATUSES[found.__name__], found
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["X-Error-Message"] == answer.json()["error"]
        assert "X-Error-Code" not in answer.headers


async def test_codes_of_repositories(failing: httpx2.AsyncClient) -> None:
    """2.4.0 raises RepositoryNotFoundError & co. from `X-Error-Code`, over http only from that."""
    codes = {}
    for found in (taxonomy.ItemNotFound, taxonomy.RevisionNotFound, taxonomy.AccessGated, taxonomy.AccountNotFound):
        answer = await raised(failing, found(), "/repo")
        codes[found.__name__] = (answer.status_code, answer.headers.get("X-Error-Code"))
    assert codes == snapshot(
        {
            "ItemNotFound": (404, "RepoNotFound"),
            "RevisionNotFound": (404, "RevisionNotFound"),
            "AccessGated": (403, "GatedRepo"),
            "AccountNotFound": (404, None),
        }
    )


async def test_the_body(failing: httpx2.AsyncClient) -> None:
    """2.4.0 shows `error`; `slug` and `url` are what `exists_ok` and `exist_ok` read."""
    error = taxonomy.TitleTaken("There is one.", field="title", details={"slug": "a/b-0123", "error": "not this"})
    answer = await raised(failing, error)
    assert answer.json() == snapshot({"slug": "a/b-0123", "error": "There is one.", "field": "title"})


async def test_the_message_names_the_field(failing: httpx2.AsyncClient) -> None:
    """2.4.0 shows nothing but the message."""
    for error, message in (
        (taxonomy.Invalid("It can't be empty.", field="title"), "title: It can't be empty."),
        (taxonomy.Invalid("A theme is a colour.", field="theme"), "A theme is a colour."),
        (taxonomy.Invalid("No address.", field="to"), "toRepo: No address."),
        (taxonomy.NameTaken("It exists.", field="name"), "It exists."),
    ):
        answer = await raised(failing, error)
        assert answer.json()["error"] == answer.headers["X-Error-Message"] == message


async def test_a_bad_token(failing: httpx2.AsyncClient) -> None:
    """2.4.0 takes any other 401 on a repository's address for a missing repository."""
    answer = await raised(failing, taxonomy.InvalidCredentials("It has expired."))
    assert answer.headers["X-Error-Message"] == "Invalid credentials in Authorization header"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("message", "header"),
    [
        ("Größe\nzwei   Zeilen", "Größe zwei Zeilen"),
        ("日本 title", "?? title"),
        ("a\x00b\x7fc\u2028d", "abc d"),
        ("x" * 2000, "x" * 500),
    ],
)
async def test_a_message_fits_a_header(failing: httpx2.AsyncClient, message: str, header: str) -> None:
    """One line of latin-1; the body has all of it."""
    answer = await raised(failing, taxonomy.Forbidden(message))
    assert answer.headers["X-Error-Message"].encode("latin-1").decode("latin-1") == header
    assert answer.json()["error"] == message


async def test_when_to_come_back(failing: httpx2.AsyncClient) -> None:
    """2.4.0 waits as long as `Retry-After` says."""
    late = taxonomy.TooManyRequests(details={"retry_after": 17})
    assert (await raised(failing, late)).headers["Retry-After"] == "17"
    assert (await raised(failing, taxonomy.Unavailable())).headers["Retry-After"] == "1"
    assert "Retry-After" not in (await raised(failing, taxonomy.Invalid())).headers


async def test_a_clash_is_tried_again() -> None:
    """The client does not try a change again: who clashes with another transaction is given more than one chance."""
    clashes = [taxonomy.Conflict(), taxonomy.Conflict()]

    async def clash(_: Call) -> Response:
        if clashes:
            raise clashes.pop()
        return Response("done")

    app = FastAPI()
    router = APIRouter(route_class=HubRoute)
    router.add_api_route("/", clash)
    app.include_router(router)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://hub.test") as client:
        assert (await client.get("/")).text == "done"
        clashes += [taxonomy.Conflict()] * 4
        assert (await client.get("/")).status_code == 503
        clashes[:] = [taxonomy.NameTaken(), taxonomy.NameTaken()]
        assert (await client.get("/")).status_code == 409
        assert len(clashes) == 1
