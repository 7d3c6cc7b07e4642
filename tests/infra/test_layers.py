"""The layers hold all that is imported, nothing that is not, and fit."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib.metadata import requires
from pathlib import Path

import boto3
import botocore
import pytest
import s3transfer
from packaging.requirements import Requirement

from infra.code import sources, write_code_zip
from infra.layers import (
    LAMBDA_LIMIT,
    LAYERS,
    LEFT_OUT,
    ORDER_PATH,
    PYTHON_VERSION,
    Layer,
    LayersNotBuilt,
    build,
    pins,
    require,
    unpacked_size,
    up_to_date,
)
from infra.settings import BUILT_LAYERS
from tasks.catalogue import FUNCTIONS

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


@pytest.fixture(scope="module")
def order_path() -> Path:
    """The unpacked layer of the order path: five megabytes to fetch, once."""
    try:
        build(ORDER_PATH)
    except subprocess.CalledProcessError:
        pytest.skip("no package registry can be reached to build the layer")
    return BUILT_LAYERS / ORDER_PATH.name / "python"


@pytest.mark.slow
def test_the_order_path_stays_light(order_path: Path) -> None:
    assert unpacked_size(order_path) < 25_000_000
    assert not (order_path / "twisted").exists()
    assert not (order_path / "botocore").exists()


def lambdas_python() -> str | None:
    """A Python of the functions' version: on the path, or one of pyenv's, whose shims need not work."""
    name = f"python{PYTHON_VERSION}"
    versions = (Path.home() / ".pyenv" / "versions").glob(f"{PYTHON_VERSION}.*/bin/{name}")
    for candidate in [shutil.which(name), *map(str, versions)]:
        if candidate and not subprocess.run([candidate, "-c", ""], check=False, capture_output=True).returncode:
            return candidate
    return None


@pytest.mark.slow
def test_every_function_starts_on_lambdas_python_with_the_layer_alone(order_path: Path, tmp_path: Path) -> None:
    """The code's zip, the layer and what the runtime has: nothing of this machine's environment."""
    python = lambdas_python()
    if python is None:
        pytest.skip(f"no Python {PYTHON_VERSION} on this machine")
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    for package in (boto3, botocore, s3transfer):
        (runtime / package.__name__).symlink_to(Path(package.__path__[0]))
    path = [write_code_zip(tmp_path), order_path, runtime]
    started = subprocess.run(
        [python, "-S", "-B", "-c", STARTS_EVERY_FUNCTION],
        env={"PYTHONPATH": os.pathsep.join(map(str, path)), "POWERTOOLS_SERVICE_NAME": "algo"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert started.returncode == 0, started.stderr
    assert started.stdout.split() == [f"{module.module}.handler" for module in FUNCTIONS]


STARTS_EVERY_FUNCTION = """
import importlib, sys, zoneinfo
import brokers.zerodha
from tasks.catalogue import FUNCTIONS
for function in FUNCTIONS:
    handler = importlib.import_module(function.module).handler
    assert callable(handler)
    print(f"{function.module}.handler")
assert zoneinfo.ZoneInfo("Asia/Kolkata")
assert "twisted" not in sys.modules
"""
