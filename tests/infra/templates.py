"""Questions to ask of a synthesized cloud assembly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from infra.settings import PREFIX

Json = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """One resource of a template."""

    stack: str
    name: str
    kind: str
    properties: Json
    attributes: Json = field(repr=False)


@dataclass(frozen=True)
class Statement:
    """One statement of a role's policy, with its resources as text: `arn:*:dynamodb:*:*:table/algo-orders`."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    effect: str


@dataclass(frozen=True)
class Assembly:
    """The templates in a folder."""

    folder: Path

    @cached_property
    def templates(self) -> dict[str, Json]:
        return {
            path.name.removesuffix(".template.json"): json.loads(path.read_text())
            for path in sorted(self.folder.glob("*.template.json"))
        }

    def all(self, kind: str = "") -> list[Resource]:
        """Every resource, or those of one type."""
        return [
            Resource(stack, name, each["Type"], each.get("Properties", {}), each)
            for stack, template in self.templates.items()
            for name, each in template["Resources"].items()
            if not kind or each["Type"] == kind
        ]

    def functions(self) -> dict[str, Json]:
        """Properties by the function's name in `tasks`."""
        found = self.all("AWS::Lambda::Function")
        return {each.properties["FunctionName"].removeprefix(f"{PREFIX}-"): each.properties for each in found}

    def machines(self) -> dict[str, Json]:
        found = self.all("AWS::StepFunctions::StateMachine")
        return {
            each.properties["StateMachineName"].removeprefix(f"{PREFIX}-"): each.properties for each in found
        }

    def may(self, owner: Json) -> list[Statement]:
        """What the role of a function or a state machine is allowed."""
        role = (owner.get("Role") or owner["RoleArn"])["Fn::GetAtt"][0]
        stack = next((each.stack for each in self.all() if each.properties is owner), "")
        return [
            statement
            for policy in self.all("AWS::IAM::Policy")
            if {"Ref": role} in policy.properties["Roles"] and stack in ("", policy.stack)
            for statement in statements(policy.properties["PolicyDocument"])
        ]


def statements(document: Json) -> Iterator[Statement]:
    for each in document["Statement"]:
        resources = as_list(each["Resource"])
        yield Statement(
            tuple(as_list(each["Action"])), tuple(as_text(resource) for resource in resources), each["Effect"]
        )


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def as_text(value: Any) -> str:
    """A resource as text: what is known only at deployment is `*`, or its name in the template."""
    match value:
        case str():
            return value
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(as_text(part) for part in parts)
        case {"Ref": str(name)}:
            return "*" if name.startswith("AWS::") else name
        case {"Fn::GetAtt": [name, *_]}:
            return str(name)
    raise AssertionError(f"unexpected in a policy: {value}")
