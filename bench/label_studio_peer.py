"""Label Studio beside ours, where it is installed: a project with as many pictures, over REST, with PostgreSQL.

`BENCH_LABEL_STUDIO` names the Python that has it (`pip install label-studio gunicorn`). It gets four processes with
threads, which keep connections open. Its tasks, too, are made by SQL; its people, who each have a token, by itself.
It goes without the indexes over the text of its annotations, since our PostgreSQL has no pg_trgm: that saves it work.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg

from bench.mlflow_peer import Missing

PEOPLE = 16
PROJECT = 1
FIRST_TASK = 1
NEXT = f"/api/projects/{PROJECT}/next"
CONFIG = (
    '<View><Image name="image" value="$image"/><RectangleLabels name="label" toName="image">'
    '<Label value="car"/><Label value="tree"/></RectangleLabels></View>'
)
# The boxes of `label_workloads.FIGURES`, in parts of a hundred of the picture.
_BOXES = [(6.28, 7.43, 27.06, 31.53), (46.88, 27.82, 21.37, 44.12)]
ANNOTATION = {
    "result": [
        {
            "id": f"box-{n}",
            "from_name": "label",
            "to_name": "image",
            "type": "rectanglelabels",
            "original_width": 1920,
            "original_height": 1080,
            "image_rotation": 0,
            "value": {"x": x, "y": y, "width": w, "height": h, "rotation": 0, "rectanglelabels": ["car"]},
        }
        for n, (x, y, w, h) in enumerate(_BOXES)
    ],
    "lead_time": 12.5,
}

_LOOK = """
import importlib.metadata as look, importlib.util as find
from pathlib import Path
names = ("label_studio", "gunicorn", "psycopg2")
if all(find.find_spec(name) for name in names):
    print(look.version("label-studio"), Path(find.find_spec("label_studio").origin).parent)
"""

# Run by its own Python: its migrations, without what takes an extension that is not there.
_MIGRATE = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "core.settings.label_studio"
import django
from django.contrib.postgres.operations import CreateExtension
from django.core.management import call_command
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.backends.utils import CursorWrapper
django.setup()
CreateExtension.database_forwards = lambda *_: None
execute = DatabaseSchemaEditor.execute
run = CursorWrapper.execute
def without(then):
    return lambda self, sql, *rest, **more: None if " gin " in str(sql).lower() else then(self, sql, *rest, **more)
DatabaseSchemaEditor.execute = without(execute)
CursorWrapper.execute = without(run)
call_command("migrate", verbosity=0)
"""

# The same: people with tokens, of which it keeps the old kind switched off, and a project.
_SETUP = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "core.settings.label_studio"
import django
django.setup()
from organizations.models import Organization
from projects.models import Project
from rest_framework.authtoken.models import Token
from users.models import User
people = [User.objects.create_user(email=f"labeler-{n}@example.org", password="bench-" * 3) for n in range(%(people)s)]
home = Organization.create_organization(created_by=people[0], title="Bench")
for person in people:
    if not home.has_user(person):
        home.add_user(person)
    person.active_organization = home
    person.save()
    Token.objects.filter(user=person).delete()
for n, person in enumerate(people):
    Token.objects.create(user=person, key=f"{n:040}")
home.jwt.legacy_api_tokens_enabled = True
home.jwt.save()
Project.objects.create(title="road", organization=home, created_by=people[0], label_config=%(config)r)
"""

_TASKS = """
insert into task (
    data, created_at, updated_at, is_labeled, overlap, project_id, inner_id, total_annotations, cancelled_annotations,
    total_predictions, comment_count, unresolved_comment_count
)
select
    jsonb_build_object('image', 'https://example.org/frame-' || lpad(n::text, 8, '0') || '.jpg'), now(), now(), false,
    1, %(project)s, n, 0, 0, 0, 0, 0
from generate_series(1, %(count)s) as n
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A Python that has it, its version, and the folder of its code."""

    python: str
    version: str
    code: str

    def preparing(self) -> list[list[str]]:
        """Return what makes its tables, its people and its project."""
        setup = _SETUP % {"people": PEOPLE, "config": CONFIG}
        return [[self.python, "-c", _MIGRATE], [self.python, "-c", setup]]

    def command(self, port: int) -> list[str]:
        """Return what starts its server."""
        options = ["--workers", "4", "--threads", "4", "--worker-class", "gthread", "--keep-alive", "600"]
        place = ["--bind", f"127.0.0.1:{port}", "--chdir", self.code]
        return [self.python, "-m", "gunicorn", *options, *place, "core.wsgi:application"]

    def environment(self, database: str, folder: Path, port: int) -> dict[str, str]:
        """Return its environment: ours, without what is meant for our own Python."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PINAKES_", "PYTHON"))}
        parts = urlsplit(database)
        folder.mkdir(exist_ok=True)
        return {
            **kept,
            "PYTHONPATH": self.code,
            "DJANGO_SETTINGS_MODULE": "core.settings.label_studio",
            "DJANGO_DB": "default",
            "POSTGRE_NAME": parts.path.strip("/"),
            "POSTGRE_USER": unquote(parts.username or "postgres"),
            "POSTGRE_PASSWORD": "",
            "POSTGRE_HOST": parse_qs(parts.query)["host"][0],
            "LABEL_STUDIO_BASE_DATA_DIR": str(folder),
            "LABEL_STUDIO_HOST": f"http://127.0.0.1:{port}",
            "ALLOWED_HOSTS": "*",
            "COLLECT_ANALYTICS": "false",
            "LATEST_VERSION_CHECK": "false",
            "SENTRY_DSN": "",
            "FRONTEND_SENTRY_DSN": "",
            "LOG_LEVEL": "ERROR",
        }


def find() -> Found | Missing:
    """Look for it."""
    python = os.environ.get("BENCH_LABEL_STUDIO")
    if not python:
        return Missing("it is not installed: let BENCH_LABEL_STUDIO name a Python that has it")
    try:
        looked = subprocess.run([python, "-c", _LOOK], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Missing(f"BENCH_LABEL_STUDIO={python} can't be run: {error}")
    version, _, code = looked.stdout.strip().partition(" ")
    if not code:
        return Missing(f"{python} has no label-studio, or no gunicorn and psycopg2 beside it")
    return Found(python, version, code)


def load(url: str, count: int) -> None:
    """Make its tasks, as many as ours has pictures to page through."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_TASKS, {"project": PROJECT, "count": count})
        connection.execute("vacuum (analyze, parallel 0)")


def token_of(labeler: int) -> str:
    """Return what one of its people signs in with."""
    return f"Token {labeler:040}"


def page(number: int) -> str:
    """Return the path of a page of its tasks."""
    return f"/api/tasks?project={PROJECT}&page={number}&page_size=100"


def annotations_of(task: int) -> str:
    """Return the path of a task's annotations."""
    return f"/api/tasks/{task}/annotations/"
