"""Start ministack with the shim: `.venv-emulator/bin/python -m localstack.emulator`.

Configured by ministack's own variables: BIND_HOST, GATEWAY_PORT, LAMBDA_EXECUTOR, MINISTACK_REGION.
"""

from __future__ import annotations

import os
import sys

from localstack.emulator.shim import apply


def main() -> None:
    # Lambda workers inherit the environment. With PYTHONPATH they would find modules that their zip forgot.
    os.environ.pop("PYTHONPATH", None)
    apply()
    sys.argv = ["ministack"]
    from ministack.app import main as serve  # noqa: PLC0415  (only after the shim is in place)

    serve()


if __name__ == "__main__":
    main()
