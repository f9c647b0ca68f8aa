"""The GraphQL documents inside an installed `wandb`: those in its Python files, and those in its core's binary.

Most stand there as they are sent. Some are put together when they are needed; what can stand in their gaps is told
here, and a gap that nobody has told of is an error.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from graphql import DocumentNode, FragmentDefinitionNode, GraphQLSyntaxError, OperationDefinitionNode, parse

CORE = "bin/wandb-core"

_BEGINS = re.compile(r"^\s*(#graphql\s+)?(query|mutation|subscription)\b[^{]*\{", re.DOTALL)
_NAME = re.compile(r"\b(?:query|mutation|subscription)\s+(\w+)")
_IN_CORE = re.compile(rb"(?:query|mutation) [A-Z]\w+ ?[({]")
_FRAGMENT = re.compile(r"\s*fragment \w+ on \w+ \{")
_LONGEST = 20_000
_SHORTEST_NAMED = 20

# What stands in the gaps of a document: by the expression (or the word) in the gap, or in the order of its `{}`.
Gaps = Mapping[str, str] | Sequence[str]

_USE_ARTIFACT = (
    "$entityName: String!, $projectName: String!, $runName: String!, $artifactID: ID!",
    "entityName: $entityName, projectName: $projectName, runName: $runName, artifactID: $artifactID",
)
_USED_AS = (", $usedAs: String", ", usedAs: $usedAs")
_THROUGH = (
    ", $artifactEntityName: String, $artifactProjectName: String",
    ", artifactEntityName: $artifactEntityName, artifactProjectName: $artifactProjectName",
)
_BY_NAME = (
    "$entityName: String!, $projectName: String!, $queueName: String!, $runSpec: JSONString!",
    "entityName: $entityName, projectName: $projectName, queueName: $queueName, runSpec: $runSpec",
)
_PRIORITY = (", $priority: Int", ", priority: $priority")
_TEMPLATE = (", $templateVariableValues: JSONString", ", templateVariableValues: $templateVariableValues")
_BY_ID = ("$queueID: ID!, $runSpec: JSONString!", "queueID: $queueID, runSpec: $runSpec")
_AGENT = (
    "$entity: String!, $project: String!, $queues: [ID!]!, $hostname: String!, $config: JSONString",
    "entityName: $entity, projectName: $project, runQueues: $queues, hostname: $hostname, agentConfig: $config",
)
_STEP = (
    "$historyStep: Int64!, $distributedID: String,",
    "historyStep: $historyStep, distributedID: $distributedID,",
)


def _pairs(names: tuple[str, str], *variants: tuple[tuple[str, str], ...]) -> list[Gaps]:
    """Say what stands in two gaps, put together of pairs."""
    return [dict(zip(names, map("".join, zip(*pairs, strict=True)), strict=True)) for pairs in variants]


GAPS: Mapping[str, Sequence[Gaps]] = {
    "Run": [
        {"fragment_name": "RunFragment", "fragment": "RUN_FRAGMENT"},
        {"fragment_name": "LightweightRunFragment", "fragment": "LIGHTWEIGHT_RUN_FRAGMENT"},
    ],
    "Runs": [
        {"fragment_name": "RunFragment", "fragment": "RUN_FRAGMENT"},
        {"fragment_name": "LightweightRunFragment", "fragment": "LIGHTWEIGHT_RUN_FRAGMENT"},
    ],
    "UpsertBucket": [("RUN_FRAGMENT",)],
    "DeleteRun": [("", ""), ("$deleteArtifacts: Boolean", "deleteArtifacts: $deleteArtifacts")],
    "RunFullHistory": [("history",), ("events",)],
    "UseArtifact": [
        *_pairs(
            ("', '.join(query_vars)", "', '.join(query_args)"),
            (_USE_ARTIFACT,),
            (_USE_ARTIFACT, _USED_AS),
            (_USE_ARTIFACT, _THROUGH),
            (_USE_ARTIFACT, _USED_AS, _THROUGH),
        ),
        *_pairs(("vars_str", "args_str"), (_USE_ARTIFACT, _USED_AS, _THROUGH)),
    ],
    "UpsertSweep": [{"_PROJECT_QUERY_": "project { id name entity { id name } }"}, {"_PROJECT_QUERY_": ""}],
    "pushToRunQueueByName": _pairs(
        ("mutation_params", "mutation_input"), (_BY_NAME,), (_BY_NAME, _PRIORITY, _TEMPLATE)
    ),
    "pushToRunQueue": _pairs(("mutation_params", "mutation_input"), (_BY_ID,), (_BY_ID, _TEMPLATE)),
    "createLaunchAgent": _pairs(("mutation_params", "mutation_input"), (_AGENT,)),
    # Only in 0.28.2.
    "LinkArtifact": [
        {"ID_TYPE": "$artifactID: ID!", "ID_VALUE": "artifactID: $artifactID"},
        {"ID_TYPE": "$clientID: ID!", "ID_VALUE": "clientID: $clientID"},
    ],
    "CreateArtifact": _pairs(
        ("_CREATE_ARTIFACT_ADDITIONAL_TYPE_", "_CREATE_ARTIFACT_ADDITIONAL_VALUE_"), (("", ""),), (_STEP,)
    ),
    "CreateArtifactManifest": [("", ""), ("$type: ArtifactManifestType = FULL", "type: $type")],
}


@dataclass(frozen=True)
class Document:
    """One document: where it stands, the name of its operation, and its text."""

    where: str
    name: str
    text: str

    @property
    def parsed(self) -> DocumentNode:
        return parse(self.text)


def documents_of(package: Path) -> list[Document]:
    """All documents in an installed `wandb`."""
    found = [one for file in sorted(package.rglob("*.py")) for one in _in_python(file, str(file.relative_to(package)))]
    return found + list(_in_core((package / CORE).read_bytes()))


def _in_python(file: Path, where: str) -> Iterator[Document]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    constants = dict(_constants(tree))
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        raw = _raw(node) if id(node) not in parts else None
        if raw is not None and _BEGINS.match(raw) and (found := _NAME.search(raw)):
            for text in _filled(found[1], raw, constants):
                yield Document(where, found[1], text)


def _raw(node: ast.AST) -> str | None:
    """The text of a literal; of one with gaps, each with its expression in <<>>."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return None
    texts = [
        str(part.value) if isinstance(part, ast.Constant) else f"<<{ast.unparse(part.value)}>>"
        for part in node.values
        if isinstance(part, ast.Constant | ast.FormattedValue)
    ]
    return "".join(texts)


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and (text := _raw(node.value)):
            yield node.targets[0].id, text


