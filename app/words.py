"""The visible words of the page, except the help of settings, which stands beside each setting."""

from collections.abc import Mapping
from typing import Any, Final

from tokenunlearn.documents.words import rows_words
from tokenunlearn.experiments.planned import ENOUGH_SEEDS, FEWEST_SEEDS
from tokenunlearn.settings import SettingInfo

TITLE: Final = "TokenUnlearn Explorer"

TAB_TOKENS, TAB_UNLEARN, TAB_PROBE, TAB_COMPARE = "Tokens", "Unlearn", "Probe", "Compare"

DISK_FULL: Final = "The disk is full: {free:,} bytes are left where the runs are. Make room on it"
START: Final = "Start unlearning"
LONG: Final = 120  # minutes, from which on hours are said
FEW_ROWS_WORDS: Final = (
    "Few rows break easily: training is slower by default, and stops when the facts fall below {below}. "
    "You can change both."
)
START_ANYWAY: Final = "Start anyway: the model never knew {rows}"
CONTROLS: Final = "Controls to train after it"
SAME_TOKENS: Final = (
    "The chosen tokens are those of {controls}: held against itself it shows nothing, so it is left out."
)
CONTROLS_HELP: Final = (
    "They show whether your choice mattered: each trains other tokens with the same settings, and rules "
    "something out where yours do better"
)
SEEDS: Final = "Seeds"
SEEDS_HELP: Final = (
    f"How often everything is trained. Below {FEWEST_SEEDS} seeds no difference is shown; {FEWEST_SEEDS} "
    f"seldom show even a large one, {ENOUGH_SEEDS} mostly do. From 2 on, and with a control that is matched "
    "to the chosen run, it is one sweep: the Compare tab says what it shows"
)
PLANNED: Final = "Planned comparisons"
PLANNED_HELP: Final = (
    "Name before the start what you want to know. These alone are then judged together, and the fewer they "
    "are, the smaller a difference can be shown. Everything else is exploratory"
)
PROOF: Final = "Does the score mark what matters?"
PROOF_HELP: Final = (
    "Bins train the tokens of each part of the scores, doses a growing share of all tokens. If higher scores "
    "mark the fact, higher bins forget more of it. All are trained in one sweep."
)
SWEEP: Final = "sweep"
SWEEP_GOES_ON: Final = (
    "A sweep goes on to the last step: each arm is measured there, and where its fact first falls below "
    "{below}."
)
TAKEN_AS_THEY_ARE: Final = (
    "These settings have been used already: {runs} stands as it is, and {arms} is trained beside."
)
ALL_AGAIN: Final = "These settings have been used already, in {runs}: a start trains them again."
SWEEP_AGAIN: Final = (
    "A sweep measures all its arms in the same way, so the tokens of {run} are trained once more in it."
)
OTHERS: Final = "Objectives to compare it with"
OTHERS_HELP: Final = "Each trains the same tokens at its own default settings, all in one sweep"
EACH_AT_DEFAULT: Final = "Objectives are compared at their default settings"
ONE_OBJECTIVE: Final = "Set them back under “More settings”, or take the other objectives out"
RULES_OUT: Final = "{label}\nRules out {what}"
MORE_SETTINGS: Final = "More settings"
OBJECTIVE_SETTINGS: Final = "Settings of the objective"
OWN_RETAIN: Final = "the objective's own"

