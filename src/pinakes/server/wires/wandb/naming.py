"""How names in Python become names in this API."""

from __future__ import annotations

from strawberry.schema.name_converter import NameConverter
from strawberry.utils.str_converters import to_camel_case
from typing_extensions import override

# The API writes `ID` at the end of some names and `Id` at the end of others; those that don't follow from camel case
# are here. `given` and `given_id` are what we call arguments whose names Python uses for something else.
EXACT = {
    "artifact_id": "artifactID",
    "artifact_manifest_id": "artifactManifestID",
    "artifact_portfolio_id": "artifactPortfolioID",
    "artifact_sequence_id": "artifactSequenceID",
    "base_artifact_id": "baseArtifactID",
    "birth_artifact_id": "birthArtifactID",
    "client_id": "clientID",
    "client_id_mapping": "clientIDMapping",
    "cloud_region_id": "cloudRegionID",
    "distributed_id": "distributedID",
    "given": "input",
    "given_id": "id",
    "hex_md5": "hexMD5",
    "ramp_id_type": "rampIDType",
    "run_id": "runID",
    "sequence_client_id": "sequenceClientID",
    "server_id": "serverID",
    "upload_id": "uploadID",
}


class Naming(NameConverter):
    """Camel case, but for the names above."""

    @override
    def apply_naming_config(self, name: str) -> str:
        return EXACT.get(name) or to_camel_case(name)
