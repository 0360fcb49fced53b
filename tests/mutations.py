"""`python -m tests.mutations [NUMBER ...]`: whether the tests catch slips in the code, one a family.

Each slip is made alone, in a git worktree of the last commit, and only the test files that must catch it run.
Exits with status 1 where one is not caught, or where the tests cannot run at all.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINKS = (".venv", "node_modules")


@dataclass(frozen=True)
class Mutation:
    """A slip: in `file` the text `before`, which stands there once, becomes `after`; `tests` catch it."""

    family: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]


MUTATIONS = (
    Mutation(
        "deletion and insertion",
        "tokenunlearn/experiments/perturbation.py",
        "read = {token - 1 for token in fact}",
        "read = {token for token in fact}",
        ("tests/unit/test_perturbation.py",),
    ),
    Mutation(
        "report",
        "tokenunlearn/documents/report_page.py",
        """return f'<data value="{value!r}">{text}</data>'""",
        """return f'<data value="{value / 2!r}">{text}</data>'""",
        ("tests/unit/test_report.py",),
    ),
    Mutation(
        "signal to noise",
        "tokenunlearn/metrics/snr.py",
        "signal = mean - noise / size",
        "signal = mean",
        ("tests/unit/test_gradient_view.py",),
    ),
    Mutation(
        "knowledge",
        "tokenunlearn/signals/knowledge.py",
        "return np.abs(log_probs - masked_log_probs)",
        "return log_probs - masked_log_probs",
        ("tests/unit/test_formulas.py", "tests/unit/test_scoring.py"),
    ),
    Mutation(
        "entropy",
        "tokenunlearn/signals/entropy.py",
        "entropies * (len(entropies) / total)",
        "entropies / total",
        ("tests/unit/test_formulas.py", "tests/unit/test_signal_needs.py"),
    ),
    Mutation(
        "normalising",
        "tokenunlearn/fusion.py",
        "place = (ordered.size - 1) * fraction",
        "place = min(ordered.size * fraction, ordered.size - 1)",
        ("tests/unit/test_fusion.py",),
    ),
    Mutation(
        "hard selection",
        "tokenunlearn/modes.py",
        "order[before < budget]",
        "order[before <= budget]",
        ("tests/unit/test_selection.py",),
    ),
    Mutation(
        "soft selection",
        "tokenunlearn/modes.py",
        "mean = sequential_sum(powers) / candidates.size",
        "mean = sequential_sum(powers) / group.size",
        ("tests/unit/test_selection.py", "tests/properties/test_selection_properties.py"),
    ),
    Mutation(
        "random control",
        "tokenunlearn/modes.py",
        "np.lexsort((order_by[group], last[group]))",
        "np.lexsort((last[group], order_by[group]))",
        ("tests/unit/test_selection.py",),
    ),
    Mutation(
        "NPO",
        "tokenunlearn/objectives/preference.py",
        "row_mean(-(2 / settings.beta) * logsigmoid(-settings.beta * ratio), batch)",
        "row_mean(-(2 / settings.beta) * logsigmoid(settings.beta * ratio), batch)",
        ("tests/unit/test_formulas.py", "tests/unit/test_objectives.py"),
    ),
    Mutation(
        "DPO",
        "tokenunlearn/objectives/preference.py",
        "won = log_ratio(second, masked(second.weights, second.mask))",
        "won = log_ratio(second, mean_one(second.weights, second.mask)) / second.mask.sum(-1)",
        ("tests/unit/test_formulas.py", "tests/unit/test_objectives.py"),
    ),
    Mutation(
        "objective on logits",
        "tokenunlearn/objectives/distribution.py",
        "torch.full_like(targets, -settings.strength, dtype",
        "torch.full_like(targets, settings.strength, dtype",
        ("tests/unit/test_formulas.py",),
    ),
    Mutation(
        "gradient of a goal",
        "tokenunlearn/objectives/distribution.py",
        "others = logits.detach().scatter(",
        "others = logits.scatter(",
        ("tests/unit/test_objectives.py",),
    ),
    Mutation(
        "retain term",
        "tokenunlearn/objectives/retain.py",
        "kl_div(current, wanted,",
        "kl_div(wanted, current,",
        ("tests/unit/test_formulas.py", "tests/unit/test_objectives.py"),
    ),
    Mutation(
        "training loop",
        "tokenunlearn/training/loop.py",
        "(scale * loss.total / count).backward()",
        "(scale * loss.total).backward()",
        ("tests/unit/test_training.py",),
    ),
    Mutation(
        "rows of a step",
        "tokenunlearn/training/session.py",
        "np.random.default_rng([order_seed, epoch])",
        "np.random.default_rng([order_seed, 0])",
        ("tests/unit/test_training.py",),
    ),
    Mutation(
        "resume",
        "tokenunlearn/training/checkpoint.py",
        "            if state:\n                optimizer",
        "            if not state:\n                optimizer",
        ("tests/unit/test_checkpoint.py", "tests/invariants/test_trajectories.py"),
    ),
    Mutation(
        "mask hash",
        "tokenunlearn/modes.py",
        "dtype=np.float64) * 1e6 + 0.5)",
        "dtype=np.float64) * 1e6)",
        ("tests/unit/test_masks.py", "tests/unit/test_twins.py"),
    ),
    Mutation(
        "mask import",
        "tokenunlearn/masks.py",
        'if mask_hash(weights) != header.get("hash"):',
        "if mask_hash(weights) is None:",
        ("tests/unit/test_masks.py",),
    ),
    Mutation(
        "fact probability",
        "tokenunlearn/metrics/facts.py",
        "joints = [float(np.exp(tokens.log_probs[met].sum()))",
        "joints = [float(np.exp(tokens.log_probs[met].mean()))",
        ("tests/unit/test_probes.py",),
    ),
    Mutation(
        "choice accuracy",
        "tokenunlearn/probes/choice.py",
        "sizes = [len(text.encode()) for text in row.choices]",
        "sizes = [len(text) for text in row.choices]",
        ("tests/unit/test_choice.py",),
    ),
    Mutation(
        "attacks",
        "tokenunlearn/attacks/relearning.py",
        "(event.figures[figure] or 0.0) >= bound",
        "(event.figures[figure] or 0.0) > bound",
        ("tests/unit/test_attacks.py",),
    ),
    Mutation(
        "AUROC",
        "tokenunlearn/metrics/attribution.py",
        "(rank_sum - positives * (positives + 1) / 2)",
        "(rank_sum - positives * (positives - 1) / 2)",
        ("tests/unit/test_attribution.py",),
    ),
    Mutation(
        "seeds of a plan",
        "tokenunlearn/experiments/planned.py",
        "self.seeds in (None, seeds)",
        "self.seeds is None or self.seeds <= seeds",
        ("tests/unit/test_planned.py",),
    ),
    Mutation(
        "adjusted p-values",
        "tokenunlearn/metrics/statistics.py",
        "np.maximum.accumulate(values[order] * factors)",
        "values[order] * factors",
        ("tests/unit/test_statistics.py",),
    ),
    Mutation(
        "rows",
        "tokenunlearn/data/rows.py",
        "if isinstance(value, float) and value.is_integer():",
        "if isinstance(value, float) and not value.is_integer():",
        ("tests/bad_input/test_rows.py", "tests/unit/test_files.py"),
    ),
    Mutation(
        "sets",
        "tokenunlearn/data/sets.py",
        "found.append(replace(more, id=row.id) if more else row)",
        "found.append(more or row)",
        ("tests/unit/test_sets.py",),
    ),
    Mutation(
        "conversations",
        "tokenunlearn/text/turns.py",
        "return after[: start + len(text)], tokens[text]",
        "return after[:start], tokens[text]",
        ("tests/unit/test_conversations.py",),
    ),
    Mutation(
        "adapters",
        "tokenunlearn/models/adapters.py",
        'updates[name] = (a, b * layer.scaling["default"])',
        "updates[name] = (a, b)",
        ("tests/unit/test_adapters.py",),
    ),
    Mutation(
        "identity of a text",
        "tokenunlearn/scoring.py",
        'each.info.row.answer, each.table["token_id"].tolist())',
        "each.info.row.answer)",
        ("tests/unit/test_subjects.py",),
    ),
    Mutation(
        "kept scores",
        "tokenunlearn/runs/kept_scores.py",
        "model_identity(model), data, repr(config), fits)",
        "model_identity(model), data, fits)",
        ("tests/unit/test_measured.py",),
    ),
    Mutation(
        "divergence",
        "tokenunlearn/training/guard.py",
        "rise = retain_loss - retain_start",
        "rise = retain_loss",
        ("tests/unit/test_training.py", "tests/invariants/test_trajectories.py"),
    ),
    Mutation(
        "doors",
        "app/requests.py",
        "not isinstance(value, int) or not 0 <= value < below:",
        "not isinstance(value, int) or not 0 <= value <= below:",
        ("tests/unit/test_requests.py",),
    ),
    Mutation(
        "other sites",
        "app/guard.py",
        "if origin is not None and _place(origin) != host.lower():",
        "if origin is not None and not _place(origin).startswith(host_name(host)):",
        ("tests/unit/test_guard.py",),
    ),
    Mutation(
        "selection twin",
        "app/web/score/modes.js",
        "Math.floor(rule.fraction * count + 0.5)",
        "Math.floor(rule.fraction * count)",
        ("tests/web/selection.test.mjs",),
    ),
    Mutation(
        "draft keeper",
        "app/web/draft/mask_keeper.js",
        "const current = known.version === theirs.version || Boolean(known.sent?.includes(theirs.save));",
        "const current = known.version === theirs.version;",
        ("tests/web/mask_keeper.test.mjs",),
    ),
    Mutation(
        "taking a draft",
        "app/web/model/mask_draft.js",
        "(index) => everywhere || model.inSet(index)",
        "() => true",
        ("tests/web/mask_draft.test.mjs", "tests/web/mask_keeper.test.mjs"),
    ),
    Mutation(
        "statistics of arms",
        "tokenunlearn/metrics/statistics.py",
        "freedom = min(seeds, rows) - 1",
        "freedom = seeds * rows - 1",
        ("tests/unit/test_statistics.py",),
    ),
    Mutation(
        "verdict",
        "tokenunlearn/experiments/verdict.py",
        "np.nan, holm(counted.tolist()))",
        "np.nan, counted)",
        ("tests/unit/test_verdict.py",),
    ),
    Mutation(
        "controls",
        "tokenunlearn/experiments/arms.py",
        "return placed_like(seen.columns, seen.weights, seen.fused, seen.fused)",
        "return placed_like(seen.columns, seen.weights, seen.fused, -seen.fused)",
        ("tests/unit/test_arms.py",),
    ),
    Mutation(
        "bundle",
        "app/bundle.py",
        'first = f"A{_digits(int(at > 0))}{_digits(-before)}A"',
        'first = f"A{_digits(int(at > 0))}{_digits(before)}A"',
        ("tests/unit/test_bundle.py",),
    ),
    Mutation(
        "rescaled arm",
        "tokenunlearn/experiments/runner.py",
        "scale_lora(self.model.model, match.norm / own.norm)",
        "scale_lora(self.model.model, own.norm / match.norm)",
        ("tests/unit/test_arms_matched.py",),
    ),
    Mutation(
        "stopped arm",
        "tokenunlearn/experiments/arms.py",
        "stop=lambda own, chosen: own.norm >= chosen.norm",
        "stop=lambda own, chosen: own.norm > chosen.norm",
        ("tests/unit/test_arms_matched.py",),
    ),
    Mutation(
        "extraction strength",
        "tokenunlearn/metrics/memorization.py",
        "min(int(wrong[-1]) + 1, hits.size - 1)",
        "int(wrong[-1]) + 1",
        ("tests/unit/test_memorization.py",),
    ),
    Mutation(
        "depth",
        "tokenunlearn/metrics/depth.py",
        "[held] / weights, 0.0, 1.0)",
        "[held] / weights, None, 1.0)",
        ("tests/unit/test_depth.py",),
    ),
    Mutation(
        "picture of depth",
        "tokenunlearn/documents/depth.py",
        "max(0.0, 1 - value / LOWEST)",
        "max(0.0, value / LOWEST)",
        ("tests/unit/test_depth_pictures.py",),
    ),
    Mutation(
        "curves of deletion",
        "tokenunlearn/documents/perturbation.py",
        '"its reverse": curves[other][::-1],',
        '"its reverse": curves[other],',
        ("tests/unit/test_perturbation.py",),
    ),
    Mutation(
        "sweep",
        "tokenunlearn/runs/sweep_job.py",
        "results = read_results(self.file, self.origin)",
        "results = []",
        ("tests/unit/test_sweep_job.py",),
    ),
    Mutation(
        "page controls",
        "app/actions/unlearn.py",
        "if arm == CHOSEN or shown.mask(name, mask.rule, {}).hash == mask.hash:",
        "if arm != CHOSEN or shown.mask(name, mask.rule, {}).hash == mask.hash:",
        ("tests/unit/test_controls.py",),
    ),
    Mutation(
        "a run again",
        "tokenunlearn/runs/again.py",
        """row_to_dict(row) | {"split": split} for""",
        """row_to_dict(row) for""",
        ("tests/unit/test_run_again.py",),
    ),
    Mutation(
        "the plot of forgetting",
        "app/web/compare/pareto.js",
        "low: bounded ? [1 - falls.high, rises.low] : null,",
        "low: bounded ? [1 - falls.low, rises.low] : null,",
        ("tests/web/compare_panels.test.mjs",),
    ),
    Mutation(
        "series of arms",
        "tokenunlearn/experiments/series.py",
        "upper = place.at > place.of / 2",
        "upper = False",
        ("tests/unit/test_series.py",),
    ),
    Mutation(
        "curve of a series",
        "tokenunlearn/experiments/response.py",
        "before = dict.fromkeys(values, start.by_row)",
        "before = dict.fromkeys([0], start.by_row)",
        ("tests/unit/test_series.py",),
    ),
)


def caught(mutation: Mutation, tree: Path) -> tuple[str, float]:
    """Return what the tests say of the slip ("caught", "NOT CAUGHT" or what went wrong), and the seconds."""
    path = tree / mutation.file
    content = path.read_text(encoding="utf-8")
    if content.count(mutation.before) != 1:
        return f"CANNOT RUN: the text stands {content.count(mutation.before)} times in {mutation.file}", 0.0
    path.write_text(content.replace(mutation.before, mutation.after), encoding="utf-8")
    began = time.monotonic()
    try:
        done = subprocess.run(
            _command(mutation.tests),
            cwd=tree,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        path.write_text(content, encoding="utf-8")
    seconds = time.monotonic() - began
    if done.returncode == 1:
        return "caught", seconds
    if done.returncode == 0:
        return "NOT CAUGHT", seconds
    return f"CANNOT RUN: status {done.returncode}\n{(done.stdout + done.stderr)[-2000:]}", seconds


def _command(tests: tuple[str, ...]) -> list[str]:
    if tests[0].endswith(".mjs"):
        return ["node", "--test", *tests]
    return [".venv/bin/python", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]


def main(numbers: list[int]) -> int:
    """Try the mutations of these numbers (from 1), all without any; return the exit status."""
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), "HEAD"], check=True)
        try:
            for name in LINKS:
                (tree / name).symlink_to((ROOT / name).resolve())
            for number in numbers or range(1, len(MUTATIONS) + 1):
                mutation = MUTATIONS[number - 1]
                word, seconds = caught(mutation, tree)
                missed += word != "caught"
                sys.stdout.write(f"{number:2} {mutation.family}: {word} ({seconds:.0f} s)\n")
                sys.stdout.flush()
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main([int(each) for each in sys.argv[1:]]))
