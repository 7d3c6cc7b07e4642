"""The baskets that ship: what editors, the command line and the API say of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from infra.settings import ROOT
from tasks.cli.errors import BadFile
from tasks.cli.files import read, read_basket
from tasks.cli.schema import schemas

FOLDER = ROOT / "docs" / "examples"
FILES = sorted(FOLDER.glob("*.yaml"))
BASKETS = [path for path in FILES if "schema=basket" in path.read_text()]


def validator(path: Path) -> Any:
    kind = path.read_text().partition("$schema=")[2].partition("\n")[0]
    return jsonschema_rs.validator_for(json.loads((FOLDER / kind).read_text()))


def test_the_baskets_that_ship() -> None:
    assert {path.stem for path in BASKETS} == {
        "straddle",
        "strangle-by-premium",
        "iron-condor",
        "calendar",
        "expiry-day",
        "supertrend",
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_editor_finds_nothing_wrong(path: Path) -> None:
    assert [error.message for error in validator(path).iter_errors(yaml.safe_load(path.read_text()))] == []


@pytest.mark.parametrize("path", BASKETS, ids=lambda path: path.stem)
def test_the_command_line_takes_it(path: Path) -> None:
    body = read_basket(path, ["ZA1234"])
    assert all(strategy["accounts"] == ["ZA1234"] for strategy in body["strategies"])
    assert body == {**yaml.safe_load(path.read_text()), "strategies": body["strategies"]}


@pytest.mark.parametrize("name", schemas())
def test_the_schemas_are_those_of_the_domain(name: str) -> None:
    """If not: python -m tasks.cli.schema."""
    assert (FOLDER / name).read_text() == schemas()[name]


def test_an_editor_finds_what_is_wrong() -> None:
    broken = yaml.safe_load((FOLDER / "straddle.yaml").read_text())
    broken["strategies"][0]["legs"][0]["lots"] = 0
    errors = list(validator(FOLDER / "straddle.yaml").iter_errors(broken))
    assert errors


def test_what_is_wrong_is_told_with_its_place(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    text = (FOLDER / "straddle.yaml").read_text()
    broken.write_text(text.replace("lots: 1", "lots: 0", 1).replace("MON", "MONDAY"))
    with pytest.raises(BadFile) as caught:
        read_basket(broken)
    assert "strategies[0].legs[0].lots" in caught.value.message
    assert "strategies[0].weekdays" in caught.value.message


def test_a_time_without_quotes_is_still_a_time(tmp_path: Path) -> None:
    """YAML 1.1 would read 09:30 as text but 15:15 as 915, and ON as true."""
    path = tmp_path / "times.yaml"
    path.write_text("entry_time: 09:30\nexit_time: 15:15\nname: ON\nlots: 12\nprice: 1.5\nnothing: null\n")
    assert read(path) == {
        "entry_time": "09:30",
        "exit_time": "15:15",
        "name": "ON",
        "lots": 12,
        "price": 1.5,
        "nothing": None,
    }


@pytest.mark.parametrize("text", ["- 1", "[", "a: b: c", "\x00"])
def test_a_file_that_is_no_basket_is_refused_with_a_reason(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(BadFile, match=r"bad\.yaml"):
        read_basket(path)
