"""Entries as a table: pandas or Arrow, when they are installed; neither is imported before somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pinakes.api.collections import Entry, LeanEntry
from pinakes.sdk.errors import PinakesError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class MissingPart(PinakesError, ImportError):
    """Something optional is not installed."""


# The columns: a name, its Arrow type, and where its value comes from.
_LEAN: dict[str, tuple[str, Callable[[Any], object]]] = {
    "entry": ("string", lambda e: e.id),
    "item_id": ("int64", lambda e: e.item.id),
    "kind": ("string", lambda e: e.item.kind),
    "address": ("string", lambda e: e.item.address),
    "note": ("string", lambda e: e.note),
    "score": ("double", lambda e: e.score),
}
_FULL: dict[str, tuple[str, Callable[[Any], object]]] = {
    **_LEAN,
    "owner": ("string", lambda e: e.item.owner),
    "name": ("string", lambda e: e.item.name),
    "title": ("string", lambda e: e.item.title),
    "visibility": ("string", lambda e: e.item.visibility),
    "votes": ("int64", lambda e: e.item.votes),
    "downloads": ("int64", lambda e: e.item.downloads),
    "gated": ("string", lambda e: e.item.gated),
    "sdk": ("string", lambda e: e.item.sdk),
    "pipeline_tag": ("string", lambda e: e.item.pipeline_tag),
    "target_kind": ("string", lambda e: e.item.target_kind),
    "url": ("string", lambda e: e.item.url),
    "published_at": ("time", lambda e: e.item.published_at),
    "updated_at": ("time", lambda e: e.item.updated_at),
    "added_at": ("time", lambda e: e.added_at),
    "added_by": ("string", lambda e: e.added_by),
    "added_revision": ("int64", lambda e: e.added_revision),
    "since_revision": ("int64", lambda e: e.since_revision),
}
_PANDAS_TYPES = {"string": "string", "int64": "Int64", "double": "Float64", "time": "datetime64[us, UTC]"}


def need(module: str) -> None:
    """Say how to install a part, if it is not there.

    Raises:
        MissingPart: It is not installed.
    """
    if find_spec(module) is None:
        message = f"This needs {module}: pip install 'pinakes[frames]'."
        raise MissingPart(message, code="missing_part")


def arrow(entries: Sequence[Entry | LeanEntry]) -> pa.Table:  # pyright: ignore[reportUnknownParameterType]
    """Turn entries into an Arrow table."""
    pyarrow = import_module("pyarrow")
    types = {
        "string": pyarrow.string(),
        "int64": pyarrow.int64(),
        "double": pyarrow.float64(),
        "time": pyarrow.timestamp("us", tz="UTC"),
    }
    columns = _columns(entries)
    schema = pyarrow.schema([(name, types[kind]) for name, (kind, _) in columns.items()])
    data = {name: [value(entry) for entry in entries] for name, (_, value) in columns.items()}
    return pyarrow.Table.from_pydict(data, schema=schema)


def pandas(entries: Sequence[Entry | LeanEntry]) -> pd.DataFrame:
    """Turn entries into a pandas DataFrame; a missing value is pandas' own, whatever the column."""
    module = import_module("pandas")
    data = {
        name: module.Series([value(entry) for entry in entries], dtype=_PANDAS_TYPES[kind], name=name)
        for name, (kind, value) in _columns(entries).items()
    }
    return module.DataFrame(data)


def _columns(entries: Sequence[Entry | LeanEntry]) -> dict[str, tuple[str, Callable[[Any], object]]]:
    return _FULL if not entries or isinstance(entries[0], Entry) else _LEAN
