"""Each attack on a tiny model, from its entry alone; relearning's figures, by hand."""

import json
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tiny_folder import make_tiny_adapter, make_tiny_folder
from tests.tiny_rows import RETAIN, ROWS, tiny, write_rows
from tokenunlearn.attacks import ATTACKS, Subject, check_attack
from tokenunlearn.attacks.relearning import RelearnSettings, back_after, mean_fact, parts, relearn
from tokenunlearn.cli import attack, main
from tokenunlearn.data.splits import Splits
from tokenunlearn.errors import InputError, SettingError
from tokenunlearn.models.adapters import save_adapter
from tokenunlearn.models.language_model import TokenLogProbs, Written
from tokenunlearn.runs.store import RunStore
from tokenunlearn.training.config import TrainConfig
from tokenunlearn.training.events import AttackDone, AttackStep, from_json, to_json
from tokenunlearn.training.loop import train
from tokenunlearn.training.session import with_fresh_lora

pytestmark = pytest.mark.slow

# The fact is a letter: the tiny model learns it in a few steps.
LETTERS = tuple(replace(row, gold=((row.gold[0][0], row.gold[0][0] + 1),)) for row in ROWS[:4])
GIVEN = Splits(LETTERS, RETAIN, ())
FEW = {"relearning": {"rows": 2, "steps": 2}}
FAST = RelearnSettings(rows=2, steps=3, learning_rate=0.03, rank=2, bound=0.04)


def subject_of(tiny_folder: Path, folder: Path, **more: object) -> Subject:
    def load() -> object:
        return tiny(tiny_folder, loud=True)

    return Subject(**{"unlearned": load, "never_knew": load, "rows": GIVEN, "folder": folder, **more})


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_measures_each_step_and_ends_with_its_result(
    name: str, tiny_folder: Path, tmp_path: Path
) -> None:
    entry = ATTACKS[name]
    assert entry.label and entry.help and entry.source
    events = list(entry.run(subject_of(tiny_folder, tmp_path), check_attack(name, GIVEN, FEW.get(name, {}))))
    *steps, done = events
    assert isinstance(done, AttackDone) and all(isinstance(step, AttackStep) for step in steps)
    assert [step.step for step in steps] == list(range(1, done.step + 1))
    assert {"attack": name, "label": entry.label}.items() <= done.result.items() and done.result["says"]
    assert [(line["model"], line["taken"], line["figures"]) for line in done.result["curve"]] == [
        (step.model, step.taken, step.figures) for step in steps
    ]
    for need in entry.needs:
        without = {"gold": tuple(replace(row, gold=()) for row in ROWS)}.get(need, ())
        with pytest.raises(InputError):
            check_attack(name, replace(GIVEN, forget=without), {})


def test_an_unknown_attack_and_setting_are_refused() -> None:
    with pytest.raises(SettingError, match=r"There is no attack 'learning'. Did you mean relearning\?"):
        check_attack("learning", GIVEN, {})
    with pytest.raises(SettingError, match="steps is 0"):
        check_attack("relearning", GIVEN, {"steps": 0})


@pytest.mark.parametrize("stopped_after", (1, 2, 4, 5, 8))
def test_an_attack_killed_after_any_measurement_goes_on_to_the_same_result(
    stopped_after: int, tiny_folder: Path, tmp_path: Path, straight: AttackDone
) -> None:
    """The kill comes before what a step needs to go on is written, so that this step is done twice."""
    earlier: list[AttackStep] = []
    events = relearn(subject_of(tiny_folder, tmp_path), FAST)
    for event in events:
        assert isinstance(event, AttackStep)
        earlier.append(event)
        if len(earlier) == stopped_after:
            break  # the generator stays open: nothing is written on the way out
    again = list(relearn(subject_of(tiny_folder, tmp_path, earlier=tuple(earlier)), FAST))
    assert again[-1] == straight
    assert len(again) - 1 <= 8 - stopped_after + 1
    events.close()


