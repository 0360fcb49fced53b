"""The text of an error and the advice for an unknown name."""

import pickle

import pytest

from tokenunlearn import errors


def test_text_is_what_why_fix_where() -> None:
    error = errors.SettingError(
        "alpha is 2", "It must be a number from 0 to 1", "The default is 0.5", "--alpha"
    )
    assert str(error) == "alpha is 2. It must be a number from 0 to 1. The default is 0.5. Where: --alpha."


def test_empty_parts_are_left_out_and_no_full_stop_is_doubled() -> None:
    assert str(errors.InputError("The file is empty.")) == "The file is empty."
    assert str(errors.InputError("Empty", where="a.jsonl")) == "Empty. Where: a.jsonl."


@pytest.mark.parametrize(
    "name", ["InputError", "SettingError", "ModelError", "TableError", "MaskError", "RunError"]
)
def test_every_leaf_survives_pickling(name: str) -> None:
    error = getattr(errors, name)("what", "why", "fix", "where")
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, errors.TokenUnlearnError)
    assert (type(again), str(again)) == (type(error), str(error))


def test_did_you_mean() -> None:
    assert (
        errors.did_you_mean("entrpy", ["entropy", "loss"])
        == "Did you mean entropy? There are: entropy, loss."
    )
    assert errors.did_you_mean("zzz", ["entropy"]) == "There are: entropy."
