"""The story is played once; the tests ask what it came to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localstack.platform import EMULATOR_PYTHON, Market, Platform
from localstack.site import Ports, Site
from tests.story.play import Story, at


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    if not EMULATOR_PYTHON.exists():
        pytest.skip("the emulator's environment is not installed (make install)")
    platform = Platform(Site(Path(tmp_path_factory.mktemp("story")), Ports.free()))
    try:
        platform.start(at("06:30"), Market())
        told = Story(platform)
        told.play()
        yield told
    finally:
        platform.stop()
