"""What is learned from marks, asked for from the page: on the tiny model, from files, with real fits."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.actions import learn, marks, masks, tokens
from app.learning import rows_of, truth_of
from app.service import Service
from app.sessions.session import Options
from app.text_states import StatesShelf
from tests.asking import ask
from tests.tiny_rows import RETAIN, ROWS, write_rows
from tokenunlearn.errors import InputError, MaskError, SettingError
from tokenunlearn.learned import fitted
from tokenunlearn.learned.fitted import fit_marks
from tokenunlearn.learned.marks import RowMarks, marks_from
from tokenunlearn.metrics.attribution import auroc
from tokenunlearn.runs.marks_store import MarksStore

pytestmark = pytest.mark.slow

# "She likes tea.": the last word is the fact.
OURS = tuple(replace(row, set="kind", gold=((10, len(row.answer) - 1),), split="forget") for row in RETAIN)
PLAIN = tuple(replace(row, gold=()) for row in ROWS)


@pytest.fixture(scope="module")
def service(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A live service on rows without gold, where our annotated rows are `OURS`, with an empty cache."""
    folder = tmp_path_factory.mktemp("learn")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitted, "annotated_rows", lambda: OURS)
        patch.setenv("TOKENUNLEARN_CACHE", str(folder / "cache"))
        patch.setattr("app.sessions.opening.measure_before", lambda *_: None)
        fitted.annotated_hash.cache_clear()
        fitted._kinds.cache_clear()
        rows = write_rows(folder / "rows.jsonl", PLAIN)
        made = Service(Options(str(tiny_folder), data=str(rows), runs=folder / "runs"))
        made.sessions.load_now()
        assert made.sessions.stage.name == "live", made.sessions.stage.error
        yield made
    fitted.annotated_hash.cache_clear()
    fitted._kinds.cache_clear()


@pytest.fixture(autouse=True)
def nothing_marked(service: Service) -> None:
    keep(service, {})


def ids(service: Service) -> dict[str, str]:
    shown = service.shelf.newest()
    assert shown is not None
    return {"text_id": shown.text_id, "scores_id": shown.scores_id}


def keep(service: Service, rows: dict[str, Any]) -> None:
    """These marks are those that are kept."""
    base = (MarksStore(service.queue.store.root).marks(ids(service)["text_id"])[0] or {}).get("version", 0)
    assert ask(marks.save, service, {**ids(service), "base": base, "save": "test", "rows": rows})["taken"]


def seen(count: int, wrong: bool = False) -> dict[str, Any]:
    """The first rows reviewed, the town marked in each; `wrong`: "born" instead."""
    rows = {}
    for row in ROWS[:count]:
        start = row.answer.index("born")
        fact = [start, start + 4] if wrong else list(row.gold[0])
        rows[row.id] = {"fact": [fact], "other": [], "seen": True}
    return rows


def towns(service: Service, values: list[float | None]) -> float:
    """How well the values of the last three rows tell the town from the words before it."""
    shown = service.shelf.newest()
    assert shown is not None
    of, words = shown.columns["row"], shown.columns["word"]
    kept = (of >= 5) & ~shown.columns["subject"] & ~shown.columns["punctuation"]
    last = {row: words[kept & (of == row)].max() for row in (5, 6, 7)}
    is_town = [words[at] == last[of[at]] for at in np.flatnonzero(kept)]
    return auroc(np.array(values, dtype=float)[kept], np.array(is_town, dtype=float))


def test_marks_teach_what_they_mark_and_taking_them_away_unteaches_it(service: Service) -> None:
    alone = ask(learn.learn, service, ids(service))
    assert alone["fit"] == "" and not any(service.shelf.newest().fits.values())
    keep(service, seen(5))
    right = ask(learn.learn, service, ids(service))
    assert towns(service, right["values"]) > 0.95
    keep(service, seen(5, wrong=True))
    wrong = ask(learn.learn, service, ids(service))
    assert towns(service, wrong["values"]) < 0.5 and wrong["fit"] != right["fit"]
    assert service.shelf.newest().fits == {"learned": wrong["fit"]}
    keep(service, {})
    again = ask(learn.learn, service, ids(service))
    assert (again["fit"], again["values"], service.shelf.newest().payload["fits"]) == (
        "",
        alone["values"],
        {},
    )


def test_the_fit_is_that_of_the_command_line(service: Service) -> None:
    keep(service, seen(3))
    answer = ask(learn.learn, service, ids(service))
    rows = tuple(each.info.row for each in service.shelf.newest().scores.rows)
    scorer = fit_marks(service.sessions.model(), rows, marks_from(seen(3), rows))
    shown, place = service.shelf.newest(), service.shelf.newest().payload["rows"][6]
    at = slice(place["first"], place["first"] + place["count"])
    from tokenunlearn.learned.fitted import row_states
    from tokenunlearn.signals.learned import learned

    columns = shown.columns
    left_out = columns["subject"][at] | columns["punctuation"][at]
    values = learned(
        scorer.logits(row_states(service.sessions.model(), rows[6:7], scorer.layer)),
        columns["word"][at],
        left_out,
    )
    np.testing.assert_allclose(np.array(answer["values"][at]), values, atol=2e-6)


