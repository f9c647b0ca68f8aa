"""How a caller names things: collections by id, slug or URL, items by kind:address, URL or number, both by objects."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias, cast, get_args, runtime_checkable
from urllib.parse import unquote, urlsplit

from pinakes.api.collections import Collection, Entry, LeanEntry, NewEntry
from pinakes.api.common import Answer, ItemAddress, ItemKind
from pinakes.api.releases import Numbered
from pinakes.sdk.calls import segment
from pinakes.sdk.errors import Invalid

KINDS: tuple[str, ...] = get_args(ItemKind)

# The words that Hugging Face's URLs use for kinds; a model's URL has none.
_HUB_WORDS = {
    "datasets": "dataset",
    "spaces": "space",
    "papers": "paper",
    "collections": "collection",
    "models": "model",
}
_ARXIV = re.compile(r"(?:^|\.)arxiv\.org$")
_ARXIV_VERSION = re.compile(r"(v\d+)?(\.pdf)?$")
_HUB = re.compile(r"(?:^|\.)(huggingface\.co|hf\.co)$")
_PUBLIC_ID = re.compile(r"(?:^|-)([0-9a-fA-F]{24})$")

_REPO_PARTS = 2


@runtime_checkable
class Addressed(Protocol):
    """What tells its kind and address: a repo, a paper, a reference, an item."""

    @property
    def kind(self) -> str:
        """What it is."""
        ...

    @property
    def address(self) -> str:
        """Where it is found."""
        ...


CollectionLike: TypeAlias = str | Collection | Numbered
EntryLike: TypeAlias = str | Entry | LeanEntry
ItemLike: TypeAlias = str | int | ItemAddress | Addressed | Collection | Entry | LeanEntry
NewEntryLike: TypeAlias = ItemLike | NewEntry | Mapping[str, Any]


def item(
    what: ItemLike | None = None,
    *,
    kind: str | None = None,
    address: str | None = None,
    note: str | None = None,
    score: float | None = None,
) -> dict[str, Any]:
    """Describe an item to add, with what its entry shall carry.

    Like `pinakes.item("model:google/vit-base-patch16-224", note="The backbone")`, or with the parts apart:
    `pinakes.item(kind="paper", address="2010.11929")`.

    Raises:
        Invalid: It does not say which item.
    """
    if what is None and (kind is None or address is None):
        message = "Say which item: kind:address, a URL, a number, an object; or kind and address."
        raise Invalid(message, code="invalid", field="item")
    reference: Any = {"kind": kind, "address": address} if what is None else item_ref(what)
    extras = {"note": note, "score": score}
    return {"item": reference} | {name: value for name, value in extras.items() if value is not None}


def collection_ref(collection: CollectionLike) -> str:
    """Return what the API addresses a collection by: its id, with which each of its names ends.

    Raises:
        Invalid: The text does not end with an id.
    """
    if isinstance(collection, Collection | Numbered):
        return collection.id
    found = _PUBLIC_ID.search(collection.strip().rstrip("/").rsplit("/", 1)[-1])
    if found is None:
        message = f"{collection!r} names no collection: give its id, its slug (which ends with the id), or its URL."
        raise Invalid(message, code="invalid", field="collection")
    return found.group(1).lower()


def collection_path(collection: CollectionLike, *more: str | int) -> str:
    """Return the path of a collection, or of something below it."""
    return "/".join(["/collections", segment(collection_ref(collection)), *(segment(part) for part in more)])


def entry_ref(entry: EntryLike) -> str:
    """Return an entry's id."""
    return entry if isinstance(entry, str) else entry.id


def item_ref(what: ItemLike) -> int | dict[str, str]:
    """Return what the API names an item by: its number, or its kind and address.

    Raises:
        Invalid: A text that does not say what kind of thing it is.
    """
    if isinstance(what, int):
        return what
    if isinstance(what, str):
        return parse(what)
    if isinstance(what, Collection):
        return what.item_id
    if isinstance(what, Entry | LeanEntry):
        return what.item.id
    number = getattr(what, "id", None)
    if isinstance(what, Answer) and isinstance(number, int):
        return number
    return {"kind": what.kind, "address": what.address}


