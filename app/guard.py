"""An ASGI layer in front of the page: who may ask, how much may be sent, which headers go back.

Covered: DNS rebinding (Host), other sites' pages (Origin, Sec-Fetch-Site), forged proxy headers, bodies
without or beyond a length, framing, sniffing, requests from the page to any other host (CSP), all but the
login for whoever has not signed in, and guesses of the password one after the other.
Not covered: users of the same machine, who reach 127.0.0.1 as well; TLS, which a proxy has to add.
"""

import asyncio
import ipaddress
import logging
import math
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from app.brake import Brake
from app.web_files import PREFIX

LOG = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")
JSON_BYTES = 4 * 1024 * 1024

# Gradio compiles templates with `new Function`, hence unsafe-eval; everything else stays on this host.
CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = (
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
# Snapshots of all values, usage numbers and call histories: forget data has no business in any of them. Files
# of the page come in pieces into memory (app/uploads.py); what Gradio takes it would leave on the disk.
CLOSED_PATHS = (
    "/gradio_api/deep_link",
    "/gradio_api/runs",
    "/monitoring",
    "/gradio_api/monitoring",
    "/gradio_api/upload",
    "/gradio_api/file",
    "/gradio_api/custom_component",
    "/gradio_api/process_recording",
    "/gradio_api/stream",
    "/gradio_api/proxy=",
    "/gradio_api/vibe",
    "/gradio_api/undo-vibe",
    "/openapi.json",
)
LOGIN = "/login"
# What the login page is drawn of: code and colours, the same for everybody.
DRAWN = (
    PREFIX,
    "/assets/",
    "/static/",
    "/theme.css",
    "/gradio_api/theme.css",
    "/favicon.ico",
    "/manifest.json",
)

# Whether a request with these cookies comes from somebody who has signed in.
SignedIn = Callable[[str], bool]


class Guard:
    """The ASGI application that checks each request and then hands it to `app` or to `web`.

    `host` is the address the server is bound to; `names` are further host names it may be called by;
    `signed_in` is None where there is no password. Refusals are plain-text responses: 400 (Host), 401 (not
    signed in), 403 (Origin), 404 (closed), 411 (no length), 413 (long), 429 (too many guesses).
    """

    def __init__(
        self,
        app: AsgiApp,
        web: AsgiApp,
        host: str = "127.0.0.1",
        names: Iterable[str] = (),
        signed_in: SignedIn | None = None,
        brake: Brake | None = None,
    ) -> None:
        self._signed_in = signed_in
        self._brake = brake or Brake()
        self._app = app
        self._web = web
        self._open_to_others = not is_loopback(host)
        self._names = {*LOOPBACK_NAMES, host.lower(), *(name.lower() for name in names)}
        self._lines: set[asyncio.Task[Any]] = set()
        self._ending = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection; lifespan messages pass through untouched."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _refuse(scope, send, *refusal)
            return
        scope = {**scope, "headers": _without_proxy_headers(scope["headers"])}
        ours = scope["type"] == "http" and scope["path"].startswith(PREFIX)
        target = self._web if ours else self._app
        send = _with_security_headers(send)
        if _is_guess(scope):
            send = self._braked(scope, send)
        refusal = _refusal_of_failed(scope)
        answered = _Answered(send, self._lines)
        try:
            if refusal is None:
                await target(scope, receive, answered.send)
            else:
                await _in_a_sentence(target, scope, receive, answered.send, refusal)
        except asyncio.CancelledError:
            if not self._ending:
                raise
            if answered.begun and not answered.ended:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            elif not answered.begun:
                await _refuse(scope, send, 503, "The page is being ended.")
        finally:
            self._lines.discard(answered.task)

    def end_lines(self) -> None:
        """End what pages keep open to hear of news; called once, as the server is about to end."""
        self._ending = True
        for each in self._lines:
            each.cancel()

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        """Return the status and sentence of a refusal, or None when the request may pass."""
        host = headers.get("host", "")
        if not self._known(host_name(host)):
            return 400, f"The host {host[:80]!r} is not served here. Start with --allow-host NAME to add it."
        origin = headers.get("origin")
        if origin is not None and _place(origin) != host.lower():
            return 403, "Requests from other sites are refused."
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return 403, "Requests from other sites are refused."
        if scope["path"].rstrip("/").startswith(CLOSED_PATHS):
            return 404, "Not offered here."
        return _length_refusal(scope, headers) or self._door_refusal(scope, headers)

    def _door_refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        """Return a refusal for whoever has not signed in, or has guessed too often, else None."""
        if self._signed_in is None:
            return None
        if _is_guess(scope):
            wait = self._brake.begin(_address(scope))
            return (429, f"Too many wrong guesses. Try again in {math.ceil(wait)} seconds.") if wait else None
        reading = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        path = scope["path"]
        if reading and (path == "/" or path.startswith(DRAWN)) or self._signed_in(headers.get("cookie", "")):
            return None
        return 401, "Sign in first: open / and give the password."

    def _braked(self, scope: Scope, send: Send) -> Send:
        """Return what sends the answer to a guess, and lets go of the brake where it was right."""

        async def wrapped(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                self._brake.right(_address(scope))
            await send(message)

        return wrapped

    def _known(self, name: str) -> bool:
        """Return whether the server may be called by this host name.

        Rebinding needs a name, so a literal address is fine where the server is open to others anyway.
        """
        return name in self._names or (self._open_to_others and _is_address(name))


class _Answered:
    """Passes messages on, and notes the task of an answer that is a line of events: it ends with its page."""

    def __init__(self, send: Send, lines: "set[asyncio.Task[Any]]") -> None:
        self.begun = self.ended = False
        self._send, self._lines = send, lines
        self.task: Any = asyncio.current_task()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            if any(
                name.lower() == b"content-type" and kind.startswith(b"text/event-stream")
                for name, kind in message.get("headers", ())
            ):
                self._lines.add(self.task)
        self.ended |= message["type"] == "http.response.body" and not message.get("more_body")
        await self._send(message)


def is_loopback(host: str) -> bool:
    """Return whether a server bound to `host` can be reached from this machine only."""
    if host.lower() == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host.strip("[]")).is_loopback


def host_name(host: str) -> str:
    """Return the name in a Host header, lower case, without port and brackets; empty if unreadable."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _place(origin: str) -> str:
    """Return host and port of an Origin, lower case; empty if unreadable."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _length_refusal(scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
    """Return a refusal for a body of unknown length or beyond its limit, else None."""
    if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
        return None
    length = headers.get("content-length", "0" if scope["method"] == "DELETE" else "")
    if not (length.isascii() and length.isdigit()) or "transfer-encoding" in headers:
        return 411, "Send the length of the body (Content-Length)."
    if len(length) > 15 or int(length) > JSON_BYTES:
        return 413, f"The body is too long; at most {JSON_BYTES:,} bytes are taken."
    return None


def _refusal_of_failed(scope: Scope) -> tuple[int, str] | None:
    """Return what to answer where Gradio fails at a request; None where failing is no fault of the request.

    Our own functions tell their errors themselves (doors.py): what fails here is a call of no function, or a
    name that no file can have.
    """
    if scope["type"] != "http":
        return None
    if scope["method"] == "POST" and scope["path"].startswith("/gradio_api/"):
        return 400, "There is nothing to answer such a call. The server's log says more."
    if scope["path"].startswith(("/assets/", "/static/", "/svelte/")):
        return 404, "No such file."
    return None


async def _in_a_sentence(
    app: AsgiApp, scope: Scope, receive: Receive, send: Send, refusal: tuple[int, str]
) -> None:
    """Answer a request with the refusal, and write to the log, where the application fails at it."""
    failed = False

    async def wrapped(message: MutableMapping[str, Any]) -> None:
        nonlocal failed
        failed = failed or (message["type"] == "http.response.start" and message["status"] == 500)
        if not failed:
            await send(message)

    try:
        await app(scope, receive, wrapped)
    except Exception:
        if not failed:
            raise
        LOG.warning("A request for %s failed", scope["path"][:80], exc_info=True)
    if failed:
        await _refuse(scope, send, *refusal)


def _is_guess(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["method"] == "POST" and scope["path"].rstrip("/") == LOGIN


def _address(scope: Scope) -> str:
    """Return who asks, as the connection says: forwarding headers are forged too easily.

    Of IPv6 the first 64 bits: whoever has one address there has all the others.
    """
    client, _, _ = str((scope.get("client") or ("",))[0]).partition("%")
    address = ipaddress.ip_address(client) if _is_address(client) else None
    if isinstance(address, ipaddress.IPv6Address) and not address.ipv4_mapped:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return client


def _without_proxy_headers(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers less X-Forwarded-* and Forwarded, which Gradio would believe."""
    return [
        pair
        for pair in headers
        if not pair[0].lower().startswith(b"x-forwarded-") and pair[0].lower() != b"forwarded"
    ]


def _with_security_headers(send: Send) -> Send:
    async def wrapped(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            ours = {name for name, _ in SECURITY_HEADERS}
            kept = [pair for pair in message.get("headers", ()) if pair[0].lower() not in ours]
            message = {**message, "headers": [*kept, *SECURITY_HEADERS]}
        await send(message)

    return wrapped


async def _refuse(scope: Scope, send: Send, status: int, sentence: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    body = sentence.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        *SECURITY_HEADERS,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
