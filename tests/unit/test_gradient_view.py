"""The gradient view: estimators by hand and by simulation, gradients against a backward pass a token."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model

from tests.tiny_rows import ROWS, tiny, write_rows
from tokenunlearn.cli import main
from tokenunlearn.data.rows import row_to_dict
from tokenunlearn.errors import MaskError, ModelError
from tokenunlearn.experiments.gradient_words import gradient_said
from tokenunlearn.experiments.gradients import (
    SHOWN,
    GradientsConfig,
    gradient_view,
)
from tokenunlearn.masks import columns_from_table, make_mask
from tokenunlearn.metrics.snr import (
    ALIKE,
    NOTHING,
    TOO_FEW,
    direction_cosines,
    jackknife_interval,
    pair_cosine,
    share_at_least,
    signal_to_noise,
    two_sided,
)
from tokenunlearn.runs.library import library_parts, load
from tokenunlearn.runs.queue import RunQueue
from tokenunlearn.runs.result_faults import gradients_fault
from tokenunlearn.runs.states import buttons
from tokenunlearn.runs.store import RunStore
from tokenunlearn.runs.worker import run_job
from tokenunlearn.scoring import ScoreConfig, score
from tokenunlearn.selection import Rule
from tokenunlearn.text.encoding import encode
from tokenunlearn.training.events import Measured, MeasuredPart

pytestmark = pytest.mark.slow


def gram(vectors: Any) -> np.ndarray:
    wide = np.asarray(vectors, dtype=np.float64)
    return wide @ wide.T


def test_three_gradients_by_hand() -> None:
    """(1, 0), (3, 0), (2, 3): mean (2, 1); deviations (−1, −1), (1, −1), (0, 2) → noise (2 + 2 + 4) / 2."""
    found = signal_to_noise(gram([[1, 0], [3, 0], [2, 3]]), np.array([0, 0, 1]))
    assert (found.noise, found.tokens, found.why) == (pytest.approx(4.0), 3, "")
    assert found.signal == pytest.approx(5 - 4 / 3)  # ‖m‖² = 5
    assert found.signal == pytest.approx((3 + 2 + 6) / 3)  # the mean product of two different tokens
    assert found.ratio == pytest.approx(11 / 12)
    # across rows: products 2 and 6, mean 4; mean squared norm (1 + 9 + 13) / 3
    assert found.across == pytest.approx(4 / (23 / 3 - 4))


def test_both_parts_are_unbiased_over_draws() -> None:
    """Gaussian gradients around a known mean: E g = (.5, …, .5) in 8 places, variance 1 in each."""
    draws = np.random.default_rng(3).normal(0.5, 1.0, (4000, 6, 8))
    found = [signal_to_noise(gram(each), np.arange(6)) for each in draws]
    for name, truth in (("signal", 8 * 0.25), ("noise", 8.0)):
        values = np.array([getattr(each, name) for each in found])
        error = values.std(ddof=1) / math.sqrt(len(values))
        assert abs(values.mean() - truth) < 4 * error, name
    # the plug-in form is off by noise / n, which the draws can tell
    plain = np.array([gram(each).mean() for each in draws])
    assert abs(plain.mean() - 2 - 8 / 6) < 4 * plain.std(ddof=1) / math.sqrt(len(plain))


def test_what_has_no_ratio_says_why() -> None:
    rows = np.array([0, 1, 2])
    for vectors, why in (
        ([[1.0, 2.0]], TOO_FEW),
        ([[1.0, 2.0]] * 3, ALIKE),
        (np.ones((3, 2)) + 1e-7 * np.eye(3, 2), ALIKE),  # alike up to float32
        (np.zeros((3, 2)), NOTHING),
    ):
        found = signal_to_noise(gram(vectors), rows[: len(vectors)])
        assert math.isnan(found.ratio) and found.why == why
    alone = signal_to_noise(gram([[1.0, 2.0], [2.0, 1.0]]), np.array([4, 4]))
    assert math.isfinite(alone.ratio) and math.isnan(alone.across)


def test_the_interval_leaves_each_row_out_in_turn() -> None:
    """A mean of one value a row: the jackknife's standard error is the textbook one."""
    values, rows = np.array([1.0, 2.0, 4.0, 9.0]), np.arange(4)
    low, high = jackknife_interval(lambda part: float(values[part].mean()), rows)
    half = 3.182446305 * values.std(ddof=1) / 2  # Student's t with 3 degrees of freedom
    assert (low, high) == (pytest.approx(4 - half), pytest.approx(4 + half))
    assert np.isnan(jackknife_interval(lambda part: part.sum(), np.zeros(3, dtype=np.int64))).all()
    assert np.isnan(jackknife_interval(lambda _: 0.25, rows)).all()  # no spread is no certainty


