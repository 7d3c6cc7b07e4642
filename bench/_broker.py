"""A broker that takes every order at once: what is measured beside it is our own work.

`python -m bench._broker` serves on a free port of 127.0.0.1, prints it, and ends with its parent.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_numbers = itertools.count(1)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"status":"success","data":{"order_id":"%d"}}' % next(_numbers)
        self.wfile.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            + body
        )

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: a line an order would be measured too."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    """The usual 5 overflows where eight threads connect at once, and TCP tries again much later."""


@contextmanager
def loopback_broker() -> Iterator[str]:
    """Its root address, while it runs in a process of its own."""
    process = subprocess.Popen([sys.executable, "-m", "bench._broker"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    server = _Server(("127.0.0.1", 0), _Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
