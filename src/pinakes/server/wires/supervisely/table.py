"""All methods by name."""

from __future__ import annotations

from pinakes.server.wires.supervisely.calls import Method, Methods
from pinakes.server.wires.supervisely.methods import (
    activity,
    collections,
    datasets,
    figures,
    geometries,
    image_labels,
    images,
    instance,
    jobs,
    meta,
    objects,
    point_cloud_labels,
    point_clouds,
    projects,
    queues,
    tagging,
    teams,
    uploads,
    users,
    videos,
    videos_labels,
    volume_labels,
    volumes,
    workspaces,
)

# One table per module.
TABLES: tuple[Methods, ...] = (
    instance.METHODS,
    users.METHODS,
    teams.METHODS,
    activity.METHODS,
    workspaces.METHODS,
    projects.METHODS,
    meta.METHODS,
    datasets.METHODS,
    uploads.METHODS,
    images.METHODS,
    videos.METHODS,
    point_clouds.METHODS,
    volumes.METHODS,
    collections.METHODS,
    image_labels.METHODS,
    figures.METHODS,
    geometries.METHODS,
    objects.METHODS,
    tagging.METHODS,
    videos_labels.METHODS,
    point_cloud_labels.METHODS,
    volume_labels.METHODS,
    queues.METHODS,
    jobs.METHODS,
)


def joined(tables: tuple[Methods, ...]) -> dict[str, Method]:
    """Join tables; no name may be in two of them."""
    found: dict[str, Method] = {}
    for table in tables:
        for method in table:
            assert method.name not in found, method.name
            found[method.name] = method
    return found


TABLE = joined(TABLES)