def test_a_token_is_held_against_the_other_rows_alone() -> None:
    vectors = np.random.default_rng(1).normal(size=(7, 5))
    vectors[6] = 0
    rows, weights = np.array([0, 0, 1, 1, 2, 2, 2]), np.array([1.0, 0, 0.5, 1, 0, 0, 1])
    found = direction_cosines(gram(vectors), rows, weights)
    for token in range(6):
        along = sum(weights[j] * vectors[j] for j in range(7) if rows[j] != rows[token])
        cosine = vectors[token] @ along / np.linalg.norm(vectors[token]) / np.linalg.norm(along)
        assert found[token] == pytest.approx(cosine)
    assert math.isnan(found[6])  # a gradient of 0 has no direction
    assert np.isnan(direction_cosines(gram(vectors), np.zeros(7, dtype=np.int64), weights)).all()
    unit = vectors[:6] / np.linalg.norm(vectors[:6], axis=1)[:, None]
    chosen = weights > 0
    pairs = [unit[a] @ unit[b] for a in (0, 2, 3) for b in (1, 4, 5) if rows[a] != rows[b]]
    assert pair_cosine(gram(vectors), rows, chosen, ~chosen) == pytest.approx(np.mean(pairs))


def test_the_rank_counts_the_chosen_among_the_draws() -> None:
    assert share_at_least(2.0, np.array([1.0, 2.0, 3.0])) == 3 / 4
    assert share_at_least(9.0, np.arange(4.0)) == 1 / 5
    assert math.isnan(share_at_least(1.0, np.array([np.nan, 2.0])))
    assert two_sided(9.0, np.arange(4.0)) == two_sided(-9.0, np.arange(4.0)) == 2 / 5
    assert two_sided(2.0, np.arange(5.0)) == 1  # in the middle
    assert math.isnan(two_sided(np.nan, np.arange(4.0)))


def test_a_random_choice_among_random_choices_is_shown_in_five_of_a_hundred_at_most() -> None:
    """Each of 100 choices in turn stands for the chosen tokens, and differs by chance alone."""
    random, rows = np.random.default_rng(0), np.repeat(np.arange(10), 12)
    products = gram(random.normal(size=(120, 30)) * random.exponential(size=(120, 1)))
    picks = [np.concatenate([random.permutation(12)[:3] + 12 * row for row in range(10)]) for _ in range(100)]
    ratios = np.array([signal_to_noise(products[np.ix_(each, each)], rows[each]).ratio for each in picks])
    p_values = [two_sided(ratios[at], np.delete(ratios, at)) for at in range(100)]
    assert 1 <= sum(each <= SHOWN for each in p_values) <= 5


def test_the_sentence_follows_the_rank_and_too_few_draws_show_nothing(
    tiny_folder: Path, scored: tuple[Any, Any]
) -> None:
    _, report = measured(tiny_folder, scored, replace(BOTH, draws=20))

    def said(count: int, reached: int) -> str:
        ratios = [0.0] * (count - reached) + [2.0] * reached
        p_value = two_sided(1.0, np.array(ratios))
        report["whole"]["draws"]["random"] = {"ratios": ratios, "reached": reached, "p": p_value}
        return next(each for each in gradient_said(report) if "random choices" in each)

    for count, reached, ending in (
        (20, 0, "(two-sided p 0.095): no difference can be shown; that takes at least 39 draws."),
        (39, 0, "(two-sided p 0.050): here the chosen tokens' gradients agree more than by chance."),
        (39, 39, "(two-sided p 0.050): here the chosen tokens' gradients agree less than by chance."),
        (39, 1, "(two-sided p 0.100): no difference is shown."),
    ):
        assert said(count, reached).startswith(f"{reached} of {count} random choices of as many tokens")
        assert said(count, reached).endswith(ending)


@pytest.fixture(scope="module")
def scored(tiny_folder: Path) -> tuple[Any, Any]:
    """The first rows' table under the tiny model, and the mask that the default rule makes of it."""
    config = ScoreConfig(signals=("knowledge_swap", "entropy"))
    table = score(tiny(tiny_folder), ROWS[:3], config)
    return table, make_mask(columns_from_table(table), Rule())


