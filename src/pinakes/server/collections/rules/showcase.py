"""The rules of showcases. The two lengths are the Hub's (acceptance list, decision 7; H-38).

Versions, media and selections enter natively; the Hub's client is not told of them (decision 2).
"""

from __future__ import annotations

from pinakes.server.collections.rules.types import Rules

_SHOWN = ("model", "dataset", "space", "paper", "bucket", "collection", "reference", "version", "project")

RULES = Rules(
    kind="showcase",
    accepts=(*_SHOWN, "image", "video", "point_cloud", "volume"),
    description_length=150,
    note_length=500,
)
