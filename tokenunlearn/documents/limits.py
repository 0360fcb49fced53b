"""What a report does not prove: sentences that follow from what was measured, and from what was not."""

from collections.abc import Mapping
from typing import Any, Final

from tokenunlearn.documents.words import WORLD_KEPT, listed, rows_words, seeds_words
from tokenunlearn.experiments.arms import ARMS
from tokenunlearn.experiments.moments import EQUAL
from tokenunlearn.experiments.planned import FEWEST_SEEDS
from tokenunlearn.training.origin import name_of

# Probes that a comparison or a run may leave out → what is then open.
_OPEN: Final = {
    "paraphrased": "whether the fact comes back when the question is put in other words",
    "jailbreak_stated": "whether the model states it once its answer has been begun for it",
    "mia_loss": "whether the rows can still be told from rows that the model never saw (membership)",
    "truth_ratio": "whether a true answer is still likelier than false ones (truth ratio)",
}


_NO_DEPTH: Final = "How deep in the layers it was erased was not measured (`probe --depth`)."


def limits(record: Mapping[str, Any]) -> list[str]:
    """Return the sentences for a report's record."""
    return [
        _one_model(record),
        *([WORLD_KEPT] if record["world_kept"] else []),
        _seeds(record),
        *_comparison(record),
        *_attacks(record),
        *_probes(record),
        *_language(record),
        "The probability of a fact is a weak witness: a model may give one wording no chance and still hold "
        "the fact." + ("" if record["depth"] else f" {_NO_DEPTH}"),
        "It is no certificate: nothing was compared with a model that was trained without these rows, and no "
        "bound on what is left is proven.",
    ]


def _one_model(record: Mapping[str, Any]) -> str:
    rows = {each["split"]: each["rows"] for each in record["data"]}
    kept = [
        f"{rows_words(rows[name])} {words}"
        for name, words in (("retain", "to keep"), ("world", "of the world"))
        if rows.get(name)
    ]
    forget = f"{rows_words(rows['forget'])} to forget" if rows.get("forget") else "these rows"
    beside = f" What else broke is measured on {listed(kept)} alone." if kept else ""
    model = name_of(record["model"]["model"]) or "one model"
    return f"One model, {model}, and {forget}: others may behave otherwise.{beside}"


def _seeds(record: Mapping[str, Any]) -> str:
    seeds = record["seeds_by_arm"].values() if record["kind"] == "comparison" else [[0]]
    counts = sorted({len(own) for own in seeds})
    if counts[-1] < FEWEST_SEEDS:
        words = "one seed" if counts[-1] == 1 else seeds_words(counts[-1])
        return f"With {words} nothing is shown beyond them: another seed may turn a difference round."
    if counts[0] < FEWEST_SEEDS:
        few = [arm for arm, own in record["seeds_by_arm"].items() if len(own) < FEWEST_SEEDS]
        return (
            "Not all arms have as many seeds, and a difference counts those that both of its arms have: with "
            f"fewer than {FEWEST_SEEDS} nothing is shown, as for {listed([f'“{arm}”' for arm in few])}."
        )
    words = seeds_words(counts[0]) if len(counts) == 1 else f"{counts[0]} to {seeds_words(counts[-1])}"
    return (
        f"{words}: an interval says what other seeds and rows of the same kind would give, not what "
        "other settings would. What is not shown may still be there."
    )


def _comparison(record: Mapping[str, Any]) -> list[str]:
    if record["kind"] != "comparison":
        return []
    told = [
        "All arms have the same settings, which may suit one of them better: where they were picked on rows "
        "such as these, the arm that they were picked with has an advantage.",
    ]
    measured, asked = ({line["arm"] for line in record[name]} for name in ("arms", "not_yet"))
    waiting = [_left_open(line["arm"], line["label"]) for line in record["not_yet"] if line["arm"] in ARMS]
    absent = [_left_open(arm, ARMS[arm].label) for arm in _CONTROLS if arm not in measured | asked]
    for why, words in (("Asked for and not measured yet", waiting), ("Not among the arms", absent)):
        if any(words):
            told.append(f"{why}, so not ruled out: {'; '.join(filter(None, words))}.")
    if not any(line["moment"] == EQUAL for line in record["arms"]):
        told.append(
            "No arm was measured at equal forgetting: after equal steps one arm may simply have gone further."
        )
    return told


_CONTROLS: Final = ("random", "uniform", "content")  # what every comparison should have


def _left_open(arm: str, label: str) -> str:
    """Return what an arm would rule out, "" where that is nothing."""
    words = ARMS[arm].rules_out
    return "" if words.startswith("nothing") else f"{words} (“{label}”)"


def _attacks(record: Mapping[str, Any]) -> list[str]:
    if not record["attacks"]:
        return [
            "A forgotten answer is no proof that the knowledge is gone: no attack was run here. A few steps "
            "of training may bring it back (`attack` tries that)."
        ]
    found = [f"{each['label']}: {' '.join(each['says'] or [])}" for each in record["attacks"]]
    return [f"Attacks that were run: {' '.join(found)} No other attempt to bring the facts back was made."]


def _probes(record: Mapping[str, Any]) -> list[str]:
    measured = _measured(record)
    if "fact_joint" not in measured:
        return [
            "No row has its fact marked (gold), so whether the fact itself is forgotten is not measured.",
        ]
    left = [words for name, words in _OPEN.items() if name not in measured]
    told = [f"Not measured: {'; '.join(left)}."] if left else []
    return [*told, "Which words are the fact is an annotator's opinion, and the figures follow it."]


def _language(record: Mapping[str, Any]) -> list[str]:
    if "fluency" not in _measured(record):
        return ["Fluency was not measured: an answer without the fact may be one without sense."]
    return [
        "Fluency is how likely the answers are under the untouched base. It finds broken language, not "
        "untrue or senseless sentences: read the answers."
    ]


def _measured(record: Mapping[str, Any]) -> set[str]:
    """Return the names of the figures that were measured before any step."""
    if record["kind"] == "run":
        return {each["name"] for each in record["change"] if each["after"] is not None}
    return {name for name, value in (record["before"] or {}).items() if value is not None}
