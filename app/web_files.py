"""The page's own code under /web: ES modules, styles, Plotly's bundle from the installed package.

Files are revalidated on each load (`no-cache` with an ETag), so an update never meets a stale module.
"""

import hashlib
import importlib.util
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SUFFIXES = (".js", ".css", ".svg", ".json")
PLOTLY = "plotly.min.js"


class WebFiles:
    """The ASGI application for /web: regular files of one folder, named documents, and Plotly.

    `documents` maps a name to the bytes of a file that is made at start, such as the views' nested styles.
    """

    def __init__(self, folder: Path, documents: Mapping[str, bytes] | None = None) -> None:
        self._folder = folder.resolve()
        self._documents = dict(documents or {})
        self._etags: dict[tuple[str, int, int], str] = {}

    def answers(self, scope: Mapping[str, Any]) -> bool:
        """Return whether this request is for /web."""
        return scope["type"] == "http" and str(scope["path"]).startswith("/web/")

    async def __call__(self, scope: Mapping[str, Any], _receive: Any, send: Any) -> None:
        """Answer one request with the file, 304, 404 or 405."""
        if scope["method"] not in ("GET", "HEAD"):
            await _answer(send, 405, b"Only GET.", "text/plain", "")
            return
        name = str(scope["path"])[len("/web/") :]
        found = self._read(name)
        if found is None:
            await _answer(send, 404, b"No such file.", "text/plain", "")
            return
        body, etag = found
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        if kind.startswith("text/") or name.endswith((".js", ".json")):
            kind = f"{'text/javascript' if name.endswith('.js') else kind}; charset=utf-8"
        asked = dict(scope["headers"]).get(b"if-none-match", b"").decode("latin-1")
        if asked == etag:
            await _answer(send, 304, b"", kind, etag)
        else:
            await _answer(send, 200, b"" if scope["method"] == "HEAD" else body, kind, etag)

    def _read(self, name: str) -> tuple[bytes, str] | None:
        """Return bytes and ETag of one file, or None for anything that is not ours to serve."""
        if name in self._documents:
            body = self._documents[name]
            return body, f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        path = plotly_bundle() if name == PLOTLY else self._inside(name)
        if path is None or not path.is_file():
            return None
        stat = path.stat()
        body = path.read_bytes()
        key = (str(path), stat.st_mtime_ns, stat.st_size)
        if key not in self._etags:
            self._etags[key] = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        return body, self._etags[key]

    def _inside(self, name: str) -> Path | None:
        """Return the path of a file of the folder; None for other suffixes, links out and `..`."""
        if "\\" in name or "\0" in name or not name.endswith(SUFFIXES):
            return None
        path = (self._folder / name).resolve()
        return path if path.is_relative_to(self._folder) else None


def plotly_bundle() -> Path | None:
    """Return the path of plotly.js inside the installed plotly package, or None without it."""
    # find_spec, not import: importing plotly would cost the start half a second for one path.
    spec = importlib.util.find_spec("plotly")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "package_data" / PLOTLY


async def _answer(send: Any, status: int, body: bytes, kind: str, etag: str) -> None:
    headers = [(b"content-type", kind.encode()), (b"cache-control", b"no-cache")]
    if etag:
        headers.append((b"etag", etag.encode()))
    if status != 304:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
