"""The Unlearn tab: what will be trained, its settings and one button on the left; the run on the right."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr

from app.actions import unlearn as actions
from app.actions.again import Again
from app.actions.forecast import forecast
from app.actions.measure import OF_TOKENS
from app.components import curves_view, mask_summary
from app.controls import control
from app.parts import Part
from app.requests import read
from app.service import Service
from app.words import (
    CONTROLS,
    CONTROLS_HELP,
    MEASURE_BEFORE,
    MORE_SETTINGS,
    OBJECTIVE_SETTINGS,
    OTHERS,
    OTHERS_HELP,
    OWN_RETAIN,
    PLANNED,
    PLANNED_HELP,
    PROOF,
    PROOF_HELP,
    RULES_OUT,
    SEEDS,
    SEEDS_HELP,
    START,
    START_ANYWAY,
)
from tokenunlearn.documents.words import rows_words
from tokenunlearn.errors import TokenUnlearnError
from tokenunlearn.experiments.arms import ARMS
from tokenunlearn.experiments.config import CompareConfig
from tokenunlearn.objectives import NEEDS, OBJECTIVES, RETAINS, Objective
from tokenunlearn.settings import SettingInfo, describe
from tokenunlearn.training.config import FEW_ROWS, OWN, TrainConfig

LABELS = {name: entry.label for name, entry in RETAINS.items()} | {OWN: OWN_RETAIN}
FIRST = ("objective", "steps", "learning_rate", "retain", "retain_weight", "stop_fact_below")


@dataclass
class UnlearnTab:
    """The components that other parts of the page write to or listen to."""

    plan: gr.HTML
    start: gr.Button
    measures: dict[str, gr.Button]  # by the kind of what is measured of the chosen tokens
    controls: gr.CheckboxGroup
    # Settings of a comparison: other objectives, what is planned, seeds, bins, doses.
    sweep: dict[str, Any]
    # The plan of which a first click has asked whether rows that the model never knew shall be trained.
    sure: gr.State
    # What the button says while it asks nothing.
    label: gr.State
    # Whether the defaults in the form are those of few rows.
    few: gr.State
    # Below a setting, why it cannot be as it is, or what it does now: the name of the setting → its line.
    lines: dict[str, gr.Markdown]
    settings: dict[str, Any] = field(default_factory=dict)
    # (objective, setting) → its control: two objectives may have a setting of the same name.
    own: dict[tuple[str, str], Any] = field(default_factory=dict)
    part: Part = field(init=False)

    @property
    def view(self) -> gr.HTML:
        """The view of the run that is followed."""
        return self.part.component

    @property
    def inputs(self) -> list[Any]:
        """All components that a start reads, in the order that `wanted` expects."""
        return [self.plan, self.controls, *self.sweep.values(), *self.settings.values(), *self.own.values()]

    def wanted(self, given: Sequence[Any]) -> actions.Start:
        """Return the run that `inputs` ask for. Raises InputError, SettingError, MaskError."""
        summary, *form = given
        plan = summary.get("plan") if isinstance(summary, Mapping) else None
        return read(actions.Start, {"plan": plan, **self._form(form)})

    def told(self, service: Service, given: Sequence[Any]) -> dict[Any, Any]:
        """Return the label of the button, and what the form says of what `inputs` ask for before a press."""
        summary, *form = given
        label, words = START, dict[str, str]()
        with suppress(TokenUnlearnError):  # a number that is half typed: the start says what is wrong with it
            found = forecast(service, read(actions.Wanted, self._form(form)), summary)
            label, words = found.label, {**found.told, **found.refused}
        lines = {
            line: gr.Markdown(words.get(name, ""), visible=name in words) for name, line in self.lines.items()
        }
        return {self.label: label, **lines}

    def labelled(self, asked: Any, label: str, summary: Any) -> dict[Any, Any]:
        """Return the button with its label; as it is where it asks a question of these very tokens.

        That is not asked once more: it may be answered meanwhile.
        """
        plan = (summary.get("plan") if isinstance(summary, Mapping) else None) or {}
        of_these = bool(asked) and [plan.get("scores_id"), plan.get("hash")] == list(asked[:2])
        return {self.start: gr.skip()} if of_these else self.asked(None, label)

    def _form(self, given: Sequence[Any]) -> dict[str, Any]:
        """Return what `inputs` ask for, but for the tokens, by the names of `Wanted`."""
        controls, *rest = given
        sweep, rest = dict(zip(self.sweep, rest, strict=False)), rest[len(self.sweep) :]
        settings = dict(zip(self.settings, rest, strict=False))
        own = dict(zip(self.own, rest[len(self.settings) :], strict=True))
        objective = settings.get("objective")
        settings["objective_settings"] = {name: value for (of, name), value in own.items() if of == objective}
        return {"settings": settings, "controls": controls, **sweep}

    def asked(self, name: Any, label: str) -> dict[Any, Any]:
        """Return the button after a first click that asks of the plan `name`; for None with its `label`."""
        words = START_ANYWAY.format(rows=rows_words(name[-1])) if name else label
        return {self.start: gr.Button(words), self.sure: name}

    @property
    def by_rows(self) -> list[Any]:
        """What `suited` reads: whether the form is that of few rows, and the settings that it changes."""
        return [self.few, *(self.settings[name] for name in FEW_ROWS)]

    def suited(self, summary: Mapping[str, Any], given: Sequence[Any]) -> dict[Any, Any]:
        """Return the form for the rows of a summary, from what `by_rows` holds.

        Where they are few and were more before, or the other way round, the defaults of now take the
        place of those before; what a person has changed stays.
        """
        was, *values = given
        few = bool(summary.get("few"))
        if "few" not in summary or few == was:
            return {}
        usual = {info.name: info.default for info in describe(TrainConfig)}
        before, after = (FEW_ROWS if was else usual), (FEW_ROWS if few else usual)
        untouched = [name for name, value in zip(FEW_ROWS, values, strict=True) if value == before[name]]
        return {self.few: few, **{self.settings[name]: after[name] for name in untouched}}

    def filled(self, earlier: Again) -> dict[Any, Any]:
        """Return the value of each control for an earlier run, the settings of its objective included."""
        training, objective = earlier.training, earlier.training.objective_of()
        settings = {control: getattr(training, name) for name, control in self.settings.items()}
        sweep = {control: earlier.sweep[name] for name, control in self.sweep.items()}
        return {self.controls: list(earlier.controls), self.few: earlier.few, **sweep, **settings} | {
            control: getattr(objective, name)
            for (of, name), control in self.own.items()
            if of == training.objective
        }


def build(service: Service) -> UnlearnTab:
    """Return the tab's components; the page wires them."""
    with gr.Row(equal_height=False, elem_classes=["tx-two"]):
        with gr.Column(scale=2, min_width=300, elem_classes=["tx-side"]):
            tab = _side()
        with gr.Column(scale=5, min_width=300, elem_classes=["tx-main"]):
            view = curves_view(actions.follow(service))
    tab.part = Part(view, lambda now: now.at, lambda now: actions.follow(service, now.shown))
    return tab


