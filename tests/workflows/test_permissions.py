"""What the machines' roles may do, against the list of actions that IAM really has."""

from __future__ import annotations

from policy_sentry.querying.actions import get_actions_for_service

from workflows.asl.iam import iam_statements
from workflows.catalogue import MACHINES


def test_every_action_exists_and_none_is_a_wildcard() -> None:
    actions = {
        action for machine in MACHINES for statement in iam_statements(machine) for action in statement.actions
    }
    assert actions == {
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "lambda:InvokeFunction",
        "states:StartExecution",
    }
    for action in actions:
        assert action in get_actions_for_service(action.partition(":")[0])


def test_every_resource_is_named() -> None:
    for machine in MACHINES:
        for statement in iam_statements(machine):
            assert all("*" not in resource for resource in statement.resources)
