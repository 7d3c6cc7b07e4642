"""The server around the application, on 127.0.0.1 only."""

from __future__ import annotations

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from brokers.simulator.app import create_app
from brokers.simulator.plumbing import TRANSPORT
from brokers.simulator.world import World

HOST = "127.0.0.1"
SHUTDOWN = 2
"""Seconds for requests in progress when the server is told to stop; hanging ones are cut off."""


class DroppingProtocol(HttpToolsProtocol):
    """Lets a switch close the connection of a request: a reply that never comes, without a wait."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"][TRANSPORT] = self.transport


def server(world: World, port: int) -> uvicorn.Server:
    """A server that is ready to run. Port 0 takes any free one."""
    config = uvicorn.Config(
        create_app(world),
        host=HOST,
        port=port,
        http=DroppingProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=SHUTDOWN,
    )
    return uvicorn.Server(config)