def test_trust_is_held_out_stands_beside_what_it_must_beat_and_needs_enough_rows(service: Service) -> None:
    name = ROWS[0].set
    assert ask(learn.trusted, service, {**ids(service), "set": name})["verdict"] == learn.NO_TRUTH
    keep(service, seen(4))
    few = ask(learn.trusted, service, {**ids(service), "set": name})
    assert (few["enough"], few["table"], few["curve"]) == (False, [], [])
    assert few["verdict"].startswith("Not enough marks yet: 4 rows (5 are needed)")
    keep(service, seen(8))
    found = ask(learn.trusted, service, {**ids(service), "set": name})
    # Eight towns are below the ten words of the fact that are needed.
    assert "8 rows (5 are needed) with 8 words of the fact (10 are needed)" in found["verdict"]


def test_of_shuffled_marks_it_is_said_that_nothing_was_learned(service: Service) -> None:
    rows = {}
    for at, row in enumerate(ROWS):
        # Of "was born in Rome" two words that lie next to each other, others in each row.
        places = [row.answer.index(word) for word in ("was", "born", "in " + row.answer[row.gold[0][0] :])]
        spans = [(places[0], 3), (places[1], 4), (places[2], 2), (row.gold[0][0], 3)]
        fact = sorted([start, start + size] for start, size in (spans[at % 4], spans[(at + 1) % 4]))
        rows[row.id] = {"fact": fact, "other": [], "seen": True}
    keep(service, rows)
    found = ask(learn.trusted, service, {**ids(service), "set": ROWS[0].set})
    assert found["verdict"].startswith("Nothing was learned from these marks: AUROC ") and found["enough"]
    named = {entry["signal"]: entry for entry in found["table"]}
    assert {"learned", "random", "content_words", "content_words_new", "knowledge_swap"} <= set(named)
    assert named["learned"]["low"] <= 0.5 and len(found["curve"]) >= 2


