"""The history of a run in this API's JSON: what is known of its keys, and what somebody wants to see of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pinakes.server.artifacts.run_types import HistoryKeys, SampleSpec
from pinakes.server.errors import Invalid
from pinakes.server.wires.wandb.scalars import JSON, object_of

MOST_KEYS = 1000
# How many samples of a history one question may ask for: each looks at all of its lines.
MOST_SPECS = 100


def facts_of(found: HistoryKeys) -> JSON:
    """Return the keys of a history: how often each had a value of which type, its last value; and the last step."""
    keys = {
        key: {
            "typeCounts": [{"type": kind, "count": count} for kind, count in facts.types.items()],
            "previousValue": facts.last,
        }
        for key, facts in found.keys.items()
    }
    return JSON({"lastStep": -1 if found.last_step is None else found.last_step, "keys": keys, "sets": []})


def samples_of(specs: Sequence[str]) -> list[SampleSpec]:
    """Read specifications, see `sample_of`.

    Raises:
        Invalid: (field `specs`) there are too many, or one is something else.
    """
    if len(specs) > MOST_SPECS:
        message = f"specs holds {len(specs)}; at most {MOST_SPECS} are allowed at once."
        raise Invalid(message, field="specs")
    return [sample_of(spec) for spec in specs]


def sample_of(text: str) -> SampleSpec:
    """Read a specification: `{"keys": ["_step", "loss"], "samples": 100, "minStep": 0, "maxStep": 99}`.

    The last step is one of those that are meant, here; in `history` it is the first that is not.

    Raises:
        Invalid: (field `specs`) it is something else.
    """
    given = object_of(text, "specs") or {}
    keys = given.get("keys") or []
    if not isinstance(keys, list) or len(keys) > MOST_KEYS or not all(isinstance(key, str) for key in keys):
        message = f"keys must be a list of at most {MOST_KEYS} strings."
        raise Invalid(message, field="specs")
    samples, last = _number(given, "samples"), _number(given, "maxStep")
    return SampleSpec(
        keys=keys,
        samples=500 if samples is None else samples,
        min_step=_number(given, "minStep"),
        max_step=None if last is None else last + 1,
    )


def _number(given: dict[str, Any], name: str) -> int | None:
    value = given.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        message = f"{name} must be a whole number."
        raise Invalid(message, field="specs")
    return value
