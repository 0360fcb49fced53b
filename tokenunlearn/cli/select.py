"""choose tokens by a rule, from scores to a mask

A .jsonl is a mask; a .parquet or .csv is the scores with the columns fused, weight, selected, override.
"""

import argparse
from pathlib import Path

from tokenunlearn.cli.flags import add_settings
from tokenunlearn.cli.outputs import add_output
from tokenunlearn.cli.sources import tell_edited, tell_unchosen
from tokenunlearn.documents.terminal import to_stderr, to_stdout
from tokenunlearn.errors import SettingError, TableError
from tokenunlearn.settings import MOST_SHOWN, from_flags, is_number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("scores", metavar="SCORES", help="table from `score`: .parquet or .jsonl")
    add_output(
        parser,
        "--out",
        ".jsonl",
        ".parquet",
        ".csv",
        required=True,
        help="mask (.jsonl) or table (.parquet, .csv)",
    )
    parser.add_argument(
        "--override",
        action="append",
        default=[],
        metavar="TOKEN=in|out",
        help="take token number TOKEN of the table in or out, whatever the rule says; may be repeated",
    )
    add_settings(parser, "Rule")


def run(arguments: argparse.Namespace) -> int:
    """Return 0, after the mask or the table was written; the counts and the hash go to stdout."""
    from tokenunlearn.masks import columns_from_table, make_mask, write_mask
    from tokenunlearn.selection import Rule, count_selected, select
    from tokenunlearn.table import provenance, read_table, write_table

    rule, path = from_flags(Rule, arguments), Path(arguments.out)
    table = read_table(arguments.scores)
    tell_edited(table, arguments.scores)
    if not len(table):
        raise TableError(
            "The table has no rows", "There is no token to choose", "Score some rows", arguments.scores
        )
    columns = columns_from_table(table)
    mask = make_mask(columns, rule, overrides_of(arguments.override), provenance(table).get("scores_id", ""))
    if path.suffix == ".jsonl":
        write_mask(path, mask, table, provenance(table))
    else:
        forced = [mask.overrides.get(index, "") for index in range(len(table))]
        fused = select(columns, rule, mask.overrides).fused
        chosen = table.assign(fused=fused, weight=mask.weights, selected=mask.selected, override=forced)
        chosen.attrs = dict(table.attrs)
        write_table(chosen, path)
    counts = count_selected(columns, mask.selected)
    to_stdout(
        f"{counts.tokens} of {counts.of_tokens} tokens, {counts.words} of {counts.of_words} words, "
        f"{counts.gold} of {counts.of_gold} gold tokens; hash {mask.hash[:12]}\n"
    )
    for index, state in sorted(mask.overrides.items()):  # a number says little to a person
        token = table.iloc[index]
        to_stderr(f"override: token {index} “{token['token']}” of row {token['row_id']} is {state}\n")
    if not counts.tokens:
        to_stderr("No token is chosen: `unlearn` does not take this mask\n")
    else:
        names = table["row_id"].astype(str).unique()
        tell_unchosen([names[row] for row in counts.empty_rows], len(names))
    return 0


def overrides_of(texts: list[str]) -> dict[int, str]:
    """Return token number → in or out, from texts such as 12=in. Raises SettingError for another form."""
    overrides = {}
    for text in texts:
        number, _, state = text.partition("=")
        if not is_number(number) or state not in ("in", "out"):
            shown = text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
            raise SettingError(
                f"override is {shown!r}", "It must be TOKEN=in or TOKEN=out", where="--override"
            )
        overrides[int(number)] = state
    return overrides
