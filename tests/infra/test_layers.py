"""The layers hold all that is imported, nothing that is not, and fit."""

from __future__ import annotations

from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from infra.code import sources
from infra.layers import (
    LAMBDA_LIMIT,
    LAYERS,
    LEFT_OUT,
    ORDER_PATH,
    PYTHON_VERSION,
    Layer,
    LayersNotBuilt,
    pins,
    require,
    unpacked_size,
    up_to_date,
)
from infra.settings import BUILT_LAYERS

LAMBDA = {
    "python_version": PYTHON_VERSION,
    "python_full_version": f"{PYTHON_VERSION}.0",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "implementation_name": "cpython",
    "os_name": "posix",
}
EXTRAS = {"aws-lambda-powertools": ("parser", "tracer")}


def needed_by(package: str) -> set[str]:
    found = set()
    for line in requires(package) or ():
        requirement = Requirement(line)
        extras = ("", *EXTRAS.get(package, ()))
        marker = requirement.marker
        if marker is None or any(marker.evaluate({**LAMBDA, "extra": extra}) for extra in extras):
            found.add(requirement.name.lower().replace("_", "-"))
    return found


def test_the_order_path_carries_everything_its_packages_need() -> None:
    for package in ORDER_PATH.packages:
        missing = needed_by(package) - set(ORDER_PATH.packages) - set(LEFT_OUT)
        assert not missing, f"{package} needs {missing}"


def test_what_is_left_out_is_needed_by_something() -> None:
    """Otherwise the list of what the layer does without has gone stale."""
    assert set(LEFT_OUT) - {"boto3"} <= {name for package in ORDER_PATH.packages for name in needed_by(package)}


def test_every_package_is_pinned() -> None:
    for layer in LAYERS:
        assert len(pins(layer.packages)) == len(layer.packages)


def test_a_package_that_is_not_pinned_is_refused() -> None:
    with pytest.raises(LookupError, match="leftpad"):
        pins(["pydantic", "leftpad"])


def test_layers_that_are_missing_or_old_are_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LayersNotBuilt, match="make layers"):
        require(tmp_path)
    for layer in LAYERS:
        layer.zip_in(tmp_path).touch()
        layer.mark_in(tmp_path).write_text("of other pins")
    with pytest.raises(LayersNotBuilt, match="order-path and lake"):
        require(tmp_path)


def test_a_built_layer_is_not_built_again(tmp_path: Path) -> None:
    layer = Layer("small", "One package", ("six",))
    layer.zip_in(tmp_path).touch()
    layer.mark_in(tmp_path).write_text(layer.digest())
    assert up_to_date(layer, tmp_path)
    assert not up_to_date(Layer("small", "Another package", ("idna",)), tmp_path)


def test_code_and_both_layers_fit_into_lambda() -> None:
    if not all(up_to_date(layer, BUILT_LAYERS) for layer in LAYERS):
        pytest.skip("the layers are not built: make layers")
    code = sum(path.stat().st_size for path in sources())
    layers = sum(unpacked_size(BUILT_LAYERS / layer.name) for layer in LAYERS)
    assert code + layers < LAMBDA_LIMIT


def test_the_order_path_stays_light() -> None:
    if not up_to_date(ORDER_PATH, BUILT_LAYERS):
        pytest.skip("the layers are not built: make layers")
    tree = BUILT_LAYERS / ORDER_PATH.name / "python"
    assert unpacked_size(tree) < 25_000_000
    assert not (tree / "twisted").exists()
    assert not (tree / "botocore").exists()
