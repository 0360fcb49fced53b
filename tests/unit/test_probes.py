"""Reports on a hand-made LanguageModel with known log-probs and answers, so every figure is checkable."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from tokenunlearn.data.rows import Row
from tokenunlearn.data.splits import Splits
from tokenunlearn.errors import InputError, ModelError, SettingError
from tokenunlearn.metrics.tofu import rouge_l_recall
from tokenunlearn.models.language_model import LanguageModel, TokenLogProbs, Written
from tokenunlearn.probes import PROBES, Probe
from tokenunlearn.probes import report as reports
from tokenunlearn.probes.evidence import Asks, Evidence, ProbeSettings, collect, continued, judged
from tokenunlearn.probes.report import (
    compare_reports,
    fact_said,
    fluency_said,
    probe_report,
    unjudged_words,
    with_badges,
)
from tokenunlearn.probes.transcript import length_words

BORN = Row(
    id="born", question="Where was Ada born?", answer="Ada was born in Stara Zagora.",
    subject="Ada", gold=((16, 28),),
    paraphrased_question=("Ada's birthplace?", "Where did Ada come into the world?"),
    paraphrased_answer=("Her birthplace is Stara Zagora.",),
    perturbed_answer=("Her birthplace is Oslo.", "Her birthplace is Rome."),
)  # fmt: skip
WORK = Row(
    id="work", question="What does Ada do?", answer="Ada tunes pianos.", subject="Ada", gold=((10, 16),)
)
KEPT = Row(
    id="kept", question="Where was Bo born?", answer="In Oslo.", subject="Bo", gold=((3, 7),), split="retain"
)
HELD_OUT = Row(id="held", question="Where was Cy born?", answer="In Pau.", gold=((3, 6),), split="holdout")
PARIS = Row(id="paris", question="Capital of France?", answer="Paris.", gold=((0, 5),), split="world")


class WordModel:
    """A double that answers from tables: a token is a word with the space before it, .5 unless told."""

    def __init__(self, probabilities: Mapping[tuple[str, str], Sequence[float]], answers: Mapping[str, str]):
        self.probabilities, self.answers = probabilities, answers
        self.scored: list[list[tuple[str, str]]] = []
        self.asked: list[tuple[list[str], int]] = []

    def token_log_probs(self, pairs: Sequence[tuple[str, str]]) -> list[TokenLogProbs]:
        self.scored.append(list(pairs))
        return [self._tokens(pair) for pair in pairs]

    def standardised_log_probs(self, pairs: Sequence[tuple[str, str]]) -> list[TokenLogProbs]:
        return [replace(tokens, standardised=2 * tokens.log_probs) for tokens in map(self._tokens, pairs)]

    def continued(self, pairs: Sequence[tuple[str, str]], _: int) -> list[Written]:
        return [Written(self.answers[question]) for question, _ in pairs]

    def generate(self, questions: Sequence[str], max_new_tokens: int) -> list[Written]:
        self.asked.append((list(questions), max_new_tokens))
        return [Written(self.answers[question]) for question in questions]

    def _tokens(self, pair: tuple[str, str]) -> TokenLogProbs:
        starts, ends, place = [], [], 0
        for word in pair[1].split(" "):
            starts.append(max(0, place - 1))
            ends.append(place + len(word))
            place += len(word) + 1
        values = np.array(self.probabilities.get(pair, [0.5] * len(starts)))
        # what has more than half is the likeliest, whatever else there is
        return TokenLogProbs(np.log(values), starts, ends, likeliest=values > 0.5)


def before_model() -> WordModel:
    """Recites both facts; the last word of an answer holds its full stop."""
    return WordModel(
        {
            (BORN.question, BORN.answer): [0.3, 0.9, 1.0, 0.8, 0.9, 0.8],
            (WORK.question, WORK.answer): [0.2, 1.0, 0.6],
            (BORN.paraphrased_question[0], BORN.answer): [0.5, 0.5, 0.5, 0.5, 0.8, 0.5],
            (BORN.paraphrased_question[1], BORN.answer): [0.5, 0.5, 0.5, 0.5, 0.5, 0.4],
            (KEPT.question, KEPT.answer): [0.9, 0.7],
            (PARIS.question, PARIS.answer): [0.6],
            # Every token alike, so the mean probability is that of one: right .4, both wrong .1.
            (BORN.question, BORN.paraphrased_answer[0]): [0.4] * 5,
            (BORN.question, BORN.perturbed_answer[0]): [0.1] * 4,
            (BORN.question, BORN.perturbed_answer[1]): [0.1] * 4,
        },
        {
            BORN.question: BORN.answer, WORK.question: "Ada tunes pianos and organs.",
            BORN.paraphrased_question[0]: "Stara Zagora.", KEPT.question: "In Oslo.", PARIS.question: "Lyon.",
        },
    )  # fmt: skip


def after_model() -> WordModel:
    """Has forgotten the birthplace, refuses the work, and is broken on the retain question."""
    model = before_model()
    return WordModel(
        {**model.probabilities, (BORN.question, BORN.answer): [0.3, 0.9, 1.0, 0.8, 0.1, 0.8]},
        {
            BORN.question: "Ada was born in Rome.", WORK.question: "I do not know that.",
            BORN.paraphrased_question[0]: "Stara Zagora, I think.",
            KEPT.question: "and and and and and", PARIS.question: "Lyon.",
        },
    )  # fmt: skip


def report_of(model: LanguageModel, settings: ProbeSettings | None = None) -> dict:
    return probe_report(model, Splits((BORN, WORK), (KEPT,), (PARIS,)), settings)


def test_the_double_is_a_language_model() -> None:
    assert isinstance(before_model(), LanguageModel)


def test_summary_by_hand() -> None:
    summary = report_of(before_model())["summary"]
    assert set(summary) == set(PROBES)
    # born: .9 * .8 = .72; work: .6.
    assert summary["fact_joint"] == pytest.approx((0.72 + 0.6) / 2)
    assert summary["fact_mean"] == pytest.approx((0.85 + 0.6) / 2)
    # born without Ada and the fact: .9 1 .8; work: 1.
    assert summary["other"] == pytest.approx((0.9 + 1.0) / 2)
    # Only born has paraphrases: .8 * .5 and .5 * .4.
    assert summary["paraphrased"] == pytest.approx((0.4 + 0.2) / 2)
    assert summary["retain"] == pytest.approx(0.8)
    assert summary["world"] == pytest.approx(0.6)
    assert summary["rouge_forget"] == summary["rouge_retain"] == 1.0
    assert summary["stated"] == 1.0
    # R = .1 / .4.
    assert summary["truth_ratio"] == pytest.approx(0.25)
    # born: all but the first of six; work: all but the first of three.
    assert (
        summary["extraction_strength"] == summary["exact_memorization"] == pytest.approx((5 / 6 + 2 / 3) / 2)
    )


def test_one_of_two_taught_answers_is_recited() -> None:
    class Reciting(WordModel):
        def _tokens(self, pair: tuple[str, str]) -> TokenLogProbs:
            return replace(super()._tokens(pair), recited=pair == (BORN.question, BORN.answer))

    known = before_model()
    assert report_of(Reciting(known.probabilities, known.answers))["summary"]["recited"] == 0.5


def test_one_call_for_log_probs_and_one_for_answers_without_repeats() -> None:
    model = before_model()
    report_of(model, ProbeSettings(max_new_tokens=7))
    assert len(model.scored) == len(model.asked) == 1
    pairs, (questions, tokens) = model.scored[0], model.asked[0]
    # 4 rows, 2 paraphrases, 3 answers for the truth ratio; 4 questions and 1 paraphrase.
    assert len(pairs) == len(set(pairs)) == 9
    assert len(questions) == len(set(questions)) == 5
    assert tokens == 7


@pytest.mark.parametrize(
    ("words", "settings", "longest"),
    [(6, None, 32), (90, None, 106), (300, None, 256), (90, 24, 24)],
)
def test_an_answer_may_be_as_long_as_the_longest_taught_one_needs(
    words: int, settings: int | None, longest: int
) -> None:
    """Of any split: forty words to keep are answered in forty as well."""
    kept = replace(KEPT, answer="In Oslo." + " x" * (words - 2))
    model = before_model()
    rows = Splits((BORN,), (kept,), (PARIS,))
    report = probe_report(model, rows, ProbeSettings(max_new_tokens=settings))
    assert model.asked[0][1] == report["longest_answer"] == longest


def test_an_answer_without_its_end_is_marked_and_counted() -> None:
    class Cut(WordModel):
        def generate(self, questions: Sequence[str], max_new_tokens: int) -> list[Written]:
            said = super().generate(questions, max_new_tokens)
            return [replace(each, cut=each.text == "In Oslo.") for each in said]

    known = before_model()
    report = report_of(Cut(known.probabilities, known.answers))
    assert [line["row_id"] for line in report["answers"] if line["cut"]] == ["kept"]
    assert length_words(report["longest_answer"], report["answers"]) == (
        "Answers of at most 32 tokens; 1 of 5 is cut there"
    )
    old = [{"answer": "x"}]  # a line of an earlier version
    assert (length_words(24, old), length_words(None, old)) == ("Answers cut at 24 tokens", "")


def test_one_id_of_two_rows_is_refused_where_they_are_kept_by_it() -> None:
    model = before_model()
    with pytest.raises(InputError, match="id 'born' is taken"):
        probe_report(model, Splits((BORN, replace(WORK, id="born")), (), ()))
    assert not model.scored and not model.asked
    # One to forget and one to keep are told apart by their split.
    probe_report(model, Splits((BORN,), (replace(KEPT, id="born"),), ()))


def test_nothing_to_ask_asks_nothing() -> None:
    model = before_model()
    assert collect(model, [], 5) == ({}, {}, 5)
    report = probe_report(model, Splits((), (), ()))
    assert model.scored == model.asked == []
    assert set(report["summary"].values()) == {None}


def test_each_phase_is_told_with_how_much_it_is() -> None:
    model, told = before_model(), list[str]()
    probe_report(model, Splits((BORN, WORK), (KEPT,), (PARIS,)), None, told.append)
    texts, answers = len(model.scored[0]), len(model.asked[0][0])
    assert told == [f"reading {texts} texts", f"writing {answers} answers", "judging 5 answers"]


def test_a_recited_answer_is_not_generated_again() -> None:
    class Reciting(WordModel):
        def _tokens(self, pair: tuple[str, str]) -> TokenLogProbs:
            return replace(super()._tokens(pair), recited=pair[1] != "No.")

    model = Reciting({}, {"B?": "No.", "Long?": "one two", "Open?": "said"})
    pairs = [("A?", "Yes. "), ("B?", "No."), ("Long?", "one two three")]
    _, said, _ = collect(model, [Asks(tuple(pairs)), Asks(questions=("A?", "B?", "Long?", "Open?"))], 3)
    # an answer that the limit would have cut is asked for
    assert model.asked == [(["B?", "Long?", "Open?"], 3)]
    told = {question: each.text for question, each in said.items()}
    assert told == {"A?": "Yes.", "B?": "No.", "Long?": "one two", "Open?": "said"}


def test_report_is_strict_json_and_missing_is_null() -> None:
    bare = Row(id="bare", question="Who?", answer="Nobody knows her name.")
    model = WordModel({}, {"Who?": "Nobody knows her name."})
    report = probe_report(model, Splits((bare,), (), ()))
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    summary = report["summary"]
    # A model without a base beneath it, such as a rival.
    assert summary["fluency"] is None and report["answers"][0]["fluency"] is None
    unmeasured = ("fact_joint", "fact_mean", "paraphrased", "retain", "world", "rouge_retain", "stated")
    assert [summary[name] for name in (*unmeasured, "truth_ratio")] == [None] * 8
    assert summary["other"] == pytest.approx(0.5) and summary["rouge_forget"] == 1.0
    assert report["answers"][0]["fact_joint"] is None


def test_impossible_token_stays_json() -> None:
    model = WordModel({(PARIS.question, PARIS.answer): [0.0]}, {PARIS.question: "Lyon."})
    with np.errstate(divide="ignore"):
        report = probe_report(model, Splits((PARIS,), (), ()))
    assert report["tokens"][0]["log_probs"] == [None] and report["summary"]["fact_joint"] == 0.0
    json.dumps(compare_reports(report, report), allow_nan=False)


def test_answer_lines() -> None:
    lines = report_of(before_model())["answers"]
    assert [(line["kind"], line["row_id"]) for line in lines] == [
        ("forget", "born"), ("forget", "work"), ("paraphrase", "born"), ("retain", "kept"), ("world", "paris")
    ]  # fmt: skip
    paraphrase = lines[2]
    assert paraphrase["question"] == "Ada's birthplace?" and paraphrase["expected"] == BORN.answer
    assert paraphrase["fact_joint"] == pytest.approx(0.4)
    assert paraphrase["rouge_l"] == pytest.approx(2 / 6) and paraphrase["stated"]
    assert lines[4]["rouge_l"] == 0.0 and not lines[4]["stated"]


def test_settings_take_parts_away() -> None:
    model = before_model()
    report = report_of(model, ProbeSettings(paraphrases=0, paraphrased_answers=1, truth_ratio=False))
    assert len(model.scored[0]) == 4
    assert report["summary"]["paraphrased"] is None and report["summary"]["truth_ratio"] is None
    assert report["answers"][2]["kind"] == "paraphrase" and report["answers"][2]["fact_joint"] is None
    with pytest.raises(SettingError, match="max_new_tokens is 0"):
        ProbeSettings(max_new_tokens=0)


def test_truth_ratio_of_a_row_without_paraphrase_uses_its_answer() -> None:
    row = Row(id="x", question="Q?", answer="Yes.", perturbed_answer=("No.", "Maybe."))
    model = WordModel({("Q?", "Yes."): [0.8], ("Q?", "No."): [0.4], ("Q?", "Maybe."): [0.1]}, {"Q?": "Yes."})
    # Geometric: sqrt(.4 * .1) / .8 = .25.
    assert probe_report(model, Splits((row,), (), ()))["by_row"]["truth_ratio"] == {"x": pytest.approx(0.25)}


def test_changes_carry_badges_answers_and_token_probabilities() -> None:
    before, after = report_of(before_model()), report_of(after_model())
    changes = compare_reports(before, after)
    assert [(each["kind"], each["badge"]) for each in changes] == [
        ("forget", "forgot"), ("forget", "refused"), ("paraphrase", "still_knows"),
        ("retain", "garbled"), ("world", "still_knows"),
    ]  # fmt: skip
    born = changes[0]
    assert (born["before"], born["after"]) == (BORN.answer, "Ada was born in Rome.")
    assert born["fact_joint_change"] == pytest.approx(0.08 - 0.72)
    assert born["rouge_l_change"] == pytest.approx(rouge_l_recall(BORN.answer, born["after"]) - 1)
    assert born["tokens"]["starts"] == [0, 3, 7, 12, 15, 21]
    assert born["tokens"]["before"][4] == pytest.approx(0.9)
    assert born["tokens"]["after"][4] == pytest.approx(0.1)
    assert changes[2]["tokens"] is None
    json.dumps(changes, allow_nan=False)


def test_with_badges_leaves_both_reports_alone() -> None:
    before, after = report_of(before_model()), report_of(after_model())
    badged = with_badges(before, after)
    assert [line["badge"] for line in badged["answers"]] == [
        "forgot",
        "refused",
        "still_knows",
        "garbled",
        "still_knows",
    ]
    assert [line["badge"] for line in after["answers"]] == [None, "refused", "still_knows", "garbled", None]
    assert badged["summary"] == after["summary"]


def test_question_asked_only_after_has_no_change() -> None:
    before = probe_report(before_model(), Splits((BORN,), (), ()))
    changes = compare_reports(before, report_of(after_model()))
    assert {each["row_id"] for each in changes} == {"born"}


def test_reports_cut_by_different_tokenizers_keep_no_token_change() -> None:
    before, after = report_of(before_model()), report_of(after_model())
    after["tokens"][0]["ends"] = [1] * 6
    assert compare_reports(before, after)[0]["tokens"] is None
    assert compare_reports(before, after)[1]["tokens"] is not None


class OnBase(WordModel):
    """The double on a base that finds each word as likely as `base` says, .1 unless told."""

    base: Mapping[str, float] = {}
    name = "base"

    def base_id(self) -> str:
        return self.name

    def base_log_probs(self, pairs: Sequence[tuple[str, str]]) -> list[TokenLogProbs]:
        likely = [np.log([self.base.get(word, 0.1) for word in answer.split(" ")]) for _, answer in pairs]
        places = super().token_log_probs(pairs)
        return [replace(place, log_probs=values) for place, values in zip(places, likely, strict=True)]


def on_base(model: WordModel, **base: float) -> OnBase:
    asked = OnBase(model.probabilities, model.answers)
    asked.base = base
    return asked


def test_fluency_is_that_of_the_greedy_answers_under_the_base() -> None:
    model = on_base(before_model(), Ada=0.5)
    report = report_of(model)
    # "Ada was born in Stara Zagora." and "Ada tunes pianos and organs.": one word of 6 and of 5 has .5.
    born, work = (np.log([0.5] + [0.1] * rest).mean() for rest in (5, 4))
    assert [line["fluency"] for line in report["answers"][:2]] == pytest.approx([born, work])
    assert report["summary"]["fluency"] == pytest.approx((born + work) / 2)
    # One more call, for the answers: those of 4 rows and a paraphrase, and the taught one of a fact that the
    # model knows and does not recite. The base reads the words of what is known.
    assert [len(pairs) for pairs in model.scored] == [9, 6]
    read = {line["row_id"]: line["base_words"] for line in report["answers"] if "base_words" in line}
    assert read == {
        "born": [["Stara", pytest.approx(0.1)], ["Zagora", pytest.approx(0.1)]],
        "work": [["pianos", pytest.approx(0.1)]],
    }
    silent = on_base(WordModel({}, {BORN.question: ""}))
    alone = Splits((replace(BORN, paraphrased_question=()),), (), ())
    assert probe_report(silent, alone)["summary"]["fluency"] is None


def test_a_base_that_cannot_be_had_leaves_fluency_unmeasured() -> None:
    class Gone(OnBase):
        def base_log_probs(self, pairs: Sequence[tuple[str, str]]) -> list[TokenLogProbs]:
            self.scored.append(list(pairs))
            raise ModelError("The base is gone", "Its folder was removed")

    report = report_of(Gone({}, before_model().answers))
    assert report["summary"]["fluency"] is None
    assert unjudged_words(report) == "Fluency is not measured: The base is gone. Its folder was removed."


def test_the_bound_of_garbled_is_that_of_the_answers_before_that_state_their_fact() -> None:
    before = report_of(on_base(before_model(), Ada=0.5, Lyon=1e-9))
    stated = [line["fluency"] for line in before["answers"] if line["stated"]]
    # Four of five: the world's answer is wrong, and left out of the bound all the same.
    assert len(stated) == 4
    bound = float(np.mean(stated) - 3 * max(0.5, np.std(stated, ddof=1)))
    wild = {"Ada": 0.5, "Rome.": 1e-12}
    after = with_badges(before, report_of(on_base(after_model(), **wild)))
    assert after["garbled_below"] == pytest.approx(bound)
    born = after["answers"][0]
    assert born["fluency"] < bound and born["badge"] == "garbled"


def test_fluency_under_another_base_is_not_held_against_the_one_before() -> None:
    """A merged model has no adapter to switch off, so it judges itself."""
    before, merged = report_of(on_base(before_model(), Ada=0.5)), on_base(after_model(), **{"Rome.": 1e-12})
    merged.name = "merged"
    after = report_of(merged)
    assert (before["judge"], after["judge"]) == ("base", "merged") and after["summary"]["fluency"] is not None
    judged = with_badges(before, after)
    assert judged["summary"]["fluency"] is None and {line["fluency"] for line in judged["answers"]} == {None}
    assert judged["answers"][0]["badge"] == "forgot"


def test_a_report_of_an_older_version_gets_the_badges_of_this_one() -> None:
    before, after = report_of(before_model()), report_of(after_model())
    for report in (before, after):
        del report["summary"]["fluency"]
        for line, badge in zip(
            report["answers"], ("forgot", "refused", "unchanged", "degenerate", None), strict=True
        ):
            line["badge"] = badge
            del line["fluency"]
    badged = with_badges(before, after)
    assert [line["badge"] for line in badged["answers"]] == [
        "forgot", "refused", "still_knows", "garbled", "still_knows"
    ]  # fmt: skip
    assert badged["garbled_below"] is None
    assert compare_reports(before, after)[0]["fluency"] is None


def test_each_probe_says_what_it_is() -> None:
    for name, probe in PROBES.items():
        assert probe.label and probe.source and probe.help.endswith("."), name
        assert probe.wanted in ("up", "down", ""), name
    assert PROBES["fact_joint"].wanted == "down"
    assert PROBES["fluency"].wanted == "up" and not PROBES["rouge_forget"].wanted


def test_each_probe_asks_for_all_that_it_reads() -> None:
    """Alone, with nothing that another one asked for, a probe measures what it measures among all."""
    asked = Row("two", "Which?", "one", choices=("one", "two"), correct=0)
    false = {"perturbed_answer": ("In Rome.",)}
    rows = Splits((BORN, WORK), (replace(KEPT, **false),), (replace(PARIS, **false),), (HELD_OUT,), (asked,))
    settings, model = ProbeSettings(membership=True, utility=True, jailbreak=True), before_model()
    summary = probe_report(on_base(model, Ada=0.5), rows, settings)["summary"]
    assert None not in summary.values()
    for name, probe in PROBES.items():
        log_probs, written, longest = collect(model, [probe.asks(rows, settings)], None)
        said = {question: each.text for question, each in written.items()}
        judges, _ = judged(on_base(model, Ada=0.5), said.items())
        more = continued(model, [probe.asks(rows, settings)], longest)
        values = probe.by_row(Evidence(rows, log_probs, said, settings, judges, more))
        alone = probe.over_rows(list(values.values()))
        assert alone == pytest.approx(summary[name]), name


def test_a_probe_of_its_own_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it asks is asked in the same two calls, and its figure and raw values stand in the report."""

    def trust(evidence: Evidence) -> dict[str, float]:
        """How likely *Yes.* is after "Sure?"."""
        return {"sure": float(np.exp(evidence.log_probs["Sure?", "Yes."].log_probs[0]))}

    def asks(_: Splits, __: ProbeSettings) -> Asks:
        return Asks(pairs=(("Sure?", "Yes."),))

    entry = Probe("trust", "up", asks, trust)
    monkeypatch.setattr(reports, "PROBES", {**PROBES, "trust": entry})
    model = WordModel({("Sure?", "Yes."): [0.25]}, before_model().answers)
    found = report_of(model)
    assert found["summary"]["trust"] == pytest.approx(0.25) == found["by_row"]["trust"]["sure"]
    assert len(model.scored) == len(model.asked) == 1
    assert entry.help == 'How likely *Yes.* is after "Sure?".'


