"""Sets by name: rows with choices, what is read from a folder, what is refused; nothing is fetched."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from tokenunlearn.cli import build_parser, main
from tokenunlearn.cli.sources import given_rows
from tokenunlearn.data import sets
from tokenunlearn.data.demo import ASSETS, DEMO_NAMES, HELD_OUT, demo_rows
from tokenunlearn.data.rows import row_from_dict, row_to_dict
from tokenunlearn.data.sets import SETS, open_rows
from tokenunlearn.data.splits import Splits
from tokenunlearn.errors import InputError

QUESTION = {"id": "q", "question": "What is ice?", "choices": ["water", "sand"]}


def opened(text: str) -> Splits:
    """The rows of a set or file; nothing is to be left out of it."""
    return open_rows(text, lambda words: pytest.fail(words))


def lines(path: Path, records: list[dict[str, object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "given",
    [
        *({"answer": 1}, {"correct": 1}, {"answer": "sand"}, {"correct": "1"}, {"correct": "B"}),
        *({"answer": "1"}, {"answer": " 1 "}, {"answer": "B"}, {"answer": "1", "correct": 1}),
    ],
)
def test_the_true_choice_is_named_by_number_letter_or_text(given: dict[str, object]) -> None:
    row = row_from_dict({**QUESTION, **given}, "here")
    assert (row.choices, row.correct, row.answer, row.split) == (("water", "sand"), 1, "sand", "choice")
    assert row_from_dict(row_to_dict(row), "here") == row


def test_without_a_true_choice_the_answer_is_a_text_of_its_own() -> None:
    row = row_from_dict({**QUESTION, "answer": "frozen water", "split": "forget"}, "here")
    assert (row.correct, row.answer, row.split) == (None, "frozen water", "forget")


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"choices": ["one"], "answer": 0}, "choices has 1 texts. A question has 2 to 26 of them"),
        ({"choices": [], "correct": 0, "answer": "a"}, "choices has 0 texts"),
        ({"choices": ["a", "a"], "answer": 0}, r"choices\[1\] is there before"),
        ({"choices": ["a", " "], "answer": 0}, r"choices\[1\] is empty"),
        ({"choices": ["a", "b"], "answer": 2}, "answer names no choice. It is 2, and there are 2 choices"),
        ({"choices": ["a", "b"], "correct": -1}, "correct names no choice"),
        ({"choices": ["a", "b"], "correct": True}, "correct names no choice"),
        ({"choices": ["a", "b"], "answer": "a", "correct": 1}, "answer and correct differ"),
        ({"choices": ["a", "b"]}, "answer names no choice. It is null"),
        ({"choices": 3, "answer": 0}, "choices is a number"),
        ({"choices": ["1", "2", "3", "4"], "answer": "3"}, 'answer names two choices. It is "3"'),
        ({"choices": ["B", "A"], "answer": "A"}, "Give the number in a column correct"),
        ({"choices": ["a", "b"], "answer": "2"}, "answer names no choice. It is 2"),
    ],
)
def test_choices_that_do_not_fit_are_named(record: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        row_from_dict({"id": "q", "question": "Why?", **record}, "file:7")
    assert caught.value.where == "file:7"


def test_a_text_that_is_a_choice_in_its_own_place_names_it() -> None:
    for answer, at in (("A", 0), ("1", 1), ("x", 2)):
        record = {**QUESTION, "choices": ["A", "1", "x"], "answer": answer}
        assert row_from_dict(record, "here").correct == at


def test_a_table_of_a_public_set_has_the_keys_that_it_says(tmp_path: Path) -> None:
    """The cells of a table are text: what looks like a choice is still the number of one."""
    table = pd.DataFrame(
        {
            "question": ["1 + 2?", "Italy?"],
            "subject": ["sums", "places"],
            "choices": [json.dumps(["1", "2", "3", "4"]), json.dumps(["Paris", "Rome"])],
            "answer": [2, 1],
        }
    )
    table.to_csv(tmp_path / "mmlu.csv", index=False)
    assert [row.answer for row in opened(f"mmlu={tmp_path}").choice] == ["3", "Rome"]


def test_questions_without_a_known_true_choice_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = lines(tmp_path / "own.jsonl", [QUESTION | {"answer": "ice"}, QUESTION | {"id": "r", "answer": 0}])
    arguments = build_parser().parse_args(["probe", str(path), "--out", "x.json"])
    given_rows(arguments, beside=Splits((), (), ()))
    assert "2 with choices (1 of them without a known true one)" in capsys.readouterr().err


def test_every_set_says_what_it_is() -> None:
    for name, entry in SETS.items():
        assert entry.label and entry.help and entry.licence and entry.source, name
        assert (entry.folder is None) == bool(entry.hub) == bool(entry.files), name


def test_rows_that_are_only_asked_are_told_from_rows_to_keep() -> None:
    common = opened("common")
    assert common.only_asked and not SETS["common"].forgets
    assert not opened("demo").only_asked and SETS["demo"].forgets
    mixed = replace(common, retain=(row_from_dict({"id": "r", "question": "Q?", "answer": "A."}, "here"),))
    assert not mixed.only_asked and not Splits((), (), ()).only_asked
    with pytest.raises(InputError, match='No row has split "forget"'):
        mixed.need_forget("here")


def test_the_shipped_sets_open_by_name() -> None:
    found = opened("demo")
    names = (*DEMO_NAMES, HELD_OUT)
    assert {row.id for row in found.rows} == {row.id for name in names for row in demo_rows(name)}
    assert found.holdout == demo_rows(HELD_OUT)
    common = opened("common").choice
    assert len(common) == 60 and {len(row.choices) for row in common} == {4}
    # no place of the true choice is likelier than another
    assert [sum(row.correct == at for row in common) for at in range(4)] == [15] * 4
    assert len({row.question for row in common}) == len({row.id for row in common}) == 60
    assert {row.set for row in common} >= {"geography", "numbers"}


def tofu(folder: Path) -> Path:
    plain = [{"question": f"Q{at}?", "answer": f"A{at}."} for at in range(4)]
    more = {"paraphrased_question": "P?", "paraphrased_answer": "P.", "perturbed_answer": ["no", "never"]}
    lines(folder / "forget01.json", plain[:2])
    lines(folder / "forget01_perturbed.json", [plain[1] | more])
    lines(folder / "retain99.json", plain[2:])
    lines(folder / "retain_perturbed.json", [plain[2] | more])
    lines(folder / "holdout01.json", [{"question": "H?", "answer": "H."}])
    lines(
        folder / "world_facts_perturbed.json", [{"question": "W?", "answer": "W", "perturbed_answer": ["x"]}]
    )
    lines(folder / "real_authors.json", [{"question": "R?", "answer": "R"}])
    return folder


def test_tofu_is_read_by_split_with_what_is_known_of_each_row(tmp_path: Path) -> None:
    found = opened(f"tofu_forget01={tofu(tmp_path)}")
    assert [row.id for row in found.rows] == [
        *("forget01-0", "forget01-1", "retain99-0", "retain99-1"),
        *("real_authors-0", "world_facts-0", "holdout01-0"),
    ]
    assert [len(row.perturbed_answer) for row in found.rows] == [0, 2, 2, 0, 0, 1, 0]
    assert found.forget[1].paraphrased_answer == ("P.",) and found.forget[1].set == "tofu"
    assert [row.split for row in found.rows] == [*["forget"] * 2, *["retain"] * 2, *["world"] * 2, "holdout"]
    (tmp_path / "forget01.json").unlink()
    assert [row.question for row in opened(f"tofu_forget01={tmp_path}").forget] == ["Q1?"]
    with pytest.raises(InputError, match="not a folder of TOFU. It holds no forget05.json"):
        opened(f"tofu_forget05={tmp_path}")


def test_tofu_as_it_is_published(tmp_path: Path, shared_data) -> None:
    for name in ("forget01_perturbed", "real_authors_perturbed", "world_facts_perturbed"):
        (tmp_path / f"{name}.json").write_bytes(shared_data(f"tofu_{name}.jsonl").read_bytes())
    (tmp_path / "retain99.json").write_bytes(shared_data("tofu_retain_rows60.jsonl").read_bytes())
    perturbed = shared_data("tofu_retain_perturbed_first60.jsonl").read_bytes()
    (tmp_path / "retain_perturbed.json").write_bytes(perturbed)
    found = opened(f"tofu_forget01={tmp_path}")
    assert [len(each) for each in (found.forget, found.retain, found.world)] == [40, 60, 217]
    assert {len(row.perturbed_answer) for row in (*found.forget, *found.retain)} == {5}
    assert {len(row.perturbed_answer) for row in found.world} == {3} and not found.holdout


def test_mmlu_and_wmdp_as_they_are_published(tmp_path: Path, shared_data) -> None:
    for name, file, count in (("mmlu", "mmlu_rows50", 50), ("wmdp_cyber", "wmdp_cyber_rows", 5)):
        source = shared_data(f"{file}.jsonl")
        records = [json.loads(line) for line in source.read_text("utf-8").splitlines()]
        folder = tmp_path / name
        place = folder / ("all" if name == "mmlu" else "wmdp-cyber") / "test-00000-of-00001.parquet"
        place.parent.mkdir(parents=True)
        pd.DataFrame(records).drop(columns=["row"]).to_parquet(place)
        for where in (folder, lines(tmp_path / f"{name}_lines" / f"{name}.jsonl", records).parent):
            found = opened(f"{name}={where}")
            assert len(found.choice) == len(found.rows) == count
            assert [row.correct for row in found.choice] == [each["answer"] for each in records]
            assert [list(row.choices) for row in found.choice] == [each["choices"] for each in records]
            assert [row.set for row in found.choice] == [each.get("subject", name) for each in records]


def test_what_is_wrong_with_a_set_is_said_by_file_row_and_field(tmp_path: Path) -> None:
    folder = tofu(tmp_path / "tofu")
    lines(folder / "holdout01.json", [{"question": "H?", "answer": "H."}, {"question": "H?", "answer": 3}])
    with pytest.raises(InputError, match="answer is a number") as caught:
        opened(f"tofu_forget01={folder}")
    assert caught.value.where == f"{folder}/holdout01.json:2"
    lines(folder / "holdout01.json", [{"prompt": "H?", "reply": "H."}])
    with pytest.raises(InputError, match="There is no column 'question'. Its columns are prompt, reply"):
        opened(f"tofu_forget01={folder}")
    bad = lines(
        tmp_path / "mmlu" / "mmlu.jsonl",
        [{"question": "?", "choices": ["a", "b"], "answer": 4, "subject": ""}],
    )
    with pytest.raises(InputError, match="correct names no choice. It is 4") as caught:
        opened(f"mmlu={bad.parent}")
    assert caught.value.where == f"{bad}:1"
    with pytest.raises(InputError, match="not a folder of wmdp_bio. It holds no wmdp-bio"):
        opened(f"wmdp_bio={bad.parent}")
    with pytest.raises(InputError, match="There is no set 'mmul' and no such file.*Did you mean mmlu"):
        opened("mmul=folder")
    with pytest.raises(InputError, match="The set common is shipped. It takes no place"):
        opened("common=folder")


@pytest.mark.parametrize(
    ("words", "adapter"),
    [
        (["probe", "--demo"], "target"),
        (["probe", "demo"], "target"),
        (["probe", "--set", "demo"], "target"),
        (["score", "demo"], "target"),
        (["probe", "--set", "common"], None),
        (["probe", "demo", "--model", "other"], None),
        (["probe", "demo", "--adapter", "own"], "own"),
    ],
)
def test_the_shipped_set_is_opened_with_the_adapter_that_knows_it_however_it_is_named(
    words: list[str], adapter: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened_with: list[object] = []

    def stopped(_: object, given: object, *_rest: object, **_more: object) -> None:
        opened_with.append(given)
        raise InputError("Enough is known", "No model is needed", "", "test")

    monkeypatch.setattr("tokenunlearn.models.loading.load_model", stopped)
    out = tmp_path / ("x.json" if words[0] == "probe" else "x.jsonl")
    assert main([*words, "--out", str(out)]) == 2
    assert [path and Path(str(path)).name for path in opened_with] == [adapter]


def test_a_bad_line_of_a_set_is_left_out_where_a_person_says_so(tmp_path: Path) -> None:
    folder, told = tofu(tmp_path), list[str]()
    lines(folder / "holdout01.json", [{"question": "H?", "answer": "H."}, {"question": "H?", "answer": 3}])
    with pytest.raises(InputError, match="Line 2 is not a row.*or add --skip-bad-rows"):
        opened(f"tofu_forget01={folder}")
    found = open_rows(f"tofu_forget01={folder}", told.append, skip_bad=True)
    assert [row.question for row in found.holdout] == ["H?"] and len(found.forget) == 2
    assert len(told) == 1 and told[0].startswith("holdout01.json: left out line 2: answer is a number")
    lines(folder / "holdout01.json", [{"question": "H?", "answer": 3}])
    with pytest.raises(InputError, match="No line of the file is a row"):
        open_rows(f"tofu_forget01={folder}", told.append, skip_bad=True)


def test_the_hub_is_asked_only_when_a_person_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, list[str]]] = []

    def fetched(name: str, repo_type: str, allow_patterns: list[str]) -> str:
        assert repo_type == "dataset"
        asked.append((name, allow_patterns))
        return str(tofu(tmp_path))

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetched)
    with pytest.raises(
        InputError, match="not shipped.*Write tofu_forget01=FOLDER, or tofu_forget01=locuslab/TOFU"
    ):
        opened("tofu_forget01")
    for place in ("nowhere", "/no/where", "./no", "a/b/c"):
        with pytest.raises(InputError, match="There is no such folder"):
            opened(f"tofu_forget01={place}")
    assert asked == []
    assert len(opened("tofu_forget01=locuslab/TOFU").forget) == 2
    assert asked == [("locuslab/TOFU", ["*.json", "*.jsonl"])]
    monkeypatch.undo()  # HF_HUB_OFFLINE is set for every test
    with pytest.raises(InputError, match="The set cannot be fetched. The hub gave no such"):
        opened("mmlu=cais/mmlu-none")


def test_a_set_stands_in_the_place_of_a_file_on_the_command_line(
    tiny_folder: Path, tmp_path: Path, capsys
) -> None:
    folder, out = tofu(tmp_path / "tofu"), tmp_path / "out.jsonl"
    model = ["--model", str(tiny_folder), "--precision", "fp32"]
    assert main(["score", f"tofu_forget01={folder}", "--signals", "loss", "--out", str(out), *model]) == 0
    told = capsys.readouterr().err
    assert "2 rows to forget, 2 to keep, 2 of the world's facts, 1 held out" in told
    ids = {json.loads(line).get("row_id") for line in out.read_text("utf-8").splitlines()[1:]}
    assert ids == {"forget01-0", "forget01-1"}


def test_a_set_of_choices_is_probed_without_a_row_to_forget(
    tiny_folder: Path, tmp_path: Path, capsys
) -> None:
    rows = [
        {"question": f"Which is {word}?", "choices": ["red", "blue", word], "answer": 2} for word in "abc"
    ]
    path, out = lines(tmp_path / "own.jsonl", rows), tmp_path / "out.json"
    model = ["--model", str(tiny_folder), "--precision", "fp32", "--out", str(out)]
    assert main(["probe", str(path), *model]) == 0
    told = capsys.readouterr()
    assert "3 with choices" in told.err and "of 3 questions, chance 0.333" in told.out
    report = json.loads(out.read_text("utf-8"))
    assert report["summary"]["choice_chance"] == pytest.approx(1 / 3) and report["summary"]["retain"] is None
    assert set(report["by_row"]["choice_text"]) == {"row-1", "row-2", "row-3"}
    assert main(["score", str(path), *model[:-1], str(tmp_path / "x.jsonl")]) == 2
    assert "Every row is a question with choices. Ask them with" in capsys.readouterr().err
    assert main(["probe", "--set", "comon", *model]) == 2
    assert "There is no set 'comon'. Did you mean common" in capsys.readouterr().err
    assert (ASSETS / "choice" / "common.jsonl").is_file() and sets.SETS["common"].folder is not None


def test_a_set_beside_a_file_has_ids_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"id": "a", "question": "Who?", "answer": "Ada."}\n')
    arguments = build_parser().parse_args(["probe", str(tmp_path / "rows.jsonl"), "--out", "x.json"])
    again = Splits((replace(demo_rows("shared_forget")[0], id="a"),), (), ())
    with pytest.raises(InputError, match="'a' is taken"):
        given_rows(arguments, beside=again)
