"""The chosen tokens of a verb: those of a mask file, or what the rule of the flags takes."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tokenunlearn.cli.flags import add_settings
from tokenunlearn.cli.sources import tell_unchosen
from tokenunlearn.errors import SettingError, did_you_mean
from tokenunlearn.settings import describe, from_dict, from_flags

if TYPE_CHECKING:
    import pandas as pd

    from tokenunlearn.data.splits import Splits
    from tokenunlearn.masks import Mask
    from tokenunlearn.models.loading import LoadedModel
    from tokenunlearn.scoring import ScoreConfig
    from tokenunlearn.selection import Rule


def add_choice(parser: argparse.ArgumentParser) -> None:
    """Let the parser take a mask, or the flags of a rule."""
    parser.add_argument(
        "--mask", metavar="PATH", help="the chosen tokens, overrides included, instead of a rule's"
    )
    add_settings(parser, "Rule")


def asked_rule(arguments: argparse.Namespace) -> "Rule":
    """Return the rule of the flags, or of the mask where the verb takes one; faults of either are told now.

    Raises SettingError for flags beside a mask and for an unknown signal, MaskError for an empty mask.
    """
    from tokenunlearn.masks import read_header, refuse_empty_file
    from tokenunlearn.selection import Rule
    from tokenunlearn.signals import SIGNALS

    rule, mask = from_flags(Rule, arguments), getattr(arguments, "mask", None)
    if mask:
        typed = next((info for info in describe(Rule) if getattr(arguments, info.name) is not None), None)
        if typed:
            why = f"{typed.flag} would change nothing"
            raise SettingError("A mask has its own rule", why, "Leave one out", typed.flag)
        refuse_empty_file(mask)
        rule = from_dict(Rule, read_header(mask).get("rule", {}))
    for flag, name, share in (
        ("--knowledge", rule.knowledge, rule.alpha),
        ("--entropy", rule.entropy, 1 - rule.alpha),
    ):
        if share > 0 and name not in SIGNALS:
            raise SettingError(f"There is no signal {name!r}", fix=did_you_mean(name, SIGNALS), where=flag)
    return rule


def scoring_of(rule: "Rule", signals: Sequence[str] = ()) -> "ScoreConfig":
    """Return the settings of scoring what a rule reads (a signal without a share is not), and `signals`.

    What every signal has to beat costs nothing and is scored along, for the report's leaderboard.
    """
    from tokenunlearn.scoring import FREE_SIGNALS, ScoreConfig

    used = [rule.knowledge] * (rule.alpha > 0) + [rule.entropy] * (rule.alpha < 1)
    return ScoreConfig(signals=tuple(dict.fromkeys((*used, *signals, *FREE_SIGNALS))))


def refuse_unscorable(scoring: "ScoreConfig", loaded: "LoadedModel", rows: "Splits") -> None:
    """Raise InputError or ModelError for a signal that needs what is not here."""
    from tokenunlearn.passes import Beside, refuse_lacking

    beside = Beside(rows.retain)
    for name in scoring.signals:
        for each in scoring.passes_of(name):
            refuse_lacking(each, loaded, beside)


def scored_table(loaded: "LoadedModel", rows: "Splits", scoring: "ScoreConfig") -> "pd.DataFrame":
    """Return the table of the rows to forget. Raises, before anything is scored, where it cannot be."""
    from tokenunlearn.fitting import check_rows
    from tokenunlearn.passes import Beside
    from tokenunlearn.scoring import score

    check_rows(loaded, rows.forget)
    refuse_unscorable(scoring, loaded, rows)
    return score(loaded, rows.forget, scoring, Beside(rows.retain))


def chosen_tokens(
    mask: str | None, rule: "Rule", loaded: "LoadedModel", rows: "Splits", signals: Sequence[str] = ()
) -> "tuple[pd.DataFrame, Mask]":
    """Return the table of the rows to forget, `signals` scored as well, and the chosen tokens.

    Those of the file `mask`, whose rule (`asked_rule`) it is, or what the rule takes. Raises what scoring and
    masks raise, MaskError for a mask without a token among them.
    """
    from tokenunlearn.masks import columns_from_table, make_mask, read_mask, refuse_empty

    table = scored_table(loaded, rows, scoring_of(rule, signals))
    chosen = read_mask(mask, table, None) if mask else make_mask(columns_from_table(table), rule)
    refuse_empty(chosen, mask or "the rule")
    with_some = set(table["row_id"][chosen.selected])
    tell_unchosen([str(row.id) for row in rows.forget if row.id not in with_some], len(rows.forget))
    return table, chosen
