"""A question with choices as the pairs that a model is asked: each choice by its letter, and by its text."""

from tokenunlearn.data.rows import LETTERS, Row


def by_letter(row: Row) -> list[tuple[str, str]]:
    """Return the question with its choices listed, and each letter as its answer."""
    lines = [f"{letter}. {text}" for letter, text in zip(LETTERS, row.choices, strict=False)]
    prompt = "\n".join([row.question.strip(), *lines, "Answer:"])
    return [(prompt, letter) for letter in LETTERS[: len(row.choices)]]


def by_text(row: Row) -> list[tuple[str, str]]:
    """Return the question alone, and each choice as its answer."""
    return [(row.question, text) for text in row.choices]
