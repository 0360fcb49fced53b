"""Write ./runs as 89070e2 does, of which .masks and .subjects are kept here.

`git worktree add /tmp/at89 89070e2`; then, in an empty folder, `PYTHONPATH=/tmp/at89 python make.py`.
"""

from pathlib import Path

import app.loading

from app.actions import masks
from app.actions.subjects import rescore
from app.service import Options, Service
from tests.tiny_folder import make_tiny_folder
from tests.tiny_rows import ROWS, write_rows

RULE = {"alpha": 1.0, "mode": "top_k", "k": 2, "scope": "set"}


def opened(precision: str) -> Service:
    service = Service(Options("tiny", data="rows.jsonl", precision=precision, runs=Path("runs")))
    service._load()
    assert service.stage.name == "live", service.stage.error
    return service


def note(text: str, at: int) -> dict[str, object]:
    return {"note": text, "time": 1_764_400_000_000 + at}


def main() -> None:
    app.loading.measure_before = lambda *_: None
    make_tiny_folder(Path("tiny"))
    write_rows(Path("rows.jsonl"), ROWS[:3])

    # The same text in another precision: a draft of its own, older than the others.
    service = opened("bf16")
    given = {"scores_id": service.scores().scores_id, "set": "tiny", "rule": {**RULE, "k": 5}}
    masks.save_draft(service, {**given, "overrides": {"7": "out"}, "notes": {"7": note("in bf16", 7)}})

    service = opened("fp32")
    given = {"scores_id": service.scores().scores_id, "set": "tiny", "rule": RULE}
    notes = {"3": note("the fact", 3), "9": note("ask Ada", 9)}
    first = {"overrides": {"3": "in", "20": "out"}, "notes": notes}
    ada = masks.save_mask(service, {**given, **first, "name": "Ada"})["saved"]
    bo = masks.save_mask(service, {**given, "overrides": {"4": "in"}, "name": "Bo"})["saved"]
    masks.save_draft(service, {**given, **first, "masks": [ada["id"]], "base": 0})

    # Another subject: 89070e2 carries draft and masks to the new scores, where the work goes on.
    edit = {"0": {"subject": "born", "names": ["seen"]}}
    rescore(service, {"scores_id": given["scores_id"], "changes": edit})
    edited = {**given, "scores_id": service.scores().scores_id}
    carried = masks.kept(service, edited)["draft"]
    assert carried["carried"] == {"scores_id": given["scores_id"], "version": 1}
    overrides = {**first["overrides"], "11": "in"}
    second = {"overrides": overrides, "notes": {**notes, "11": note("later", 11)}}
    masks.save_draft(service, {**edited, **second, "masks": [], "base": carried["version"]})
    assert bo["id"] == "mask-2"


main()
