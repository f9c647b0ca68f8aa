"""What the tests of the `supervisely` client are written with: the server, people and teams for it, files made in code.

Imports nothing of ours: the folder runs under the client's own interpreter.
"""

from __future__ import annotations

import json
import math
import os
import struct
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

# Before the client is there: else it looks for an https twin of the server once, which a test of its own tries.
os.environ["SUPERVISELY_SKIP_HTTPS_USER_HELPER_CHECK"] = "true"

# By name: where our own code is checked, the client is not installed.
sly: Any = import_module("supervisely")
# What the client raises for an answer that is an error; it shows itself as "400 Client Error: …".
HTTPError: Any = import_module("requests").exceptions.HTTPError
graphs: Any = import_module("supervisely.geometry.graph")
cuboids: Any = import_module("supervisely.geometry.cuboid_3d")
segments: Any = import_module("supervisely.geometry.pointcloud")
cloud_objects: Any = import_module("supervisely.pointcloud_annotation.pointcloud_object_collection")
np: Any = import_module("numpy")

ADMIN, DEVELOPER, ANNOTATOR, VIEWER, REVIEWER, MANAGER = range(1, 7)


def unique(word: str) -> str:
    """A name that nobody has."""
    return f"{word}-{uuid.uuid4().hex[:10]}"


@dataclass(frozen=True)
class Person:
    """A user with a token."""

    url: str
    id: int
    name: str
    token: str

    @property
    def api(self) -> Any:  # noqa: ANN401 - the client's class
        """The client, for this person; it tries a request again but once."""
        return sly.Api(self.url, self.token, retry_count=1)

    def native(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """Call the native API, which must succeed; return what it answers."""
        return native(f"{self.url}/api/v1{path}", self.token, method, body)


def native(url: str, token: str, method: str = "GET", body: object = None) -> Any:  # noqa: ANN401 - JSON
    """Make a request of the native API, which must succeed; return what it answers."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    asked = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            content = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            message = f"{method} {url}: {error.code} {error.read()!r}"
        raise AssertionError(message) from error
    return json.loads(content) if content else None


@dataclass(frozen=True)
class Studio:
    """The server, and people for it."""

    url: str
    admin_token: str

    @property
    def admin(self) -> Any:  # noqa: ANN401 - the client's class
        """The client, for the administrator."""
        return sly.Api(self.url, self.admin_token, retry_count=1)

    def person(self, word: str = "user", scope: str = "admin") -> Person:
        """A new user, with a token."""
        name = unique(word)
        native(f"{self.url}/api/v1/users", self.admin_token, "POST", {"name": name, "email": f"{name}@example.org"})
        tokens = f"{self.url}/api/v1/users/{name}/tokens"
        token = native(tokens, self.admin_token, "POST", {"name": "client", "scope": scope})["token"]
        me = sly.Api(self.url, token, retry_count=1).user.get_my_info()
        return Person(self.url, me.id, name, token)

    def accidents(self) -> list[str]:
        """How often the server answered 5xx, by what was asked."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=60) as answer:
            lines = answer.read().decode().splitlines()
        return [line for line in lines if line.startswith("pinakes_requests_total") and 'status="5' in line]


@dataclass(frozen=True)
class Team:
    """A team and who is in it."""

    id: int
    name: str
    lead: Person
    anna: Person
    ben: Person
    rita: Person
    vera: Person

    @property
    def roles(self) -> tuple[tuple[Person, int], ...]:
        """Everybody but the one who made the team, with his role."""
        return ((self.anna, ANNOTATOR), (self.ben, ANNOTATOR), (self.rita, REVIEWER), (self.vera, VIEWER))


@dataclass(frozen=True)
class Place:
    """A project of images with two datasets, `train` and `test`; the client's classes and tags for it."""

    api: Any
    team: Team
    workspace: int
    project: Any
    train: Any
    test: Any
    meta: Any
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(10**6)))

    @classmethod
    def new(cls, api: Any, team: Team, workspace: int) -> Place:  # noqa: ANN401 - the client's class
        """Make one."""
        project = api.project.create(workspace, unique("project"))
        train, test = (api.dataset.create(project.id, name) for name in ("train", "test"))
        api.project.update_meta(project.id, usual_meta())
        return cls(
            api, team, workspace, project, train, test, sly.ProjectMeta.from_json(api.project.get_meta(project.id))
        )

    def images(self, count: int, dataset: Any = None) -> list[Any]:  # noqa: ANN401 - the client's class
        """Some new images in a dataset (`train`)."""
        numbers = [next(self._numbers) for _ in range(count)]
        names = [f"image_{number:04}.png" for number in numbers]
        # Few pictures with many names: it is their bytes that take time.
        pictures = [picture(number % 5) for number in numbers]
        return self.api.image.upload_nps((dataset or self.train).id, names, pictures)

    def ids(self, count: int, dataset: Any = None) -> list[int]:  # noqa: ANN401 - the client's class
        """The numbers of some new images."""
        return [image.id for image in self.images(count, dataset)]

    def collection(self, *ids: int, **given: Any) -> Any:  # noqa: ANN401 - the client's class
        """A new collection, with these images in it."""
        made = self.api.entities_collection.create(self.project.id, unique("collection"), **given)
        if ids:
            self.api.entities_collection.add_items(made.id, list(ids))
        return made

    def members(self, collection_id: int) -> list[int]:
        """The numbers of the images in a collection, as the list of images says."""
        return [
            image.id
            for image in self.api.image.get_list(project_id=self.project.id, entities_collection_id=collection_id)
        ]

    def box(self, left: int = 5, top: int = 4, right: int = 20, bottom: int = 16, name: str = "car") -> Any:  # noqa: ANN401
        """A label: a rectangle."""
        return sly.Label(sly.Rectangle(top, left, bottom, right), self.meta.get_obj_class(name))

    def annotation(self, *labels: Any, tags: Any = ()) -> Any:  # noqa: ANN401 - the client's classes
        """An annotation of one of our images."""
        return sly.Annotation((HEIGHT, WIDTH), labels=list(labels), img_tags=list(tags))

    def tag(self, name: str, value: object = None) -> Any:  # noqa: ANN401 - the client's class
        """A tag of the project."""
        return sly.Tag(self.meta.get_tag_meta(name), value=value)


