"""What the words of this API's filters and orders mean: each stands for a field that the room `search` declares.

The client has two sets of words for versions (`created_at` and `artifact_created_at`), and takes some ids apart before
it sends them, and others not: both forms are read.
"""

from __future__ import annotations

from collections.abc import Callable

from pinakes.server.errors import Invalid
from pinakes.server.search import orders, releases
from pinakes.server.search.filters import Path, Vocabulary, Word
from pinakes.server.search.releases import Window
from pinakes.server.wires.wandb import ids, pages
from pinakes.server.wires.wandb.pages import Asked
from pinakes.server.wires.wandb.places import PREFIX

VALUE = "value"


def number_of(*kinds: str) -> Callable[[object], object]:
    """Return what reads an id of one of some types, or its number, in a filter."""

    def read(operand: object) -> object:
        if not isinstance(operand, str):
            return operand
        found = ids.number(operand) if operand.isdigit() else ids.read(operand, *kinds)
        if found is None:
            message = f"{operand[:100]!r} is no id of a {kinds[0]}."
            raise Invalid(message, field="filters")
        return found

    return read


def _lower(operand: object) -> object:
    return operand.lower() if isinstance(operand, str) else operand


def _in_config(path: Path) -> Path:
    """Return where a value of a run's config is: below `value`, which who asks for it may say or leave out."""
    return path if not path or path[1:2] == (VALUE,) else (path[0], VALUE, *path[1:])


def window(asked: Asked, words: Vocabulary) -> Window | None:
    """Return which part of a list is asked for; None for what is behind its end.

    Raises:
        Invalid: there is no such order, or no such number of rows.
    """
    limit = min(pages.size(asked.first), releases.PAGE)
    if pages.ended(asked.after):
        return None
    return Window(orders.parse(asked.order, words), limit, pages.cursor(asked.after))


_REGISTRY = Word("id", reads=number_of("ProjectInternalId", "Project"))
_COLLECTION = Word("id", reads=number_of("ArtifactPortfolio", "ArtifactSequence", "ArtifactCollection"))
_VERSION = Word("id", reads=number_of("Artifact"))

REGISTRIES: Vocabulary = {
    "id": _REGISTRY,
    "project_id": _REGISTRY,
    "name": Word("name", prefix=PREFIX),
    "entity_id": Word("organization_id", reads=number_of("Entity", "Organization")),
    "description": Word("description"),
    "created_at": Word("created_at"),
    "updated_at": Word("updated_at"),
}

COLLECTIONS: Vocabulary = {
    **dict.fromkeys(("artifact_collection_id", "collection_id", "id"), _COLLECTION),
    **dict.fromkeys(("name", "collection_name", "artifact_collection_name"), Word("name")),
    **dict.fromkeys(("tag", "tags"), Word("tag")),
    "description": Word("description"),
    "type": Word("type"),
    "created_at": Word("created_at"),
    "updated_at": Word("updated_at"),
}

VERSIONS: Vocabulary = {
    **dict.fromkeys(("id", "artifact_id"), _VERSION),
    **dict.fromkeys(("version", "version_index", "versionIndex"), Word("version")),
    **dict.fromkeys(("tag", "tags"), Word("tag")),
    **dict.fromkeys(("alias", "aliases"), Word("alias")),
    **dict.fromkeys(("metadata", "artifact_metadata"), Word("metadata")),
    "description": Word("description"),
    "digest": Word("digest"),
    "state": Word("state", reads=_lower),
    **dict.fromkeys(("created_at", "createdAt", "artifact_created_at"), Word("created_at")),
    "updated_at": Word("updated_at"),
    **dict.fromkeys(("size", "artifact_size"), Word("size")),
    **dict.fromkeys(("linked_at", "acm_created_at"), Word("linked_at")),
}

RUNS: Vocabulary = {
    "id": Word("id", reads=number_of("Run")),
    "name": Word("name"),
    **dict.fromkeys(("display_name", "displayName"), Word("display_name")),
    "state": Word("state", reads=_lower),
    **dict.fromkeys(("tags", "tag"), Word("tag")),
    **dict.fromkeys(("group", "groupName"), Word("group")),
    **dict.fromkeys(("jobType", "job_type"), Word("job_type")),
    **dict.fromkeys(("username", "user"), Word("username")),
    **dict.fromkeys(("sweep", "sweepName"), Word("sweep")),
    "description": Word("description"),
    "notes": Word("notes"),
    "commit": Word("commit"),
    "host": Word("host"),
    **dict.fromkeys(("created_at", "createdAt"), Word("created_at")),
    **dict.fromkeys(("updated_at", "updatedAt"), Word("updated_at")),
    **dict.fromkeys(("heartbeat_at", "heartbeatAt"), Word("heartbeat_at")),
    "config": Word("config", steps=_in_config),
    **dict.fromkeys(("summary_metrics", "summaryMetrics", "summary"), Word("summary")),
    # The client writes into the summary how long a run took, in seconds.
    "duration": Word("summary", steps=lambda _: ("_wandb", "runtime")),
}