def _side() -> UnlearnTab:
    plan = mask_summary(None)
    start = gr.Button(START, variant="primary", elem_classes=["tx-start"])
    measures = {}
    with gr.Accordion(MEASURE_BEFORE, open=False):
        for kind, entry in OF_TOKENS.items():
            gr.Markdown(entry.help, elem_classes=["tx-about"])
            measures[kind] = gr.Button(entry.button, elem_classes=["tx-second"])
    infos = {info.name: info for info in describe(TrainConfig)}
    infos["objective"] = by_needs(infos["objective"])
    settings = {"objective": control(infos["objective"], menu_labels())}
    about = gr.Markdown(about_words(OBJECTIVES[settings["objective"].value]), elem_classes=["tx-about"])
    settings |= {name: control(infos[name], LABELS) for name in FIRST[1:]}
    lines = {"stop_fact_below": gr.Markdown(visible=False, elem_classes=["tx-about"])}
    controls = _controls()
    lines["controls"] = gr.Markdown(visible=False, elem_classes=["tx-about"])
    sweep: dict[str, Any] = {"others": _others(infos["objective"])}
    lines["objective_settings"] = _refusal()
    sweep["planned"] = gr.Dropdown(
        [(label, name) for name, label in actions.PLANNABLE.items()],
        value=[],
        multiselect=True,
        allow_custom_value=True,  # what is typed is taken, and what is wrong with it said
        label=PLANNED,
        info=PLANNED_HELP,
        elem_classes=["tx-others"],
    )
    lines["planned"] = _refusal()
    sweep["seeds"] = gr.Number(1, label=SEEDS, info=SEEDS_HELP, step=1)
    with gr.Accordion(PROOF, open=False):
        gr.Markdown(PROOF_HELP, elem_classes=["tx-about"])
        asked = {info.name: info for info in describe(CompareConfig)}
        sweep |= {name: control(asked[name]) for name in ("bins", "doses")}
    with gr.Accordion(MORE_SETTINGS, open=False):
        settings |= {name: control(info) for name, info in infos.items() if name not in FIRST}
        own = _objective_settings(settings["objective"], about)
    states = (gr.State(None), gr.State(START), gr.State(False))
    return UnlearnTab(plan, start, measures, controls, sweep, *states, lines, settings, own)


