"""What goes into the feed's image, and the tag that follows from it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from infra.code import sources
from infra.settings import ROOT

DOCKERFILE = Path("infra", "feed.Dockerfile")
REQUIREMENTS = Path("requirements-feed.txt")


def tag(root: Path = ROOT) -> str:
    """Sixteen digits of SHA-256 over the Dockerfile, the pinned packages and the code: what is the same has the
    same tag, on every machine."""
    digest = hashlib.sha256()
    parts = (root / DOCKERFILE, root / REQUIREMENTS)
    for path in (*parts, *sources(root)):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    print(tag())
