"""How things in the catalog are spelled: addresses in every form that people use, and what new ones look like."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pinakes.server.catalog.types import KINDS, REPO_KINDS
from pinakes.server.errors import Invalid

# The Hub's rule for each part of a repo's id, as its client checks it; what is longer or stranger is never found.
_PART = re.compile(r"[A-Za-z0-9_.-]{1,96}")
_COLLECTION_WORDS = re.compile(r"[A-Za-z0-9_.-]{1,300}")
# What stands behind the owner: a project's name, or `project/artifact:v3`; their names may hold blanks, too.
_PROJECT = re.compile(r"[^/]{1,128}")
_VERSION = re.compile(r"[^/]{1,128}/[^/:]{1,128}:v[0-9]{1,9}")
_PUBLIC_ID = re.compile(r"(?:.*-)?([0-9a-f]{24})", re.IGNORECASE)

# 1706.03762v2, arXiv:1706.03762, https://arxiv.org/abs/hep-th/9901001 ... A subject class says nothing that the number
# does not: arXiv takes math.GT/0309136 and math/0309136 for one paper.
_PAPER = re.compile(
    r"(?:https?://(?:www\.|export\.)?arxiv\.org/(?:abs|pdf)/|arxiv:)?"
    r"(?:(?P<new>\d\d(?:0[1-9]|1[0-2])\.\d{4,5})|(?P<archive>[a-z]+(?:-[a-z]+)?)(?:\.[a-z]{2})?/(?P<number>\d{7}))"
    r"(?:v\d+)?(?:\.pdf)?",
    re.IGNORECASE | re.ASCII,
)


# What an address has to look like, for whoever sent what can't be one.
_NAMED = "The address of a {kind} is `owner/name`, or a name alone, each of 1 to 96 letters, digits, '.', '_' and '-'."
_SHAPES = {
    "paper": "The address of a paper is its arXiv id, such as 1706.03762 or hep-th/9901001.",
    "collection": "The address of a collection is its id (24 hex digits), its slug, or `owner/words`.",
    "project": "The address of a project is `owner/name`.",
    "version": "The address of a version is `owner/project/artifact:v3`.",
}


@dataclass(frozen=True, slots=True)
class Address:
    """An address taken apart, without case: by owner and name, or by a collection's public id."""

    kind: str
    owner: str | None
    name: str | None
    public_id: str | None = None


def parse(kind: str, address: str) -> Address | None:
    """Take an address apart, whatever its spelling; None for what could be no address of that kind."""
    if kind not in KINDS or len(address) > 500:  # noqa: PLR2004 - longer than any that could be
        return None
    address = address.strip().removeprefix("/")
    plural, _, rest = address.partition("/")
    if rest and plural.lower() == f"{kind}s":
        address = rest
    if kind == "paper":
        number = arxiv_id(address)
        return Address(kind, None, number.lower()) if number else None
    if kind in {"project", "version"}:
        return _owned(kind, address)
    return _collection(address) if kind == "collection" else _named(kind, address)


def malformed(kind: str, address: str, field: str = "address") -> Invalid | None:
    """Build the error for what can be no address of a kind, whatever is or will be there; None for what could be one.

    What looks like a repo's is let pass for a paper: it is the address of something else, and nothing is found there.
    """
    if kind not in KINDS or parse(kind, address) is not None or (kind == "paper" and _of_a_repo(address)):
        return None
    return Invalid(_SHAPES.get(kind, _NAMED.format(kind=kind)), field=field)


def arxiv_id(text: str) -> str | None:
    """Return the arXiv id in a text, without its version; None when it is not one."""
    found = _PAPER.fullmatch(text.strip())
    if found is None:
        return None
    return found["new"] or f"{found['archive'].lower()}/{found['number']}"


def new_name(name: str, field: str = "name") -> str:
    """Return a name for something new.

    Raises:
        Invalid: the Hub's client would not take it for the name of a repo.
    """
    if not _PART.fullmatch(name):
        message = "A name has 1 to 96 letters, digits, '.', '_' or '-'."
        raise Invalid(message, field=field)
    if "--" in name or ".." in name:
        message = "A name can't have '--' or '..' in it."
        raise Invalid(message, field=field)
    if name[0] in "-." or name[-1] in "-." or name.endswith(".git"):
        message = "A name can't begin or end with '-' or '.', nor end in '.git'."
        raise Invalid(message, field=field)
    return name


def new_address(kind: str, address: str, field: str) -> tuple[str | None, str]:
    """Take the address of something new apart, into its owner (None: no namespace) and name.

    Raises:
        Invalid: it could not be one.
    """
    owner, slash, name = address.strip().removeprefix(f"{kind}s/").rpartition("/")
    if slash and not _PART.fullmatch(owner):
        message = "An address is a name, or 'owner/name'."
        raise Invalid(message, field=field)
    return (owner if slash else None), new_name(name, field)


def known_repo_kind(kind: str, field: str = "kind") -> str:
    """Return the kind of a repo.

    Raises:
        Invalid: it is none.
    """
    if kind not in REPO_KINDS:
        message = f"A repo is a {', a '.join(REPO_KINDS[:-1])} or a {REPO_KINDS[-1]}."
        raise Invalid(message, field=field)
    return kind


def _named(kind: str, address: str) -> Address | None:
    owner, slash, name = address.rpartition("/")
    if not _PART.fullmatch(name) or (slash and not _PART.fullmatch(owner)):
        return None
    return Address(kind, owner.lower() if slash else None, name.lower())


def _of_a_repo(address: str) -> bool:
    return "/" in address.strip("/") and parse("model", address) is not None


def _owned(kind: str, address: str) -> Address | None:
    owner, _, name = address.partition("/")
    known = _PROJECT if kind == "project" else _VERSION
    if not _PART.fullmatch(owner) or not known.fullmatch(name) or not name.isprintable():
        return None
    return Address(kind, owner.lower(), name.lower() if kind == "project" else name)


def _collection(address: str) -> Address | None:
    owner, slash, words = address.rpartition("/")
    if (slash and not _PART.fullmatch(owner)) or not _COLLECTION_WORDS.fullmatch(words):
        return None
    by = owner.lower() if slash else None
    if found := _PUBLIC_ID.fullmatch(words):
        return Address("collection", by, None, found[1].lower())
    return Address("collection", by, words.lower()) if slash else None
