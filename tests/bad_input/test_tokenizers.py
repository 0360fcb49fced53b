"""Tokenizers and texts that do not go with a model: a sentence before any work, status 2, nothing written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, models
from transformers import GenerationConfig, PreTrainedTokenizerFast

from tests.conversations import CHATML, KINDS, byte_level, random_model, saved
from tests.tiny_rows import RETAIN, ROWS
from tokenunlearn.cli import main
from tokenunlearn.errors import InputError
from tokenunlearn.models.loading import load_model

pytestmark = pytest.mark.slow

LETTERS = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"


def with_token(text: str, special: bool, **more: Any) -> Any:
    """A tokenizer with one token more than its model has rows."""
    tokenizer = byte_level(**more)
    tokenizer.add_tokens([AddedToken(text, special=special)], special_tokens=special)
    return tokenizer


TOKENIZERS: dict[str, tuple[Callable[[], Any], str]] = {
    "nothing ends an answer": (lambda: byte_level(eos_token=None), "Name the eos_token"),
    "a template without an end, and none of its own": (
        lambda: byte_level(eos_token=None, template=LETTERS),
        "Nothing tells where an answer of this model ends",
    ),
    "a word beyond the embedding": (
        lambda: with_token("Bramwick", False),
        "1 token more than the 420 rows of the embedding; the first is 'Bramwick', number 420",
    ),
    "a turn beyond the embedding": (
        lambda: with_token("<|turn|>", True, template=CHATML.replace("<|im_start|>", "<|turn|>")),
        "the first is '<|turn|>', number 420",
    ),
    "a template of something else": (lambda: byte_level(template="hello"), "chat template of this model"),
    "a template that shouts": (
        lambda: byte_level(template=CHATML.replace("m['content']", "m['content'] | upper")),
        "It does not write out question and answer as they stand",
    ),
    "a template that refuses": (
        lambda: byte_level(template="{{ raise_exception('Only tools') }}"),
        "Only tools",
    ),
    "a template that is damaged": (lambda: byte_level(template=CHATML[:60]), "TemplateSyntaxError"),
    "a template that wants more turns": (
        lambda: byte_level(template="{{ messages[3]['content'] }}" + CHATML),
        "chat template of this model cannot be used",
    ),
    "templates without a default": (lambda: byte_level(template={"tool_use": CHATML}), "or delete it"),
}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_tokenizer_that_does_not_go_with_its_model_is_refused_at_opening(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, words = TOKENIZERS[name]
    tokenizer = make()
    folder = saved(random_model(tokenizer, rows=420), tokenizer, tmp_path / "model")
    code, said = status_of(
        ["score", "--model", str(folder), "--out", str(tmp_path / "o.jsonl")], tmp_path, capsys
    )
    assert code == 2 and words in said, said


def test_a_pad_token_beyond_the_embedding_is_no_matter(tmp_path: Path) -> None:
    tokenizer = with_token("<late>", True)
    tokenizer.pad_token = "<late>"
    folder = saved(random_model(tokenizer, rows=420), tokenizer, tmp_path / "model")
    loaded = load_model(str(folder), precision="fp32")
    assert loaded.tokenizer.pad_token_id == 420 and loaded.pad_id < 420
    assert loaded.generate(["Who?", "Who was it then?"], 3) == [
        loaded.generate([question], 3)[0] for question in ("Who?", "Who was it then?")
    ]


def test_an_end_that_only_the_generation_config_names_is_taken(tmp_path: Path) -> None:
    tokenizer = byte_level(eos_token=None)
    asks = GenerationConfig(eos_token_id=[tokenizer.convert_tokens_to_ids("<eos>")])
    loaded = load_model(
        str(saved(random_model(tokenizer), tokenizer, tmp_path / "m", asks)), precision="fp32"
    )
    assert loaded.tokenizer.eos_token == "<eos>" and loaded.stop_ids == {asks.eos_token_id[0]}


LONG = "very " * 40
FIELDS: dict[str, dict[str, Any]] = {
    "question": {"question": f"Where was {LONG} Ada born?"},
    "answer": {"answer": f"Ada was {LONG} old."},
    "rows to keep": {"answer": f"Ada was {LONG} old.", "split": "retain"},
}
IN_OTHER_WORDS: dict[str, dict[str, Any]] = {
    "paraphrased question": {"paraphrased_question": [f"What is {LONG} her town?"]},
    "paraphrased answer": {"paraphrased_answer": [f"It is {LONG} Rome."]},
    "perturbed answer": {"perturbed_answer": ["It is Ulm.", f"It is {LONG} Oslo."]},
}
VERBS = {
    "score": ("--out", "out.parquet"),
    "teach": ("--out", "out"),
    "unlearn": ("--out", "out"),
    "probe": ("--out", "out.json"),
    "compare": ("--out", "out.jsonl"),
}
TOO_LONG = [
    *((verb, field) for verb in VERBS for field in FIELDS if (verb, field) != ("score", "rows to keep")),
    *((verb, field) for verb in ("probe", "compare") for field in IN_OTHER_WORDS),
]


@pytest.fixture(scope="module")
def short_sighted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of 64 positions."""
    tokenizer = KINDS["plain"].make()
    return saved(random_model(tokenizer, positions=64), tokenizer, tmp_path_factory.mktemp("short"))


