"""fit, and score with what it wrote, on the tiny model: files, figures held out, a second annotation."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tiny_rows import ROWS, tiny, write_rows
from tokenunlearn.cli import main
from tokenunlearn.errors import ModelError
from tokenunlearn.learned import fitted
from tokenunlearn.learned.scorer_files import read_scorer, write_scorer
from tokenunlearn.signals import SIGNALS
from tokenunlearn.table import provenance, read_table

pytestmark = pytest.mark.slow

OURS = tuple(replace(row, id=f"our-{row.id}", question=f"{row.question}?", set="ours") for row in ROWS)


@pytest.fixture
def model(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The flags of the tiny model, where our annotated rows are `OURS`, in an empty folder."""
    monkeypatch.setattr(fitted, "annotated_rows", lambda: OURS)
    monkeypatch.setenv("TOKENUNLEARN_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for cached in (fitted.annotated_hash, fitted._kinds):
        cached.cache_clear()
    yield ["--model", str(tiny_folder), "--precision", "fp32"]
    for cached in (fitted.annotated_hash, fitted._kinds):
        cached.cache_clear()


def test_what_is_fitted_scores_and_says_what_it_was_fitted_on(model, capsys) -> None:
    rows = str(write_rows(Path("rows.jsonl"), [replace(row, gold=()) for row in ROWS]))
    marked = str(write_rows(Path("marked.jsonl"), ROWS[:3]))
    assert main(["fit", rows, "--marks", marked, "--out", "scorer", *model]) == 0
    said = capsys.readouterr().out
    scorer = read_scorer("scorer")
    assert f"fitted on 32 annotated and 12 marked words; hash {scorer.hash}" in said
    assert "Not enough marks yet: 3 rows (5 are needed) with 3 words" in said
    first = Path("scorer/scorer.safetensors").read_bytes()
    assert main(["fit", rows, "--marks", marked, "--out", "scorer", *model]) == 0
    assert Path("scorer/scorer.safetensors").read_bytes() == first

    learned = ["score", rows, "--signals", "learned", *model]
    assert main([*learned, "--scorer", "scorer", "--out", "with.parquet"]) == 0
    assert main([*learned, "--out", "without.parquet"]) == 0
    tables = [read_table(f"{name}.parquet") for name in ("with", "without")]
    assert tables[0].learned.notna().all() and (tables[0].learned != tables[1].learned).all()
    assert provenance(tables[0])["fits"] == {"learned:0.6:0.001": scorer.hash}


def test_marks_of_the_page_and_gold_of_the_rows(model, capsys) -> None:
    rows = str(write_rows(Path("rows.jsonl"), ROWS))
    marks = {"rows": {"ada": {"fact": [[4, 8]], "other": [], "seen": False}}}
    Path("marks.json").write_text(json.dumps(marks), "utf-8")
    assert main(["fit", rows, "--marks", "marks.json", "--out", "scorer", *model]) == 0
    # the person's one mark adds to the gold of Ada's row, as on the page: eight rows have four words each
    assert "and 32 marked words" in capsys.readouterr().out


def test_a_report_holds_the_learned_scorer_out_and_compares_two_annotations(model, capsys) -> None:
    rows = str(write_rows(Path("rows.jsonl"), ROWS))
    others = [replace(row, gold=((row.gold[0][0] - 3, row.gold[0][1]),)) for row in ROWS[:6]]
    other = str(write_rows(Path("other.jsonl"), others))
    asked = ["score", rows, "--signals", "learned", "--report", "--annotations", other, *model]
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert "tiny: 8 rows with marked facts" in said and "tiny, the other annotation: 6 rows" in said
    for words in (
        "Learned, with the other subjects' rows",
        "Learned from our annotated rows alone",
        "The other annotation",
        SIGNALS["content_words_new"].label,
        "words, no punctuation",
        "the two annotations agree on 6 rows with κ 0.",
        "Not enough marks yet: 8 rows (5 are needed) with 8 words of the fact (10 are needed)",
    ):
        assert words in said, words


def test_a_scorer_of_these_very_rows_has_no_figure_of_its_own(model, capsys) -> None:
    rows = str(write_rows(Path("rows.jsonl"), ROWS))
    assert main(["fit", rows, "--out", "scorer", *model]) == 0
    asked = ["score", rows, "--signals", "learned", "--report", "--scorer", "scorer", *model]
    capsys.readouterr()
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert "with the other subjects' rows" in said and "our annotated rows alone" not in said


def test_a_scorer_of_ours_has_no_figure_on_our_own_rows(model, tiny_folder, capsys, monkeypatch) -> None:
    monkeypatch.setattr("tokenunlearn.cli.signal_reports.annotated_rows", lambda: OURS)
    write_scorer(Path("ours.safetensors"), fitted.fitted_for(tiny(tiny_folder)))
    for given, own in ((OURS[:4], False), (ROWS, True)):
        rows = str(write_rows(Path("rows.jsonl"), given))
        asked = ["score", rows, "--signals", "learned", "--report", "--scorer", "ours.safetensors", *model]
        assert main(asked) == 0
        assert ("our annotated rows alone" in capsys.readouterr().out) == own


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--scorer", "absent"], "The scorer absent cannot be read"),
        (["--annotations", "rows.jsonl"], "--annotations has nothing to do"),
        (["--scorer", "absent", "--signals", "entropy"], "--scorer has nothing to do"),
    ],
)
def test_what_cannot_be_done_is_told(model, capsys, more: list[str], words: str) -> None:
    rows = str(write_rows(Path("rows.jsonl"), ROWS))
    assert main(["score", rows, "--signals", "learned", "--out", "x.parquet", *more, *model]) == 2
    assert words in capsys.readouterr().err


def test_rows_without_a_mark_fit_nothing(model, capsys) -> None:
    rows = str(write_rows(Path("rows.jsonl"), [replace(row, gold=()) for row in ROWS]))
    assert main(["fit", rows, "--out", "scorer", *model]) == 2
    assert "There is no mark to learn from" in capsys.readouterr().err and not Path("scorer").exists()


def test_marks_that_cannot_be_read_whole_are_refused(model, capsys) -> None:
    rows = str(write_rows(Path("rows.jsonl"), ROWS))
    lines = Path(rows).read_text("utf-8").splitlines()
    Path("some.jsonl").write_text("\n".join([*lines[:6], "{broken"]), "utf-8")
    Path("deep.json").write_text("[" * 100_000, "utf-8")
    for name, words in (("some.jsonl", "some.jsonl:7"), ("deep.json", "deep.json cannot be read")):
        assert main(["fit", rows, "--marks", name, "--out", "scorer", *model]) == 2
        assert words in capsys.readouterr().err


def test_a_long_row_is_fitted_on_and_trusted(model, capsys) -> None:
    long = replace(ROWS[0], answer=f"{ROWS[0].answer} {'so it is ' * 250}".strip())
    rows = str(write_rows(Path("rows.jsonl"), [long, *ROWS[1:]]))
    assert main(["fit", rows, "--out", "scorer", *model]) == 0
    assert "Not enough marks yet: 8 rows" in capsys.readouterr().out


def test_a_scorer_of_a_type_that_numpy_lacks_is_damaged(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    save_file({"coef": torch.ones(4, dtype=torch.float8_e4m3fn)}, tmp_path / "s.safetensors")
    with pytest.raises(ModelError, match="cannot be read"):
        read_scorer(tmp_path / "s.safetensors")