def _filled(name: str, raw: str, constants: Mapping[str, str]) -> list[str]:
    """The document with all that can stand in its gaps."""
    for word, text in constants.items():
        raw = raw.replace(f"<<{word}>>", text)
    if "{}" not in raw and "<<" not in raw and not re.search(r"\b(ID_TYPE|_[A-Z_]{8,}_)\b", raw):
        return [raw]
    filled = [_fill(raw, gaps, constants) for gaps in GAPS.get(name, ())]
    complete = [text for text in filled if text is not None and _is_graphql(text)]
    assert complete, f"{name}: nobody has told what stands in its gaps:\n{raw}"
    return complete


def _fill(raw: str, gaps: Gaps, constants: Mapping[str, str]) -> str | None:
    if not isinstance(gaps, Mapping):
        return raw.format(*(constants.get(gap, gap) for gap in gaps)) if raw.count("{}") == len(gaps) else None
    for gap, text in gaps.items():
        text = constants.get(text, text)  # noqa: PLW2901 - the constant of that name, if there is one
        raw = raw.replace(f"<<{gap}>>", text)
        if not gap.islower():
            raw = raw.replace(gap, text)
    return raw


def _is_graphql(text: str) -> bool:
    try:
        parse(text)
    except GraphQLSyntaxError:
        return False
    return True


def _in_core(binary: bytes) -> Iterator[Document]:
    """The documents in the core: each begins with its operation and ends with its fragments, if it has any."""
    for match in _IN_CORE.finditer(binary):
        text = binary[match.start() : match.start() + _LONGEST].decode("latin-1")
        document = text[: _end(text)]
        parsed = parse(document)
        assert all(isinstance(node, OperationDefinitionNode | FragmentDefinitionNode) for node in parsed.definitions)
        found = _NAME.match(document)
        assert found is not None
        yield Document(CORE, found[1], document)


def _end(text: str) -> int:
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if character == "}" and depth == 0 and not _FRAGMENT.match(text, place + 1):
            return place + 1
    message = f"no end of the document that begins with {text[:60]!r}"
    raise ValueError(message)
