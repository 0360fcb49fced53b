"""A recorded example for the tests of the Tokens view: plain, hostile, very long rows, one of long words."""

from typing import Any

# Texts that would act, if any part of the page took them for more than text. Each list is one row's tokens.
HOSTILE: dict[str, list[str]] = {
    "markup": ["<img src=x onerror=", "'window.hacked=1'", ">", " <b>", "bold", "</b>"],
    "script": ["</script>", "<script>", "window.hacked=1", "</script>", "<!--"],
    "templates": ["${window.hacked=1}", " {{value}}", " {{=1}}", " <%= 1 %>", " `${1}`"],
    "controls": ["a\u202e", "nul\u0000byte", " \u2066left", "\u200f", "\n\n", "\tb\u202c"],
    "arabic": ["مرحبا", " بالعالم", "،", " 1", "2", " نص"],
    "chinese": ["奥斯陆", "是", "挪威", "的首都", "。"],
    "emoji": ["👩‍👩‍👧‍👦", " 😀", "🇳🇴", " e\u0301", "🏽"],
    "one token": ["x" * 100_000],
}
CITIES = (" Oslo", " Rome", " Oslo", " Paris")
LONG, LONGEST = 512, 10_000
# Words of several tokens, one behind a line break: token, word, knowledge in nats.
WORDS = (
    ("It", 0, 0.1), (" is", 1, 0.1), ("\n", 2, 0.1), ("St", 2, 2.0), ("ara", 2, 1.0),
    (" Zag", 3, 3.0), ("ora", 3, 0.5), (".", 4, 0.1),
)  # fmt: skip


def example() -> dict[str, Any]:
    """The recorded example in four sets; the fact of each row of `plain` is its city."""
    rows = [
        _row("plain", ["Ada", f" Lind{at}", " was", " born", " in", city, "."])
        for at, city in enumerate(CITIES)
    ]
    rows += [_row("hostile", tokens) for tokens in HOSTILE.values()]
    rows += [_row("long", [f" w{at}" for at in range(count)]) for count in (LONG, LONGEST)]
    rows.append(_row("words", [token for token, _, _ in WORDS]))
    columns: dict[str, list[Any]] = {name: [] for name in ("row", "start", "end", "word", "subject", "stop")}
    columns |= {
        name: [] for name in ("punctuation", "gold", "random_key", "knowledge_swap", "entropy", "swap_spread")
    }
    for number, row in enumerate(rows):
        row |= {"id": f"{row['set']}-{number}", "first": len(columns["row"])}
        _append(columns, number, row)
    signals: dict[str, Any] = {"knowledge_swap": {}, "entropy": {}, "swap_spread": {}}
    for row in rows:
        del row["tokens"]
    payload = {"scores_id": "view", "state": "recorded", "model": {}, "rows": rows, "columns": columns}
    return {"tokens": {**payload, "signals": signals, "leaderboard": []}}


def _row(name: str, tokens: list[str]) -> dict[str, Any]:
    answer = "".join(tokens)
    subject = "Ada" if name == "plain" else ""
    question = answer[:200] if name == "hostile" else "Where was Ada born?"
    return {
        "question": question, "answer": answer, "subject": subject, "subject_source": "row",
        "subject_spans": [], "masking": "swap", "names": ["Bo Ek", "Cy Dahl"], "count": len(tokens),
        "set": name, "unique_question": False, "tokens": tokens,
    }  # fmt: skip


def _append(columns: dict[str, list[Any]], number: int, row: dict[str, Any]) -> None:
    end = 0
    for at, token in enumerate(row["tokens"]):
        plain = row["set"] == "plain"
        # The fact is the city; in a long row the tokens 100 and 400.
        fact = at == 5 if plain else at in (100, 400) if row["set"] == "long" else False
        line = {
            "row": number, "start": end, "end": end + len(token), "word": at,
            "subject": int(plain and at < 2), "stop": int(plain and at in (2, 4)),
            "punctuation": int(plain and at == 6),
            "gold": int(fact) if plain else None, "random_key": (at * 7919 % 1000) / 1000,
            "knowledge_swap": None if plain and at < 2 else 6.0 - 0.5 * number if fact else 0.1,
            "entropy": 2.0 if at == 3 else 0.5, "swap_spread": 0.25,
        }  # fmt: skip
        if row["set"] == "words":
            line |= {"word": WORDS[at][1], "knowledge_swap": WORDS[at][2], "punctuation": int(at in (2, 7))}
        end += len(token)
        for name, value in line.items():
            columns[name].append(value)
