"""What the gradient view says in words, and its table: command line and page say the same."""

from collections.abc import Mapping
from typing import Any, Final

from tokenunlearn.experiments.gradients import CONTROLS, FEWEST_DRAWS, ORTHOGONAL, SHOWN
from tokenunlearn.text.numbers import p_words, signed

NAMES: Final[Mapping[str, str]] = {
    "chosen": "chosen",
    "gold": "marked facts",
    "unchosen": "unchosen",
    "all": "all tokens",
}
_DRAWN: Final[Mapping[str, str]] = {
    "random": "random choices of as many tokens in each row",
    "words": "choices of random whole words",
}
NOT_SHOWN: Final = (
    "This is how a run's first step is made up, with one start of the LoRA. Whether a run on these tokens "
    "forgets or keeps more is not shown by it: a comparison of runs measures that."
)


def gradient_said(report: Mapping[str, Any]) -> list[str]:
    """Return what is shown and what is not, a sentence each, of the report of `gradient_view`."""
    whole = report["whole"]
    return [*_step_said(report), *_ratio_said(report), *_assumption_said(whole), NOT_SHOWN]


def _step_said(report: Mapping[str, Any]) -> list[str]:
    share, cosine = report["whole"]["share"], report["whole"]["step_cosine"]
    if share is None or cosine is None:
        return []
    return [
        f"The {report['chosen']} chosen tokens of {report['tokens']} hold {share:.0%} of the squared "
        f"gradients; the sum over all tokens points along theirs with cosine {_cosine(cosine)}."
    ]


def _ratio_said(report: Mapping[str, Any]) -> list[str]:
    whole = report["whole"]
    found = whole["groups"]["chosen"]
    if found["ratio"] is None:
        return [f"Signal to noise of the chosen tokens: not measured: {found['why']}."]
    said = [
        f"Signal to noise of the {report['chosen']} chosen tokens of {report['tokens']} in "
        f"{_rows(report['rows'])}: {_ratio(found)}; of all tokens {_ratio(whole['groups']['all'])}, of the "
        f"unchosen {_ratio(whole['groups']['unchosen'])}. That is of one token; a mean over n has n times it."
    ]
    return said + [_rank_said(whole["draws"][arm], _DRAWN[arm]) for arm in CONTROLS]


def _rank_said(draws: Mapping[str, Any], words: str) -> str:
    """Return where the chosen tokens' ratio stands among those of a control."""
    count, p_value = len(draws["ratios"]), draws["p"]
    if p_value is None:
        return f"Rank among {count} {words}: not measured: a draw has no ratio."
    head = f"{draws['reached']} of {count} {words} reach it (two-sided {p_words(p_value)})"
    if count < FEWEST_DRAWS:
        return f"{head}: no difference can be shown; that takes at least {FEWEST_DRAWS} draws."
    if p_value > SHOWN:
        return f"{head}: no difference is shown."
    more = 2 * draws["reached"] < count
    return f"{head}: here the chosen tokens' gradients agree {'more' if more else 'less'} than by chance."


def _assumption_said(whole: Mapping[str, Any]) -> list[str]:
    chosen, unchosen = whole["cosines"]["chosen"], whole["cosines"]["unchosen"]
    if unchosen["median"] is None:
        return ["The forget direction: not measured: it takes unchosen tokens and chosen ones in other rows."]
    holds = unchosen["median_size"] < ORTHOGONAL
    said = (
        "The theory assumes that the unchosen tokens' gradients are mainly orthogonal to the forget "
        "direction (the chosen tokens' gradients of the other rows). "
        f"{'It holds' if holds else 'It does not hold'} here: their median cosine is "
        f"{_cosine(unchosen['median'])} (middle half {_cosine(unchosen['lower'])} to "
        f"{_cosine(unchosen['upper'])}), and "
        f"{unchosen['orthogonal']:.0%} of them are below {ORTHOGONAL} in size; the chosen tokens' is "
        f"{_cosine(chosen['median'])}."
    )
    if holds and chosen["median"] is not None and chosen["median_size"] < ORTHOGONAL:
        said += (
            " But so are the chosen tokens' own: the rows have next to no direction in common, and this sets "
            "the unchosen tokens apart by little."
        )
    return [said]


def gradient_lines(report: Mapping[str, Any]) -> list[str]:
    """Return the report as aligned lines: groups of tokens over all layers, then layer by layer."""
    whole = report["whole"]
    lines = [
        f"{'tokens':<14}{'n':>6}{'signal':>11}{'noise':>11}{'SNR':>8}  {'95 % interval':<18}"
        f"{'across rows':>11}"
    ]
    for name, words in NAMES.items():
        if name in whole["groups"]:
            lines.append(_group_line(words, whole["groups"][name]))
    for arm in CONTROLS:
        ratios = [each for each in whole["draws"][arm]["ratios"] if each is not None]
        spread = f"{_figure(min(ratios))} to {_figure(max(ratios))}" if ratios else "not measured"
        lines.append(f"{arm:<14}{'':>28}{_mean(ratios):>8}  {spread}, {len(ratios)} draws")
    lines += [
        "",
        f"{'layer':<8}{'SNR chosen':>12}{'random':>10}{'words':>10}{'unchosen':>10}{'p (random)':>12}"
        f"{'cosine chosen':>16}{'unchosen':>10}",
    ]
    lines += [_layer_line(str(each["layer"]), each) for each in report["layers"]]
    lines.append(_layer_line("all", whole))
    lines.append(
        "SNR: signal / noise = unbiased ‖E g‖² / E‖g − E g‖²; across rows: the signal of pairs of different "
        "rows alone; p: two-sided rank among the draws; cosine: median, to the forget direction without the "
        "token's own row."
    )
    return lines


def _group_line(words: str, found: Mapping[str, Any]) -> str:
    if found["ratio"] is None:
        return f"{words:<14}{found['tokens']:>6}  not measured: {found['why']}"
    interval = "–" if found["low"] is None else f"[{_figure(found['low'])}, {_figure(found['high'])}]"
    return (
        f"{words:<14}{found['tokens']:>6}{found['signal']:>11.3g}{found['noise']:>11.3g}"
        f"{_figure(found['ratio']):>8}  {interval:<18}{_figure(found['across']):>11}"
    )


def _layer_line(name: str, part: Mapping[str, Any]) -> str:
    drawn = (_mean([each for each in part["draws"][arm]["ratios"] if each is not None]) for arm in CONTROLS)
    groups, cosines = part["groups"], part["cosines"]
    random, words = drawn
    return (
        f"{name:<8}{_figure(groups['chosen']['ratio']):>12}{random:>10}{words:>10}"
        f"{_figure(groups['unchosen']['ratio']):>10}{_figure(part['draws']['random']['p']):>12}"
        f"{_figure(cosines['chosen']['median']):>16}{_figure(cosines['unchosen']['median']):>10}"
    )


def _ratio(found: Mapping[str, Any]) -> str:
    if found["ratio"] is None:
        return f"not measured ({found['why']})"
    between = "" if found["low"] is None else f" [{_figure(found['low'])}, {_figure(found['high'])}]"
    return f"{_figure(found['ratio'])}{between}"


def _cosine(value: float | None) -> str:
    return "not measured" if value is None else signed(value, ".3f")


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _mean(values: list[float]) -> str:
    return signed(sum(values) / len(values), ".4f") if values else "–"


def _figure(value: float | None) -> str:
    return "–" if value is None else signed(value, ".4f")
