"""The page's own code under /web: ES modules, styles, Plotly's bundle from the installed package.

The page asks under /web/<version>/, a hash of all of them: such a file is kept by the browser for good, and
an update has other addresses, so that it never meets a stale module. Without it each load asks whether a file
is still the same (`no-cache` with an ETag). The files are read here: Starlette's StaticFiles, with its
threads for each of 120 files, takes ten times the processor time for a load (docs/LOG.md, 30 November).
"""

import hashlib
import importlib.util
import mimetypes
import posixpath
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

WEB: Final = Path(__file__).resolve().parent / "web"
PREFIX: Final = "/web/"
SUFFIXES: Final = (".js", ".css", ".svg", ".json")
PLOTLY: Final = "plotly.min.js"
VERSIONED: Final = re.compile(r"([0-9a-f]{12})/(.*)", re.DOTALL)
FOR_GOOD: Final = "public, max-age=31536000, immutable"
IMPORTS: Final = re.compile(r"""^(?:import|export|\})[^"'\n]*["'](\.{1,2}/[^"']+\.js)["'];""", re.MULTILINE)


def address(name: str) -> str:
    """Return where the page finds one of its own files, as it is now."""
    return f"{PREFIX}{version(WEB)}/{name}"


@cache
def version(folder: Path) -> str:
    """Return the hash of all files of the folder and of Plotly's bundle: 12 hex digits."""
    digest = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.suffix in SUFFIXES):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder)} {content}\n".encode())
    bundle = plotly_bundle()
    digest.update(str(bundle.stat().st_size if bundle else 0).encode())
    return digest.hexdigest()[:12]


def modules(folder: Path, *entries: str) -> list[str]:
    """Return these modules of the folder and all that they import, each behind what it imports."""
    found: dict[str, None] = {}

    def walk(name: str) -> None:
        if name in found:
            return
        for other in IMPORTS.findall((folder / name).read_text(encoding="utf-8")):
            walk(posixpath.normpath(posixpath.join(posixpath.dirname(name), other)))
        found[name] = None

    for entry in entries:
        walk(entry)
    return list(found)


class WebFiles:
    """The ASGI application for /web: regular files of one folder, named documents, and Plotly.

    `documents` maps a name to the bytes of a file that is made at start, such as the views' nested styles.
    """

    def __init__(self, folder: Path, documents: Mapping[str, bytes] | None = None) -> None:
        self._folder = folder.resolve()
        self._documents = dict(documents or {})
        self._etags: dict[tuple[str, int, int], str] = {}

    async def __call__(self, scope: Mapping[str, Any], _receive: Any, send: Any) -> None:
        """Answer one request with the file, 304, 404 or 405."""
        if scope["method"] not in ("GET", "HEAD"):
            await _answer(send, 405, b"Only GET.", "text/plain", "")
            return
        asked_version, name = _parts(str(scope["path"]).removeprefix(PREFIX))
        found = self._read(name)
        if found is None:
            await _answer(send, 404, b"No such file.", "text/plain", "")
            return
        body, etag = found
        # A page of an earlier version may still ask for what it loads late: it gets what there is now.
        kept = FOR_GOOD if asked_version == version(self._folder) else "no-cache"
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        if kind.startswith("text/") or name.endswith((".js", ".json")):
            kind = f"{'text/javascript' if name.endswith('.js') else kind}; charset=utf-8"
        asked = dict(scope["headers"]).get(b"if-none-match", b"").decode("latin-1")
        if asked == etag:
            await _answer(send, 304, b"", kind, etag, kept)
        else:
            await _answer(send, 200, b"" if scope["method"] == "HEAD" else body, kind, etag, kept)

    def _read(self, name: str) -> tuple[bytes, str] | None:
        """Return the bytes and ETag of one file, or None for anything that is not ours to serve."""
        if name in self._documents:
            body = self._documents[name]
            return body, f'"{hashlib.sha256(body).hexdigest()[:20]}"'
        try:
            path = plotly_bundle() if name == PLOTLY else self._inside(name)
            if path is None or not path.is_file():
                return None
            stat, body = path.stat(), path.read_bytes()
        except OSError:  # A name that is too long for any file.
            return None
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


def _parts(path: str) -> tuple[str, str]:
    """Return the version ("" without one) and the name."""
    found = VERSIONED.fullmatch(path)
    return (found[1], found[2]) if found else ("", path)


async def _answer(send: Any, status: int, body: bytes, kind: str, etag: str, kept: str = "no-cache") -> None:
    headers = [(b"content-type", kind.encode()), (b"cache-control", kept.encode())]
    if etag:
        headers.append((b"etag", etag.encode()))
    if status != 304:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