def _controls() -> gr.CheckboxGroup:
    """Return the menu of controls, each with what it rules out in a second line (gradio.css)."""
    choices = [
        (RULES_OUT.format(label=ARMS[name].label, what=ARMS[name].rules_out), name)
        for name in actions.CONTROLS
    ]
    return gr.CheckboxGroup(
        choices, label=CONTROLS, info=CONTROLS_HELP, value=[], elem_classes=["tx-controls"]
    )


def _refusal() -> gr.Markdown:
    """Return the line below a setting that says why it cannot be as it is."""
    return gr.Markdown(visible=False, elem_classes=["tx-refused"])


def _others(objectives: SettingInfo) -> gr.Dropdown:
    """Return the menu of objectives to compare the chosen one with, searched by typing."""
    choices = [(menu_labels()[name], name) for name in objectives.choices or ()]
    return gr.Dropdown(
        choices,
        value=[],
        multiselect=True,
        allow_custom_value=True,  # what is typed is taken: `objectives_given` says what it means
        label=OTHERS,
        info=OTHERS_HELP,
        elem_classes=["tx-others"],
    )


def by_needs(info: SettingInfo) -> SettingInfo:
    """Return the menu of objectives in the order of what they need: log-probabilities alone first."""
    groups = [need.group for need in NEEDS.values()]
    order = {name: [groups.index(word) for word in _groups(entry)] for name, entry in OBJECTIVES.items()}
    return replace(info, choices=tuple(sorted(OBJECTIVES, key=lambda name: order[name])))


def menu_labels() -> dict[str, str]:
    """Return each objective's name in the menu, with the group that it belongs to."""
    return {name: " · ".join([entry.label, *_groups(entry)]) for name, entry in OBJECTIVES.items()}


def about_words(entry: Objective) -> str:
    """Return the sentence below the menu: what the chosen objective does, what it needs, who published it."""
    needs = f" Needs: {'; '.join(need.words for need in entry.needed)}." if entry.needed else ""
    return f"{entry.help}.{needs} Source: {entry.source}."


def _groups(entry: Objective) -> list[str]:
    return [need.group for need in entry.needed if need.group]


def _objective_settings(objective: Any, about: Any) -> dict[tuple[str, str], Any]:
    """Return a group of controls for each objective, only the chosen one's shown, and the words about it."""
    own: dict[tuple[str, str], Any] = {}
    groups = []
    for name, entry in OBJECTIVES.items():
        with gr.Group(visible=name == objective.value) as group:
            gr.Markdown(f"{OBJECTIVE_SETTINGS}: {entry.label}", visible=bool(describe(entry.settings)))
            own |= {(name, info.name): control(info) for info in describe(entry.settings)}
        groups.append(group)

    def show(chosen: str) -> list[Any]:
        return [about_words(OBJECTIVES[chosen]), *(gr.Group(visible=name == chosen) for name in OBJECTIVES)]

    outputs = [about, *groups]
    objective.change(show, objective, outputs, show_progress="hidden", api_visibility="private", queue=False)
    return own
