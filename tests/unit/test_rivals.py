"""Each rival answers as a language model does, from its entry alone; ICUL's context, by hand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tiny_rows import RETAIN, ROWS, tiny, write_rows
from tokenunlearn.cli import main
from tokenunlearn.data.rows import Row
from tokenunlearn.data.splits import Splits
from tokenunlearn.errors import InputError, SettingError
from tokenunlearn.models.loading import LoadedModel
from tokenunlearn.probes import PROBES
from tokenunlearn.probes.evidence import ProbeSettings
from tokenunlearn.probes.report import probe_report
from tokenunlearn.rivals import RIVALS, make_rival
from tokenunlearn.rivals.in_context import wrong_answers
from tokenunlearn.settings import to_dict

pytestmark = pytest.mark.slow

GIVEN = Splits(ROWS[:3], RETAIN, ())


@pytest.fixture(scope="module")
def target(tiny_folder: Path) -> LoadedModel:
    return tiny(tiny_folder)


@pytest.mark.parametrize("name", RIVALS)
def test_a_rival_answers_every_probe_and_leaves_the_target_as_it_was(name: str, target: LoadedModel) -> None:
    settings = ProbeSettings(max_new_tokens=4)
    before = probe_report(target, GIVEN, settings)
    rival = make_rival(name, target, GIVEN, {})
    report = probe_report(rival, GIVEN, settings)
    assert set(report["summary"]) == set(PROBES)
    assert report["summary"]["fact_joint"] not in (None, before["summary"]["fact_joint"])
    assert report["judge"] == target.base_id()  # its fluency can be held against the target's
    assert probe_report(target, GIVEN, settings) == before
    entry = RIVALS[name]
    assert entry.label and entry.help and entry.source
    with pytest.raises(InputError, match="There is no forget row"):
        make_rival(name, target, replace(GIVEN, forget=()), to_dict(entry.settings()))


def test_an_unknown_rival_and_setting_are_refused(target: LoadedModel) -> None:
    with pytest.raises(SettingError, match=r"There is no rival 'icu'. Did you mean icul\?"):
        make_rival("icu", target, GIVEN, {})
    with pytest.raises(SettingError, match="examples is -1"):
        make_rival("icul", target, GIVEN, {"examples": -1})


def test_the_context_has_wrong_answers_first_and_then_true_ones(target: LoadedModel) -> None:
    rival = make_rival("icul", target, Splits(ROWS[:2], RETAIN[:1], ()), {})
    assert rival.context == (
        "Where was Ada Moss born? Ada Moss was born in Oslo.\n"
        "Where was Bob Reed born? Bob Reed was born in Rome.\n"
        "What does Lea like? She likes tea.\n"
    )
    bare = make_rival("icul", target, Splits(ROWS[:2], RETAIN, ()), {"examples": 0})
    assert bare.context == "".join(f"{line}\n" for line in rival.context.splitlines()[:2])
    (asked,) = bare.token_log_probs([("Who?", "Ada.")])
    (plain,) = target.token_log_probs([(f"{bare.context}Who?", "Ada.")])
    assert asked.log_probs.tolist() == plain.log_probs.tolist() and asked.ends.tolist() == [1, 2, 3, 4]


def test_a_wrong_answer_has_the_form_of_the_right_one() -> None:
    def row(name: str, answer: str, gold: tuple, attribute: str = "", wrong: tuple = ()) -> Row:
        return Row(name, f"{name}?", answer, gold=gold, attribute=attribute, perturbed_answer=wrong)

    born = row("born", "In Rome in May.", ((3, 7), (11, 14)), "birth")
    work = row("work", "A piano tuner.", ((2, 13),), "work")
    same = row("same", "At Rome in May.", ((3, 7), (11, 14)), "birth")
    late = row("late", "In Oslo in July.", ((3, 7), (11, 15)), "birth")
    free = row("free", "Nothing.", (), wrong=("Something.",))
    bare = row("bare", "No fact.", ())
    found = wrong_answers(Splits((born, work, same, late, free, bare), (), ()))
    # born: the next of its attribute has the same facts, the one after has others; work: none of its own.
    assert found[:3] == ["In Oslo in July.", "A Rome.", "At Oslo in July."]
    assert found[3:] == ["In Rome in May.", "Something.", "In Rome in May."]
    with pytest.raises(InputError, match="There is no wrong answer to bare"):
        wrong_answers(Splits((bare,), (), ()))


def test_a_context_that_the_model_cannot_read_is_refused(target: LoadedModel) -> None:
    long = tuple(
        replace(row, id=f"{row.id}{at}", question=row.question * 30) for at in range(2) for row in ROWS
    )
    with pytest.raises(
        InputError, match=r"The context of 16 rows has [\d,]+ tokens. The model reads at most"
    ):
        make_rival("icul", target, Splits(long, (), ()), {})


def test_the_verb_probes_a_rival(
    tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, out = write_rows(tmp_path / "rows.jsonl", ROWS[:3], RETAIN), tmp_path / "report.json"
    command = ["probe", str(rows), "--model", str(tiny_folder), "--precision", "fp32", "--out", str(out)]
    command += ["--max-new-tokens", "4"]
    assert main([*command, "--rival", "icul", "--set", "examples=0"]) == 0
    rival = make_rival("icul", tiny(tiny_folder), GIVEN, {"examples": 0})
    expected = probe_report(rival, GIVEN, ProbeSettings(max_new_tokens=4))["summary"]["fact_joint"]
    assert json.loads(out.read_text())["summary"]["fact_joint"] == pytest.approx(expected)
    assert main([*command, "--rival", "icul", "--set", "example=0"]) == 2
    assert main([*command, "--set", "examples=0"]) == 2
    said = capsys.readouterr().err
    assert "'example' is not a setting of InContext" in said and "There is a setting and no rival" in said
