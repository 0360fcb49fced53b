"""One declaration feeds check, JSON and flags."""

import argparse
import math
from dataclasses import dataclass
from typing import Any

import pytest

from tokenunlearn.errors import SettingError
from tokenunlearn.settings import add_flags, check, describe, from_dict, from_flags, setting, to_dict


@dataclass(frozen=True)
class Example:
    alpha: float = setting(0.5, low=0, high=1, step=0.01, help="Share of knowledge, in %")
    steps: int = setting(20, low=1, help="Steps")
    mode: str = setting("soft", choices=("soft", "hard"), help="Mode")
    name: str = setting("", help="A name")
    words: bool = setting(True, help="Whole words")
    signals: tuple[str, ...] = setting(("loss",), choices=("loss", "entropy"))
    bound: float | None = setting(None, low=0, high=1)
    free: tuple[int, ...] = (1, 2)

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Outer:
    inner: Example = Example()
    seed: int = setting(0, low=0)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"alpha": 2},
            "alpha is 2.0. It must be a number from 0 to 1. The default is 0.5. Where: Example.alpha.",
        ),
        ({"alpha": math.nan}, "alpha is nan. It must be a number from 0 to 1."),
        ({"alpha": math.inf}, "alpha is inf. It must be a number from 0 to 1."),
        ({"alpha": True}, "alpha is True. It must be a number from 0 to 1."),
        ({"alpha": None}, "alpha is None. It must be a number from 0 to 1."),
        ({"alpha": "0.5"}, "alpha is '0.5'. It must be a number from 0 to 1."),
        ({"steps": 0}, "steps is 0. It must be a whole number of at least 1. The default is 20."),
        ({"steps": 2.5}, "steps is 2.5. It must be a whole number of at least 1."),
        ({"words": 1}, "words is 1. It must be true or false."),
        ({"mode": "sofd"}, "mode is 'sofd'. It must be one of: soft, hard. Did you mean soft?"),
        ({"signals": ("los",)}, "signals is 'los'. It must be some of: loss, entropy. Did you mean loss?"),
        ({"signals": "loss"}, "signals is 'loss'. It must be some of: loss, entropy."),
        ({"bound": 3}, "bound is 3.0. It must be a number from 0 to 1."),
    ],
)
def test_refusals(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError) as caught:
        Example(**values)
    assert str(caught.value).startswith(sentence)


def test_numbers_come_to_their_declared_type() -> None:
    example = Example(alpha=1, steps=3.0)  # type: ignore[arg-type]
    assert type(example.alpha) is float and type(example.steps) is int
    assert (example.alpha, example.steps) == (1.0, 3)


def test_round_trip_also_nested() -> None:
    outer = Outer(inner=Example(alpha=0.25, signals=("entropy", "loss"), bound=0.5), seed=4)
    plain = to_dict(outer)
    assert plain["inner"]["signals"] == ["entropy", "loss"]
    assert from_dict(Outer, plain) == outer


def test_unknown_key_answers_did_you_mean() -> None:
    with pytest.raises(SettingError, match="'alpa' is not a setting of Example. Did you mean alpha?"):
        from_dict(Example, {"alpa": 1})


def parse(*flags: str) -> Example:
    parser = argparse.ArgumentParser()
    add_flags(parser, Example)
    return from_flags(Example, parser.parse_args(list(flags)))


def test_flags() -> None:
    assert parse() == Example()
    typed = parse("--alpha", "1", "--steps", "7", "--no-words", "--mode", "hard", "--signals", "loss,entropy")
    assert typed == Example(alpha=1.0, steps=7, words=False, mode="hard", signals=("loss", "entropy"))
    assert parse("--bound", "none").bound is None


def test_a_flag_is_named_in_its_error() -> None:
    with pytest.raises(SettingError, match="alpha is 'x'. It must be a number from 0 to 1.* Where: --alpha"):
        parse("--alpha", "x")
    with pytest.raises(SettingError, match="alpha is nan"):
        parse("--alpha", "nan")


def test_two_dataclasses_share_a_flag() -> None:
    parser = argparse.ArgumentParser()
    add_flags(parser, Example)
    add_flags(parser, Example)
    assert "Share of knowledge, in % (a number from 0 to 1; default 0.5)" in " ".join(
        parser.format_help().split()
    )
    assert from_flags(Example, parser.parse_args(["--alpha", "0.1"])).alpha == 0.1


def test_describe_skips_fields_that_are_no_setting() -> None:
    infos = {info.name: info for info in describe(Example)}
    assert "free" not in infos
    alpha = infos["alpha"]
    assert (alpha.type, alpha.default, alpha.low, alpha.high, alpha.step) == ("float", 0.5, 0, 1, 0.01)
    assert infos["signals"].type == "names" and infos["bound"].optional
