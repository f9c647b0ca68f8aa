"""The rules of selections: what a project's media are picked into. Names follow the labeling client's rules."""

from __future__ import annotations

from pinakes.server.collections.rules.types import Rules

RULES = Rules(
    kind="selection",
    accepts=("image", "video", "point_cloud", "volume"),
    description_length=100_000,
    note_length=500,
    in_project=True,
    title_length=255,
    not_in_titles="/\\",
    key_prefix="selection/",
)
