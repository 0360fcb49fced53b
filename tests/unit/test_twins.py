"""fusion.py and selection.py against their JavaScript twins: 2,000 seeded cases, one run of node."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tokenunlearn.fusion import NORMALISERS
from tokenunlearn.masks import mask_hash
from tokenunlearn.modes import MODES, random_like
from tokenunlearn.selection import Rule, count_selected, select
from tokenunlearn.settings import from_dict, to_dict

CASES = 2_000
WEB = Path(__file__).parents[2] / "app" / "web"
NODE = shutil.which("node")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NODE is None, reason="node is not installed, so the twin cannot run"),
]

SCRIPT = """
import { readFileSync } from 'node:fs';
const selection = await import(process.argv[1] + '/score/selection.js');
const { DEFAULT_RULE, count_selected, select } = selection;
const { MODES, random_like } = await import(process.argv[1] + '/score/modes.js');
const { NORMALISERS } = await import(process.argv[1] + '/score/fusion.js');
const { mask_hash } = await import(process.argv[1] + '/score/mask_hash.js');
const lines = readFileSync(0, 'utf8').trim().split('\\n');
const names = [MODES, NORMALISERS].map(Object.keys);
const out = [JSON.stringify([DEFAULT_RULE, ...names])];
for (const line of lines) {
  const { columns, rule, overrides } = JSON.parse(line);
  const { fused, weights, selected, excluded } = select(columns, rule, overrides);
  const nulls = Array.from(fused, (value) => (Number.isNaN(value) ? null : value));
  out.push(JSON.stringify({
    fused: nulls, weights: [...weights], selected: [...selected], excluded: [...excluded],
    drawn: [...random_like(columns, weights, fused)],
    counts: count_selected(columns, selected), hash: await mask_hash(weights),
  }));
}
console.log(out.join('\\n'));
"""


def random_case(random):
    """A case with ties, tokens without score, constants, ±0 and very small values."""
    tokens = int(random.integers(0, 40))
    row = np.sort(random.integers(0, 5, tokens))
    word = np.cumsum(random.random(tokens) < 0.6)

    def signal():
        kind = random.integers(0, 5)
        if kind == 0:
            values = random.integers(0, 4, tokens) / 3.0  # many ties
        elif kind == 1:
            values = np.full(tokens, 0.1)  # the mean of equal values is not exact
        elif kind == 2:
            values = np.where(random.random(tokens) < 0.97, -0.0, random.random(tokens))
        elif kind == 3:
            values = random.normal(size=tokens) * 10.0 ** random.integers(-12, 4)
        else:
            values = random.exponential(size=tokens)
        return np.where(random.random(tokens) < 0.1, np.nan, values)

    columns = {
        "row": row,
        "word": word,
        "subject": random.random(tokens) < 0.1,
        "stop": random.random(tokens) < 0.3,
        "punctuation": random.random(tokens) < 0.1,
        "gold": random.choice([0.0, 1.0, np.nan], tokens),
        "random_key": np.round(random.random(tokens), 1),  # ties of keys too
        "a": signal(),
        "b": signal(),
    }
    rule = {
        "knowledge": "a",
        "entropy": "b",
        "alpha": float(random.choice([0, 0.5, 0.8, 1, random.random()])),
        "normaliser": str(random.choice(list(NORMALISERS))),
        "normalise_over": str(random.choice(["set", "row"])),
        "mode": str(random.choice(list(MODES))),
        "scope": str(random.choice(["set", "row"])),
        "fraction": float(random.choice([0, 0.25, 0.5, 1, random.random()])),
        "k": int(random.integers(0, 6)),
        "threshold": float(random.choice([0.5, random.random()])),
        "gamma": float(random.choice([0, 1, 1, 2, random.random() * 4])),
        "whole_words": bool(random.random() < 0.5),
        "exclude_subjects": bool(random.random() < 0.5),
        "exclude_stop_words": bool(random.random() < 0.3),
        "exclude_punctuation": bool(random.random() < 0.5),
    }
    forced = min(tokens, int(random.integers(0, 4)))
    picks = random.choice(tokens, size=forced, replace=False) if forced else []
    return columns, rule, {str(index): str(random.choice(["in", "out"])) for index in picks}


def as_json(columns):
    """The columns as the page receives them: NaN crosses as null."""
    return {
        name: [None if value != value else value for value in values.tolist()]
        for name, values in columns.items()
    }


@pytest.fixture(scope="module")
def answers():
    """The cases, and what node says of each; the first line is its default rule, modes and normalisers."""
    random = np.random.default_rng(20_260_124)
    cases = [random_case(random) for _ in range(CASES)]
    lines = [
        json.dumps({"columns": as_json(columns), "rule": rule, "overrides": overrides})
        for columns, rule, overrides in cases
    ]
    command = [str(NODE), "--input-type=module", "-e", SCRIPT, WEB.as_uri()]
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    declared, *results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == CASES
    return cases, declared, results


def test_the_default_rules_are_equal(answers):
    # which signals a rule begins with crosses in the payload
    ours = {name: value for name, value in to_dict(Rule()).items() if name not in ("knowledge", "entropy")}
    assert answers[1][0] == ours


def test_every_mode_and_normaliser_is_there_in_both_languages(answers):
    assert answers[1][1:] == [list(MODES), list(NORMALISERS)]


def test_fused_masks_and_counts_are_equal(answers):
    cases, _, results = answers
    for number, ((columns, rule, overrides), result) in enumerate(zip(cases, results, strict=True)):
        ours = select(columns, from_dict(Rule, rule), overrides)
        theirs = np.array([np.nan if value is None else value for value in result["fused"]], dtype=np.float64)
        context = f"case {number}, {rule}"
        np.testing.assert_array_equal(ours.fused, theirs, err_msg=context)  # bit for bit, NaN included
        assert ours.selected.astype(int).tolist() == result["selected"], context
        assert ours.excluded.astype(int).tolist() == result["excluded"], context
        counts = count_selected(columns, ours.selected)
        assert {**vars(counts), "empty_rows": list(counts.empty_rows)} == result["counts"], context


def test_weights_and_hashes_are_equal(answers):
    cases, _, results = answers
    for number, ((columns, rule, overrides), result) in enumerate(zip(cases, results, strict=True)):
        ours = select(columns, from_dict(Rule, rule), overrides)
        # pow() of the two languages may differ in the last bits, so soft weights have a tolerance.
        np.testing.assert_allclose(ours.weights, result["weights"], rtol=1e-12, err_msg=f"case {number}")
        drawn = random_like(columns, ours.weights, ours.fused)
        np.testing.assert_allclose(drawn, result["drawn"], rtol=1e-12, err_msg=f"case {number}")
        assert mask_hash(ours.weights) == result["hash"], f"case {number}, {rule}"