def test_a_model_that_diverged_is_not_gone_on_with(tiny_folder: Path, tmp_path: Path) -> None:
    """A model whose loss leaves the guard's bound at once; a kill after each event from there on."""

    def shaky() -> object:
        loaded = tiny(tiny_folder, loud=True)
        loaded.model.get_output_embeddings().weight.data *= 100
        return loaded

    def subject(folder: Path, **more: object) -> Subject:
        return subject_of(tiny_folder, folder, unlearned=shaky, **more)

    wild = replace(FAST, learning_rate=0.1, steps=6)
    *events, whole = relearn(subject(tmp_path / "whole"), wild)
    stop = next(at for at, event in enumerate(events) if isinstance(event, AttackStep) and event.diverged)
    assert 1 < stop < wild.steps and f"Training diverged at step {stop}." in whole.result["says"][1]
    assert all(line["figures"]["trained"] is not None for line in whole.result["curve"])
    for kept in (stop, stop + 1, stop + 2):
        killed = relearn(subject(tmp_path / str(kept)), wild)
        earlier = [from_json(to_json(next(killed))) for _ in range(kept)]
        killed.close()
        *_, done = relearn(subject(tmp_path / str(kept), earlier=tuple(earlier)), wild)
        assert done == whole


@pytest.fixture(scope="module")
def straight(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> AttackDone:
    *_, done = relearn(subject_of(tiny_folder, tmp_path_factory.mktemp("straight")), FAST)
    assert isinstance(done, AttackDone)
    return done


def test_relearning_brings_the_rows_that_it_trains_on_back(straight: AttackDone) -> None:
    found = straight.result
    assert straight.step == 8 and found["settings"]["rows"] == 2
    trained, held_out = found["rows"]["trained"], found["rows"]["held_out"]
    assert len(trained) == 2 and sorted([*trained, *held_out]) == sorted(row.id for row in GIVEN.forget)
    curve = [line["figures"]["trained"] for line in found["curve"] if line["model"] == "unlearned"]
    # .002 before any step, .006 after the first, .042 after the second; the held-out fact is .05 at once
    assert len(curve) == 4 and curve[1] < 0.04 <= curve[2]
    # the control is the same model here, relearned in the same way
    expected = {"trained": 2, "held_out": 0}
    assert found["back_after"] == {"unlearned": expected, "never knew": expected}
    assert found["says"][1] == (
        "The unlearned model: rows trained on: back after 2 steps; "
        "held-out rows: already there before the first step."
    )


def test_what_does_not_come_back_is_not_within_so_many_steps(tiny_folder: Path, tmp_path: Path) -> None:
    settings = replace(FAST, steps=1, learning_rate=1e-6, bound=0.9, control=False)
    *_, done = relearn(subject_of(tiny_folder, tmp_path), settings)
    assert done.result["back_after"] == {"unlearned": {"trained": None, "held_out": None}}
    assert "held-out rows: not back within 1 step" in done.result["says"][1]
    assert done.result["says"][-1] == "Relearning by a model that never knew: not measured."


def test_back_after_by_hand() -> None:
    def at(taken: int, model: str, figure: float | None) -> AttackStep:
        return AttackStep(taken + 1, 4, model, taken, {"held_out": figure}, 0.0)

    curve = [at(0, "a", 0.1), at(1, "a", None), at(2, "a", 0.5), at(3, "a", 0.2), at(0, "b", 0.7)]
    assert back_after(curve, "a", "held_out", 0.5) == 2
    assert back_after(curve, "a", "held_out", 0.51) is None
    assert back_after(curve, "b", "held_out", 0.5) == 0  # it was never gone
    assert back_after(curve, "c", "held_out", 0.5) is None


def test_the_fact_is_the_mean_over_rows_of_the_joint_probability() -> None:
    class Half:
        """A model whose every token has .5; each character is a token."""

        def token_log_probs(self, pairs: list[tuple[str, str]]) -> list[TokenLogProbs]:
            return [
                TokenLogProbs([-0.6931471805599453] * len(a), range(len(a)), range(1, len(a) + 1))
                for _, a in pairs
            ]

        generate: Callable[..., list[Written]]

    # Rome and Pau: .5 ** 4 and .5 ** 3
    assert mean_fact(Half(), [ROWS[0], ROWS[4]]) == pytest.approx((0.0625 + 0.125) / 2)  # type: ignore[arg-type]
    assert mean_fact(Half(), [replace(ROWS[0], gold=())]) is None  # type: ignore[arg-type]


def test_the_rows_to_train_on_are_seeded_and_leave_some_out() -> None:
    first, rest = parts(ROWS, FAST)
    assert (first, rest) == parts(ROWS, FAST) and not set(first) & set(rest)
    assert first != parts(ROWS, replace(FAST, seed=1))[0]
    with pytest.raises(InputError, match="2 forgotten rows have gold, and 2 are to be trained on"):
        parts(ROWS[:2], FAST)


def test_the_verb_goes_on_after_a_stop_and_keeps_one_result(
    tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TrainConfig(steps=1, rank=2)
    model = with_fresh_lora(tiny(tiny_folder), config)
    list(train(model, ROWS[:1], RETAIN, None, config))
    save_adapter(model.model, tmp_path / "adapter", model.merged)
    rows = write_rows(tmp_path / "rows.jsonl", LETTERS, RETAIN)
    command = [
        "attack",
        str(tmp_path / "adapter"),
        str(rows),
        "--model",
        str(tiny_folder),
        "--precision",
        "fp32",
    ]
    command += ["--set", "rows=1", "--set", "steps=2", "--set", "rank=2"]
    with monkeypatch.context() as patch:
        patch.setattr(attack, "stoppable", lambda: nullcontext(True))  # Ctrl-C during the first measurement
        assert main(command) == 130
    (work,) = tmp_path.glob(".attack-*")
    assert len((work / "events.jsonl").read_text().splitlines()) == 1
    assert main(command) == 0 and main(command) == 0
    assert not list(tmp_path.glob(".attack-*"))
    (result,) = json.loads((tmp_path / "attacks.json").read_text())
    assert [line["taken"] for line in result["curve"]] == [0, 1, 2] * 2
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == result["says"] and said[2].startswith("A model that never knew: rows trained on: ")
    assert said[3].split()[:2] == ["model", "steps"] and len(said) == 2 * (3 + 1 + 6)


def test_what_was_measured_on_another_model_is_not_gone_on_with(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, run = Path(shutil.copytree(tiny_folder, tmp_path / "model")), tmp_path / "run"
    make_tiny_adapter(model, run / "adapter")
    rows = write_rows(tmp_path / "rows.jsonl", LETTERS)
    monkeypatch.setattr(attack, "stoppable", lambda: nullcontext(True))

    def begun(precision: str = "fp32") -> int:
        command = ["attack", str(run), str(rows), "--model", str(model), "--precision", precision]
        assert main([*command, "--set", "rows=1", "--set", "rank=2"]) == 130
        return len(list(run.glob(".attack-*")))

    assert (begun(), begun(), begun("bf16")) == (1, 1, 2)
    make_tiny_adapter(model, run / "adapter", seed=1)
    assert begun() == 3
    make_tiny_folder(model, seed=1)
    assert begun() == 4
    write_rows(rows, [replace(LETTERS[0], question="Who was born there?"), *LETTERS[1:]])
    assert begun() == 5


def test_a_run_of_the_page_has_its_own_precision(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = RunStore(tmp_path)
    run = store.path(store.create({}))
    assert main(["attack", str(run), "--precision", "bf16"]) == 2
    assert "The run has its own rows, model and precision. Leave FILE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (["--attack", "learning"], "There is no attack 'learning'"),
        (["--set", "step=1"], "'step' is not a setting of Relearn"),
        (["--set", "rows=9"], "forgotten rows have gold, and 9 are to be trained on"),
    ],
)
def test_what_is_wrong_with_an_attack_ends_with_a_sentence(
    wrong: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text("{}")
    rows = write_rows(tmp_path / "rows.jsonl", LETTERS)
    assert main(["attack", str(tmp_path), str(rows), *wrong]) == 2
    assert main(["attack", str(tmp_path / "nothing"), str(rows)]) == 2
    said = capsys.readouterr().err
    assert says in said and "is neither a run nor a folder" not in said.split("nothing")[0]
    assert "cannot be attacked. It is neither a run nor a folder with an adapter" in said
