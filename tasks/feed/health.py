"""How the feed goes, over HTTP on 127.0.0.1: for the container's health check, and for the local platform.

| request | answer |
|---|---|
| `GET /` | its state; 503 before it has an account |
| `GET /_local/idle` | `{"busy": n, "next_due": null}` as every process of the local platform says it |
| `POST /_local/follow` | looks now at what is open, and answers `Feed.pace` |
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tasks.feed.service import Feed

HOST = "127.0.0.1"


def serve(port: int, feeds: Sequence[Feed]) -> ThreadingHTTPServer:
    """Answer in the background. `feeds` is empty until there is one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            feed = feeds[0] if feeds else None
            if self.path == "/_local/idle":
                self._answer(200, {"busy": feed.busy if feed else 0, "next_due": None})
            elif feed is None:
                self._answer(503, {"state": "no account yet"})
            else:
                self._answer(200, feed.state())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path != "/_local/follow":
                self._answer(404, {"error": f"no {self.path}"})
            elif not feeds:
                self._answer(200, {"stride": None})
            else:
                self._answer(200, feeds[0].pace())

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: it is asked every few seconds."""

    server = ThreadingHTTPServer((HOST, port), Handler)
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    return server
