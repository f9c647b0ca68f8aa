"""Write `schema.sql` anew: what the migrations leave in an empty database."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pinakes.server import migrate
from pinakes.server.postgres import EmbeddedPostgres

TARGET = Path(migrate.__file__).with_name("schema.sql")


def main() -> None:
    """Migrate a database that lives only for this, and write down what it has become."""
    with tempfile.TemporaryDirectory(prefix="pinakes-") as folder:
        Path(folder).chmod(0o711)
        postgres = EmbeddedPostgres(Path(folder) / "data", options={"fsync": "off"})
        postgres.start()
        try:
            migrate.migrate(postgres.url)
            TARGET.write_text(migrate.dump(postgres.url), encoding="utf-8")
        finally:
            postgres.stop()


if __name__ == "__main__":
    main()
