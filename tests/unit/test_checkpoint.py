"""What a checkpoint belongs to: the same run goes on, another is refused by name, a full disk harms none."""

import os
import resource
import shutil
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.tiny_rows import RETAIN, ROWS, tiny
from tokenunlearn.errors import RunError
from tokenunlearn.training.checkpoint import trainable
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.events import StepDone
from tokenunlearn.training.loop import train
from tokenunlearn.training.session import with_fresh_lora

pytestmark = pytest.mark.slow

SMALL = {"forget_batch": 2, "retain_batch": 2, "retain_bound": 20.0, "rank": 2}


def test_the_start_is_remembered_by_the_checkpoint(tiny_folder, tmp_path) -> None:
    config = TrainConfig(steps=2, **SMALL)
    with closing(train(fresh(tiny_folder, config), ROWS[:2], RETAIN[:2], None, config, tmp_path)) as events:
        first = next(events)
    assert isinstance(first, StepDone)
    second = next(train(fresh(tiny_folder, config), ROWS[:2], RETAIN[:2], None, config, tmp_path))
    assert isinstance(second, StepDone) and (second.step, second.retain_start) == (2, first.retain_loss)


def test_the_default_retain_term_and_its_name_are_one_run(begun, tiny_folder) -> None:
    folder, base = begun  # of an earlier version, whose default was ce by name, or of this one
    for retain in ("own", "ce"):
        config = replace(base, retain=retain)
        train(fresh(tiny_folder, config), ROWS[:2], RETAIN[:2], None, config, folder)
    with pytest.raises(RunError, match="retain is ce there and kl here"):
        config = replace(base, retain="kl")
        train(fresh(tiny_folder, config), ROWS[:2], RETAIN[:2], None, config, folder)


def fresh(folder, config):
    return with_fresh_lora(tiny(folder), config)


ONES = {row.id: np.ones(len(row.answer)) for row in ROWS}


@pytest.mark.parametrize(
    ("settings", "more", "words"),
    [
        ({"objective": "ga"}, {}, "objective is npo there and ga here"),
        ({"seed": 7}, {}, "seed is 0 there and 7 here"),
        ({"rank": 4}, {}, "rank is 2 there and 4 here"),
        ({"objective_settings": {"beta": 0.2}}, {}, 'objective_settings is {"beta": 0.3'),
        ({}, {"forget": ROWS[1:3]}, "rows to forget are other rows (2 rows @"),
        ({}, {"forget": (ROWS[1], ROWS[0])}, "rows to forget are other rows (2 rows @"),
        ({}, {"retain": RETAIN[:1]}, "rows to keep are other rows (2 rows @"),
        ({}, {"weights": ONES | {"ada": np.eye(1, len(ROWS[0].answer))[0]}}, "mask is"),
        ({}, {"model": "other"}, "model is"),
        ({}, {"precision": "bf16"}, "precision is fp32 there and bf16 here"),
        ({"steps": 1}, {}, "at step 2, and 1 steps are asked for"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_by_name(
    begun, tiny_folder, tmp_path, settings, more, words
) -> None:
    folder, base = begun
    before = (folder / "checkpoint.safetensors").read_bytes()
    config = replace(base, **settings)
    model = fresh(tiny_folder, config)
    if more.get("model"):
        shutil.copytree(tiny_folder, tmp_path / "other")
        weights = load_file(tmp_path / "other" / "model.safetensors")
        weights["lm_head.weight"][0, 0] += 1
        save_file(weights, tmp_path / "other" / "model.safetensors", {"format": "pt"})
        model = fresh(tmp_path / "other", config)
    model = replace(model, precision=more.get("precision", model.precision))
    rows = more.get("forget", ROWS[:2]), more.get("retain", RETAIN[:2])
    with pytest.raises(RunError) as refused:
        train(model, *rows, more.get("weights"), config, folder)
    assert words in str(refused.value)
    assert (folder / "checkpoint.safetensors").read_bytes() == before


@pytest.fixture(scope="module")
def begun(tiny_folder, tmp_path_factory):
    """A checkpoint after two steps, and the settings that made it."""
    folder, config = tmp_path_factory.mktemp("begun"), TrainConfig(steps=2, **SMALL)
    list(train(fresh(tiny_folder, config), ROWS[:2], RETAIN[:2], None, config, folder))
    return folder, config


def test_the_same_run_goes_on_also_from_a_moved_folder_and_with_ones_for_no_mask(
    begun, tiny_folder, tmp_path
) -> None:
    folder, config = begun
    shutil.copytree(tiny_folder, tmp_path / "moved")
    shutil.copytree(folder, tmp_path / "checkpoint")
    more = replace(config, steps=3)
    events = train(fresh(tmp_path / "moved", more), ROWS[:2], RETAIN[:2], ONES, more, tmp_path / "checkpoint")
    assert [event.step for event in events if isinstance(event, StepDone)] == [3]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-40]), "The checkpoint is damaged"),
        (lambda path: path.write_bytes(b""), "The checkpoint is damaged"),
        (
            lambda path: save_file(load_file(path), path, {"step": "2"}),
            "does not say what it belongs to. It was written by an earlier version",
        ),
    ],
)
def test_a_checkpoint_that_cannot_be_judged_is_refused(begun, tiny_folder, tmp_path, damage, words) -> None:
    folder, config = begun
    shutil.copytree(folder, tmp_path / "checkpoint")
    damage(tmp_path / "checkpoint" / "checkpoint.safetensors")
    with pytest.raises(RunError, match=words):
        train(fresh(tiny_folder, config), ROWS[:2], RETAIN[:2], None, config, tmp_path / "checkpoint")


def test_a_checkpoint_that_cannot_be_written_leaves_the_last_one(begun, tiny_folder, tmp_path) -> None:
    """As on a full disk: the file grows to its limit, half written; the run then goes on to the same bits."""
    folder, config = begun
    more = replace(config, steps=4)
    shutil.copytree(folder, tmp_path / "straight")
    straight = fresh(tiny_folder, more)
    list(train(straight, ROWS[:2], RETAIN[:2], None, more, tmp_path / "straight"))

    shutil.copytree(folder, tmp_path / "full")
    path = tmp_path / "full" / "checkpoint.safetensors"
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        with pytest.raises(RunError, match=r"checkpoint of step 3 cannot be written. File too large"):
            list(train(fresh(tiny_folder, more), ROWS[:2], RETAIN[:2], None, more, tmp_path / "full"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before and os.listdir(path.parent) == [path.name]
    again = fresh(tiny_folder, more)
    list(train(again, ROWS[:2], RETAIN[:2], None, more, tmp_path / "full"))
    for one, two in zip(trainable(straight.model).values(), trainable(again.model).values(), strict=True):
        assert torch.equal(one, two)
