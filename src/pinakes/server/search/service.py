"""One search over everything that can be found: collections, and what they point at."""

from __future__ import annotations

from collections.abc import Sequence

from pinakes.server.actor import Actor
from pinakes.server.catalog import checks
from pinakes.server.catalog.types import KINDS
from pinakes.server.db import Tx, load
from pinakes.server.errors import AccountNotFound, Invalid
from pinakes.server.paging import Page, cut, decode_cursor
from pinakes.server.people import service as people
from pinakes.server.permissions.service import sight
from pinakes.server.search.types import Hit

SQL = load(__package__)

# What can be searched for: kinds of items, registries, and the kinds of collections.
FOUND = (*KINDS, "registry", "showcase", "release", "artifact", "selection")


async def search(
    tx: Tx,
    actor: Actor,
    text: str,
    *,
    kinds: Sequence[str] | None = None,
    owner: str | None = None,
    limit: int = 20,
    cursor: str | None = None,
) -> Page[Hit]:
    """Find what has every word of a text, and the actor may see; best first.

    Args:
        tx: Where to read.
        actor: Who searches.
        text: The words, in any case and order. The last one may be unfinished. They are looked for in names, titles and
            owners' names; also in the descriptions of collections, registries, projects and versions, and in the tags
            of collections.
        kinds: Only things of these kinds: of items, `registry`, or one kind of collections.
        owner: Only things of this account; an unknown one has nothing.
        limit: How many hits at most.
        cursor: The `next` of the page before.

    Raises:
        Invalid: (fields `q`, `kind`, `cursor`) the text is empty or malformed, there is no such kind, or the cursor is
            not one of this search's.
    """
    words = checks.words([text], "q")
    if not words:
        message = "Say what to search for."
        raise Invalid(message, field="q")
    for kind in kinds or ():
        if kind not in FOUND:
            message = f"The kind is one of: {', '.join(FOUND)}."
            raise Invalid(message, field="kind")
    rank, below = decode_cursor(cursor, float, int) if cursor else (None, None)
    try:
        owner_id = None if owner is None else (await people.account(tx, owner)).id
    except AccountNotFound:
        return Page([])
    seen = sight(actor)
    rows = await tx.all(
        SQL.search,
        Hit,
        text=" ".join(words),
        tags=_tags(words),
        owners=_owners(words),
        kinds=list(kinds) if kinds else None,
        owner_id=owner_id,
        rank=rank,
        below=below,
        limit=limit + 1,
        everything=seen.everything,
        accounts=seen.accounts,
    )
    return cut(rows, limit, lambda hit: (hit.rank, hit.place))


def _tags(words: Sequence[str]) -> list[str]:
    """Return what a tag could be among what was typed: a word or several in a row, as typed or in another case."""
    runs = [words[start:end] for start in range(len(words)) for end in range(start + 1, len(words) + 1)]
    spelled = {joint.join(run) for run in runs for joint in (" ", "-")}
    return sorted({case for tag in spelled for case in (tag, tag.lower(), tag.upper(), tag.title())})


def _owners(words: Sequence[str]) -> list[str]:
    """Return what an owner's name could be among what was typed: a word, or what stands before its slash."""
    return sorted({part.lower() for word in words for part in (word, word.partition("/")[0])})
