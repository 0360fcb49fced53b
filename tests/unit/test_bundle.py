"""All modules of the page as one file: what it exports, and where a line of it comes from."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from app.bundle import BUNDLE, bundle
from app.components import VIEWS
from app.first_paint import FIRST
from app.page import made_files
from app.web_files import WEB, modules

TRACE = """
import {{ all }} from {address};
const said = {{}};
for (const [name, module] of Object.entries(all)) said[name] = Object.keys(module);
try {{ all["b.js"].fall(); }} catch (fault) {{ said.fault = fault.stack.split("\\n")[1]; }}
console.log(JSON.stringify(said));
"""


def run(folder: Path, script: str) -> dict[str, str | list[str]]:
    """What a script prints, with traces by the source map."""
    command = ["node", "--enable-source-maps", "--input-type=module", "--eval", script]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return dict(json.loads(ended.stdout))


def write(folder: Path, made: tuple[bytes, bytes]) -> None:
    (folder / BUNDLE).write_bytes(made[0])
    (folder / f"{BUNDLE}.map").write_bytes(made[1])
    (folder / "package.json").write_text('{"type": "module"}')


def test_names_stay_their_module_s_own_and_a_trace_names_its_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "first.js").write_text("export const first = 1;\n")
    (tmp_path / "room" / "a.js").write_text(
        'import { first } from "../first.js";\n\nconst own = 1;\nexport class A {}\n'
        "export async function\n  later() {}\nexport function one() {\n  return own + first;\n}\n"
    )
    (tmp_path / "b.js").write_text(
        'import {\n  A,\n  one as two,\n} from "./room/a.js";\nimport "./first.js"; // early\n\n'
        "const own = 2;\nexport const b = two() + own;\n"
        "export function fall() {\n  throw new Error(A.name);\n}\n"
    )
    with pytest.raises(ValueError, match=r"room/a\.js: 'export async function' is a form"):
        bundle(tmp_path, ["b.js"], "first.js")
    text = (tmp_path / "room" / "a.js").read_text().replace("function\n  later", "function later")
    (tmp_path / "room" / "a.js").write_text(text)
    made = bundle(tmp_path, ["b.js", "room/a.js"], "first.js")
    write(tmp_path, made)
    script = TRACE.format(address=json.dumps(f"./{BUNDLE}"))
    said = run(tmp_path, script + 'if (all["b.js"].b !== 4) throw new Error(all["b.js"].b);')
    assert said["b.js"] == ["b", "fall"]
    assert said["room/a.js"] == ["A", "later", "one"]
    # The line of the throw in b.js, which is not its line in the bundle.
    assert re.search(r"/b\.js:10:\d+\)?$", str(said["fault"])), said["fault"]
    # What is apart stays one module, for the page that has loaded it before.
    assert b'from "./first.js"' in made[0] and b"const first = 1" not in made[0]


def test_the_page_s_bundle_is_every_module_and_each_view_can_be_mounted(tmp_path: Path) -> None:
    made = made_files()
    sources = json.loads(made[f"{BUNDLE}.map"])["sources"]
    every = {str(path.relative_to(WEB)) for path in WEB.rglob("*.js")}
    assert {*sources, *modules(WEB, FIRST)} == every
    for name in modules(WEB, FIRST):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((WEB / name).read_bytes())
    write(tmp_path, (made[BUNDLE], made[f"{BUNDLE}.map"]))
    said = run(tmp_path, TRACE.format(address=json.dumps(f"./{BUNDLE}")))
    assert {name for name in said if name != "fault"} == set(VIEWS)
    assert all("mount" in said[name] for name in VIEWS)
