"""score every answer token: how much of the fact it carries

Rows × signals → the exchange table, one line per answer token.
"""

import argparse

from tokenunlearn.cli.flags import add_settings
from tokenunlearn.cli.sources import add_model, add_rows, first_rows, load, stoppable, target
from tokenunlearn.settings import from_flags


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing; the verb's arguments are added."""
    add_rows(parser, "the shared and the one-off set")
    parser.add_argument(
        "--out", required=True, metavar="PATH", help="table to write: .parquet, .jsonl or .csv"
    )
    add_model(parser)
    add_settings(parser, "ScoreConfig")


def run(arguments: argparse.Namespace) -> int:
    """The exit code, after the table was written; 130 with the finished rows when Ctrl-C was pressed."""
    path = target(arguments.out, ".parquet", ".jsonl", ".csv")
    rows = first_rows(arguments, "shared_forget", "one_off")

    from tqdm import tqdm

    from tokenunlearn.scoring import ScoreConfig, iter_scores, new_scores
    from tokenunlearn.table import PROVENANCE, write_table

    config = from_flags(ScoreConfig, arguments)
    model = load(arguments)
    scores = new_scores(model, rows, config)
    with stoppable() as stop:
        for row in tqdm(iter_scores(model, rows, config), total=len(rows), unit="row", desc="score"):
            scores.rows.append(row)
            if stop:
                break
    table = scores.table
    table.attrs[PROVENANCE]["scores_id"] = scores.scores_id
    write_table(table, path)
    return 130 if stop else 0
