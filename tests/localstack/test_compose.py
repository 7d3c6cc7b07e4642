"""compose.yaml can't be run here, but it can be held to what we know."""

from __future__ import annotations

from typing import Any

import pytest

from localstack.site import ROOT

yaml = pytest.importorskip("yaml")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    compose: dict[str, Any] = yaml.safe_load((ROOT / "localstack" / "compose.yaml").read_text())
    found: dict[str, Any] = compose["services"]
    return found


def test_images_are_pinned_and_ports_are_local(services: dict[str, Any]) -> None:
    for service in services.values():
        name, _, tag = service["image"].partition(":")
        assert name
        assert tag not in ("", "latest")
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_step_functions_local_reaches_what_the_machines_use(services: dict[str, Any]) -> None:
    """Its documented variables, for each service that a definition calls."""
    definitions = " ".join(path.read_text() for path in (ROOT / "workflows" / "definitions").glob("*.asl.json"))
    variables = {
        ":::dynamodb:": "DYNAMODB_ENDPOINT",
        ":::lambda:": "LAMBDA_ENDPOINT",
        ":::states:": "STEP_FUNCTIONS_ENDPOINT",
        ":::sqs:": "SQS_ENDPOINT",
    }
    needed = {variable for part, variable in variables.items() if part in definitions}
    assert needed <= services["stepfunctions"]["environment"].keys()
    assert len(needed) >= 3
