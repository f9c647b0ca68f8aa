"""A collection to read, and the start page."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from pinakes.server.actor import Actor
from pinakes.server.artifacts import artifacts, memberships
from pinakes.server.artifacts.access import source_seen
from pinakes.server.artifacts.types import Membership
from pinakes.server.collections import entries, service as collections
from pinakes.server.collections.types import Card, Collection, Entry, Listing
from pinakes.server.state import state_of
from pinakes.server.wires.pages.auth import By
from pinakes.server.wires.pages.errors import PageRoute
from pinakes.server.wires.pages.render import page, web_link

router = APIRouter(route_class=PageRoute, include_in_schema=False)

ON_START = 12
ON_PAGE = 100


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as its page shows it."""

    kind: str
    name: str
    title: str
    note: str | None
    link: str | None
    private: bool
    facts: list[str]
    tags: list[str]


@router.get("/")
async def start(request: Request, actor: By) -> Response:
    """Say what this server is, and show the collections that changed last."""
    async with state_of(request).db.reading() as tx:
        newest = await collections.list_collections(
            tx, actor, Listing(kind="showcase", sort="lastModified"), limit=ON_START
        )
    url = state_of(request).settings.public_url
    return page("start.html", viewer=actor.name, collections=newest.rows, path=path_of, url=url)


@router.get("/collections/{owner}/{name}")
async def collection(request: Request, actor: By, owner: str, name: str, cursor: str | None = None) -> Response:
    """Show a collection; a former address leads to its present one."""
    async with state_of(request).db.snapshot() as tx:
        found = await collections.get(tx, actor, f"{owner}/{name}")
        if found.slug != f"{owner}/{name}":
            return RedirectResponse(path_of(found), 302)
        if found.kind in ("showcase", "selection"):
            content = await entries.page(tx, actor, found.public_id, limit=ON_PAGE, cursor=cursor)
            lines, where, after = [line(entry) for entry in content.rows], found.owner, content.next
        else:
            card = await artifacts.card(tx, actor, found.id)
            linked = await memberships.page(tx, actor, card.id, tombstones=True, limit=ON_PAGE, cursor=cursor)
            lines, where, after = [version_line(row, actor) for row in linked.rows], place(card), linked.next
    following = f"{path_of(found)}?{urlencode({'cursor': after})}" if after else None
    return page(
        "collection.html",
        viewer=actor.name,
        collection=found,
        where=where,
        lines=lines,
        following=following,
        first=cursor is None,
    )


def path_of(found: Collection) -> str:
    """Return the path of a collection's page."""
    return f"/collections/{quote(found.slug)}"


def line(entry: Entry) -> Line:
    """Choose what the page shows of an entry."""
    facts = [
        entry.pipeline_tag,
        entry.sdk,
        f"{entry.downloads:,} downloads" if entry.downloads else None,
        _counted(entry.votes, "vote") if entry.votes else None,
        _counted(entry.nested_count, "item") if entry.nested_count is not None else None,
        "gated" if entry.gated else None,
    ]
    return Line(
        kind=entry.target_kind or entry.kind,
        name=entry.address if not entry.nested_id else entry.owner or "",
        title=entry.title if entry.title != entry.address else "",
        note=entry.note,
        link=link(entry),
        private=entry.visibility == "private",
        facts=[fact for fact in facts if fact],
        tags=[],
    )


def place(card: Card) -> str:
    """Say where an artifact or release belongs: a registry of an organization, or somebody's project."""
    if card.owner_kind == "registry":
        return f"{card.organization} / {card.owner_title}"
    return f"{card.owner} / {card.container}" if card.container else card.owner


def version_line(found: Membership, actor: Actor) -> Line:
    """Choose what the page shows of a version in an artifact or release; of a deleted one, what it was."""
    version = found.version
    gone = f"deleted {version.deleted_at:%-d %B %Y}" if version.deleted_at is not None else None
    facts = [
        version.type,
        f"{version.file_count:,} files, {version.size:,} bytes" if gone is None else f"digest {version.digest}",
        f"linked {found.linked_at:%-d %B %Y}" + (f" by {found.linked_by}" if found.linked_by else ""),
        gone,
    ]
    home = f"{version.owner}/{version.project}/" if source_seen(actor, version) else ""
    return Line(
        kind=f"v{found.number}",
        name=home + version.label,
        title="",
        note=version.description,
        link=None,
        private=False,
        facts=[fact for fact in facts if fact],
        tags=found.aliases,
    )


def link(entry: Entry) -> str | None:
    """Return where an entry leads: to a page of ours, to arXiv, to where a reference says; repos have no page yet."""
    match entry.kind:
        case "collection":
            return f"/collections/{quote(entry.address)}"
        case "paper":
            return f"https://arxiv.org/abs/{quote(entry.name)}"
        case _:
            return web_link(entry.url)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
