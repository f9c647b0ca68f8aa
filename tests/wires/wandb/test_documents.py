"""Every document that the clients carry fits the schema: 0.31.0 and 0.28.2, their Python files and their cores."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    build_schema,
    get_introspection_query,
    validate,
)

from pinakes.server.wires.wandb import documents as wire
from pinakes.server.wires.wandb.schema import SCHEMA
from wires.wandb.documents import CORE, Document, documents_of

ROOT = Path(__file__).parents[3]
SITES = {
    "0.31.0": Path(sysconfig.get_paths()["purelib"]),
    "0.28.2": next((ROOT / ".clients" / "wandb-0.28" / "lib").glob("python*/site-packages")),
}


@pytest.fixture(scope="module", params=SITES)
def release(request: pytest.FixtureRequest) -> str:
    """A release of the client."""
    return str(request.param)


@pytest.fixture(scope="module")
def documents(release: str) -> list[Document]:
    """Its documents."""
    return documents_of(SITES[release] / "wandb")


def test_it_is_that_release(release: str):
    assert (SITES[release] / f"wandb-{release}.dist-info").is_dir()


def test_all_documents_fit(documents: list[Document]):
    """Also those about what is not offered: the client gets an empty list or a clear refusal for them."""
    wrong = {
        f"{document.where}: {document.name}": [error.message for error in problems]
        for document in documents
        if (problems := validate(SCHEMA, document.parsed))
    }
    assert wrong == {}


def test_all_documents_are_accepted(documents: list[Document]):
    """They are within the limits that keep somebody from writing a document that takes for ever."""
    for document in documents:
        found = wire.operation(document.text, None)
        assert found.name == document.name
        assert wire.operation(document.text, document.name) is found


def test_documents_are_found(release: str, documents: list[Document]):
    """Were they looked for in the wrong places, the tests above would say nothing."""
    names = {document.name for document in documents}
    assert {"Viewer", "UpsertBucket", "CreateArtifact", "LinkArtifact", "FetchRegistry", "RegistryVersions"} <= names
    assert {"Runs", "Run", "UseArtifact", "DeleteRun", "RunFullHistory", "RunFiles"} <= names  # those with gaps
    assert len([document for document in documents if document.where == CORE]) == {"0.31.0": 42, "0.28.2": 31}[release]
    assert len(documents) > 140


# Other types than the contract's, that look alike on the wire: the time of a line of output is what its program wrote.
ALIKE = {("LogLine", "timestamp"): "String"}


def test_the_contract_is_kept():
    """What was found out about the client's needs: no type or field is missing, nothing is null that mustn't be."""
    contract = build_schema(Path(__file__).with_name("contract.graphql").read_text(encoding="utf-8"))
    missing = [
        f"{name}.{field_name}: {field.type}"
        for name, wanted in contract.type_map.items()
        if isinstance(wanted, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType)
        for field_name, field in wanted.fields.items()
        if _type_of(name, field_name) not in {str(field.type), f"{field.type}!", ALIKE.get((name, field_name))}
    ]
    values = [
        name
        for name, wanted in contract.type_map.items()
        if isinstance(wanted, GraphQLEnumType) and not _values(name) >= set(wanted.values)
    ]
    assert [one for one in missing if not one.startswith("__")] == []
    assert [one for one in values if not one.startswith("__")] == []


def test_arguments_of_the_contract():
    contract = build_schema(Path(__file__).with_name("contract.graphql").read_text(encoding="utf-8"))
    for name, wanted in contract.type_map.items():
        if name.startswith("__") or not isinstance(wanted, GraphQLObjectType | GraphQLInterfaceType):
            continue
        ours = SCHEMA.type_map[name]
        assert isinstance(ours, GraphQLObjectType | GraphQLInterfaceType)
        for field_name, field in wanted.fields.items():
            for argument_name, argument in field.args.items():
                found = ours.fields[field_name].args[argument_name]
                assert str(found.type) == str(argument.type), f"{name}.{field_name}({argument_name})"


def test_introspection_is_harmless():
    """Nothing in the schema is a secret, and asking for all of it stays within the limits."""
    assert wire.operation(get_introspection_query(), None).name == "IntrospectionQuery"


def _type_of(name: str, field_name: str) -> str:
    ours = SCHEMA.type_map.get(name)
    if not isinstance(ours, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
        return "no such type"
    field = ours.fields.get(field_name)
    return str(field.type) if field is not None else "no such field"


def _values(name: str) -> set[str]:
    ours = SCHEMA.type_map.get(name)
    return set(ours.values) if isinstance(ours, GraphQLEnumType) else set()
