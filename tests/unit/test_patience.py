"""Connections whose request never ends are closed; all others are served, by a real uvicorn."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from app import patience
from app.patience import PatientProtocol

WHOLE = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def answer(_scope: Any, receive: Any, send: Any) -> None:
    """Answer once the whole body is there, a little later than the head may take."""
    while (await receive()).get("more_body"):
        pass
    time.sleep(0.5)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where a server listens that waits .3 s for a head."""
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.3)
    config = uvicorn.Config(answer, port=0, log_level="critical", http=PatientProtocol, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


def opened(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def test_a_head_that_never_ends_is_not_waited_for(port: int) -> None:
    with opened(port) as silent, opened(port) as half, opened(port) as dripping:
        half.sendall(WHOLE[:-2])
        with pytest.raises(OSError):  # noqa: PT011  (reset or broken pipe)
            for _ in range(200):
                dripping.sendall(b"X")
                time.sleep(0.05)
        assert silent.recv(99) == half.recv(99) == b""


def test_a_slow_answer_is_waited_for_and_the_head_after_it_is_not(port: int) -> None:
    with opened(port) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx")
        time.sleep(0.5)  # a body may come later than a head
        client.sendall(b"y")
        assert client.recv(999).startswith(b"HTTP/1.1 200")
        client.sendall(WHOLE[:9])
        time.sleep(0.1)
        while client.recv(999):
            pass
