"""The schema: every type, query and mutation of this API."""

from __future__ import annotations

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types

from pinakes.server.wires.wandb.elsewhere import with_elsewhere
from pinakes.server.wires.wandb.mutations.artifacts import ArtifactsMutations
from pinakes.server.wires.wandb.mutations.collections import CollectionsMutations
from pinakes.server.wires.wandb.mutations.links import LinksMutations
from pinakes.server.wires.wandb.mutations.people import PeopleMutations
from pinakes.server.wires.wandb.mutations.registries import RegistriesMutations
from pinakes.server.wires.wandb.mutations.runs import RunsMutations
from pinakes.server.wires.wandb.naming import Naming
from pinakes.server.wires.wandb.queries import Query
from pinakes.server.wires.wandb.scalars import SCALARS
from pinakes.server.wires.wandb.types.collections import ArtifactPortfolio, ArtifactSequence

Mutation = merge_types(
    "Mutation",
    (
        RunsMutations,
        ArtifactsMutations,
        LinksMutations,
        CollectionsMutations,
        RegistriesMutations,
        PeopleMutations,
    ),
)

_STRAWBERRY = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    types=[ArtifactSequence, ArtifactPortfolio],
    config=StrawberryConfig(name_converter=Naming(), scalar_map=SCALARS, disable_field_suggestions=False),
)

# Requests are parsed, checked and executed against this one (see `documents`).
SCHEMA: GraphQLSchema = with_elsewhere(_STRAWBERRY._schema)  # noqa: SLF001 - Strawberry has no other way to it
