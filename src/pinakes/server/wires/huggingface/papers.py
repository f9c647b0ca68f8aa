"""The Hub's papers, as far as they are registered here: one, a search, the newest, and one as text."""
# ruff: noqa: FAST003 - a handler takes a `Call`, which has the parameters of the path

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from pinakes.server.catalog import service as catalog
from pinakes.server.catalog.types import Paper
from pinakes.server.wires.huggingface import encode
from pinakes.server.wires.huggingface.routing import Call, HubRoute, respond

# The client counts pages from 0; each is found by going through those before it.
FURTHEST_PAGE = 100

router = APIRouter(route_class=HubRoute, include_in_schema=False)


@router.get("/api/papers/search")
async def search_papers(call: Call) -> Response:
    """Search the papers by their words."""
    async with call.reading() as (tx, actor):
        page = await catalog.search_papers(tx, actor, call.word("q") or None, call.limit, call.cursor)
    return call.page([encode.paper_row(found) for found in page.rows], page.next)


@router.get("/api/daily_papers")
async def daily_papers(call: Call) -> Response:
    """Answer the papers that were registered last. Nobody submits papers for a day here, so such filters find none."""
    if any(call.word(name) is not None for name in ("date", "week", "month", "submitter")):
        return respond([])
    call.choice("sort", ("publishedAt", "trending"), "publishedAt")
    last, rows, cursor = min(call.number("p", 0), FURTHEST_PAGE), list[Paper](), None
    async with call.reading() as (tx, actor):
        for number in range(last + 1):
            page = await catalog.search_papers(tx, actor, None, call.limit, cursor)
            rows, cursor = page.rows if number == last else [], page.next
            if cursor is None:
                break
    return respond([encode.paper_row(found) for found in rows])


@router.get("/api/papers/{paper:path}")
async def paper_info(call: Call) -> Response:
    """Answer one paper; the client asks for it without a token."""
    async with call.reading() as (tx, actor):
        found = await catalog.get_paper(tx, actor, call.path_params["paper"])
    return respond(encode.paper(found))


@router.get("/papers/{paper:path}.md")
async def read_paper(call: Call) -> Response:
    """Answer what is known of a paper as markdown: its title, its authors, its abstract, where it is."""
    async with call.reading() as (tx, actor):
        found = await catalog.get_paper(tx, actor, call.path_params["paper"])
    return PlainTextResponse(encode.paper_text(found), media_type="text/markdown")
