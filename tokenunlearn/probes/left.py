"""What is left of the facts after unlearning, in sentences: why a fall of a figure is not yet forgetting.

The figures are of one wording, of question and fact. Only where the fact is gone in other words of the
question too, and more of it than one word, may it be forgotten. `after` is a report that has its badges.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from tokenunlearn.data.rows import FORGET
from tokenunlearn.probes.badges import PART, WHOLE, likely
from tokenunlearn.probes.readings import (
    LIKELY,
    NEVER_KNEW,
    ONE_WAY,
    gone_said,
    is_success,
    most_left,
)

Report = Mapping[str, Any]
FALLS: Final = 0.05  # a change of a probability that counts; as in `verdict` of web/runs/probe_view.js
# How a fact comes back, under its own question or under another → what is said of one, and of several.
_BACK: Final = {
    ("own", WHOLE): ("The answer still states the fact.", "as a whole"),
    ("own", PART): ("The answer still holds a part of the fact.", "in part"),
    ("own", LIKELY): ("The answer does not hold the fact, which is still likely.", "by its probability only"),
    ("other", WHOLE): (
        "Asked in other words, the answer still states the fact.",
        "when asked in other words",
    ),
    ("other", PART): (
        "Asked in other words, the answer holds a part of the fact.",
        "in part when asked in other words",
    ),
    ("other", LIKELY): ("", "by its probability only when asked in other words"),
}
# Why other wordings show nothing → the same.
_OPEN: Final = {
    NEVER_KNEW: (
        "Asked in other words, the fact was not known before{was}: that shows nothing.",
        "never known in other words",
    ),
    "garbled": (
        "Asked in other words, the answer is garbled: that shows nothing.",
        "garbled when asked in other words",
    ),
    "cut": (
        "Asked in other words, the answer is cut off before the fact: that shows nothing.",
        "cut off when asked in other words",
    ),
    ONE_WAY: (
        "Asked one way only: whether the fact comes back in other words was not measured.",
        "asked one way only",
    ),
}
# What is said of several answers before all else: else words that are gone read as a success.
_BROKEN: Final = {"garbled": "garbled", "refused": "refused"}
# What is no forgetting by itself.
_ELSE: Final = {
    "garbled": "The answer is garbled, which is no forgetting.",
    "refused": "The model refuses to answer, which is no forgetting.",
    "never_knew": "The fact was not known before: there was nothing to forget.",
    "cut": "The answer is cut off before the fact: whether it comes is not known.",
}

UNHEARD: Final = "The fluency of the answer was not measured: whether it is language is not known."


def left_said(before: Report, after: Report) -> list[str]:
    """Return the sentences that stand beside the figures of a run: what is left, and which words are gone."""
    return [said for said in (what_is_left(before, after), words_gone(after)) if said]


def what_is_left(before: Report, after: Report) -> str:
    """Return in sentences why a fall of the fact's figures is not yet forgetting; "" where it may be.

    Of one fact which way it comes back; of several how many do which way, and of how many it is not known.
    """
    lines = _forget(after)
    was, now = (report["summary"].get("paraphrased") for report in (before, after))
    if len(lines) == 1:
        return _of_one(lines[0], was, now)
    open_ways = Counter(line["reworded"] for line in lines if line["badge"] == "forgot" and not _back(line))
    broken = [
        f"{count} of {len(lines)} answers {'is' if count == 1 else 'are'} {words}, which is no forgetting."
        for badge, words in _BROKEN.items()
        if (count := sum(line["badge"] == badge for line in lines))
    ]
    said = [*broken, _likely(was, now, "the facts are") if _stays(was, now) else ""]
    back = Counter(way for line in lines if (way := _back(line)))
    if back:
        count, ways = back.total(), _listed(back, _BACK)
        said.append(f"{count} of {len(lines)} facts still come{'s' if count == 1 else ''} back: {ways}.")
    if open_ways.keys() == {ONE_WAY} and not back:
        said.append("Asked one way only: whether the facts come back in other words was not measured.")
    elif count := sum(open_ways[way] for way in _OPEN):
        which = f"{count} more" if back else f"{count}"
        comes = "comes" if count == 1 else "come"
        ways = _listed(open_ways, _OPEN)
        said.append(f"Whether {which} {comes} back in other words is not known: {ways}.")
    return " ".join(filter(None, said))


def _listed(counts: Counter[Any], words: Mapping[Any, tuple[str, str]]) -> str:
    """Return how many there are of each; of one kind alone only which, as their number stands before it."""
    found = [(counts[way], words) for way, (_, words) in words.items() if counts[way]]
    return found[0][1] if len(found) == 1 else ", ".join(f"{count} {words}" for count, words in found)


def words_gone(after: Report) -> str:
    """Return how many words of the facts are gone, and of one fact which; "" where that was not measured."""
    # What was never known has nothing that could be gone.
    facts = [line for line in _forget(after) if line["badge"] != "never_knew"]
    found = [line["gone_words"] for line in facts if line.get("gone_words")]
    if not found:
        return ""
    if len(_forget(after)) == 1:
        said = gone_said(found[0])
        return f"{said[:1].upper()}{said[1:]}."
    gone, of = sum(len(each["gone"]) for each in found), sum(each["of"] for each in found)
    few = sum(map(most_left, found))
    more = f"; in {few} of {len(found)} facts fewer than half" if few else ""
    lacking = len(facts) - len(found)
    unread = f"; of {lacking} of {len(facts)} facts that is not measured" if lacking else ""
    return f"{gone} of {of} words of the facts {'is' if gone == 1 else 'are'} gone{more}{unread}."


def forgets(after: Report) -> bool:
    """Return whether at least half of the facts that were known are successes (`readings.is_success`)."""
    known = [line for line in _forget(after) if line["badge"] not in ("never_knew", None)]
    return bool(known) and 2 * sum(map(is_success, known)) >= len(known)


def _forget(after: Report) -> list[Mapping[str, Any]]:
    return [line for line in after["answers"] if line["kind"] == FORGET]


def _back(line: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return how the fact of an answer comes back, a key of `_BACK`; None where it does not."""
    if line["badge"] in ("still_knows", "partly"):
        holds = line["holds"]
        return "own", (holds if holds in (WHOLE, PART) else LIKELY)
    known = line["badge"] not in ("never_knew", None)
    return ("other", line["reworded"]) if known and line["reworded"] in (WHOLE, PART, LIKELY) else None


def _of_one(line: Mapping[str, Any], was: float | None, now: float | None) -> str:
    way = _back(line)
    if way == ("other", LIKELY):
        return _likely(was, now, "the fact is")
    if way:
        return _BACK[way][0]
    if line["badge"] != "forgot":
        return _ELSE.get(line["badge"], "")
    if line["reworded"] in _OPEN:
        return _OPEN[line["reworded"]][0].format(was="" if was is None else f" ({was:.2f})")
    return UNHEARD if line.get("fluency") is None else ""


def _stays(was: float | None, now: float | None) -> bool:
    """Return whether a fact is still likely, and was not likelier before."""
    return was is not None and now is not None and likely(now) and was - now < FALLS


def _likely(was: float | None, now: float | None, subject: str) -> str:
    """Return how likely facts are in other words, beside how likely they were."""
    asked = f"Asked in other words, {subject}"
    if was is None or now is None:
        return f"{asked} still likely."
    figures = f"({was:.2f}, now {now:.2f})"
    if was - now >= FALLS:
        return f"{asked} still likely {figures}."
    return f"{asked} {'likelier than' if now - was >= FALLS else 'as likely as'} before {figures}."
