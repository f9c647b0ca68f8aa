"""Labels in the forms that trainers read, out and in."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from pinakes.api.common import Answer

# COCO (one document), YOLO (a text file for each image), or one line of JSON for each item.
LabelFormat: TypeAlias = Literal["coco", "yolo", "jsonl"]
# What YOLO learns: boxes, or outlines.
YoloTask: TypeAlias = Literal["detect", "segment"]


class ImportedLabels(Answer):
    """What became of a COCO document."""

    items: int = Field(description="How many items have labels of it now.")
    labels: int = Field(description="How many labels those are.")
    missing: list[str] = Field(description="The images, or videos, that no item of the dataset is called like.")
    classes: list[str] = Field(description="The classes that the project did not have, and has now.")
    tags: list[str] = Field(description="The tags that the project did not have, and has now.")