def test_work_on_marks_that_were_changed_is_given_up(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(service, seen(8))
    real, fits = learn._still(service, service.shelf.newest()), []

    def changed() -> None:
        fits.append(1)
        if len(fits) == 2:
            keep(service, seen(7))
        real()

    monkeypatch.setattr(learn, "_still", lambda *_: changed)
    assert ask(learn.trusted, service, {**ids(service), "set": ROWS[0].set}) == {"outdated": True}
    assert len(fits) == 2


def test_a_mask_is_confirmed_and_newer_marks_are_learned_while_a_fit_goes_on(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(service, seen(8))
    begun, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        assert go_on.wait(60)

    monkeypatch.setattr(learn, "_still", lambda *_: wait)
    asked = {**ids(service), "set": ROWS[0].set}
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(ask, learn.trusted, service, asked)
        assert begun.wait(60)
        assert ask(tokens.confirm_mask, service, {**asked, "rule": {"fraction": 0.2}})["chosen"]
        keep(service, seen(7))
        assert ask(learn.learn, service, ids(service))["fit"] and not slow.done()
        go_on.set()
        assert slow.result(60)["rows"] == 8


def test_marks_of_a_row_that_could_not_be_scored_take_no_part(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = service.shelf.newest()
    rows = [
        {**row, "failure": "no numbers"} if at == 2 else row for at, row in enumerate(shown.payload["rows"])
    ]
    failed = replace(shown, payload={**shown.payload, "rows": rows})
    monkeypatch.setattr(service, "states", StatesShelf())
    monkeypatch.setattr(learn, "shown_text", lambda *_: failed)
    whole = {
        row.id: {"fact": [[len(row.answer) - 11, len(row.answer) - 1]], "other": [], "seen": True}
        for row in ROWS
    }
    keep(service, whole)
    asked = {**ids(service), "set": ROWS[0].set, "rule": {}}
    found = ask(learn.trusted, service, asked)
    assert found["rows"] == 7 and found["enough"]
    assert ask(learn.fitted_rule, service, asked)["rows"] == 7


def test_a_set_about_one_subject_is_held_out_row_by_row_beside_other_sets(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = service.shelf.newest()
    rows = [
        {**row, "set": "one", "subject": "Mia"} if at < 6 else {**row, "set": "others"}
        for at, row in enumerate(shown.payload["rows"])
    ]
    of_two_sets = replace(shown, payload={**shown.payload, "rows": rows})
    monkeypatch.setattr(learn, "shown_text", lambda *_: of_two_sets)
    whole = {
        row.id: {"fact": [[len(row.answer) - 11, len(row.answer) - 1]], "other": [], "seen": True}
        for row in ROWS
    }
    keep(service, whole)
    found = ask(learn.trusted, service, {**ids(service), "set": "one"})
    assert found["rows"] == 6 and [point["rows"] for point in found["curve"]] == [0, 1, 2]
    assert learn._groups(rows_of(service, of_two_sets), range(6)).tolist() == [0, 1, 2, 3, 4, 5, -1, -1]


def test_an_older_fit_takes_no_newer_ones_place(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(service, seen(5, wrong=True))
    real, wanted = learn.signal_on, []

    def overtaken(*asked: Any) -> np.ndarray:
        if not wanted:  # another tab marks and learns, while this one still fits
            monkeypatch.setattr(learn, "signal_on", real)
            keep(service, seen(5))
            wanted.append(ask(learn.learn, service, ids(service))["fit"])
        return real(*asked)

    monkeypatch.setattr(learn, "signal_on", overtaken)
    assert ask(learn.learn, service, ids(service))["fit"] == wanted[0]
    assert service.shelf.newest().fits == {"learned": wanted[0]}


def test_a_signal_that_is_asked_for_while_it_is_fitted_stays_fitted(service: Service) -> None:
    keep(service, seen(5))
    found = ask(learn.learn, service, ids(service))
    shown = service.shelf.newest()
    later = tokens.with_signal(service, shown, "learned", np.zeros(len(shown.columns["row"])))
    np.testing.assert_array_equal(later.columns["learned"], np.array(found["values"]))


def test_weights_are_fitted_to_what_is_true_and_change_nothing_by_themselves(service: Service) -> None:
    asked = {**ids(service), "set": ROWS[0].set, "rule": {"fraction": 0.05}}
    keep(service, seen(3))
    with pytest.raises(InputError, match="Facts are marked in 3 rows of this set, and 5 are needed"):
        ask(learn.fitted_rule, service, asked)
    keep(service, seen(8))
    with pytest.raises(SettingError, match="There is no signal 'gold'"):
        ask(learn.fitted_rule, service, {**asked, "rule": {"knowledge": "gold"}})
    before = service.shelf.newest().columns["knowledge_swap"].copy()
    found = ask(learn.fitted_rule, service, asked)
    assert found["rows"] == 8 and 0 <= found["before"] <= found["agreement"] <= 1
    assert found["rule"]["fraction"] > 0.05
    assert set(found["rule"]) <= {"knowledge", "alpha", "fraction", "mode"}
    np.testing.assert_array_equal(service.shelf.newest().columns["knowledge_swap"], before)
    confirmed = ask(
        tokens.confirm_mask,
        service,
        {**ids(service), "set": ROWS[0].set, "rule": {"fraction": 0.05, **found["rule"]}},
    )
    assert len(confirmed["chosen"]) > 0


def test_a_mask_on_marks_of_before_says_how_many_tokens_the_new_ones_move(service: Service) -> None:
    keep(service, seen(5))
    ask(learn.learn, service, ids(service))
    rule = {"knowledge": "learned", "alpha": 1.0, "mode": "top_k", "k": 8, "scope": "set"}
    draft = {**ids(service), "set": ROWS[0].set, "rule": rule, "name": "on five rows"}
    saved = ask(masks.save_mask, service, draft)
    asked = {**ids(service), "id": saved["saved"]["id"]}
    assert ask(masks.load_mask, service, asked)["moved"] is None
    keep(service, seen(5, wrong=True))
    ask(learn.learn, service, ids(service))
    assert ask(masks.load_mask, service, asked)["moved"] > 0
    ask(masks.remove_mask, service, asked)


def test_gold_of_the_file_is_truth_until_a_mark_corrects_it(service: Service) -> None:
    row = ROWS[0]
    start, end = row.gold[0]
    session = service.sessions.session
    rows = session.rows
    session.rows = replace(rows, forget=(replace(rows.forget[0], gold=row.gold), *rows.forget[1:]))
    try:
        truth, marked = truth_of(service, service.shelf.newest())
        assert (truth, marked) == ({row.id: RowMarks(row.gold, seen=True)}, frozenset())
        keep(service, {row.id: {"fact": [], "other": [[start, start + 2]], "seen": False}})
        truth, marked = truth_of(service, service.shelf.newest())
        corrected = RowMarks(((start + 2, end),), ((start, start + 2),), True)
        assert (truth, marked) == ({row.id: corrected}, {row.id})
    finally:
        session.rows = rows


def test_a_signal_that_was_fitted_on_marks_has_no_figure_on_these_rows(service: Service) -> None:
    shown = service.shelf.newest()
    board = [{"signal": name, "set": "tiny", "auroc_word": 1.0} for name in ("learned", "entropy")]
    given = replace(shown, payload={**shown.payload, "leaderboard": board})
    fitted_now = given.with_signals({"learned": shown.columns["entropy"]}, {"learned": "f1"})
    assert [entry["signal"] for entry in fitted_now.payload["leaderboard"]] == ["entropy"]


def test_states_are_measured_once_for_a_text(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(learn.learn, service, ids(service))
    monkeypatch.setattr("app.learning._measured", lambda *_: pytest.fail("they were measured again"))
    keep(service, seen(2))
    assert ask(learn.learn, service, ids(service))["fit"]


def test_what_is_recorded_or_not_open_teaches_nothing(service: Service) -> None:
    for asked in ({"text_id": "t9", "scores_id": "s9"}, {**ids(service), "text_id": "none"}):
        with pytest.raises(MaskError, match="no longer open"):
            ask(learn.learn, service, asked)
