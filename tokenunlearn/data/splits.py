"""Rows told apart by their `split`: to forget, to keep, of the world, held out, and with choices."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, fields, replace

from tokenunlearn.data.rows import SPLITS, Row, split_word
from tokenunlearn.errors import InputError


@dataclass(frozen=True)
class Splits:
    """Rows to forget, rows to keep, and facts of the world that must stay known; each in the order given.

    `holdout` are rows like those to forget that no model has learned; `choice` are questions with choices,
    which are asked and never trained on.
    """

    forget: tuple[Row, ...]
    retain: tuple[Row, ...]
    world: tuple[Row, ...]
    holdout: tuple[Row, ...] = ()
    choice: tuple[Row, ...] = ()

    def __or__(self, other: "Splits") -> "Splits":
        """Return both, the rows of `other` last."""
        names = [each.name for each in fields(self)]
        return Splits(**{name: (*getattr(self, name), *getattr(other, name)) for name in names})

    @property
    def rows(self) -> tuple[Row, ...]:
        """All of them, split by split."""
        return tuple(row for each in fields(self) for row in getattr(self, each.name))

    def without(self, names: Container[str]) -> "Splits":
        """Return the same without the rows of these ids."""
        return Splits(
            **{
                each.name: tuple(row for row in getattr(self, each.name) if row.id not in names)
                for each in fields(self)
            }
        )

    @property
    def contradictory(self) -> tuple[Row, ...]:
        """The rows to forget of which question and answer are also to be kept."""
        kept = {(row.question, row.answer) for row in (*self.retain, *self.world)}
        return tuple(row for row in self.forget if (row.question, row.answer) in kept)

    @property
    def unkeyed(self) -> tuple[Row, ...]:
        """The questions with choices of which no true choice is known: they are not measured."""
        return tuple(row for row in self.choice if row.correct is None)

    @property
    def only_asked(self) -> bool:
        """Whether all rows are questions with choices: they are asked, and nothing is forgotten or kept."""
        return bool(self.choice) and len(self.choice) == len(self.rows)

    @property
    def world_kept(self) -> bool:
        """Whether all facts of the world are rows to keep: then no other row says what else broke."""
        world, kept = (((row.question, row.answer) for row in part) for part in (self.world, self.retain))
        return all_among(world, kept)

    def keeping(self, world: tuple[Row, ...]) -> "Splits":
        """Return the same with facts of the world, and with these as the rows to keep where there are none.

        Forgetting with nothing to keep ruins a model. `world` stands in where no row is one of the world,
        without the questions that are to be forgotten.
        """
        asked = {row.question.strip().lower() for row in self.forget}
        facts = self.world or tuple(row for row in world if row.question.strip().lower() not in asked)
        return replace(self, retain=self.retain or facts, world=facts)

    def need_forget(self, where: str) -> "Splits":
        """Return the same. Raises InputError where there is no row to forget."""
        if self.forget:
            return self
        if self.only_asked:
            fix = "Ask them with `python -m tokenunlearn probe`"
            raise InputError("There is no row to forget", "Every row is a question with choices", fix, where)
        there = [each.name for each in fields(self) if getattr(self, each.name)]
        why = f'Every row has split "{there[0]}"' if len(there) == 1 else 'No row has split "forget"'
        raise InputError("There is no row to forget", why, "Leave split out", where)

    def refuse_one_id_twice(self) -> None:
        """Raise InputError for an id that two rows of a split have: figures are kept by it, one is lost."""
        for each in fields(self):
            known: set[str] = set()
            for row in getattr(self, each.name):
                if row.id in known:
                    raise InputError(
                        f"id {row.id[:60]!r} is taken",
                        "Two rows of the same kind have it",
                        "Give each row an id of its own",
                        row.id,
                    )
                known.add(row.id)


def split_rows(rows: Sequence[Row]) -> Splits:
    """Return the rows by their split. Raises InputError for a word that is no split."""
    found: dict[str, list[Row]] = {word: [] for word in SPLITS}
    for row in rows:
        found[split_word(row.split, row.id)].append(row)
    return Splits(**{word: tuple(members) for word, members in found.items()})


def all_among(world: Iterable[tuple[str, str]], kept: Iterable[tuple[str, str]]) -> bool:
    """Return whether there are facts of the world and each, by question and answer, is one to keep."""
    facts = set(world)
    return bool(facts) and facts <= set(kept)
