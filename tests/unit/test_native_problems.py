"""What a value that has not its form is told, apart from any route."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from pinakes.server.wires.native._problems import told


class Circle(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    shape: Literal["circle"]
    radius: Annotated[float, Field(gt=0)]


class Square(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    shape: Literal["square"]
    side: Annotated[int, Field(gt=0)] | Annotated[str, Field(min_length=2)]


class Drawing(BaseModel):
    model_config = ConfigDict(strict=True)

    shapes: list[Annotated[Circle | Square, Field(discriminator="shape")]] = []
    named: dict[str, int | Circle] = {}
    title: Annotated[str, Field(max_length=3)] | None = None


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ('{"shapes": [{"shape": "circle", "radius": 0}]}', {"shapes.0.radius": "Input should be greater than 0."}),
        ('{"shapes": [{"shape": "circle"}]}', {"shapes.0.radius": "This is required."}),
        ('{"shapes": [{"shape": "square", "side": 0}]}', {"shapes.0.side": "Input should be greater than 0."}),
        (
            '{"shapes": [{"shape": "square", "side": "a"}]}',
            {"shapes.0.side": "String should have at least 2 characters."},
        ),
        (
            '{"shapes": [{"shape": "square", "side": null}]}',
            {"shapes.0.side": "Input should be a valid integer or a valid string."},
        ),
        ('{"named": {"a": true}}', {"named.a": "Input should be a valid integer or an object."}),
        (
            '{"named": {"a": {"shape": "x"}}}',
            {"named.a.shape": "Input should be 'circle'.", "named.a.radius": "This is required."},
        ),
        (
            '{"named": {"a": {"shape": "circle", "radius": 1, "Circle": 2}}}',
            {"named.a.Circle": "There is no such field here."},
        ),
        (
            '{"title": "four", "named": 1}',
            {"named": "Input should be an object.", "title": "String should have at most 3 characters."},
        ),
        ("[1]", {"": "Input should be an object."}),
    ],
)
def test_the_place_is_the_callers(sent: str, expected: dict[str, str]) -> None:
    """pydantic's own names for the forms that it tried are left out; of several forms the nearest is told about."""
    with pytest.raises(ValidationError) as refusal:
        TypeAdapter(Drawing).validate_json(sent)
    found = told(refusal.value.errors(include_url=False), from_json(sent))
    assert {one.field: one.message for one in found} == expected
