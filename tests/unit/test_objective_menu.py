"""The menu of objectives and the sentence below it come from the registry."""

from app.tabs.unlearn import about_words, by_needs, menu_labels
from tokenunlearn.objectives import OBJECTIVES
from tokenunlearn.settings import describe
from tokenunlearn.training.config import TrainConfig


def test_the_menu_is_grouped_by_what_an_objective_needs() -> None:
    (info,) = (each for each in describe(TrainConfig) if each.name == "objective")
    labels = [menu_labels()[name] for name in by_needs(info).choices]
    assert len(labels) == len(set(labels)) == len(OBJECTIVES)
    groups = [label.partition(" · ")[2] for label in labels]
    assert groups[0] == "" and "frozen target · second answer" in groups and "hidden states" in groups
    runs = [group for at, group in enumerate(groups) if at == 0 or groups[at - 1] != group]
    assert len(runs) == len(set(runs)), "objectives of one group stand together"


def test_the_sentence_names_what_it_does_needs_and_its_source() -> None:
    for entry in OBJECTIVES.values():
        words = about_words(entry)
        assert words.startswith(entry.help) and entry.source in words and ".." not in words
        assert ("Needs:" in words) == bool(entry.needs)