def measured(
    folder: Path, scored: tuple[Any, Any], settings: GradientsConfig
) -> tuple[list[MeasuredPart], dict[str, Any]]:
    events = list(gradient_view(tiny(folder), ROWS[:3], *scored, settings))
    assert isinstance(events[-1], Measured)
    return [each for each in events[:-1] if isinstance(each, MeasuredPart)], dict(events[-1].report)


BOTH = GradientsConfig(layer_share=1.0, rank=2, draws=40)


def test_the_report_is_that_of_one_backward_pass_a_token(tiny_folder: Path, scored: tuple[Any, Any]) -> None:
    steps, report = measured(tiny_folder, scored, BOTH)
    assert [each.part for each in steps] == [1, 2, 3] and steps[-1].parts == 3
    table, chosen = scored
    by_layer: dict[int, list[np.ndarray]] = {number: [] for number in (0, 1)}
    for gradients in slowly(tiny_folder):
        for number, found in by_layer.items():
            found.append(gradients[number])
    of = np.repeat(np.arange(3), table.groupby("row_id", sort=False).size())
    whole = np.zeros((len(table), len(table)))
    for layer in report["layers"]:
        own = gram(by_layer[layer["layer"]])
        whole += own
        agrees(layer, own, of, chosen)
    assert [each["layer"] for each in report["layers"]] == [0, 1]
    agrees(report["whole"], whole, of, chosen)
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def slowly(folder: Path) -> Iterator[dict[int, np.ndarray]]:
    """∇lp of each answer token by layer, a forward and a backward pass a token, by plain PEFT."""
    loaded = tiny(folder)
    names = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    torch.manual_seed(0)
    model: Any = get_peft_model(loaded.model, LoraConfig(r=2, lora_alpha=16, target_modules=names)).eval()
    for row in ROWS[:3]:
        encoding = encode(loaded.tokenizer, row.question, row.answer)
        for at in range(encoding.prompt_length, encoding.prompt_length + encoding.answer_length):
            model.zero_grad()
            logits = model(input_ids=torch.tensor([encoding.ids])).logits[0, at - 1]
            logits.log_softmax(-1)[encoding.ids[at]].backward()
            yield {
                number: torch.cat(
                    [
                        weight.grad.flatten()
                        for name, weight in model.named_parameters()
                        if f".layers.{number}." in name and "lora_B" in name
                    ]
                ).numpy()
                for number in (0, 1)
            }


def agrees(part: dict[str, Any], own: np.ndarray, rows: np.ndarray, chosen: Any) -> None:
    """Assert that a part of the report is what the slow inner products give."""
    flags = chosen.selected
    for name, tokens in (("chosen", flags), ("unchosen", ~flags), ("all", np.ones(len(rows), dtype=bool))):
        found = signal_to_noise(own[np.ix_(tokens, tokens)], rows[tokens])
        for figure in ("signal", "noise", "ratio", "across"):
            assert part["groups"][name][figure] == pytest.approx(getattr(found, figure), rel=1e-3, abs=1e-6)
        low, high = part["groups"][name]["low"], part["groups"][name]["high"]
        assert low < part["groups"][name]["ratio"] < high
    cosines = direction_cosines(own, rows, chosen.weights)[~flags]
    assert part["cosines"]["unchosen"]["median"] == pytest.approx(np.median(cosines), abs=1e-4)
    squares, weights = np.diag(own), chosen.weights
    assert part["share"] == pytest.approx(squares[flags].sum() / squares.sum(), rel=1e-3)
    lengths = weights @ own @ weights * own.sum()
    assert part["step_cosine"] == pytest.approx((own @ weights).sum() / math.sqrt(lengths), abs=1e-4)
    assert part["pairs"]["both"] == pytest.approx(pair_cosine(own, rows, flags, ~flags), abs=1e-4)
    for drawn in part["draws"].values():
        assert len(set(drawn["ratios"])) > 10  # as many choices, not one choice again and again
        reached = sum(each >= part["groups"]["chosen"]["ratio"] for each in drawn["ratios"])
        below = sum(each <= part["groups"]["chosen"]["ratio"] for each in drawn["ratios"])
        assert drawn["reached"] == reached
        assert drawn["p"] == pytest.approx(min(1, 2 * (1 + min(reached, below)) / 41))


def test_less_memory_takes_more_turns_and_gives_the_same(tiny_folder: Path, scored: tuple[Any, Any]) -> None:
    wide = replace(BOTH, rank=64)
    layer = 4 * len(scored[0]) * 64 * (4 * 16 + 2 * 32 + 16) / 2**30  # four bytes × tokens × rank × outputs
    _, whole = measured(tiny_folder, scored, wide)
    steps, report = measured(tiny_folder, scored, replace(wide, memory=1.5 * layer))
    assert steps[-1].parts == 6
    for name in ("whole", "layers"):
        np.testing.assert_equal(report[name], whole[name])
    with pytest.raises(ModelError, match="The gradients of one layer take .* Raise --memory"):
        measured(tiny_folder, scored, replace(wide, memory=0.9 * layer))


