"""The menu of objectives and the sentence below it come from the registry."""

from pathlib import Path

import gradio as gr
import pytest

from app.tabs import unlearn
from app.tabs.unlearn import about_words, by_needs, menu_labels
from tests.page_service import live_service
from tokenunlearn.objectives import OBJECTIVES, RETAINS
from tokenunlearn.settings import describe
from tokenunlearn.training.config import OWN, TrainConfig

pytestmark = pytest.mark.slow


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


def test_the_page_draws_menu_and_controls_from_the_registry(tmp_path: Path) -> None:
    with gr.Blocks() as page:
        tab = unlearn.build(live_service(tmp_path))
    objective, retain = tab.settings["objective"], tab.settings["retain"]
    assert {value for _, value in objective.choices} == set(OBJECTIVES)
    assert isinstance(objective, gr.Dropdown) and objective.filterable, "a long list is searched"
    assert {value for _, value in retain.choices} == {OWN, *RETAINS}
    assert set(tab.own) == {
        (name, info.name) for name, entry in OBJECTIVES.items() for info in describe(entry.settings)
    }
    words = [each.value for each in page.blocks.values() if isinstance(each, gr.Markdown)]
    assert about_words(OBJECTIVES[objective.value]) in words
