"""The server itself."""

from __future__ import annotations

from importlib.metadata import version

import strawberry

from pinakes.server.wires.wandb import features
from pinakes.server.wires.wandb.scalars import JSON

# The releases of the client that this server is for: `wandb verify` wants to know. There is no last one.
CLIENTS = {"min_cli_version": "0.28.2", "max_cli_version": "99.0.0"}


@strawberry.type
class ClientIDMapping:
    """The id that the server gave to what a client had named before."""

    server_id: strawberry.ID


@strawberry.type
class ServerFeature:
    """Something that this server can or can't do."""

    name: str
    is_enabled: bool


@strawberry.type
class LocalVersionInfo:
    """Whether this server is out of date."""

    out_of_date: bool
    latest_version_string: str
    version_on_this_instance_string: str


@strawberry.type
class ServerInfo:
    """What a client asks about the server before anything else."""

    cli_version_info: JSON | None
    latest_local_version_info: LocalVersionInfo | None
    features: list[ServerFeature | None] | None
    max_artifacts_download_parallelism: int | None = None


def server_info() -> ServerInfo:
    """Tell what this server is; it does not look for newer releases of itself."""
    own = version("pinakes")
    return ServerInfo(
        cli_version_info=JSON(CLIENTS),
        latest_local_version_info=LocalVersionInfo(
            out_of_date=False, latest_version_string=own, version_on_this_instance_string=own
        ),
        features=[ServerFeature(name=name, is_enabled=True) for name in features.ON],
    )


SERVER = server_info()
