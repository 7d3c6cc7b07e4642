"""The server around the application, on 127.0.0.1 only."""

from __future__ import annotations

import asyncio

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from brokers.simulator.app import create_app
from brokers.simulator.spoiling import TRANSPORT
from brokers.simulator.websocket import TickerSocket
from brokers.simulator.world import World

HOST = "127.0.0.1"
SHUTDOWN = 2
"""Seconds for requests in progress when the server is told to stop; hanging ones are cut off."""


class DroppingProtocol(HttpToolsProtocol):
    """Lets a switch close the connection of a request: a reply that never comes, without a wait."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"][TRANSPORT] = self.transport


class SimulatorServer(uvicorn.Server):
    """A uvicorn server that can stop listening for a while, so that connections are refused."""

    def go_offline(self, seconds: float) -> None:
        """Refuse connections for `seconds` of wall time. Those that are open stay open."""
        port = self.port
        for listener in self.servers:
            listener.close()
        self.servers = []
        asyncio.get_running_loop().call_later(seconds, self._begin_listening, port)

    @property
    def port(self) -> int:
        """Where it listens, also when the port was left to the system."""
        return int(self.servers[0].sockets[0].getsockname()[1])

    def _begin_listening(self, port: int) -> None:
        self._listening = asyncio.get_running_loop().create_task(self._listen(port))

    async def _listen(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        self.servers = [await loop.create_server(self._protocol, HOST, port)]

    def _protocol(self) -> DroppingProtocol:
        return DroppingProtocol(self.config, self.server_state, self.lifespan.state)


def server(world: World, port: int) -> SimulatorServer:
    """A server that is ready to run. Port 0 takes any free one."""
    config = uvicorn.Config(
        create_app(world),
        host=HOST,
        port=port,
        http=DroppingProtocol,
        ws=TickerSocket,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=SHUTDOWN,
    )
    running = SimulatorServer(config)
    world.go_offline = running.go_offline
    return running