def test_a_mask_of_one_token_is_not_measured(tiny_folder: Path, scored: tuple[Any, Any]) -> None:
    table, chosen = scored
    columns = columns_from_table(table)
    off = {int(at): "out" for at in np.flatnonzero(chosen.selected)[1:]}
    one = make_mask(columns, chosen.rule, off)
    _, report = measured(tiny_folder, (table, one), BOTH)
    assert report["whole"]["groups"]["chosen"]["ratio"] is None
    assert gradient_said(report)[1].endswith("not measured: it takes two tokens.")
    assert gradients_fault({**report, "says": gradient_said(report)}) == ""
    every = make_mask(columns, replace(chosen.rule, mode="uniform"))
    _, report = measured(tiny_folder, (table, every), BOTH)
    assert report["whole"]["groups"]["unchosen"]["why"] == TOO_FEW
    assert gradients_fault({**report, "says": gradient_said(report)}) == ""
    assert any(each.startswith("The forget direction: not measured") for each in gradient_said(report))
    with pytest.raises(MaskError, match="scores belong to other text"):
        next(gradient_view(tiny(tiny_folder), ROWS[1:3], table, chosen, BOTH))


def test_the_verb_prints_and_keeps_what_it_measured(
    tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, out = write_rows(tmp_path / "rows.jsonl", ROWS[:2]), tmp_path / "gradients.json"
    asked = ["gradients", str(rows), "--model", str(tiny_folder), "--precision", "fp32", "--out", str(out)]
    assert main([*asked, "--mask", str(tmp_path / "none.jsonl")]) == 2
    assert main([*asked, "--draws", "5"]) == 2
    assert "--draws" in capsys.readouterr().err and not out.exists()
    assert main([*asked, "--rank", "2"]) == 0
    printed, kept = capsys.readouterr().out, json.loads(out.read_text())
    assert kept["says"] == printed.splitlines()[-len(kept["says"]) :]
    assert kept["model"]["adapter"] == "none" and kept["settings"]["draws"] == 199
    assert printed.startswith("tokens") and "\nchosen" in printed


def test_a_run_measures_the_tokens_of_its_mask_and_begins_again_after_a_stop(
    tiny_folder: Path, tmp_path: Path, scored: tuple[Any, Any]
) -> None:
    queue = RunQueue(RunStore(tmp_path), lambda _: ["sleep", "60"])
    table, chosen = scored
    config = {
        "name": "tiny, gradients",
        "model": str(tiny_folder),
        "precision": "fp32",
        "gradients": {"layer_share": 1.0, "rank": 2, "draws": 40},
        "forget": [row_to_dict(row) for row in (ROWS[1], ROWS[0])],  # fewer than were scored, and turned
        "retain": [],
        "world": [],
    }
    run_id = queue.start_run(config, chosen, table)
    job = load(queue.store.config(run_id), queue.store.path(run_id))
    begun = next(job.train(False))
    assert begun == MeasuredPart(1, 2)
    queue.store.append_event(run_id, begun)
    queue.store.change(run_id, state="interrupted")
    assert buttons(queue.store.state(run_id)) == ["Resume", "Discard…"]
    queue.resume(run_id)
    assert run_job(queue, run_id, library_parts) == "finished"
    state = queue.store.state(run_id)
    assert (state["step"], state["steps"], state["kind"]) == (1, 1, "gradients")
    assert buttons(state) == ["Probe"] and not (queue.store.path(run_id) / "probes.json").exists()
    found = json.loads((queue.store.path(run_id) / "gradients.json").read_text())
    assert found["rows"] == 2 and found["model"]["adapter"] == "none"
    own = table["row_id"].isin([ROWS[0].id, ROWS[1].id]).to_numpy()
    part = replace(chosen, overrides={}, weights=chosen.weights[own], selected=chosen.selected[own])
    (*_, done) = gradient_view(tiny(tiny_folder), ROWS[:2], table[own].reset_index(drop=True), part, BOTH)
    assert isinstance(done, Measured) and found["whole"] == done.report["whole"]
    assert found["says"] == gradient_said(done.report)
    with pytest.raises(MaskError, match="Gradients need a mask"):
        load(config, tmp_path)
