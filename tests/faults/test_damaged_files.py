"""Each file of a run broken in each way, behind each door: nothing goes down, and each is said.

The cases are made from the table of files (`runs/run_files.py`): a new file is among them by itself.
"""

from collections.abc import Callable
from typing import Any

import pytest

from app import parts
from app.actions import compare, probe, unlearn
from app.actions.taught_models import taught_models
from app.service import Service
from app.sessions.session import Options
from tests.faults.whole_runs import broken, damages, whole_run
from tests.page_service import live_service
from tokenunlearn.cli.attack import _folder as attacked
from tokenunlearn.documents.sources import open_source
from tokenunlearn.errors import TokenUnlearnError
from tokenunlearn.runs.run_files import RUN_FILES

# A kind of run whose folder holds each file in use, and the state that it stands in; others are of training.
HOLDS = {
    "checkpoint/checkpoint.safetensors": "training, paused",
    "gradients.json": "gradients, finished",
    "perturb.json": "perturb, finished",
    "sweep.jsonl": "sweep, finished",
    "taught.json": "teach, finished",
    "beside.json": "teach, finished",
}
TRAINED = "training, finished"
# Where a file that is no longer there is none that was lost: what it would hold has perhaps never been.
MAY_BE_MISSING = {"artifact.json", "attacks.json", "depth.json", "note.json", "request.json", "log.txt"}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Service, str, str]]:
    """By kind and state: a page's service with such a run and a whole one beside it, and their ids."""
    made = {}
    for holder in dict.fromkeys((TRAINED, *HOLDS.values())):
        service = live_service(tmp_path_factory.mktemp("runs"))
        held = whole_run(service.queue, *holder.split(", "))
        made[holder] = (service, held, whole_run(service.queue, "training"))
    return made


Doors = dict[str, Callable[[], str]]


def doors(service: Service, run_id: str, good: str) -> Doors:
    """What each door says of one run, the other one being there as well."""
    folder = service.queue.store.path(run_id)
    return {
        "running page": lambda: page(service, run_id, good),
        "start": lambda: page(Service(Options(model="tiny", runs=folder.parent)), run_id, good),
        "command line": lambda: f"{said(lambda: open_source(folder).notes)} {said(lambda: attacked(folder))}",
    }


def page(service: Service, run_id: str, good: str) -> str:
    """What the tabs and chips say of a run."""
    assert {run_id, good} <= {each for each, *_ in parts.look(service, run_id, run_id).runs}
    value, follow = compare.runs(service), unlearn.follow(service, run_id)
    lines = {line["run_id"]: line for line in (*value["runs"], *value["sweeps"])}
    assert lines[good]["faults"] == [] and lines[good]["after"]["fact_joint"] == 0.1
    assert follow["shown"] == run_id and good in {run for _, run in probe.run_choices(service)}
    taught_models(service)
    (card,) = [line["text"] for line in follow["runs"] if line["run_id"] == run_id]
    listed = lines.get(run_id, {})
    return str([card, listed.get("text"), listed.get("note"), said(lambda: probe.show(service, run_id))])


def said(read: Callable[[], Any]) -> str:
    """What is read, or the sentence of an expected error."""
    try:
        return str(read())
    except TokenUnlearnError as error:
        return str(error)


@pytest.mark.parametrize("name", RUN_FILES)
def test_each_damage_of_a_file_is_said_behind_each_door(
    name: str, services: dict[str, tuple[Service, str, str]]
) -> None:
    service, run_id, good = services[HOLDS.get(name, TRAINED)]
    path, asked = service.queue.store.path(run_id) / name, doors(service, run_id, good)
    tried = 0
    for damage, act in damages(path.name, path.read_bytes()):
        mend = broken(path, act)
        told = {door: path.name in read() for door, read in asked.items()}
        mend()
        assert set(told.values()) == {not is_whole(name, damage)}, (damage, told)
        tried += len(told)
    assert tried == 21
    assert not any("cannot be read" in read() for read in asked.values()), "what was mended is read again"


def is_whole(name: str, damage: str) -> bool:
    """Whether a file that was changed in this way is whole all the same."""
    if name == "log.txt":  # any text is one
        return damage != "not readable"
    return damage == "missing" and name in MAY_BE_MISSING
