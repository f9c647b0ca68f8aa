"""Pinakes: collections for machine-learning teams.

    import pinakes

    with pinakes.connect("https://pinakes.example.org", token="…") as client:
        collection = client.collections.create("Vision transformers")
        client.collections.add(collection, ["model:google/vit-base-patch16-224", "paper:2010.11929"])
        for entry in client.collections.entries(collection):
            print(entry.item.title)

Names are looked up when they are first used, so that `import pinakes` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pinakes.sdk._async.client import AsyncClient, connect_async
    from pinakes.sdk._sync.client import Client, connect
    from pinakes.sdk.addressing import item
    from pinakes.sdk.errors import (
        Conflict,
        ConnectionFailed,
        Forbidden,
        Invalid,
        NotConnected,
        NotFound,
        PinakesError,
        PreconditionFailed,
        ServerFault,
        TooLarge,
        TooManyRequests,
        Unauthenticated,
        Unavailable,
        UnexpectedAnswer,
    )
    from pinakes.sdk.frames import MissingPart
    from pinakes.sdk.progress import Progress, bar as progress_bar
    from pinakes.sdk.results import Additions, Downloaded, Uploaded
    from pinakes.sdk.retrying import RetryPolicy
    from pinakes.sdk.signatures import verify as verify_webhook

# Where each public name is.
_HOMES = {
    "AsyncClient": "_async.client",
    "connect_async": "_async.client",
    "Client": "_sync.client",
    "connect": "_sync.client",
    "item": "addressing",
    "Conflict": "errors",
    "ConnectionFailed": "errors",
    "Forbidden": "errors",
    "Invalid": "errors",
    "NotConnected": "errors",
    "NotFound": "errors",
    "PinakesError": "errors",
    "PreconditionFailed": "errors",
    "ServerFault": "errors",
    "TooLarge": "errors",
    "TooManyRequests": "errors",
    "Unauthenticated": "errors",
    "Unavailable": "errors",
    "UnexpectedAnswer": "errors",
    "MissingPart": "frames",
    "Progress": "progress",
    "progress_bar": "progress",
    "Additions": "results",
    "Downloaded": "results",
    "Uploaded": "results",
    "RetryPolicy": "retrying",
    "verify_webhook": "signatures",
}
_NAMES_THERE = {"progress_bar": "bar", "verify_webhook": "verify"}

__all__ = [
    "Additions",
    "AsyncClient",
    "Client",
    "Conflict",
    "ConnectionFailed",
    "Downloaded",
    "Forbidden",
    "Invalid",
    "MissingPart",
    "NotConnected",
    "NotFound",
    "PinakesError",
    "PreconditionFailed",
    "Progress",
    "RetryPolicy",
    "ServerFault",
    "TooLarge",
    "TooManyRequests",
    "Unauthenticated",
    "Unavailable",
    "UnexpectedAnswer",
    "Uploaded",
    "connect",
    "connect_async",
    "item",
    "progress_bar",
    "verify_webhook",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any of the names above
    """Import what is asked for."""
    home = _HOMES.get(name)
    if home is None:
        message = f"module 'pinakes' has no attribute {name!r}"
        raise AttributeError(message)
    found = getattr(import_module(f"pinakes.sdk.{home}"), _NAMES_THERE.get(name, name))
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """List the public names."""
    return sorted({*globals(), *_HOMES})
