"""The web server, which lets go of the lines that pages keep open before it waits for what is under way."""

import asyncio
import socket

import uvicorn

from app.guard import Guard
from app.patience import PatientProtocol, open_files


class Server(uvicorn.Server):
    """A server of a guarded page. A line on which a page waits for news would never end by itself."""

    def __init__(self, guard: Guard, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._guard = guard

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the open lines, then do what uvicorn does."""
        self._guard.end_lines()
        await asyncio.sleep(0)
        await super().shutdown(sockets)


def serve_until_told(guard: Guard, host: str, port: int) -> None:
    """Serve until a signal comes: what is under way then has two seconds to be answered."""
    open_files()
    config = uvicorn.Config(
        guard,
        host=host,
        port=port,
        log_level="warning",
        timeout_graceful_shutdown=2,
        http=PatientProtocol,
    )
    Server(guard, config).run()
