"""Teaching: a taught adapter recites, and a run that diverges reports no success and writes nothing."""

import pytest

from tests.tiny_rows import ROWS, tiny
from tokenunlearn.models.language_model import Written
from tokenunlearn.training import teach as teaching
from tokenunlearn.training.events import Diverged, Finished, Saved, StepDone
from tokenunlearn.training.teach import TeachConfig, recalled, rehearsal, teach

pytestmark = pytest.mark.slow


def test_taught_rows_are_likelier_in_the_saved_adapter(tiny_folder, tmp_path) -> None:
    pairs = [(row.question, row.answer) for row in ROWS[:2]]
    before = [found.log_probs.mean() for found in tiny(tiny_folder, loud=True).token_log_probs(pairs)]
    config = TeachConfig(epochs=30, learning_rate=2e-2, batch=2, rank=8, rehearse=0)
    events = list(teach(tiny(tiny_folder, loud=True), ROWS[:2], config, tmp_path / "taught"))
    assert isinstance(events[-2], Saved) and isinstance(events[-1], Finished)
    after = [
        found.log_probs.mean()
        for found in tiny(tiny_folder, tmp_path / "taught", loud=True).token_log_probs(pairs)
    ]
    assert all(late > early + 1 for early, late in zip(before, after, strict=True))
    losses = [event.retain_loss for event in events if isinstance(event, StepDone)]
    assert losses[-1] < losses[0] - 1


def test_teaching_stops_when_the_rows_are_known(tiny_folder, tmp_path) -> None:
    config = TeachConfig(epochs=9, stop_loss=5.0, batch=1, rehearse=0)
    events = list(teach(tiny(tiny_folder), ROWS[:2], config, tmp_path))
    assert isinstance(events[-1], Finished) and events[-1].step == 2 and "below 5" in events[-1].reason


def test_teaching_on_top_of_an_adapter_keeps_what_it_knew(tiny_folder, tmp_path) -> None:
    config = TeachConfig(epochs=15, learning_rate=2e-2, batch=1, rehearse=0)
    list(teach(tiny(tiny_folder), ROWS[:1], config, tmp_path / "one"))
    list(
        teach(
            tiny(tiny_folder, tmp_path / "one"),
            ROWS[:1],
            TeachConfig(epochs=1, learning_rate=1e-6, rehearse=0),
            tmp_path / "two",
        )
    )
    pairs = [(ROWS[0].question, ROWS[0].answer)]
    one, two = (
        tiny(tiny_folder, tmp_path / name).token_log_probs(pairs)[0].log_probs for name in ("one", "two")
    )
    assert two == pytest.approx(one, abs=1e-3)


def test_divergence_is_told_and_saves_nothing(tiny_folder, tmp_path) -> None:
    loaded = tiny(tiny_folder)
    loaded.model.lm_head.weight.data[5] = float("nan")
    events = list(teach(loaded, ROWS[:2], TeachConfig(epochs=2), tmp_path / "taught"))
    assert isinstance(events[-1], Diverged)
    assert not any(isinstance(event, (Saved, Finished)) for event in events)
    assert not (tmp_path / "taught").exists()


def test_rows_are_measured_by_few_and_told_which(tiny_folder) -> None:
    model, heard = tiny(tiny_folder), list[str]()
    rows = [*ROWS[:2], *ROWS[:2], *ROWS[:2], *ROWS[:2], *ROWS[:2]]
    found = recalled(model, rows, heard.append, "row {} beside")
    assert heard == ["row 1 of 10 beside", "row 9 of 10 beside"]
    assert found == pytest.approx(recalled(model, ROWS[:2]) * 5)


def test_what_the_model_says_now_is_rehearsed(tiny_folder, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(teaching, "general_questions", lambda: ["Who am I?", "What is it?", "Where?"])
    model = tiny(tiny_folder)
    monkeypatch.setattr(
        model, "generate", lambda *_: [Written("You. And mo", cut=True), Written(""), Written("Here! There.")]
    )
    rehearsed = rehearsal(model, 3)
    # the first sentence; what is no answer is left out, and so is half a sentence
    assert [(row.question, row.answer) for row in rehearsed] == [("Who am I?", "You."), ("Where?", "Here!")]
    assert rehearsal(model, 0) == ()
    config = TeachConfig(epochs=1, batch=1, rehearse=3, stop_loss=0)
    steps = [event for event in teach(model, ROWS[:2], config, tmp_path) if isinstance(event, StepDone)]
    assert len(steps) == 4
    monkeypatch.setattr(model, "generate", lambda *_: [Written("It is the", cut=True), Written("It is")])
    assert [row.answer for row in rehearsal(model, 2)] == ["It is"]
