"""Files of rows that a browser sends or a person names: shown as they would be read, or told why not."""

import base64
import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from app.actions import opening
from app.doors import answering
from app.uploads import MOST_BYTES, Uploads
from tests.asking import ask
from tokenunlearn.data.columns import FIELDS
from tokenunlearn.data.demo import demo_rows
from tokenunlearn.data.sets import SETS
from tokenunlearn.errors import InputError, TokenUnlearnError


def sent(service: Any, name: str, content: bytes, piece: int = 7) -> str:
    """The id of a file after it was sent in pieces of so many bytes."""
    upload = ask(opening.begin_upload, service, {"name": name, "size": len(content)})["upload"]
    for at in range(0, len(content), piece):
        data = base64.b64encode(content[at : at + piece]).decode()
        ask(opening.add_piece, service, {"upload": upload, "at": at, "data": data})
    return upload


@pytest.fixture
def idle() -> Any:
    """What the preview needs of a service."""
    return SimpleNamespace(uploads=Uploads())


HOSTILE = "<img src=x onerror=alert(1)> =HYPERLINK(1) \u202eabc {{x}} ${y}"


@pytest.mark.parametrize("suffix", ["jsonl", "ndjson", "json", "csv", "tsv", "parquet"])
def test_a_file_that_was_sent_is_shown_as_it_would_be_read(idle: Any, tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame(
        [{"ask": "Q?", "reply": HOSTILE, "=1+1": "x"}, {"ask": "R?", "reply": "", "=1+1": "y"}]
    )
    path = tmp_path / "a"
    if suffix == "parquet":
        frame.to_parquet(path)
    elif suffix in ("csv", "tsv"):
        frame.to_csv(path, index=False, sep="\t" if suffix == "tsv" else ",")
    else:
        frame.to_json(path, orient="records", lines=suffix != "json")
    upload = sent(idle, f"C:\\x\\<b>a</b>.{suffix}", path.read_bytes(), 100)
    first = ask(opening.preview_rows, idle, {"upload": upload})
    assert first["name"].endswith(f".{suffix}") and first["names"] == ["ask", "reply", "=1+1"]
    assert (first["good"], first["refused_count"], first["rows"]) == (0, 2, [])
    assert (
        first["fields"]["question"] is None
        and first["fields"]["subject"] == ""
        and first["unread"] == ["ask", "reply", "=1+1"]
    )
    after = ask(
        opening.preview_rows, idle, {"upload": upload, "columns": {"question": "ask", "answer": "reply"}}
    )
    (row,), (refused,) = after["rows"], after["refused"]
    assert (row["question"], row["answer"]) == ("Q?", HOSTILE)
    assert after["unread"] == ["=1+1"] and "answer" in refused["reason"]
    assert refused["line"] == (3 if suffix in ("csv", "tsv") else 2)


def test_gold_split_and_plain_text_are_told(idle: Any) -> None:
    lines = [
        {"id": 1, "question": "Q?", "answer": "In Rome.", "gold": [[3, 7]], "split": "retain"},
        {"text": "Plain."},
    ]
    upload = sent(idle, "a.jsonl", "\n".join(map(json.dumps, lines)).encode())
    shown = ask(opening.preview_rows, idle, {"upload": upload})
    assert (shown["forget"], shown["retain"], shown["plain"]) == (1, 1, 1)
    assert shown["fields"]["question"] == "question"
    assert list(shown["field_words"]) == list(shown["fields"]) == list(FIELDS)
    assert shown["field_words"]["gold"] == {
        "label": "Fact spans",
        "says": "[start, end] in the answer",
        "none": "none: not known",
        "usual": True,
    }
    plain = ask(opening.preview_rows, idle, {"upload": sent(idle, "b.jsonl", b'{"text": "Plain."}')})
    assert (plain["fields"]["question"], plain["fields"]["answer"]) == ("", "text")
    assert shown["rows"][0] | {"id": "1", "gold": "Rome", "split": "retain"} == shown["rows"][0]


def test_the_sets_are_offered_as_the_registry_has_them(idle: Any) -> None:
    offered = opening.known_sets(idle)["sets"]
    assert [each["name"] for each in offered] == list(SETS)
    by_name = {each["name"]: each for each in offered}
    assert by_name["demo"]["shipped"] and by_name["demo"]["forgets"]
    assert by_name["tofu_forget05"]["hub"] == "locuslab/TOFU" and not by_name["tofu_forget05"]["shipped"]
    assert [name for name, each in by_name.items() if not each["forgets"]] == [
        *("common", "wmdp_bio", "wmdp_chem", "wmdp_cyber", "mmlu")
    ]
    json.dumps(offered)


def test_a_set_is_looked_at_as_a_file_is(idle: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "tokenunlearn.data.sets._fetched", lambda *_: pytest.fail("the hub was asked by itself")
    )
    demo = ask(opening.preview_rows, idle, {"set": "demo"})
    forget = len(demo_rows("shared_forget")) + len(demo_rows("one_off"))
    assert (demo["name"], demo["forget"], demo["only_asked"], demo["fields"]) == ("demo", forget, False, None)
    common = ask(opening.preview_rows, idle, {"set": "common"})
    assert (common["good"], common["choice"], common["forget"], common["only_asked"]) == (60, 60, 0, True)
    assert common["probe"] == "--set common" and " · " in common["rows"][0]["choices"]
    with pytest.raises(InputError, match="no row to forget. Every row is a question with choices"):
        ask(opening.open_rows, idle, {"set": "common"})
    lines = ['{"question": "Q?", "answer": "A."}', '{"question": "Q?"}']
    (tmp_path / "forget01.jsonl").write_text("\n".join(lines), encoding="utf-8")
    tofu = ask(opening.preview_rows, idle, {"set": "tofu_forget01", "place": f" {tmp_path} "})
    assert (tofu["forget"], tofu["retain"], tofu["refused_count"]) == (1, 0, 1)
    assert tofu["refused"][0]["reason"].startswith("forget01.jsonl: left out line 2: answer is missing")
    assert tofu["probe"] == f"--set tofu_forget01={tmp_path}"


def test_the_hub_is_asked_for_a_set_where_a_person_chose_it(
    idle: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    (tmp_path / "forget01.jsonl").write_text('{"question": "Q?", "answer": "A."}', encoding="utf-8")
    monkeypatch.setattr(
        "huggingface_hub.snapshot_download", lambda place, **_: asked.append(place) or str(tmp_path)
    )
    question = {"set": "tofu_forget01", "place": "locuslab/TOFU"}
    for hub in (False, None):
        with pytest.raises(InputError, match="There is no such folder"):
            ask(opening.preview_rows, idle, {**question, "hub": hub})
    with pytest.raises(InputError, match="hub is yes. It must be true or false"):
        ask(opening.preview_rows, idle, {**question, "hub": "yes"})
    assert asked == []
    assert ask(opening.preview_rows, idle, {**question, "hub": True})["forget"] == 1
    assert asked == ["locuslab/TOFU"]


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (
            lambda s: ask(opening.begin_upload, s, {"name": "a.csv", "size": MOST_BYTES + 1}),
            "are taken from a",
        ),
        (lambda s: ask(opening.begin_upload, s, {"name": "a.csv", "size": -1}), "size is -1"),
        (lambda s: ask(opening.add_piece, s, {"upload": "x", "at": 0, "data": "YQ=="}), "no longer held"),
        (
            lambda s: ask(opening.add_piece, s, {"upload": "x", "at": 0, "data": "no base64!"}),
            "cannot be read",
        ),
        (
            lambda s: ask(opening.preview_rows, s, {"upload": sent(s, "a.exe", b"MZ")}),
            "suffix '.exe' is unknown",
        ),
        (lambda s: ask(opening.preview_rows, s, {"upload": sent(s, "a.csv", b"")}), "The file is empty"),
        (lambda s: ask(opening.preview_rows, s, {"path": "/etc"}), "This is a folder"),
        (lambda s: ask(opening.preview_rows, s, {"path": "/etc/passwd"}), "The suffix '' is unknown"),
        (lambda s: ask(opening.preview_rows, s, {"path": "/no/such.csv"}), "There is no such file"),
        (lambda s: ask(opening.preview_rows, s, {"path": "~nobody-at-all/a.csv"}), "There is no such file"),
        (
            lambda s: ask(opening.preview_rows, s, {"path": f"{'x' * 300}.csv"}),
            "cannot be read. File name too long",
        ),
        (lambda s: ask(opening.preview_rows, s, {"path": "\ud800.csv"}), "The file cannot be read"),
        (lambda s: ask(opening.preview_rows, s, {}), "path is missing"),
        (
            lambda s: ask(opening.preview_rows, s, {"path": "a.csv", "columns": 3}),
            "columns must be an object",
        ),
        (
            lambda s: ask(
                opening.preview_rows, s, {"upload": sent(s, "a.csv", b"a,b\n1,2\n"), "columns": {"x": "a"}}
            ),
            "columns names 'x'",
        ),
        (lambda s: ask(opening.preview_rows, s, {"set": "tofu"}), "There is no set 'tofu'"),
        (lambda s: ask(opening.preview_rows, s, {"set": 3}), "set is missing"),
        (lambda s: ask(opening.preview_rows, s, {"set": "mmlu"}), "The set mmlu is not shipped"),
        (lambda s: ask(opening.preview_rows, s, {"set": "mmlu", "place": "a\0b"}), "There is no such folder"),
        (
            lambda s: ask(opening.preview_rows, s, {"set": "mmlu", "place": "~nobody-at-all/a"}),
            "no such folder",
        ),
        (
            lambda s: ask(opening.preview_rows, s, {"set": "mmlu", "place": "/etc"}),
            "This is not a folder of mmlu",
        ),
        (
            lambda s: ask(opening.open_rows, s, {"upload": sent(s, "a.csv", b"a,b\n1,2\n")}),
            "No line of the file",
        ),
        (
            lambda s: ask(opening.open_rows, s, {"upload": sent(s, "a.csv", b"a,b\n1,2\n")}),
            "question is missing",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_told_why(idle: Any, act: Any, words: str) -> None:
    with pytest.raises(TokenUnlearnError) as caught:
        act(idle)
    assert words in str(caught.value)


def test_what_json_cannot_carry_back_is_never_sent(idle: Any) -> None:
    upload = sent(idle, "\ud800.jsonl", b'{"\\ud800": "x", "text": "Plain."}')
    json.dumps(ask(opening.preview_rows, idle, {"upload": upload}), ensure_ascii=False).encode()
    told = answering(partial(opening.preview_rows, idle), "preview_rows")({"path": "\ud800.csv"})
    assert told["error"].encode()


def test_pieces_follow_each_other_and_old_files_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    uploads = Uploads()
    first = uploads.begin("a.csv", 3)
    assert uploads.add(first, 0, b"ab") == 2
    for at, piece in ((0, b"x"), (3, b"x"), (2, b"cd")):
        with pytest.raises(InputError, match="do not follow"):
            uploads.add(first, at, piece)
    with pytest.raises(InputError, match="has not arrived yet"):
        uploads.read(first)
    uploads.add(first, 2, b"c")
    assert uploads.read(first) == ("a.csv", b"abc")
    others = [uploads.begin(f"{at}.csv", 1) for at in range(4)]
    with pytest.raises(InputError, match="no longer held"):
        uploads.read(first)
    uploads.drop(others[0])
    monkeypatch.setattr("app.uploads.SECONDS", -1.0)
    last = uploads.begin("z.csv", 0)
    with pytest.raises(InputError, match="no longer held"):
        uploads.read(others[-1])
    assert uploads.read(last) == ("z.csv", b"")
