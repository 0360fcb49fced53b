"""A run trains the tokens that its mask names, each row its own."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load_file, save_file

from tokenunlearn.data.demo import demo_rows
from tokenunlearn.errors import InputError, MaskError, ModelError, RunError, SettingError, TableError
from tokenunlearn.masks import columns_from_table, make_mask, weights_for, write_mask
from tokenunlearn.runs.job import load_job, run_mask
from tokenunlearn.runs.run_rows import rows_from
from tokenunlearn.runs.run_target import target_of
from tokenunlearn.selection import Rule
from tokenunlearn.table import write_table

SPLITS = ("", "Retain", "forget")
KNOWLEDGE = [0.0, 0.0, 5.0, 4.0, 0.0, 3.0, 0.0]


def table() -> pd.DataFrame:
    """Row b before row a, three and four tokens; the fact is b's last token, a's first and third."""
    rows, positions = ["b"] * 3 + ["a"] * 4, [0, 1, 2, 0, 1, 2, 3]
    return pd.DataFrame(
        {
            "row_id": rows,
            "position": positions,
            "token_id": range(7),
            "token": list("xyzuvwt"),
            "char_start": positions,
            "char_end": [at + 1 for at in positions],
            "word_id": positions,
            "is_subject": False,
            "is_stop_word": False,
            "is_punctuation": False,
            "gold": np.nan,
            "random_key": 0.5,
            "knowledge_swap": KNOWLEDGE,
            "entropy": 0.0,
        }
    )


def run_folder(folder: Path, k: int = 3) -> dict[str, Any]:
    """The config of a run whose folder holds the table and the mask of its k highest tokens."""
    scores = table()
    rule = Rule(alpha=1.0, normaliser="min_max", mode="top_k", k=k)
    mask = make_mask(columns_from_table(scores), rule, {}, "scores")
    write_mask(folder / "mask.jsonl", mask, scores)
    write_table(scores, folder / "tokens.parquet")
    return {"mask_hash": mask.hash, "scores_id": "scores"}


def test_scores_that_were_changed_after_they_were_written_are_not_trained_by(tmp_path: Path) -> None:
    config, path = run_folder(tmp_path), tmp_path / "tokens.parquet"
    found = pd.read_parquet(path)
    found.loc[2, "knowledge_swap"] = 99.0
    found.to_parquet(path)
    with pytest.raises(TableError, match="changed after they were written"):
        run_mask(tmp_path, config)


def test_each_row_trains_the_tokens_that_were_shown_for_it(tmp_path: Path) -> None:
    found = run_mask(tmp_path, run_folder(tmp_path))
    assert found is not None
    weights = weights_for(*found, {"b": list("xyz"), "a": list("uvwt")})
    assert {row: values.tolist() for row, values in weights.items()} == {
        "b": [0.0, 0.0, 1.0],
        "a": [1.0, 0.0, 1.0, 0.0],
    }


def test_a_run_whose_rows_are_not_those_of_its_mask_is_refused(tmp_path: Path, tiny_folder: Path) -> None:
    config = run_folder(tmp_path) | {"model": str(tiny_folder), "precision": "fp32"}
    swapped = [{"id": "b", "question": "b", "answer": "zyx"}, {"id": "a", "question": "a", "answer": "uvwt"}]
    with pytest.raises(MaskError, match="belongs to other text: rows b differ"):
        load_job(config | {"forget": swapped}, tmp_path)


def test_a_run_resumes_on_what_it_began_with_alone(tmp_path: Path, tiny_folder: Path) -> None:
    """The model's folder has got other weights in between: their LoRA is not the checkpoint's."""
    model = Path(shutil.copytree(tiny_folder, tmp_path / "model"))
    config = {
        "forget": [{"id": "a", "question": "Who", "answer": "Ada Moss"}],
        "model": str(model),
        "precision": "fp32",
    }
    config["training"] = {"steps": 2, "rank": 2}
    list(load_job(config, tmp_path).train(resume=False))
    checkpoint = (tmp_path / "checkpoint" / "checkpoint.safetensors").read_bytes()
    assert [each.step for each in load_job(config, tmp_path).train(resume=True)] == [2]  # it is finished
    weights = load_file(model / "model.safetensors")
    weights["lm_head.weight"][0, 0] += 1
    save_file(weights, model / "model.safetensors", {"format": "pt"})
    with pytest.raises(RunError, match="belongs to another run. model is .* @.* there and .* @"):
        load_job(config, tmp_path).train(resume=True)
    assert (tmp_path / "checkpoint" / "checkpoint.safetensors").read_bytes() == checkpoint


def test_another_model_than_the_one_that_was_scored_is_not_trained(tiny_folder: Path) -> None:
    config = {"model": str(tiny_folder), "precision": "fp32"}
    weights = target_of(config).weights  # an earlier version did not write them
    assert target_of(config | {"weights": weights}).weights == weights
    with pytest.raises(ModelError, match="no longer the one whose rows were scored"):
        target_of(config | {"weights": "those of yesterday"})


def test_a_run_of_no_token_is_refused_before_the_model_loads(tmp_path: Path) -> None:
    with pytest.raises(MaskError, match="No token is chosen"):
        load_job(run_folder(tmp_path, k=0) | {"model": "/none"}, tmp_path)


@pytest.mark.parametrize(
    ("training", "model", "error", "words"),
    [
        ({"objective": "alt_dpo"}, "/none", InputError, "Row a has no second answer"),
        ({"objective": "pdu"}, "/none", InputError, "PDU has no rows to keep"),
        (
            {"objective": "rmu", "layer_share": 0.5, "objective_settings": {"depth": 0.5}},
            "",
            SettingError,
            "depth",
        ),
    ],
)
def test_what_an_objective_lacks_is_told_before_anything_is_probed(
    training: dict[str, Any], model: str, error: type, words: str, tmp_path: Path, tiny_folder: Path
) -> None:
    rows = [{"id": "a", "question": "Who", "answer": "Ada Moss"}]
    config = {"forget": rows, "training": training, "model": model or str(tiny_folder), "precision": "fp32"}
    with pytest.raises(error, match=words):
        load_job(config, tmp_path)


def test_the_rows_of_a_run_are_those_of_its_split(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    records = [
        {"id": at, "question": "Who?", "answer": "Ada", "split": word} for at, word in enumerate(SPLITS)
    ]
    lines = [json.dumps(each) for each in records]
    path.write_text("\n".join(lines))
    found = {
        split: [row.id for row in rows_from(str(path), split)] for split in ("forget", "retain", "world")
    }
    assert found == {"forget": ["0", "2"], "retain": ["0", "1"], "world": ["0"]}
    path.write_text("\n".join([*lines, "{}"]))
    with pytest.raises(InputError, match="Line 4 is not a row: question is missing"):
        rows_from(str(path), "forget")
    assert rows_from("world", "retain") == demo_rows("world")
    # older versions took any word for forget, and wrote it down
    (old,) = rows_from([{"id": "a", "question": "Who?", "answer": "Ada", "split": "train"}], "forget")
    assert old.split == "forget"