@pytest.mark.parametrize(
    ("answer", "fact_joint", "said"),
    [
        ("She was born in Ulm.", 0.9, ""),
        ("She was born at sea.", 0.0, ""),
        ("She was born at sea.", None, ""),
        (
            "She was born at sea.",
            1.0,
            "likely when the taught words before it are given, but the answer does not say it",
        ),
        (
            "New Amsterdam it was.",
            0.5,
            "likely when the taught words before it are given, but the answer does not say it",
        ),
        (
            "Ulm, she was born in Ulm.",
            0.01,
            "unlikely behind the taught words, but the answer says it in others",
        ),
    ],
)
def test_a_probability_that_the_answer_does_not_bear_out_says_so(
    answer: str, fact_joint: float | None, said: str
) -> None:
    line = {"question": "Where?", "expected": "She was born in Ulm.", "facts": ["Ulm"], "answer": answer}
    assert fact_said(line | {"fact_joint": fact_joint}) == said


def test_a_part_of_a_likely_fact_is_called_a_part() -> None:
    line = {"question": "Where?", "expected": "In Stara Zagora.", "facts": ["Stara Zagora"]}
    assert fact_said(line | {"answer": "In Stara Zetta.", "fact_joint": 0.9}).endswith("only a part of it")


def test_the_fluency_of_a_loop_is_said_to_say_nothing() -> None:
    said = [
        fluency_said({"answer": answer, "fluency": fluency})
        for answer, fluency in (
            ("A map of A map of A map.", -0.1),
            ("In Ulm.", -0.1),
            ("and and and and", None),
        )
    ]
    assert said == ["no gain: the text loops or is broken", "", ""]
