"""The JSON schemas of a basket's and a strategy's file, for editors: `python -m tasks.cli.schema`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.api.parameters import BasketBody
from tasks.domain.strategy import StrategyDraft

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "examples"


def schemas() -> dict[str, str]:
    """The text of each file, by its name."""
    basket = BasketBody.model_json_schema(mode="validation")
    strategy = StrategyDraft.model_json_schema(mode="validation")
    made = {"basket.schema.json": (basket, "A basket"), "strategy.schema.json": (strategy, "A strategy")}
    return {name: _text(schema, title) for name, (schema, title) in made.items()}


def _text(schema: Mapping[str, Any], title: str) -> str:
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}
    return json.dumps(head, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    for name, text in schemas().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