def new_entry(what: NewEntryLike) -> dict[str, Any]:
    """Return an item to add in the form of the API.

    A mapping is either that form already (`item`, `note`, `score`), or flat as an export's lines are (`kind`,
    `address`, `note`, `score`, and more, which is left out).
    """
    if isinstance(what, NewEntry):
        return what.model_dump(mode="json", exclude_unset=True)
    if isinstance(what, Mapping):
        return _from_mapping(what)
    if isinstance(what, Entry | LeanEntry):
        return item(what, note=what.note, score=what.score)
    return {"item": item_ref(what)}


def new_line(what: NewEntryLike) -> int | dict[str, Any]:
    """Return an item to add as a line of a bulk call: a mere number where there is no more to say, which is fastest."""
    if isinstance(what, int):
        return what
    entry = new_entry(what)
    return entry["item"] if len(entry) == 1 and isinstance(entry["item"], int) else entry


def parse(text: str) -> dict[str, str]:
    """Read `kind:address`, or the URL of something on huggingface.co or arxiv.org.

    Raises:
        Invalid: It is neither.
    """
    text = text.strip()
    kind, colon, address = text.partition(":")
    if colon and kind.lower() in KINDS and address:
        return {"kind": kind.lower(), "address": address}
    if "://" in text:
        found = _from_url(text)
        if found is not None:
            return {"kind": found[0], "address": found[1]}
    message = (
        f"{text!r} does not say what it is: write kind:address, such as model:owner/name; kinds: {', '.join(KINDS)}."
    )
    raise Invalid(message, code="invalid", field="item")


def written(kind: str, address: str) -> str:
    """Return an item's name as `parse` reads it."""
    return f"{kind}:{address}"


def address_path(*parts: str) -> str:
    """Return the path of something by its address: `owner/name`, or a bare name, whose owner is written as `-`."""
    *before, address = parts
    owner, slash, name = address.partition("/")
    return "/".join([*before, segment(owner) if slash else "-", segment(name if slash else owner)])


def arxiv_path(arxiv_id: str) -> str:
    """Return the path of a paper; an older id has a slash in it."""
    return "/papers/" + "/".join(segment(part) for part in arxiv_id.split("/"))


def item_queries(items: ItemLike | Sequence[ItemLike] | None) -> list[str]:
    """Return items as the query `item` names them."""
    if items is None:
        return []
    several = items if isinstance(items, Sequence) and not isinstance(items, str) else [items]
    references = [item_ref(one) for one in several]
    return [str(one) if isinstance(one, int) else written(one["kind"], one["address"]) for one in references]


def _from_mapping(given: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: given[name] for name in ("note", "score") if given.get(name) is not None}
    if "item" in given:
        inner: Any = given["item"]
        return {
            **given,
            "item": dict(cast("Mapping[str, Any]", inner)) if isinstance(inner, Mapping) else item_ref(inner),
        }
    if "kind" in given and "address" in given:
        return {"item": {"kind": given["kind"], "address": given["address"]}} | known
    message = "An item to add needs `item`, or `kind` and `address`."
    raise Invalid(message, code="invalid", field="item")


def _from_url(url: str) -> tuple[str, str] | None:
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    path = [unquote(part) for part in parts.path.split("/") if part]
    if _ARXIV.search(host) and len(path) > 1 and path[0] in {"abs", "pdf", "html"}:
        return "paper", _ARXIV_VERSION.sub("", "/".join(path[1:]))
    if _HUB.search(host) and path:
        return _from_hub(path)
    return None


def _from_hub(path: list[str]) -> tuple[str, str] | None:
    kind = _HUB_WORDS.get(path[0])
    rest = path[1:] if kind else path
    if kind == "paper":
        return (kind, rest[0]) if rest else None
    if not rest:
        return None
    return kind or "model", "/".join(rest[:_REPO_PARTS])
