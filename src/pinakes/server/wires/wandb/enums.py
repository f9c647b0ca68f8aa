"""The enumerations of this API; a member's value is the word that goes over the wire."""

from __future__ import annotations

from enum import Enum

import strawberry


@strawberry.enum
class ArtifactState(Enum):
    """How far a version is."""

    PENDING = "PENDING"
    COMMITTED = "COMMITTED"
    DELETED = "DELETED"


@strawberry.enum
class ArtifactCollectionState(Enum):
    """Whether a collection is still there."""

    READY = "READY"
    DELETED = "DELETED"


@strawberry.enum
class ArtifactCollectionType(Enum):
    """The two kinds of numbered collections: artifacts and releases."""

    SEQUENCE = "SEQUENCE"
    PORTFOLIO = "PORTFOLIO"


@strawberry.enum
class ArtifactDigestAlgorithm(Enum):
    """How the digest of a version was made."""

    MANIFEST_MD5 = "MANIFEST_MD5"
    MANIFEST_XXH128 = "MANIFEST_XXH128"


@strawberry.enum
class ArtifactManifestType(Enum):
    """What a manifest says: everything, or what changes."""

    FULL = "FULL"
    INCREMENTAL = "INCREMENTAL"
    PATCH = "PATCH"


@strawberry.enum
class ArtifactStorageLayout(Enum):
    """How clients name the places of files; this server gives each file an address of its own."""

    V1 = "V1"
    V2 = "V2"


@strawberry.enum
class CompleteMultipartAction(Enum):
    """What becomes of the parts of a large file."""

    COMPLETE = strawberry.enum_value("Complete", name="Complete")
    ABORT = strawberry.enum_value("Abort", name="Abort")


@strawberry.enum
class RampIDType(Enum):
    """By what an organization's switches are looked up."""

    ORG_NAME = strawberry.enum_value("OrgName", name="OrgName")


@strawberry.enum
class AlertSeverity(Enum):
    """How bad it is."""

    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"