@pytest.mark.parametrize("verb, field", TOO_LONG)
def test_every_verb_refuses_what_the_model_cannot_read_before_it_begins(
    verb: str, field: str, short_sighted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = {"id": "long", "question": "Where was Ada born?", "answer": "In Rome."} | {
        **FIELDS,
        **IN_OTHER_WORDS,
    }[field]
    flag, name = VERBS[verb]
    rows = [{"question": row.question, "answer": row.answer} for row in ROWS[:1]] + [long]
    rows += [{"question": row.question, "answer": row.answer, "split": "retain"} for row in RETAIN[:1]]
    arguments = [verb, "--model", str(short_sighted), flag, str(tmp_path / name)]
    code, said = status_of(arguments, tmp_path, capsys, rows)
    assert code == 2 and "Row long has" in said and "The model reads at most 64." in said, said


def status_of(
    arguments: list[str], folder: Path, capsys: pytest.CaptureFixture[str], rows: Any = None
) -> tuple[int, str]:
    """The exit status and what was said; there is no traceback, and nothing was written."""
    file = folder / "rows.jsonl"
    lines = rows or [{"question": "Who?", "answer": "Ada."}]
    file.write_text("\n".join(map(json.dumps, lines)))
    before = sorted(folder.rglob("*"))
    code = main([arguments[0], str(file), *arguments[1:], "--precision", "fp32"])
    said = capsys.readouterr().err
    assert "Traceback" not in said and sorted(folder.rglob("*")) == before
    return code, said


def test_a_tokenizer_that_cuts_nothing_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vocabulary = {"<unk>": 0, "<eos>": 1} | {f"word {at}": at + 2 for at in range(40)}
    whole = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=whole, unk_token="<unk>", eos_token="<eos>")
    folder = saved(random_model(tokenizer), tokenizer, tmp_path / "model")
    arguments = ["score", "--model", str(folder), "--out", str(tmp_path / "o.jsonl")]
    code, said = status_of(arguments, tmp_path, capsys)
    assert code == 2 and "has no token before its answer" in said


def test_a_question_of_ones_own_may_be_too_long(short_sighted: Path) -> None:
    loaded = load_model(str(short_sighted), precision="fp32")
    for ask in (
        lambda: loaded.generate([LONG * 2], 48),
        lambda: loaded.token_log_probs([("Who?", LONG * 2)]),
    ):
        with pytest.raises(InputError, match="reads at most 64"):
            ask()


def test_an_answer_ends_where_the_models_positions_do(short_sighted: Path) -> None:
    loaded = load_model(str(short_sighted), precision="fp32")
    questions = ["Who?", f"Who was {'x ' * 18}?"]
    together = loaded.generate(questions, 60)
    assert together == [loaded.generate([question], 60)[0] for question in questions]
