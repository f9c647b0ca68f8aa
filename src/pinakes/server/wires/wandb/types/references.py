"""Types that refer to each other across modules, by name: each is found when the schema is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

if TYPE_CHECKING:
    from pinakes.server.wires.wandb.types.artifacts import (
        Artifact,
        ArtifactConnection,
        VersionedArtifactConnection,
    )
    from pinakes.server.wires.wandb.types.collections import (
        ArtifactAlias,
        ArtifactCollection,
        ArtifactCollectionConnection,
        ArtifactCollectionMembership,
        ArtifactCollectionMembershipConnection,
        ArtifactSequence,
        ArtifactType,
        ArtifactTypeConnection,
        Tag,
    )
    from pinakes.server.wires.wandb.types.files import File, FileConnection
    from pinakes.server.wires.wandb.types.people import Entity, User
    from pinakes.server.wires.wandb.types.projects import Project, ProjectConnection
    from pinakes.server.wires.wandb.types.runs import Run, RunConnection

ArtifactRef: TypeAlias = Annotated["Artifact", strawberry.lazy("pinakes.server.wires.wandb.types.artifacts")]
ArtifactAliasRef: TypeAlias = Annotated[
    "ArtifactAlias", strawberry.lazy("pinakes.server.wires.wandb.types.collections")
]
ArtifactCollectionRef: TypeAlias = Annotated[
    "ArtifactCollection", strawberry.lazy("pinakes.server.wires.wandb.types.collections")
]
ArtifactCollectionConnectionRef: TypeAlias = Annotated[
    "ArtifactCollectionConnection", strawberry.lazy("pinakes.server.wires.wandb.types.collections")
]
ArtifactCollectionMembershipRef: TypeAlias = Annotated[
    "ArtifactCollectionMembership", strawberry.lazy("pinakes.server.wires.wandb.types.collections")
]
ArtifactCollectionMembershipConnectionRef: TypeAlias = Annotated[
    "ArtifactCollectionMembershipConnection", strawberry.lazy("pinakes.server.wires.wandb.types.collections")
]
ArtifactConnectionRef: TypeAlias = Annotated[
    "ArtifactConnection", strawberry.lazy("pinakes.server.wires.wandb.types.artifacts")
]
ArtifactSequenceRef: TypeAlias = Annotated[
    "ArtifactSequence", strawberry.lazy("pinakes.server.wires.wandb.types.collections")
]
ArtifactTypeRef: TypeAlias = Annotated["ArtifactType", strawberry.lazy("pinakes.server.wires.wandb.types.collections")]
ArtifactTypeConnectionRef: TypeAlias = Annotated[
    "ArtifactTypeConnection", strawberry.lazy("pinakes.server.wires.wandb.types.collections")
]
EntityRef: TypeAlias = Annotated["Entity", strawberry.lazy("pinakes.server.wires.wandb.types.people")]
FileRef: TypeAlias = Annotated["File", strawberry.lazy("pinakes.server.wires.wandb.types.files")]
FileConnectionRef: TypeAlias = Annotated["FileConnection", strawberry.lazy("pinakes.server.wires.wandb.types.files")]
ProjectRef: TypeAlias = Annotated["Project", strawberry.lazy("pinakes.server.wires.wandb.types.projects")]
ProjectConnectionRef: TypeAlias = Annotated[
    "ProjectConnection", strawberry.lazy("pinakes.server.wires.wandb.types.projects")
]
RunRef: TypeAlias = Annotated["Run", strawberry.lazy("pinakes.server.wires.wandb.types.runs")]
RunConnectionRef: TypeAlias = Annotated["RunConnection", strawberry.lazy("pinakes.server.wires.wandb.types.runs")]
TagRef: TypeAlias = Annotated["Tag", strawberry.lazy("pinakes.server.wires.wandb.types.collections")]
UserRef: TypeAlias = Annotated["User", strawberry.lazy("pinakes.server.wires.wandb.types.people")]
VersionedArtifactConnectionRef: TypeAlias = Annotated[
    "VersionedArtifactConnection", strawberry.lazy("pinakes.server.wires.wandb.types.artifacts")
]
