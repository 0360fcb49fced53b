"""What a run gives away: the command line that makes it again, its adapter with a card, its merged model."""

import io
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tiny_folder import make_tiny_adapter
from tests.tiny_rows import RETAIN, ROWS, WORLD, tiny
from tokenunlearn.cli import build_parser, main
from tokenunlearn.cli.training import training_settings
from tokenunlearn.data.rows import row_to_dict
from tokenunlearn.errors import RunError
from tokenunlearn.experiments.config import CompareConfig
from tokenunlearn.masks import columns_from_table, make_mask, read_mask, write_mask
from tokenunlearn.models.loading import load_model
from tokenunlearn.runs.again import command_words
from tokenunlearn.runs.artifact import open_artifact
from tokenunlearn.runs.job import load_job
from tokenunlearn.runs.merged import save_merged
from tokenunlearn.runs.model_card import adapter_zip, base_name, model_card, steps_made
from tokenunlearn.scoring import ScoreConfig, score
from tokenunlearn.selection import Rule
from tokenunlearn.settings import from_flags, to_dict
from tokenunlearn.table import provenance, write_table
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.loop import train

TRAINING = TrainConfig(
    steps=2, learning_rate=0.0005, rank=2, seed=7, objective="npo", objective_settings={"beta": 0.25}
)


@pytest.fixture(scope="module")
def table(tiny_folder: Path) -> Any:
    """Three rows, of which the run is on two."""
    return score(tiny(tiny_folder), ROWS[:3], ScoreConfig(signals=("knowledge_swap", "entropy")))


def run(folder: Path, tiny_folder: Path, table: Any, **more: Any) -> tuple[Path, dict[str, Any]]:
    """A run's folder as the page makes it, and its config."""
    directory = folder / "run-3"
    directory.mkdir()
    mask = make_mask(columns_from_table(table), Rule(fraction=0.3), {}, provenance(table)["scores_id"])
    own = table["row_id"].isin([row.id for row in ROWS[:2]]).to_numpy()
    mask = make_mask(
        columns_from_table(table),
        mask.rule,
        {int(at): "out" for at in np.flatnonzero(mask.selected & ~own)},
        mask.scores_id,
    )
    write_table(table, directory / "tokens.parquet")
    write_mask(directory / "mask.jsonl", mask, table)
    splits = {"forget": ROWS[:2], "retain": RETAIN[:2], "world": (WORLD,)}
    config = {
        "name": "tiny, chosen tokens",
        "arm": "chosen",
        "model": str(tiny_folder),
        "adapter": None,
        "precision": "fp32",
        "training": to_dict(TRAINING),
        "rule": to_dict(mask.rule),
        "mask_hash": mask.hash,
        "scores_id": mask.scores_id,
        **{split: [row_to_dict(row) for row in rows] for split, rows in splits.items()},
        **more,
    }
    return directory, config


