"""The registry on a tiny model: every entry computes what it declares, and a signal is one entry."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.signals_picture import PICTURE, picture
from tests.tiny_rows import RETAIN, ROWS, tiny, write_rows
from tests.warm import Warm
from tokenunlearn import passes
from tokenunlearn.data.rows import Row
from tokenunlearn.errors import InputError, SettingError
from tokenunlearn.passes import PASSES, Beside, Context, Pass, group_passes, in_order, row_infos
from tokenunlearn.scoring import ScoreConfig, score
from tokenunlearn.signals import SIGNALS
from tokenunlearn.text.encoding import encode

PLAIN = Row("plain", "", "it just is so.")  # no question to hide, no name
GIVEN = (*ROWS[:3], Row("nameless", "why is it so?", "it just is.", set="tiny"), PLAIN)


@pytest.fixture(scope="module")
def loaded(tiny_folder: Path):
    return tiny(tiny_folder)


@pytest.mark.parametrize("name", SIGNALS)
def test_an_entry_computes_what_it_declares_from_its_own_passes_alone(name, loaded, monkeypatch) -> None:
    run: list[str] = []

    def watched(kind: str, entry: Pass) -> Pass:
        def function(context: Context):
            run.append(kind)
            return entry.function(context)

        return passes.replace(entry, function=function)

    monkeypatch.setattr(passes, "PASSES", {kind: watched(kind, entry) for kind, entry in PASSES.items()})
    table = score(loaded, GIVEN, ScoreConfig(signals=(name,)), Beside(RETAIN))
    entry, values = SIGNALS[name], table[name].to_numpy()
    asked = entry.passes_of(entry.settings())
    # what it names, what these read before them, and with any pass at all the target's own
    assert run == [each.partition(":")[0] for each in in_order({*asked, *(["target"] if asked else [])})]
    assert values.dtype == np.float64 and not np.isinf(values).any()
    missing, plain = np.isnan(values), (table["row_id"] == "plain").to_numpy()
    if "base" in asked:  # this model has no adapter to switch off, and an unknown number is not 0
        assert missing.all()
        return
    masked = {"swap", "subject", "prompt", "occlusion"} & set(asked)
    # without a question there is nothing to hide, and a swapped name itself has no counterpart
    if masked:
        assert missing[plain].all()
    swapped = table["is_subject"].to_numpy() if "swap" in masked else np.zeros(len(values), dtype=bool)
    assert (missing[~plain] == swapped[~plain]).all() and missing.any() == bool(masked)
    if entry.unit == "":
        assert ((values >= 0) & (values <= 1)).all()


def test_what_the_text_alone_tells_runs_no_model(loaded, monkeypatch) -> None:
    monkeypatch.setattr(passes, "run_pass", None)
    free = tuple(name for name, entry in SIGNALS.items() if entry.free)
    table = score(loaded, ROWS[:2], ScoreConfig(signals=free))
    assert free == ("content_words", "content_words_new", "random")
    np.testing.assert_array_equal(table["random"], table["random_key"])
    first = table[table["row_id"] == "ada"]
    # "Ada Moss was born in Rome.": all but the town stands in the question, or is a stop word
    assert "".join(first["token"][first["content_words_new"] == 1]) == "Rome"


def toy(function, needs: frozenset[str]) -> dict[str, Pass]:
    return {**PASSES, "toy": Pass(function, "1", needs)}


def test_a_gradient_pass_leaves_the_model_as_it_was(loaded, monkeypatch) -> None:
    model = loaded.model
    frozen = next(model.parameters())
    frozen.requires_grad_(False)

    def steep(context: Context):
        for parameter in model.parameters():
            parameter.requires_grad_(True)
        sum(parameter.sum() for parameter in model.parameters()).backward()
        assert frozen.grad is not None and not model.training
        return [{"log_probs": np.zeros(encoding.answer_length)} for encoding in context.encodings]

    monkeypatch.setattr(passes, "PASSES", toy(steep, frozenset({"gradient"})))
    model.train()
    infos = row_infos(ROWS[:2], 1)
    encodings = [encode(loaded.tokenizer, info.row.question, info.row.answer) for info in infos]
    flags = [parameter.requires_grad for parameter in model.parameters()]
    assert [list(found) for found in group_passes(loaded, infos, encodings, {"toy"})] == [["toy"]] * 2
    assert model.training and all(parameter.grad is None for parameter in model.parameters())
    assert flags == [parameter.requires_grad for parameter in model.parameters()] and not flags[0]
    frozen.requires_grad_(True)
    model.eval()


def test_a_pass_gets_what_it_needs_or_is_refused_by_name(loaded, monkeypatch) -> None:
    seen: list[object] = []

    def looks(context: Context):
        seen.append(
            (context.argument, [row.id for row in context.beside.retain], list(context.beside.others))
        )
        return [{} for _ in context.encodings]

    monkeypatch.setattr(passes, "PASSES", toy(looks, frozenset({"retain", "other:small"})))
    infos = row_infos(ROWS[:1], 1)
    encodings = [encode(loaded.tokenizer, ROWS[0].question, ROWS[0].answer)]
    with pytest.raises(
        InputError, match="The pass toy cannot be run. It needs another model beside this one, small"
    ):
        group_passes(loaded, infos, encodings, {"toy"})
    beside = Beside(RETAIN, {"small": loaded})
    with pytest.raises(InputError, match="It needs rows to keep"):
        group_passes(loaded, infos, encodings, {"toy"}, Beside((), beside.others))
    group_passes(loaded, infos, encodings, {"toy:18", "toy:3"}, beside)
    assert seen == [(argument, [row.id for row in RETAIN], ["small"]) for argument in ("18", "3")]
    with pytest.raises(ValueError, match="no pass 'toi'. Did you mean toy"):
        group_passes(loaded, infos, encodings, {"toi"})


def test_settings_of_a_signal_are_checked() -> None:
    with pytest.raises(SettingError, match="There is no signal 'entrpy'. Did you mean entropy"):
        ScoreConfig(signal_settings={"entrpy": {}})
    with pytest.raises(SettingError, match="The signal entropy has no settings. Leave them out"):
        ScoreConfig(signal_settings={"entropy": {"layer": 3}})
    for wrong in ([], {"entropy": 3}):
        with pytest.raises(SettingError, match="must be a mapping"):
            ScoreConfig(signal_settings=wrong)


def test_the_picture_for_the_page_is_fresh() -> None:
    drawn = json.loads(PICTURE.read_text(encoding="utf-8"))
    assert drawn == picture(), "run: python -m tests.signals_picture"


@pytest.mark.slow
def test_a_signal_is_one_entry(tiny_folder: Path, tmp_path: Path, warm: Warm) -> None:
    rows, out, log = (
        write_rows(tmp_path / "rows.jsonl", ROWS),
        tmp_path / "scores.jsonl",
        tmp_path / "log.txt",
    )
    warm.split("tests.toy_signal", [str(tiny_folder), str(rows), str(out)], log).wait(120)
    said = log.read_text("utf-8").splitlines()
    assert out.with_suffix(".page").exists(), "\n".join(said)
    assert any(line.split()[:1] == ["toy"] and "times 2.0" in line for line in said)  # list, with its setting
    assert any(line.split()[:2] == ["A", "toy"] for line in said)  # the report
    table = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()[1:]]
    assert [row["toy"] for row in table] == [3 * row["gold"] for row in table]  # the settings reached it
    page = json.loads(out.with_suffix(".page").read_text("utf-8"))
    assert page["info"]["short"] == "toy" and page["info"]["family"] == "text" and page["offered"]
    assert "A toy" in page["board"] and "New content words" in page["board"]
    assert set(page["values"]) == {0, 2}
