"""What we have, in the Hub's JSON. Each key is there because a client reads it, or because the Hub sends it.

`huggingface_hub` is strict about a few things, which hold for every function here: times end in `Z` (a `+00:00` is an
error), `owner` is a name, `note` is an object, a row of a list of collections has no `position`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeAlias

import nh3
from markdown_it import MarkdownIt

from pinakes.server.catalog.types import Item, Liked, Paper, Repo
from pinakes.server.collections.types import Collection, Entry
from pinakes.server.people.types import Account, Membership, Profile, Token

Json: TypeAlias = dict[str, object]

# How many items a collection shows in a list.
HEAD = 4
# The kind of collection that the Hub has: there are no others here.
SHOWCASE = "showcase"
URL_PREFIXES = {"model": "", "dataset": "datasets/", "space": "spaces/"}

# A line of words that markdown leaves as it is.
_PLAIN = re.compile(r"[^\W\d_](?:[^\W_]|[ ,;.'()?%/-])*(?<! )")
_MARKDOWN = MarkdownIt("commonmark", {"html": False})


def time(at: datetime) -> str:
    """Write a time as the client parses it: UTC, milliseconds, `Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


@lru_cache(maxsize=10_000)
def note_html(text: str) -> str:
    """Render a note's markdown as safe HTML; most notes have nothing to render."""
    if _PLAIN.fullmatch(text):
        return f"<p>{text}</p>"
    return nh3.clean(_MARKDOWN.render(text)).strip()


def collection(found: Collection, entries: Iterable[Entry], endpoint: str) -> Json:
    """Encode one collection, with its items in order and its own position."""
    return {**_fields(found, endpoint), "position": found.position, "items": items(entries)}


def collection_row(found: Collection, head: Iterable[Entry], endpoint: str) -> Json:
    """Encode one row of a list of collections: a few items, and no position, since the client counts the rows."""
    return {**_fields(found, endpoint), "items": items(head)[:HEAD]}


def items(entries: Iterable[Entry]) -> list[Json]:
    """Encode the entries that this API knows the kind of; their positions count from 0 without gaps."""
    known = (entry for entry in entries if is_known(entry))
    return [_item(entry, position) for position, entry in enumerate(known)]


def visible(entries: Sequence[Entry]) -> list[Entry]:
    """Leave out the entries whose kind this API does not know."""
    return [entry for entry in entries if is_known(entry)]


def is_known(entry: Entry) -> bool:
    """Tell whether this API knows the kind of an entry's item; of collections it knows showcases only."""
    return entry.kind in ITEMS and entry.nested_kind in (None, SHOWCASE)


def _fields(found: Collection, endpoint: str) -> Json:
    fields: Json = {
        "slug": found.slug,
        "title": found.title,
        "owner": found.owner,
        "ownerData": _owner(found.owner, "user" if found.owner_kind == "user" else "org"),
        "lastUpdated": time(found.updated_at),
        "private": found.visibility != "public",
        "theme": found.theme,
        "upvotes": found.votes,
        "isUpvotedByUser": found.voted,
        "gating": False,
        "shareUrl": f"{endpoint}/collections/{found.owner}/{found.name}",
    }
    if found.description:
        fields["description"] = found.description
    if found.resource_group:
        fields["resourceGroup"] = {"id": found.resource_group}
    return fields


def _owner(name: str | None, kind: str) -> Json:
    return {"name": name, "type": kind}


def _item(entry: Entry, position: int) -> Json:
    item: Json = {"_id": entry.id, "position": position, "type": entry.kind, **ITEMS[entry.kind](entry)}
    if entry.note:
        item["note"] = {"html": note_html(entry.note), "text": entry.note}
    return item


def _repo_item(entry: Entry) -> Json:
    return {
        "id": entry.address,
        "author": entry.owner,
        "repoType": entry.kind,
        "private": entry.visibility != "public",
        "gated": entry.gated or False,
        "likes": entry.votes,
        "downloads": entry.downloads or 0,
        "lastModified": time(entry.last_modified or entry.updated_at),
    }


def _model_item(entry: Entry) -> Json:
    item = _repo_item(entry)
    if entry.pipeline_tag:
        item["pipeline_tag"] = entry.pipeline_tag
    return item


def _space_item(entry: Entry) -> Json:
    return {**_repo_item(entry), "title": entry.title or entry.name, "sdk": entry.sdk}


def _paper_item(entry: Entry) -> Json:
    item: Json = {"id": entry.name, "title": entry.title, "upvotes": entry.votes}
    if entry.published_at:
        item["publishedAt"] = time(entry.published_at)
    return item


def _bucket_item(entry: Entry) -> Json:
    return {"id": entry.address, "author": entry.owner, "private": entry.visibility != "public"}


def _collection_item(entry: Entry) -> Json:
    # The client shows `slug` as the item's id, so that a nested collection can be fetched with it.
    return {
        "id": entry.nested_id,
        "slug": entry.address,
        "title": entry.title,
        "description": entry.nested_description or None,
        "lastUpdated": time(entry.updated_at),
        "owner": {"name": entry.owner},
        "theme": entry.nested_theme,
        "private": entry.visibility != "public",
        "upvotes": entry.votes,
        "numberItems": entry.nested_count,
    }


# The kinds of item that the Hub has. Whatever else a collection holds is left out of this API's answers.
ITEMS: dict[str, Callable[[Entry], Json]] = {
    "model": _model_item,
    "dataset": _repo_item,
    "space": _space_item,
    "paper": _paper_item,
    "collection": _collection_item,
    "bucket": _bucket_item,
}
# The same as the collections room names them, where a collection is called by its own kind.
KNOWN = (*(kind for kind in ITEMS if kind != "collection"), SHOWCASE)


def repo_url(endpoint: str, kind: str, address: str) -> str:
    """Return the page of a repository, from which the client reads its type and id."""
    return f"{endpoint}/{URL_PREFIXES[kind]}{address}"


def repo(found: Repo, *, card: bool = True) -> Json:
    """Encode a repository. There are no files yet, so `siblings` is empty and there is no `sha`."""
    facts: Json = {
        "_id": f"{found.id:024x}",
        "id": found.address,
        "author": found.owner,
        "private": found.visibility != "public",
        "gated": found.gated or False,
        "disabled": False,
        "likes": found.likes,
        "isLikedByUser": found.liked,
        "tags": found.tags,
        "createdAt": time(found.created_at),
        "lastModified": time(found.last_modified),
        "siblings": [],
    }
    if card:
        facts["cardData"] = found.card
    return facts | _OWN_FACTS[found.kind](found)


def repo_expanded(found: Repo, names: Iterable[str]) -> Json:
    """Encode only the named properties of a repository, beside its ids."""
    facts = repo(found) | {"usedStorage": 0, "trendingScore": found.likes}
    return {name: facts[name] for name in ("_id", "id", *names) if name in facts}


def _model(found: Repo) -> Json:
    return {
        "modelId": found.address,
        "downloads": found.downloads,
        "pipeline_tag": found.pipeline_tag,
        "library_name": found.library_name,
    }


def _dataset(found: Repo) -> Json:
    return {"downloads": found.downloads, "description": found.description}


def _space(found: Repo) -> Json:
    return {"sdk": found.sdk, "title": found.title or found.name}


_OWN_FACTS: dict[str, Callable[[Repo], Json]] = {"model": _model, "dataset": _dataset, "space": _space}


def paper(found: Paper) -> Json:
    """Encode a paper."""
    return {
        "id": found.name,
        "title": found.title,
        "summary": found.abstract,
        "authors": [{"name": author.get("name", "")} for author in found.authors],
        "publishedAt": time(found.published_at) if found.published_at else None,
        "upvotes": found.votes,
        "isUpvotedByUser": found.voted,
    }


def paper_row(found: Paper) -> Json:
    """Encode a row of a list of papers: the facts once inside `paper`, and those that the client reads outside."""
    facts = paper(found)
    return {"paper": facts, "title": found.title, "publishedAt": facts["publishedAt"], "numComments": 0}


def paper_text(found: Paper) -> str:
    """Write a paper as markdown: all that is known of it here."""
    authors = ", ".join(str(author.get("name", "")) for author in found.authors)
    parts = [f"# {found.title}", authors, found.abstract, f"https://arxiv.org/abs/{found.name}"]
    return "\n\n".join(part for part in parts if part) + "\n"


def storage(found: Item) -> Json:
    """Encode a row of somebody's own repositories and buckets. No files, so no storage."""
    return {
        "id": found.address,
        "type": found.kind,
        "updatedAt": time(found.updated_at),
        "visibility": found.visibility,
        "storage": 0,
        "storagePercent": 0,
    }


def user(name: str, full_name: str) -> Json:
    """Encode a user as a row. The client wants an address for the picture; there are no pictures."""
    return {"user": name, "fullname": full_name or name, "avatarUrl": "", "type": "user", "isPro": False}


def member(found: Membership) -> Json:
    """Encode a member of an organization."""
    return {**user(found.name, found.display_name), "role": found.role}


def like(found: Liked) -> Json:
    """Encode a repository that a user likes."""
    return {"createdAt": time(found.at), "repo": {"name": found.address, "type": found.kind}}


def user_overview(account: Account, organizations: Iterable[Membership]) -> Json:
    """Encode what is told of a user."""
    return {
        **user(account.name, account.display_name),
        "createdAt": time(account.created_at),
        "orgs": [organization(found.account) for found in organizations],
    }


def organization(account: Account) -> Json:
    """Encode an organization (or a team, which the Hub does not tell apart)."""
    return {"name": account.name, "fullname": account.display_name or account.name, "avatarUrl": "", "type": "org"}


def organization_overview(account: Account) -> Json:
    """Encode what is told of an organization."""
    return {**organization(account), "createdAt": time(account.created_at)}


def whoami(profile: Profile) -> Json:
    """Encode who the caller is. The client needs `name` and `orgs`, and saves the token under its `displayName`."""
    account = profile.account
    return {
        "type": "user",
        "id": f"{account.id:024x}",
        "name": account.name,
        "fullname": account.display_name or account.name,
        "email": account.email,
        "emailVerified": account.email is not None,
        "isPro": False,
        "canPay": False,
        "periodEnd": None,
        "avatarUrl": "",
        "orgs": [_own_organization(found) for found in profile.organizations],
        "auth": _credential(profile.token),
    }


def _own_organization(found: Membership) -> Json:
    return {
        **organization(found.account),
        "id": f"{found.id:024x}",
        "email": None,
        "canPay": False,
        "periodEnd": None,
        "roleInOrg": _HUB_ROLES[found.role],
        "isEnterprise": False,
    }


_HUB_ROLES = {"viewer": "read", "member": "write", "admin": "admin"}


def _credential(token: Token | None) -> Json:
    if token is None:
        return {"type": "session"}
    role = "fineGrained" if token.bound_to else "read" if token.scope == "read" else "write"
    access = {"displayName": token.name, "role": role, "createdAt": time(token.created_at)}
    return {"type": "access_token", "accessToken": access}