# ----------------------------------------------------------------------------------------------------------------------
# Classes, tags and files
# ----------------------------------------------------------------------------------------------------------------------

WIDTH, HEIGHT = 64, 48


def usual_meta() -> Any:  # noqa: ANN401 - the client's class
    """Classes of every geometry that images have, and tags of every type."""
    shapes = {
        "car": sly.Rectangle,
        "road": sly.Polygon,
        "lane": sly.Polyline,
        "spot": sly.Point,
        "mask": sly.Bitmap,
        "soft": sly.AlphaMask,
        "islands": sly.Multipolygon,
        "tilted": sly.OrientedBBox,
        "anything": sly.AnyGeometry,
    }
    classes = [sly.ObjClass(name, shape) for name, shape in shapes.items()]
    kinds = sly.TagValueType
    tags = [
        sly.TagMeta("checked", kinds.NONE),
        sly.TagMeta("speed", kinds.ANY_NUMBER),
        sly.TagMeta("remark", kinds.ANY_STRING),
        sly.TagMeta("weather", kinds.ONEOF_STRING, possible_values=["sun", "rain"]),
    ]
    return sly.ProjectMeta(classes, tags)


def picture(number: int = 0, width: int = WIDTH, height: int = HEIGHT) -> Any:  # noqa: ANN401 - an array
    """A small picture; another number, another picture."""
    rows, columns = np.mgrid[0:height, 0:width]
    layers = [(rows * 3 + number * 7) % 256, (columns * 2 + number * 11) % 256, (rows + columns + number) % 256]
    return np.stack(layers, axis=-1).astype(np.uint8)


def write_video(path: Path, frames: int = 6, width: int = WIDTH, height: int = HEIGHT) -> Path:
    """A short film."""
    cv2: Any = import_module("cv2")
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 5, (width, height))
    for number in range(frames):
        writer.write(picture(number, width, height))
    writer.release()
    return path


def write_cloud(path: Path, number: int = 0, points: int = 60) -> Path:
    """A cloud of points, in binary PCD."""
    head = (
        "# .PCD v0.7\nVERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\n"
        f"WIDTH {points}\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS {points}\nDATA binary\n"
    )
    turns = [(at + number) * 0.3 for at in range(points)]
    body = b"".join(struct.pack("<fff", math.cos(turn), math.sin(turn), turn / 10) for turn in turns)
    path.write_bytes(head.encode() + body)
    return path


def cuboid(*numbers: float) -> Any:  # noqa: ANN401 - the client's class
    """A cuboid in space: where it is (x, y, z), how it is turned, how large it is."""
    return cuboids.Cuboid3d(*(cuboids.Vector3d(*numbers[at : at + 3]) for at in (0, 3, 6)))


def template_of_two() -> Any:  # noqa: ANN401 - the client's class
    """What a graph with a nose and a tail looks like."""
    template = graphs.KeypointsTemplate()
    template.add_point(label="nose", row=10, col=10)
    template.add_point(label="tail", row=20, col=30)
    template.add_edge(src="nose", dst="tail")
    return template


def volume_of(side: int = 6) -> tuple[Any, dict[str, Any]]:
    """A small volume, and what the client says of it."""
    data = np.arange(side**3, dtype=np.int16).reshape(side, side, side)
    meta = {
        "ACS": "RAS",
        "channelsCount": 1,
        "dimensionsIJK": {"x": side, "y": side, "z": side},
        "intensity": {"max": float(side**3 - 1), "min": 0.0},
        "windowWidth": float(side**3),
        "windowCenter": side**3 / 2,
        "rescaleSlope": 1,
        "rescaleIntercept": 0,
        "directions": [1, 0, 0, 0, 1, 0, 0, 0, 1],
        "origin": [0, 0, 0],
        "spacing": [1, 1, 1],
    }
    return data, meta
