"""What the collections room answers with, as the native API's JSON: dictionaries written out by hand, then orjson.

The types in `pinakes.api.collections` say what it looks like and are in the OpenAPI; answers are not validated against
them on their way out, which would cost more than all else. A test holds the two together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import orjson
from starlette.responses import Response

from pinakes.server.actor import Actor
from pinakes.server.collections.types import Batch, Collection, Diff, Difference, Entry, Result
from pinakes.server.paging import Page
from pinakes.server.permissions.service import permitted
from pinakes.server.wires.native import errors

T = TypeVar("T")

Json = dict[str, Any]

# What a reader may do with the collections of an owner and of a visibility, remembered while a list is encoded.
Allowed = dict[tuple[int, str], list[str]]


def dumps(content: object) -> bytes:
    """Write JSON as this wire does."""
    return orjson.dumps(content, option=orjson.OPT_UTC_Z)


def line(content: object) -> bytes:
    """Write a line of an answer that is JSON lines."""
    return orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)


def answer(content: object, *, status: int = 200, revision: int | None = None) -> Response:
    """Make an answer of JSON; `revision` becomes its ETag."""
    headers = {"ETag": f'"{revision}"'} if revision is not None else None
    return Response(dumps(content), status, headers, media_type="application/json")


def empty(*, revision: int | None = None) -> Response:
    """Make an answer without a body."""
    return Response(status_code=204, headers={"ETag": f'"{revision}"'} if revision is not None else None)


def page(found: Page[T], encode: Callable[[T], object]) -> Json:
    """Encode a page of a list."""
    return {"rows": [encode(row) for row in found.rows], "next": found.next}


def collection(
    found: Collection,
    actor: Actor,
    base_url: str,
    entries: Iterable[Entry] | None = None,
    *,
    listed: Allowed | None = None,
) -> Json:
    """Encode a collection as its reader sees it, with its first entries where they were asked for.

    For a row of a list, `listed` remembers what its reader may do from one row to the next; and its place among its
    owner's others is not said, since it is not counted for lists.
    """
    slug = f"{found.owner}/{found.name}-{found.public_id}"
    visibility = found.visibility if found.deleted_at is None else "private"
    allowed = listed.get((found.owner_id, visibility)) if listed is not None else None
    if allowed is None:
        allowed = can(found, actor)
        if listed is not None:
            listed[found.owner_id, visibility] = allowed
    encoded: Json = {
        "id": found.public_id,
        "item_id": found.id,
        "kind": found.kind,
        "slug": slug,
        "url": f"{base_url}/collections/{slug}",
        "owner": found.owner,
        "owner_kind": found.owner_kind,
        "title": found.title,
        "description": found.description,
        "theme": found.theme,
        "tags": found.tags,
        "visibility": found.visibility,
        "revision": found.revision,
        "entry_count": found.entry_count,
        "live": found.is_live,
        "position": found.position if listed is None else None,
        "votes": found.votes,
        "voted": found.voted,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "deleted_at": found.deleted_at,
        "can": allowed,
    }
    if entries is not None:
        encoded["entries"] = [entry(row) for row in entries]
    return encoded


def can(found: Collection, actor: Actor) -> list[str]:
    """List what the reader may do with a collection; with one in the trash, only what is done there."""
    visibility = found.visibility if found.deleted_at is None else "private"
    allowed = permitted(actor, owner_id=found.owner_id, visibility=visibility)
    return sorted(permission for permission in allowed if permission.startswith("collection:"))


def entry(row: Entry) -> Json:
    """Encode an entry with all that its item has to show."""
    return {
        "id": row.id,
        "item": {
            "id": row.item_id,
            "kind": row.kind,
            "address": row.address,
            "owner": row.owner,
            "name": row.name,
            "title": row.title,
            "visibility": row.visibility,
            "updated_at": row.updated_at,
            "votes": row.votes,
            "gated": row.gated,
            "sdk": row.sdk,
            "pipeline_tag": row.pipeline_tag,
            "downloads": row.downloads,
            "last_modified": row.last_modified,
            "published_at": row.published_at,
            "url": row.url,
            "target_kind": row.target_kind,
            "nested": _nested(row) if row.nested_id else None,
        },
        "note": row.note,
        "score": row.score,
        "added_at": row.added_at,
        "added_by": row.added_by,
        "added_revision": row.added_rev,
        "since_revision": row.since_rev,
    }


def lean_entry(row: Entry) -> Json:
    """Encode an entry, as little of it as a program needs."""
    return {
        "id": row.id,
        "item": {"id": row.item_id, "kind": row.kind, "address": row.address},
        "note": row.note,
        "score": row.score,
    }


def exported_entry(row: Entry) -> Json:
    """Encode an entry as a line of an export, which the import reads again."""
    return {
        "kind": row.kind,
        "address": row.address,
        "title": row.title,
        "note": row.note,
        "score": row.score,
        "added_at": row.added_at,
        "added_by": row.added_by,
    }


def batch(done: Batch, request_id: str) -> Json:
    """Encode what became of a batch."""
    return {
        "revision": done.revision,
        "applied": done.applied,
        "results": [result(row, request_id) for row in done.results],
        "counts": Counter(row.outcome for row in done.results),
    }


def result(row: Result, request_id: str) -> Json:
    """Encode what became of one line."""
    error = errors.describe(row.error, request_id) if row.error is not None else None
    return {"outcome": row.outcome, "entry": row.entry, "error": error}


def collection_at(found: Collection) -> Json:
    """Encode a collection's own fields as they were at a revision."""
    return {
        "id": found.public_id,
        "revision": found.revision,
        "at": found.updated_at,
        "slug": found.slug,
        "owner": found.owner,
        "title": found.title,
        "description": found.description,
        "theme": found.theme,
        "tags": found.tags,
        "visibility": found.visibility,
        "entry_count": found.entry_count,
    }


def diff(collection_id: int, found: Diff) -> Json:
    """Encode what differs between two revisions."""
    return {
        "older": found.older,
        "newer": found.newer,
        "counts": found.counts,
        "fields": _field_pairs(found.fields),
        **page(found.entries, lambda row: _difference(collection_id, row)),
    }


def _difference(collection_id: int, row: Difference) -> Json:
    return {
        "entry": f"{collection_id:08x}{row.added_rev:08x}{row.item_id:08x}",
        "item": {"id": row.item_id, "kind": row.kind, "address": row.address},
        "title": row.title,
        "ways": row.ways,
        "before": None if row.old_key is None else {"note": row.old_note, "score": row.old_score},
        "after": None if row.new_key is None else {"note": row.new_note, "score": row.new_score},
    }


def _field_pairs(fields: Mapping[str, tuple[object, object]]) -> Json:
    return {name: {"before": before, "after": after} for name, (before, after) in fields.items()}


def _nested(row: Entry) -> Json:
    return {
        "id": row.nested_id,
        "kind": row.nested_kind,
        "slug": row.address,
        "theme": row.nested_theme,
        "description": row.nested_description,
        "entry_count": row.nested_count,
    }
