"""How long the server waits for the rest of a request: connections that never finish one keep all others out.

uvicorn closes a connection that rests after an answer; one whose request never ends it keeps for ever.
"""

import asyncio
import resource
from typing import Any, Final

from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEAD_SECONDS = 15.0  # for the head of a request as a whole
BODY_SECONDS: Final = 60.0  # between two pieces of its body, which a busy server may be slow to take


class PatientProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """uvicorn's protocol, which closes a connection whose request does not come."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the head of the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what came, and wait for what is missing: a head that drips is not waited for anew."""
        super().data_received(data)
        cycle = self.cycle
        if cycle is None or (cycle.response_complete and not cycle.more_body):
            self._wait()
        else:
            self._stop()
            if cycle.more_body:
                self._wait(BODY_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop()
        super().connection_lost(exc)

    def _wait(self, seconds: float | None = None) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(seconds or HEAD_SECONDS, self._give_up)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        # A WebSocket has taken the connection over, or it has ended.
        if self.transport.get_protocol() is self and not self.transport.is_closing():
            self.transport.close()


def open_files() -> None:
    """Let the process have as many files and connections open as the system allows it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