def test_the_command_line_trains_the_same_tokens_with_the_same_settings(
    tmp_path: Path, tiny_folder: Path, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, config = run(tmp_path, tiny_folder, table)
    words = command_words(directory, config)
    assert words[:4] == ["python", "-m", "tokenunlearn", "unlearn"]
    parsed = build_parser(["unlearn"]).parse_args(words[3:])
    assert training_settings(parsed) == TRAINING
    assert (parsed.model, parsed.precision, parsed.adapter) == (str(tiny_folder), "fp32", None)

    monkeypatch.chdir(tmp_path)
    seen: list[Any] = []

    def recorded(*given: Any) -> Any:
        seen.append(given)
        return train(*given)

    monkeypatch.setattr("tokenunlearn.training.loop.train", recorded)
    assert main(words[3:]) == 0
    (_, forget, retain, weights, settings, *_), job = seen[0], load_job(config, directory)
    assert [row.id for row in (*forget, *retain)] == [row.id for row in (*job.rows.forget, *job.rows.retain)]
    assert settings == TRAINING and (tmp_path / "run-3-again" / "adapter").is_dir()
    assert job.weights is not None and weights.keys() == job.weights.keys()
    for name, values in weights.items():
        np.testing.assert_array_equal(values, job.weights[name])


def test_a_mask_on_a_fitted_signal_has_no_command_line_and_nor_has_an_attack(
    tmp_path: Path, tiny_folder: Path, table: Any
) -> None:
    directory, config = run(tmp_path, tiny_folder, table)
    mask = replace(read_mask(directory / "mask.jsonl", table, None), scores_id="s-fit")
    write_mask(directory / "mask.jsonl", mask, table)
    for kind in ({}, {"sweep": {"arms": ["chosen"], "seeds": 1}}):
        with pytest.raises(RunError, match="fitted on marks"):
            command_words(directory, {**config, **kind, "scores_id": "s-fit"})
    with pytest.raises(RunError, match="of the kind attack"):
        command_words(directory, {**config, "attack": {"name": "relearning"}})


def test_a_sweep_and_a_rival_have_their_own_verbs(tmp_path: Path, tiny_folder: Path, table: Any) -> None:
    directory, config = run(tmp_path, tiny_folder, table)
    sweep = {"arms": ["chosen", "random"], "objectives": None, "seeds": 2, "equal_below": 0.2}
    words = command_words(directory, {**config, "sweep": sweep})
    parsed = build_parser(["compare"]).parse_args(words[3:])
    asked = CompareConfig(arms=("chosen", "random"), seeds=2, equal_below=0.2)
    assert from_flags(CompareConfig, parsed) == asked
    assert training_settings(parsed) == TRAINING
    every = command_words(directory, {**config, "sweep": {**sweep, "objectives": ["npo", "ga"]}})
    assert "--objectives" in every and "--objective" not in every and "--set" not in every
    words = command_words(directory, {**config, "rival": {"name": "icul", "settings": {"examples": 2}}})
    parsed = build_parser(["probe"]).parse_args(words[3:])
    assert (parsed.rival, parsed.set) == ("icul", ["examples=2"])


def test_the_mask_of_a_sweep_s_command_is_on_its_own_rows(
    tmp_path: Path, tiny_folder: Path, table: Any
) -> None:
    directory, config = run(tmp_path, tiny_folder, table)
    words = command_words(directory, {**config, "sweep": {"arms": ["chosen"], "seeds": 1}})
    path = words[words.index("--mask") + 1]
    own = score(tiny(tiny_folder), ROWS[:2], ScoreConfig(signals=("knowledge_swap", "entropy")))
    mask, whole = read_mask(path, own, None), read_mask(directory / "mask.jsonl", table, None)
    np.testing.assert_array_equal(mask.weights, whole.weights[: len(own)])


@pytest.fixture
def with_adapter(tmp_path: Path, tiny_folder: Path, table: Any) -> tuple[Path, dict[str, Any]]:
    directory, config = run(tmp_path, tiny_folder, table)
    make_tiny_adapter(tiny_folder, directory / "adapter")
    return directory, config


PROBES = {
    "before": {"summary": {"fact_joint": 0.91234, "retain": 0.5, "fluency": None}},
    "after": {"summary": {"fact_joint": 0.1, "retain": None, "fluency": None}},
}


def test_the_card_says_what_it_is_made_of_and_names_no_place_of_this_machine(
    with_adapter: tuple[Path, dict[str, Any]], tiny_folder: Path
) -> None:
    directory, config = with_adapter
    card = model_card("run-3", {**config, "name": "a | b"}, PROBES)
    assert "| fact, joint, probability | 0.912 | 0.100 |" in card
    assert "| retain, probability | 0.500 | not measured |" in card and "fluency" not in card
    assert f"mask {config['mask_hash']}" in card and "2 forget, 2 retain, 1 world; SHA-256 " in card
    assert "| training.learning_rate | 0.0005 |" in card and "its own licence holds" in card
    assert str(tiny_folder) not in card and "license:" not in card
    evil = model_card("run-3", {**config, "name": "x\n# y [a](http://b) <img> `c`\u202e _d_"}, PROBES)
    assert r"# x \# y \[a\](http://b) \<img\> \`c\` \_d\_" in evil.splitlines()
    assert sum(line.startswith("# ") for line in evil.splitlines()) == 1
    for adapter, name in (("/x/runs/run-1/adapter", "run-1"), ("/x/taught", "taught")):
        assert f"| Target adapter | {name} |" in model_card("run-3", {**config, "adapter": adapter}, None)
    assert "| Steps made | 2 of " in model_card("run-3", config, None, 2)
    assert "| Steps made | not recorded of " in card and "those of the world" not in card
    same = {**config, "world": config["retain"]}
    assert "(the retain rows are those of the world" in model_card("run-3", same, None)
    embedded = model_card("run-3", {**config, "model": None}, None)
    assert "license: apache-2.0" in embedded and "Not measured." in embedded


def test_the_zip_opens_as_an_adapter_that_says_the_same(
    with_adapter: tuple[Path, dict[str, Any]], tmp_path: Path, tiny_folder: Path
) -> None:
    directory, config = with_adapter
    content = adapter_zip(directory, config, PROBES)
    assert content == adapter_zip(directory, config, PROBES)
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        packed.extractall(tmp_path / "out")
    folder = tmp_path / "out" / "run-3"
    assert {each.name for each in folder.iterdir()} == {
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
    }
    assert steps_made(directory) is None
    (directory / "state.json").write_text('{"saved_step": 4}')
    assert steps_made(directory) == 4
    named = json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"]
    assert named == tiny_folder.name
    (pair,) = [(ROWS[0].question, ROWS[0].answer)]
    models = (load_model(str(tiny_folder), folder, "fp32"), open_artifact(directory, config))
    first, second = (model.token_log_probs([pair])[0].log_probs for model in models)
    np.testing.assert_array_equal(first, second)


def test_the_merged_model_says_what_the_adapter_says_and_needs_none(
    with_adapter: tuple[Path, dict[str, Any]],
) -> None:
    directory, config = with_adapter
    (directory / "merged").mkdir()
    (directory / "merged" / "old").touch()
    folder, size = save_merged(directory, config, PROBES)
    assert folder == directory / "merged" and not (folder / "old").exists()
    assert size == sum(each.stat().st_size for each in folder.iterdir()) > 10_000
    pair = (ROWS[0].question, ROWS[0].answer)
    models = (load_model(str(folder), None, "fp32"), open_artifact(directory, config))
    first, second = (model.token_log_probs([pair])[0].log_probs for model in models)
    np.testing.assert_allclose(first, second, atol=1e-5)
    assert not list(directory.glob(".merged-*"))


def test_without_room_or_without_an_adapter_nothing_is_written(
    with_adapter: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, config = with_adapter
    full = shutil.disk_usage(directory)._replace(free=10)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    with pytest.raises(RunError, match="does not fit on the disk"):
        save_merged(directory, config, PROBES)
    assert not (directory / "merged").exists()
    shutil.rmtree(directory / "adapter")
    for give in (save_merged, adapter_zip):
        with pytest.raises(RunError, match="has no adapter"):
            give(directory, config, PROBES)


def test_a_base_model_that_was_named_by_a_relative_path_has_the_name_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "tiny"
    (folder / "inner").mkdir(parents=True)
    monkeypatch.chdir(folder)
    for named in (".", "./", "inner/..", "../tiny", str(folder), "../gone/tiny", "./gone/tiny"):
        assert base_name({"model": named}) == "tiny", named
    assert base_name({"model": "owner/name"}) == "owner/name"
