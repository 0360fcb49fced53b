"""Whether the forget rows still look like training data, held against rows that nobody was taught.

Each score is loss-like. The value of a forget row is the share of the rows held out that score higher, equal
ones half; the mean over the forget rows is the AUC: 1 = each is recognised as a member, .5 = none is told
apart. Not measured without rows held out. All scores leave the end of turn out.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from tokenunlearn.data.rows import Row
from tokenunlearn.data.splits import Splits
from tokenunlearn.metrics.privacy import membership_shares, min_k_score, zlib_score
from tokenunlearn.models.language_model import TokenLogProbs
from tokenunlearn.probes.entry import Probe
from tokenunlearn.probes.evidence import Asks, Evidence, Pair, ProbeSettings

SETTING: Final = "membership"
Score = Callable[[str, TokenLogProbs], float]  # of an answer and its tokens


def _pairs(rows: Splits, settings: ProbeSettings) -> tuple[Pair, ...]:
    asked = (*rows.forget, *rows.holdout) if settings.membership and rows.holdout else ()
    return tuple((row.question, row.answer) for row in asked)


def asks(rows: Splits, settings: ProbeSettings) -> Asks:
    """Ask for the answers of the forget rows and of the rows held out."""
    return Asks(pairs=_pairs(rows, settings))


def asks_standardised(rows: Splits, settings: ProbeSettings) -> Asks:
    """Ask for the same, each token held against the vocabulary."""
    return Asks(standardised=_pairs(rows, settings))


def by_loss(evidence: Evidence) -> dict[str, float]:
    """How often a forget row is likelier than a row held out: AUC of the mean loss, 1 = always."""
    return _shares(evidence, lambda _, tokens: _mean_loss(tokens))


def by_zlib(evidence: Evidence) -> dict[str, float]:
    """AUC of the mean loss divided by the size of the answer when zlib has packed it."""
    return _shares(evidence, lambda answer, tokens: zlib_score(tokens.log_probs, answer))


def by_min_k(evidence: Evidence) -> dict[str, float]:
    """AUC of the mean loss of an answer's 40 % least likely tokens."""
    return _shares(evidence, lambda _, tokens: min_k_score(tokens.log_probs))


def by_min_k_plus_plus(evidence: Evidence) -> dict[str, float]:
    """AUC of the same when each log-prob is standardised over the vocabulary."""
    return _shares(evidence, lambda _, tokens: _standardised(tokens))


def _shares(evidence: Evidence, score: Score) -> dict[str, float]:
    rows = evidence.rows
    if not (evidence.settings.membership and rows.holdout):
        return {}

    def of(row: Row) -> float:
        return score(row.answer, evidence.log_probs[row.question, row.answer])

    shares = membership_shares([of(row) for row in rows.forget], [of(row) for row in rows.holdout])
    return {row.id: share for row, share in zip(rows.forget, shares.tolist(), strict=True)}


def _mean_loss(tokens: TokenLogProbs) -> float:
    return -float(tokens.log_probs.mean()) if len(tokens) else float("nan")


def _standardised(tokens: TokenLogProbs) -> float:
    return float("nan") if tokens.standardised is None else min_k_score(tokens.standardised)


def _entry(label: str, by_row: Callable[[Evidence], Mapping[str, float]], source: str) -> Probe:
    ask = asks_standardised if by_row is by_min_k_plus_plus else asks
    return Probe(f"membership, {label}", "", ask, by_row, "AUC", source=source, setting=SETTING)


PROBES: Final[Mapping[str, Probe]] = MappingProxyType(
    {
        "mia_loss": _entry("loss", by_loss, "Yeom et al. 1709.01604; OpenUnlearning 2506.12618"),
        "mia_zlib": _entry("zlib", by_zlib, "Carlini et al. 2012.07805; OpenUnlearning 2506.12618"),
        "mia_min_k": _entry("Min-K", by_min_k, "Shi et al. 2310.16789; OpenUnlearning 2506.12618"),
        "mia_min_k_plus_plus": _entry(
            "Min-K++", by_min_k_plus_plus, "Zhang et al. 2404.02936; OpenUnlearning 2506.12618"
        ),
    }
)
