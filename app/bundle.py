"""All modules of the page as one file, made when the page starts: no build step, one request for a hundred.

Each module becomes a function, so that its names stay its own, with its lines as they are written; a source
map tells the browser's tools file and line. Only the forms that our modules use are read: named imports and
exported declarations.
"""

import json
import posixpath
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from app.web_files import modules

BUNDLE: Final = "page.js"
IMPORT: Final = re.compile(r'^import (?:(\{[^}]*\}) from )?"(\.{1,2}/[^"]+)";', re.MULTILINE)
EXPORT: Final = re.compile(r"^export ((?:async function|function|class|const) ([\w$]+))", re.MULTILINE)
OTHER_FORM: Final = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
# Of a source map, in its digits: the same column of the next line, and the first line of the next file.
NEXT_LINE: Final = "AACA"


def bundle(folder: Path, entries: Sequence[str], apart: str) -> tuple[bytes, bytes]:
    """Return one module and its source map: `all` maps each entry to what it exports.

    `apart` is a module that the page loads before: it and what it imports stay files of their own. Raises
    ValueError for a form of import or export that is not read here.
    """
    own = modules(folder, apart)
    inside = [name for name in modules(folder, *entries) if name not in own]
    names = {name: f"m{at}" for at, name in enumerate([*own, *inside])}
    lines = [f'import * as {names[name]} from "./{name}";' for name in own]
    mappings = [""] * len(lines)
    before = 0  # The last line that the map has named: it counts from there.
    for at, name in enumerate(inside):
        body = _body(name, (folder / name).read_text(encoding="utf-8"), names)
        lines += [f"const {names[name]} = (() => {{", *body]
        first = f"A{_digits(int(at > 0))}{_digits(-before)}A"
        mappings += ["", first, *[NEXT_LINE] * (len(body) - 2), ""]
        before = len(body) - 2
    held = ", ".join(f'"{name}": {names[name]}' for name in entries)
    lines += [f"export const all = {{ {held} }};", f"//# sourceMappingURL={BUNDLE}.map", ""]
    source_map = {"version": 3, "sources": inside, "names": [], "mappings": ";".join(mappings)}
    return "\n".join(lines).encode(), json.dumps(source_map).encode()


def _body(name: str, source: str, names: dict[str, str]) -> list[str]:
    """Return the lines of a module as those of a function that returns what it exports, closed."""

    def taken(found: re.Match[str]) -> str:
        module = names[posixpath.normpath(posixpath.join(posixpath.dirname(name), found[2]))]
        return f"const {found[1].replace(' as ', ': ')} = {module};" if found[1] else ""

    exported = [found[2] for found in EXPORT.finditer(source)]
    body = EXPORT.sub(r"\1", IMPORT.sub(taken, source))
    left = OTHER_FORM.search(body)
    if left is not None:
        raise ValueError(f"{name}: {left[0]!r} is a form that app/bundle.py does not read: use another")
    return [*body.removesuffix("\n").split("\n"), f"return {{ {', '.join(exported)} }}; }})();"]


def _digits(value: int) -> str:
    """Return an integer as a source map writes it: base 64, five bits a digit, the sign in the lowest."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    rest = abs(value) << 1 | (value < 0)
    digits = ""
    while True:
        digits += letters[rest & 31 | (32 if rest > 31 else 0)]
        rest >>= 5
        if not rest:
            return digits
