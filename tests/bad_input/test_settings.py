"""Bad settings and flags of every verb: a sentence that names flag and remedy, status 2, nothing written.

The model that the commands name does not exist, so a case that waits for the model with its refusal says so.
"""

from pathlib import Path

import numpy as np
import pytest

from tests.tiny_rows import RETAIN, ROWS, write_rows
from tests.unit.test_job import table
from tokenunlearn.cli import main
from tokenunlearn.masks import columns_from_table, make_mask, write_mask
from tokenunlearn.selection import Rule
from tokenunlearn.table import write_table

pytestmark = pytest.mark.slow

HUGE = "1" + "0" * 400
ROWS_AND = ["rows.jsonl", "--model", "/no/model"]
SCORE = ["score", *ROWS_AND, "--out", "new.parquet"]
SELECT = ["select", "s.parquet", "--out", "new.jsonl"]
UNLEARN = ["unlearn", *ROWS_AND, "--out", "new"]
PROBE = ["probe", *ROWS_AND, "--out", "new.json"]
TEACH = ["teach", *ROWS_AND, "--out", "new"]
COMPARE = ["compare", *ROWS_AND, "--out", "new.jsonl"]

CASES = [
    # numbers: not a number, no finite one, too large, too small, not whole, of 400 digits
    ([*SCORE, "--swap-count", "0"], "swap_count is 0. It must be a whole number from 1 to 10 names"),
    ([*SCORE, "--swap-count", "2.5"], "swap_count is '2.5'"),
    ([*SCORE, "--max-tokens", HUGE], "max_tokens is "),
    ([*SCORE, "--seed", "-1"], "seed is -1"),
    ([*SELECT, "--k", HUGE], "k is "),
    ([*SELECT, "--k", "-1"], "k is -1. It must be a whole number from 0 to 10000 tokens"),
    ([*SELECT, "--alpha", "nan"], "alpha is nan. It must be a number from 0 to 1"),
    ([*SELECT, "--alpha", "1e400"], "alpha is inf"),
    ([*SELECT, "--fraction", "25%"], "fraction is '25%'"),
    ([*SELECT, "--fraction", "٠.٥"], "fraction is '٠.٥'"),
    ([*SELECT, "--fraction", "0.2_5"], "fraction is '0.2_5'"),
    ([*SELECT, "--k", "1_0"], "k is '1_0'. It must be a whole number"),
    ([*SELECT, "--gamma", "-0.1"], "gamma is -0.1"),
    ([*SELECT, "--threshold", "1.01"], "threshold is 1.01"),
    ([*UNLEARN, "--learning-rate", "inf"], "learning_rate is inf"),
    ([*UNLEARN, "--steps", "0"], "steps is 0. It must be a whole number from 1 to 2000 steps"),
    ([*UNLEARN, "--steps", "many"], "steps is 'many'"),
    ([*UNLEARN, "--rank", "257"], "rank is 257"),
    ([*UNLEARN, "--retain-bound", "0"], "retain_bound is 0"),
    ([*UNLEARN, "--layer-share", ""], "layer_share is ''"),
    ([*UNLEARN, "--seed", HUGE], "seed is "),
    ([*TEACH, "--epochs", "1e9"], "epochs is '1e9'"),
    ([*TEACH, "--rehearse", "31"], "rehearse is 31"),
    ([*TEACH, "--stop-loss=-inf"], "stop_loss is -inf"),
    ([*PROBE, "--max-new-tokens", "0"], "max_new_tokens is 0"),
    ([*PROBE, "--paraphrases", "x"], "paraphrases is 'x'"),
    ([*COMPARE, "--seeds", "0"], "seeds is 0. It must be a whole number from 1 to 100"),
    ([*COMPARE, "--seeds", "three"], "seeds is 'three'"),
    ([*COMPARE, "--steps", HUGE], "steps is "),
    # names: unknown ones with the nearest, none at all
    ([*SCORE, "--signals", "entropi"], "Did you mean entropy?"),
    ([*SCORE, "--signals", ""], "signals is empty"),
    ([*SELECT, "--mode", "top"], "mode is 'top'"),
    ([*SELECT, "--mode", "randon"], "Did you mean random?"),
    ([*SELECT, "--normaliser", "p98"], "Did you mean p99?"),
    ([*SELECT, "--scope", "rows"], "Did you mean row?"),
    ([*SELECT, "--knowledge", "knowledge_swop"], "Did you mean knowledge_swap?"),
    ([*UNLEARN, "--objective", "nop"], "Did you mean npo?"),
    ([*UNLEARN, "--retain", "kll"], "Did you mean kl?"),
    ([*UNLEARN, "--precision", "fp16"], "precision is 'fp16'"),
    ([*COMPARE, "--arms", "unifrom"], "Did you mean uniform?"),
    ([*COMPARE, "--arms", ","], "arms is empty. It must be some of: chosen, uniform"),
    ([*COMPARE, "--knowledge", "knowledge_swop"], "Did you mean knowledge_swap?"),
    ([*COMPARE, "--entropy", "entropi"], "Did you mean entropy?"),
    ([*COMPARE, "--precision", "fp64"], "precision is 'fp64'"),
    # the objective's own settings
    ([*UNLEARN, "--set", "betta=1"], "'betta' is not a setting of NPO. Did you mean beta?"),
    ([*UNLEARN, "--set", "beta"], "It must be NAME=VALUE"),
    ([*UNLEARN, "--set", "beta=99"], "beta is 99"),
    ([*UNLEARN, "--set", "beta=NaN"], "beta is nan"),
    ([*UNLEARN, "--set", f"beta={HUGE}"], "beta is "),
    ([*UNLEARN, "--set", "beta=" + "9" * 5000], "beta is "),
    ([*UNLEARN, "--set", "beta=small"], "beta is 'small'"),
    ([*UNLEARN, "--set", "beta=[1]"], "beta is [1]"),
    ([*UNLEARN, "--set", "beta=" + "[" * 5000], "beta is "),
    ([*UNLEARN, "--set", "weights_mean_one=1"], "weights_mean_one is 1. It must be true or false"),
    ([*UNLEARN, "--objective", "ga", "--set", "beta=1"], "'beta' is not a setting of"),
    # overrides
    ([*SELECT, "--override", "0"], "It must be TOKEN=in or TOKEN=out"),
    ([*SELECT, "--override=-1=in"], "It must be TOKEN=in or TOKEN=out"),
    ([*SELECT, "--override", "7=in"], "The override of token 7 is outside the text. There are 7 tokens"),
    ([*SELECT, "--override", "9" * 5000 + "=in"], "It must be TOKEN=in or TOKEN=out"),
    ([*SELECT, "--override", "²=in"], "It must be TOKEN=in or TOKEN=out"),
    ([*SELECT, "--override", "٣=in"], "It must be TOKEN=in or TOKEN=out"),
    # settings that contradict each other, or that something else decides
    ([*COMPARE, "--mask", "m.jsonl", "--fraction", "0.5"], "A mask has its own rule"),
    ([*COMPARE, "--eval-every", "3"], "eval_every cannot be set here. Each step is looked at"),
    ([*COMPARE, "--stop-fact-below", "0.5"], "stop_fact_below cannot be set here"),
    ([*COMPARE, "--mask", "none.jsonl"], "No token is chosen"),
    ([*UNLEARN, "--scores", "s.parquet"], "There are scores and no mask"),
    ([*UNLEARN, "--mask", "none.jsonl"], "No token is chosen"),
    ([*UNLEARN, "--mask", "none.jsonl", "--scores", "s.parquet"], "No token is chosen"),
    ([*UNLEARN, "--mask", "rows.jsonl"], "This file is not a mask"),
    ([*UNLEARN, "--mask", "missing.jsonl"], "The mask file cannot be read"),
    ([*UNLEARN, "--mask", "m.jsonl", "--scores", "rows.jsonl"], "cannot be read"),
    ([*UNLEARN, "--demo"], "A FILE or --demo is needed, and not both"),
    # where to write
    ([*SCORE[:-1], "new.xlsx"], "The suffix '.xlsx' says no known format"),
    ([*SCORE[:-1], "no/folder/new.csv"], "Its folder does not exist"),
    ([*SELECT[:-1], "new.txt"], "The suffix '.txt' says no known format"),
    ([*UNLEARN[:-1], "rows.jsonl"], "Something else has that name"),
    ([*UNLEARN[:-1], "no/folder"], "Its folder does not exist"),
    ([*TEACH[:-1], "rows.jsonl"], "Something else has that name"),
    ([*PROBE[:-1], "folder.json"], "Something else has that name"),
    ([*COMPARE[:-1], "new.parquet"], "The suffix '.parquet' says no known format"),
    ([*COMPARE[:-1], "folder.json"], "The suffix '.json' says no known format"),
    ([*UNLEARN[:-1], ""], "No name is given"),
    ([*UNLEARN[:-1], "x" * 5000], "File name too long"),
    ([*SCORE[:-1], "a\0b.csv"], "No file can have such a name"),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with rows, scores of seven tokens, a mask, one of nothing, and a folder named like a file."""
    monkeypatch.chdir(tmp_path)
    write_rows(tmp_path / "rows.jsonl", ROWS[:2], RETAIN[:2])
    scores = table()
    write_table(scores, tmp_path / "s.parquet")
    rule = Rule(alpha=1.0, normaliser="min_max")
    for name, fraction in (("m.jsonl", 0.3), ("none.jsonl", 0.0)):
        rule = Rule(alpha=1.0, normaliser="min_max", fraction=fraction)
        write_mask(tmp_path / name, make_mask(columns_from_table(scores), rule), scores)
    (tmp_path / "folder.json").mkdir()
    return tmp_path


@pytest.mark.parametrize(("arguments", "words"), CASES, ids=[" ".join(case[0][-2:])[:40] for case in CASES])
def test_a_bad_setting_is_told_before_the_model_and_nothing_is_written(
    folder: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(folder.rglob("*"))
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert words in said.err and said.out == ""
    assert "Traceback" not in said.err and "/no/model" not in said.err
    assert len(said.err) < 1500, "a value of 400 digits or more is not said in full"
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["unlearn", "rows.jsonl"], ["forget"], [], [*UNLEARN, "--steps"], [*UNLEARN, "--stepps", "3"],
        ["score", "--k", "3"],
    ],
)  # fmt: skip
def test_flags_that_there_are_not_end_with_status_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m tokenunlearn" in capsys.readouterr().err


def test_there_are_forty_and_more() -> None:
    assert len(CASES) >= 40 and np.unique([" ".join(arguments) for arguments, _ in CASES]).size == len(CASES)
