"""Which name of a row is masked, where it is found, and whose names are put in its place."""

import pytest

from tests.tiny_rows import tiny
from tokenunlearn.data.rows import Row
from tokenunlearn.passes import SubjectEdit, row_infos
from tokenunlearn.text.encoding import encode
from tokenunlearn.text.masking import INVENTED_NAMES, shares_word, subject_positions, swap_subject

NFC, NFD = "Zo\u00eb M\u00fcller", "Zoe\u0308 Mu\u0308ller"


def test_a_topic_beside_the_text_is_lent_to_nobody() -> None:
    rows = [
        Row("1", "Where was Curie born?", "Curie was born in Warsaw.", "chemistry"),
        Row("2", "Where was Bohr born?", "Bohr was born in Copenhagen.", "physics"),
        Row("3", "Where was Noether born?", "Noether was born in Erlangen.", "Noether"),
        Row("4", "Which organ pumps blood?", "The heart pumps blood.", "high_school_biology"),
    ]
    first, _, _, last = row_infos(rows, 2)
    assert (first.subject, first.subject_source) == ("Curie", "proposed")
    assert first.names == ("Noether", INVENTED_NAMES[0])
    assert (last.subject_source, last.masking, last.names) == ("none", "prompt", ())
    assert row_infos(rows, 2)[0] == row_infos(rows[::-1], 2)[-1]
    edited = row_infos(rows, 2, {"4": SubjectEdit("heart", ("lung",))})[3]
    assert (edited.subject, edited.subject_source, edited.names) == ("heart", "edited", ("lung",))


def test_one_name_in_two_spellings_is_lent_once_and_never_to_itself() -> None:
    rows = [
        Row("1", "Where was Ada Moss born?", "Ada Moss was born.", "Ada Moss"),
        Row("2", f"Where was {NFC} born?", "In Ulm.", NFC),
        Row("3", f"Where was {NFD} born?", "In Ulm.", NFD),
    ]
    ada, composed, decomposed = row_infos(rows, 2)
    assert [name in (NFC, NFD) for name in ada.names] == [True, False]
    assert composed.names[0] == decomposed.names[0] == "Ada Moss" and shares_word(NFC, NFD)


@pytest.mark.parametrize(
    ("question", "answer", "subject", "swapped"),
    [
        (f"Where was {NFD} born?", f"{NFC} was born.", NFC, ("Where was Bo Ek born?", "Bo Ek was born.")),
        ("Who is O\u2019Dowd?", "O'Dowd, or O\u2019Dowd.", "O'Dowd", ("Who is Bo Ek?", "Bo Ek, or Bo Ek.")),
        ("who is ada moss?", "Ada Moss is ADA MOSS.", "Ada Moss", ("who is Bo Ek?", "Bo Ek is Bo Ek.")),
        ("Who is Ada\u00a0Moss?", "Ada\nMoss.", "Ada Moss", ("Who is Bo Ek?", "Bo Ek.")),
        ("When may May come?", "May may.", "May", ("When may Bo Ek come?", "Bo Ek may.")),
    ],
)
def test_a_name_is_hidden_in_every_place(
    question: str, answer: str, subject: str, swapped: tuple[str, str]
) -> None:
    row = Row("1", question, answer, subject)
    (info,) = row_infos([row], 1)
    assert info.subject_source == "row" and info.subject_spans
    found = swap_subject(question, answer, subject, "Bo Ek")
    assert (found.question, found.answer) == swapped
    start, end = info.subject_spans[-1]
    assert swap_subject(question[start:end], "", subject, "Bo Ek").question == "Bo Ek"


def test_places_are_those_of_the_written_text(tiny_folder) -> None:
    question, answer = f"Is {NFD} in?", "Zo\u00eb is."
    encoding = encode(tiny(tiny_folder).tokenizer, question, answer)
    found = subject_positions(encoding, question, answer, NFC)
    # the question's twelve letters and marks, then the answer's "Zo\u00eb"
    first, start = encoding.question_start + 3, encoding.prompt_length
    assert found == [*range(first, first + 12), start, start + 1, start + 2]


def test_a_subject_in_the_answer_only_has_no_place_in_the_question() -> None:
    row = Row("1", "Who wrote it?", "Ada Moss wrote it.", "Ada Moss")
    (info,) = row_infos([row], 1)
    assert (info.subject_source, info.subject_spans, info.masking) == ("row", (), "swap")
