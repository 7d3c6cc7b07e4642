"""The unmodified KiteTicker as a process of its own: its reactor starts once in a process.

`python ticker_client.py ROOT API_KEY ACCESS_TOKEN`. Commands come as JSON lines on stdin (`["subscribe", [1]]`,
`["set_mode", "full", [1]]`, `["stop"]`), what its callbacks hear goes as JSON lines to stdout.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

from kiteconnect import KiteTicker
from twisted.internet import reactor


def tell(kind: str, **what: Any) -> None:
    print(json.dumps({"kind": kind, **what}, default=str), flush=True)


def main(root: str, api_key: str, access_token: str) -> None:
    ticker = KiteTicker(api_key, access_token, root=root, reconnect_max_delay=5)
    ticker.on_connect = lambda _, response: tell("connect", peer=str(response.peer))
    ticker.on_close = lambda _, code, reason: tell("close", code=code, reason=reason)
    ticker.on_error = lambda _, code, reason: tell("error", code=code, reason=reason)
    ticker.on_reconnect = lambda _, attempts: tell("reconnect", attempts=attempts)
    ticker.on_message = lambda _, payload, binary: tell("message", binary=binary, size=len(payload))
    ticker.on_ticks = lambda _, ticks: tell("ticks", ticks=ticks)
    ticker.on_order_update = lambda _, data: tell("order", data=data)

    def obey() -> None:
        for line in sys.stdin:
            command, *arguments = json.loads(line)
            reactor.callFromThread(getattr(ticker, command), *arguments)
        reactor.callFromThread(ticker.stop)

    threading.Thread(target=obey, daemon=True).start()
    ticker.connect()


if __name__ == "__main__":
    main(*sys.argv[1:])