RECORDED_RUN: Final = "recorded run"
RECORDED_FIRST: Final = (
    "This run was recorded on the demo, with the default settings. Choose tokens on the Tokens tab and start "
    "your own: it takes this place, and goes on when the page is closed."
)
NO_RUN: Final = (
    "No run yet. Choose tokens on the Tokens tab and start one; it goes on when this page is closed."
)
DISCARDED: Final = "{run} was discarded. The Compare tab can bring it back."
REMOVED: Final = "{run} was removed."
NO_PROBE: Final = "No run to probe yet. A finished run shows here what the model said before and says after."
RECORDED_CHOICE: Final = "recorded example; your runs will be listed here"
NO_CHOICE: Final = "no run yet; your runs will be listed here"
NO_RUN_TO_ASK: Final = (
    "There is no run whose models could be asked yet; a recorded example has left none. Start a run on the "
    "Unlearn tab."
)
NO_COMPARE: Final = "No runs yet. Start one on the Unlearn tab, with its controls, and compare them here."
RECORDED_SWEEP: Final = "chosen tokens, every token and as many random ones, on the demo"
RECORDED_SWEEP_SAYS: Final = (
    f"Recorded: measured before, on the embedded model. {FEWEST_SEEDS} seeds seldom show even a large "
    f"difference, {ENOUGH_SEEDS} mostly do. Start runs on the Unlearn tab: they take this place."
)
ONE_SEED_EACH: Final = (
    "Nothing is shown yet: these runs have one seed each, and another seed may turn a difference round. Set "
    f"Seeds to {ENOUGH_SEEDS} on the Unlearn tab: the sweep then says which differences hold."
)
LOADING: Final = (
    "The model is loading. The rows appear here as soon as they are scored, in about half a minute."
)
AGAIN_SAME_TOKENS: Final = (
    "Settings and tokens of {run} are back in the form. Change what you like, then start."
)
AGAIN_OTHER_TOKENS: Final = (
    "The settings of {run} are back in the form. Its tokens were chosen on other scores, so the tokens "
    "are those that the Tokens tab shows now."
)
AGAIN_DRAWN_WEIGHTS: Final = (
    "The settings of {run} are back in the form. No rule gives its soft weights on random tokens again, so "
    "the tokens are those that the Tokens tab shows now: tick it among their controls."
)
AGAIN_LOWER_RATE: Final = " It diverged: the learning rate is lowered from {before:g} to {now:g}."
NO_TEMPLATE: Final = "No chat template: a row is put as “Question: … Answer: …”"
NO_EXAMPLE: Final = "The recorded example cannot be read"
RECORD_AGAIN: Final = "Record it again with `make assets`, or leave --recorded out"
DEPTH: Final = "depth of erasure"
GRADIENTS: Final = "gradients of the chosen tokens"
PERTURB: Final = "deletion and insertion"
MEASURE_BEFORE: Final = "Before training: measure these tokens"
MEASURE_GRADIENTS: Final = "Measure gradients of these tokens"
MEASURE_GRADIENTS_HELP: Final = (
    "Trains nothing: how far their gradients agree, beside random tokens, and whether the others' are "
    "orthogonal to them."
)
MEASURE_PERTURB: Final = "Measure deletion and insertion"
MEASURE_PERTURB_HELP: Final = (
    "Trains nothing: hides the words before a fact in the order of these scores, and measures what is left "
    "of the fact, beside random and reverse order."
)
NOT_LIVE: Final = "The model is still loading; what you see is recorded."

ASK_LABEL: Final = "Ask both models"
ASK_PLACEHOLDER: Final = "A question of your own"
ASK_BUTTON: Final = "Ask"
RUN_LABEL: Final = "Run"


def start_words(
    runs: int, seconds: float | None = None, at_most: bool = False, controls: bool = False
) -> str:
    """Return what stands on the start button: of several runs how many, and where it is known how long.

    `controls`: the chosen tokens themselves are not trained.
    """
    if runs == 1 and not controls:
        return START
    kind = "control" if controls else "run"
    begin = f"Start {runs} {kind}{'' if runs == 1 else 's'}"
    if seconds is None:
        return begin
    minutes = round(seconds / 60)
    if not minutes:
        return f"{begin}, under a minute"
    time = f"about {minutes} min" if minutes < LONG else f"about {minutes / 60:.1f} h"
    return f"{begin}, {'at most ' if at_most else ''}{time}"


def no_results(run: Mapping[str, Any]) -> str:
    """Return why the Probe tab has nothing of a run yet, such as `No results yet: run-3 is waiting`."""
    name, step = run["run_id"], f"at step {run.get('step', 0)} of {run.get('steps', 0)}"
    state = run["state"]
    if state == "queued":
        return f"No results yet: {name} is waiting."
    if state in ("running", "pausing", "stopping"):
        return f"No results yet: {name} is {step}."
    if state == "paused":
        return f"No results yet: {name} is paused {step}. Resume it, or keep it as it is, on the Unlearn tab."
    return f"{name} has no results: {state} {step}. See why on the Unlearn tab."


def share_of_rows(part: int, whole: int) -> str:
    """Return how many of so many rows: `3 of 20 rows`, `all 20 rows`, `the one row`."""
    if part != whole:
        return f"{part} of {rows_words(whole)}"
    return "the one row" if whole == 1 else f"all {rows_words(whole)}"


def setting_label(info: SettingInfo) -> str:
    """Return what the page calls a setting: its label, or its name (`learning_rate`: `Learning rate`)."""
    return info.label or info.name.replace("_", " ").capitalize()
