"""What all parts of the contract share: the two base types, the texts and numbers, pages and errors.

Every answer outside 2xx has the body `ErrorAnswer`. A list is a `Page`: go on with `?cursor=<next>` until `next` is
null.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeAlias, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

T = TypeVar("T")

MAX_INT4 = 2**31 - 1

# The headers of the contract.
REASON = "X-Pinakes-Reason"
IDEMPOTENCY_KEY = "Idempotency-Key"
IDEMPOTENT_REPLAY = "Idempotent-Replay"
REQUEST_ID = "X-Request-Id"


class Request(BaseModel):
    """What a caller sends: exact types (`false` is not 0), and nothing that the server does not know."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, populate_by_name=True)


class Answer(BaseModel):
    """What the server answers: a client ignores what it does not know, so that answers can grow."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def _storable(text: str) -> str:
    """Refuse what PostgreSQL can't keep: the character NUL and halves of surrogate pairs."""
    if "\0" in text:
        message = "must not contain the character NUL"
        raise ValueError(message)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            message = "must be valid Unicode: it contains half of a surrogate pair"
            raise ValueError(message) from None
    return text


# What every text in a request has: the check, and the pattern that says in OpenAPI that NUL is refused.
STORABLE = AfterValidator(_storable)
NO_NUL: dict[str, Any] = {"pattern": r"^[^\u0000]*$"}
NOT_BLANK: dict[str, Any] = {"pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$"}

Text: TypeAlias = Annotated[str, STORABLE, Field(json_schema_extra=NO_NUL)]
Reason: TypeAlias = Annotated[
    str,
    StringConstraints(max_length=1000),
    STORABLE,
    Field(description="Why, in your words; kept in the history.", json_schema_extra=NO_NUL),
]
AccountName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$")]
Visibility: TypeAlias = Literal["public", "private"]
ItemKind: TypeAlias = Literal[
    "model",
    "dataset",
    "space",
    "paper",
    "bucket",
    "reference",
    "collection",
    "project",
    "version",
    "image",
    "video",
    "point_cloud",
    "volume",
]
CollectionKind: TypeAlias = Literal["showcase", "release", "artifact", "selection"]
ItemId: TypeAlias = Annotated[int, Field(ge=1, le=MAX_INT4, description="An item's number.")]
Position: TypeAlias = Annotated[int, Field(ge=0, le=MAX_INT4, description="An index, from 0.")]
Cursor: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[ -~]+$")]


class ItemAddress(Request):
    """An item by its kind and its address, in any spelling that the kind accepts (case, former names)."""

    kind: ItemKind
    address: Annotated[
        str,
        StringConstraints(min_length=1, max_length=500),
        STORABLE,
        Field(
            description="`owner/name`; an arXiv id for a paper; a slug or an id for a collection.",
            examples=["mistralai/Mistral-7B-v0.1", "1706.03762"],
            json_schema_extra=NO_NUL,
        ),
    ]


# How a caller names an item: by its number, or by kind and address.
ItemRef: TypeAlias = ItemId | ItemAddress


class Page(Answer, Generic[T]):
    """A page of a longer list.

    Attributes:
        rows: What is on this page.
        next: The cursor of the next page; null at the end.
    """

    rows: list[T]
    next: str | None = None


class Error(Answer):
    """What went wrong.

    Attributes:
        code: Stable, for programs: `collection_not_found`, `title_taken`, `invalid` ...
        message: One sentence for the person who reads it.
        field: The input that was wrong, as it was spelled.
        details: Further facts: the slug that exists already, the limit that was passed ...
        request_id: Finds the request in the server's log.
    """

    code: str
    message: str
    field: str | None = None
    details: dict[str, Any] = Field(default_factory=dict)
    request_id: str = ""


class ErrorAnswer(Answer):
    """The body of every answer outside 2xx."""

    error: Error
