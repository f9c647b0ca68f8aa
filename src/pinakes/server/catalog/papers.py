"""Papers, by their arXiv id. They belong to nobody; who registers one may correct its facts.

Registering a paper again overwrites nothing: the same facts change nothing, others are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from pinakes.server.actor import Actor
from pinakes.server.catalog import addresses, checks
from pinakes.server.catalog.lookup import SQL, create, delete, get_item, record_changes
from pinakes.server.catalog.types import Paper, PaperChanges, Registered
from pinakes.server.db import Tx, json
from pinakes.server.errors import Forbidden, Invalid, ItemNotFound, NameTaken
from pinakes.server.paging import Page, cut, decode_cursor
from pinakes.server.permissions import service as permissions
from pinakes.server.permissions.table import Permission


async def register_paper(
    tx: Tx,
    actor: Actor,
    *,
    arxiv_id: str,
    title: str,
    authors: Sequence[Mapping[str, object]] = (),
    abstract: str = "",
    published_at: datetime | None = None,
) -> Registered:
    """Make a paper known. One that is known with these very facts stays as it is, whoever registered it.

    Args:
        tx: Where to write.
        actor: Who registers it: anybody who signed in with more than a read token.
        arxiv_id: `1706.03762`, `hep-th/9901001`, `arXiv:1706.03762v2` ...; the version is left out.
        title: Its title.
        authors: A `{"name": ...}` for each.
        abstract: Its abstract.
        published_at: When it appeared.

    Raises:
        Invalid: a field is not what it should be.
        Unauthenticated, Forbidden: the actor may not.
        NameTaken: (field `id`) it is known with other facts; details say under which id (`address`).
    """
    number = addresses.arxiv_id(arxiv_id)
    if number is None:
        message = "An arXiv id looks like 1706.03762 or hep-th/9901001."
        raise Invalid(message, field="id")
    title = checks.title(title, needed=True)
    authors = checks.authors(authors)
    abstract = checks.text(abstract, "abstract", checks.LONGEST_ABSTRACT)
    published_at = checks.moment(published_at, "published_at")
    _require_writer(actor)
    try:
        item_id = await create(tx, actor, "paper", None, number, title=title, visibility="public")
    except NameTaken as error:
        known = await get_paper(tx, actor, number)
        if (known.title, known.authors, known.abstract, known.published_at) == (title, authors, abstract, published_at):
            return Registered(known, new=False)
        error.field = "id"
        raise
    facts: dict[str, object] = {"authors": json(authors), "abstract": abstract, "published_at": published_at}
    await tx.run(SQL.create_paper_facts, id=item_id, registered_by=actor.user_id, **facts)
    return Registered(await get_paper(tx, actor, number), new=True)


async def update_paper(tx: Tx, actor: Actor, arxiv_id: str, changes: PaperChanges) -> Paper:
    """Correct a paper's facts: whoever registered it and administrators of the server may.

    Raises:
        ItemNotFound, Unauthenticated, Forbidden: nobody has registered it, or the actor may not.
        Invalid: a field is not what it should be.
    """
    paper = await get_paper(tx, actor, arxiv_id)
    _require_writer(actor)
    await tx.run(SQL.lock_paper, id=paper.id)
    paper = await get_paper(tx, actor, arxiv_id)
    if not corrects(actor, paper):
        message = "Only who registered a paper, and administrators of the server, may correct it."
        raise Forbidden(message, details={"permission": Permission.ITEM_UPDATE})
    wanted = _checked(changes)
    if not wanted:
        return paper
    authors = wanted.get("authors", paper.authors)
    facts = {name: wanted.get(name, getattr(paper, name)) for name in ("abstract", "published_at")}
    await tx.run(SQL.touch_item, id=paper.id, title=wanted.get("title"), visibility=None)
    await tx.run(SQL.update_paper_facts, id=paper.id, authors=json(authors), **facts)
    await record_changes(tx, actor, await get_item(tx, actor, paper.id), None, wanted)
    return await get_paper(tx, actor, arxiv_id)


async def get_paper(tx: Tx, actor: Actor, arxiv_id: str) -> Paper:
    """Return a paper.

    Raises:
        ItemNotFound: nobody has registered it.
    """
    number = addresses.arxiv_id(arxiv_id.removeprefix("papers/"))
    paper = None
    if number is not None:
        paper = await tx.one(SQL.paper, Paper, arxiv_id=number, user_id=actor.user_id)
    if paper is None:
        raise ItemNotFound(details={"kind": "paper", "address": arxiv_id})
    return paper


async def search_papers(
    tx: Tx, actor: Actor, text: str | None = None, limit: int = 100, cursor: str | None = None
) -> Page[Paper]:
    """List papers that have all words (or their beginnings) in title or id, those first that were registered last.

    Raises:
        Invalid: (fields `q`, `cursor`) the text or the cursor is malformed.
    """
    words = checks.words([text or ""], "q")
    below = decode_cursor(cursor, int)[0] if cursor else None
    rows = await tx.all(
        SQL.papers,
        Paper,
        text=" ".join(words) or None,
        below=below,
        limit=limit + 1,
        user_id=actor.user_id,
    )
    return cut(rows, limit, lambda paper: (paper.id,))


async def delete_paper(tx: Tx, actor: Actor, arxiv_id: str) -> None:
    """Delete a paper: whoever registered it and administrators of the server may.

    Raises:
        ItemNotFound, Unauthenticated, Forbidden: nobody has registered it, or the actor may not.
    """
    paper = await get_paper(tx, actor, arxiv_id)
    _require_writer(actor)
    if not corrects(actor, paper):
        message = "Only who registered a paper, and administrators of the server, may delete it."
        raise Forbidden(message, details={"permission": Permission.ITEM_DELETE})
    await delete(tx, actor, await get_item(tx, actor, paper.id))


def corrects(actor: Actor, paper: Paper) -> bool:
    """Tell whether an actor may correct or delete a paper, as far as his credential lets him write at all."""
    return actor.is_admin or (actor.user_id is not None and paper.registered_by == actor.name)


def _require_writer(actor: Actor) -> None:
    # A paper has no owner: one registers it in one's own name.
    permissions.require(actor, Permission.ITEM_CREATE, owner_id=actor.user_id, visibility="public")


def _checked(changes: PaperChanges) -> dict[str, object]:
    """Check every new value before any is written."""
    wanted: dict[str, object] = {}
    if changes.title is not None:
        wanted["title"] = checks.title(changes.title, needed=True)
    if changes.authors is not None:
        wanted["authors"] = checks.authors(changes.authors)
    if changes.abstract is not None:
        wanted["abstract"] = checks.text(changes.abstract, "abstract", checks.LONGEST_ABSTRACT)
    if changes.published_at is not None:
        wanted["published_at"] = checks.moment(changes.published_at, "published_at")
    return wanted
