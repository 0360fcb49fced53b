"""Bad input at every door of the running page: server functions, events, public endpoints.

Each case goes over HTTP to the real application. The answer is a sentence: no status 500, no
`{"error": null}`, and no run is left behind.
"""

import io
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cache, partial
from typing import Any, get_args, get_type_hints

import pytest
from starlette.testclient import TestClient

from app import doors
from app.__main__ import SESSIONS_KEPT, build, parser
from app.actions import status
from app.requests import request_of
from app.service import Service
from app.tabs import compare, probe, tokens
from tests.page_service import RULE, live_service
from tokenunlearn.errors import TokenUnlearnError

pytestmark = pytest.mark.slow

JSON = {"content-type": "application/json"}
DOORS = {**tokens.ASKED, **compare.ASKED, **probe.ASKED, "beat": status.beat}
HUGE = 10**400  # more than a float64 holds
LONG = "9" * 4_400  # more digits than Python turns into a number
HALF = "half a pair: \ud800"
SCORES = {"scores_id": "s1"}
TEXT = {**SCORES, "text_id": "t1"}
DRAFT = {**SCORES, "set": "one", "rule": RULE, "overrides": {}}
NO_MARKS = {"fact": [], "other": [], "seen": True}
START = ["s1", "one", RULE, {}, "0" * 64]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    """A service with live scores of a model that is never asked."""
    return live_service(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def page(service: Service) -> Iterator[TestClient]:
    """The whole application, guard included."""
    application = build(parser().parse_args([]), service)
    address = "http://127.0.0.1:7860"
    with TestClient(application, base_url=address, raise_server_exceptions=False) as client:
        yield client


@cache
def config(page: TestClient) -> dict[str, Any]:
    """What the page is made of: written out anew at each request, and always the same."""
    return page.get("/config").json()


def asked(page: TestClient, name: str, data: Any) -> Any:
    """What a server function answers to the page's script."""
    parts = config(page)["components"]
    number = next(part["id"] for part in parts if name in (part["props"].get("server_fns") or ()))
    body = {"data": data, "component_id": number, "fn_name": name, "session_hash": "x"}
    sent = json.dumps(body)
    answer = page.post(
        "/gradio_api/component_server", content=sent, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def called(page: TestClient, name: str, data: list[Any]) -> tuple[str, Any]:
    """The last event of a public endpoint, as `gradio_client` gets it: its kind and its data."""
    begun = page.post(
        f"/gradio_api/call/{name}",
        content=json.dumps({"data": data}),
        headers={"content-type": "application/json"},
    )
    assert begun.status_code == 200, begun.text
    with page.stream("GET", f"/gradio_api/call/{name}/{begun.json()['event_id']}") as stream:
        lines = "".join(stream.iter_text()).strip().splitlines()
    return lines[-2].removeprefix("event: "), json.loads(lines[-1].removeprefix("data: "))


# Function of the page, what is sent, a part of the sentence that comes back.
FUNCTIONS: list[tuple[str, Any, str]] = [
    ("confirm_mask", None, "must be an object"),
    ("confirm_mask", {**DRAFT, "rule": {"k": HUGE}}, "k is"),
    ("confirm_mask", {**DRAFT, "rule": {"alpha": HUGE}}, "alpha is"),
    ("confirm_mask", {**DRAFT, "rule": {"alpha": -HUGE}}, "alpha is"),
    ("confirm_mask", {**DRAFT, "rule": {"mode": ["soft"]}}, "mode is"),
    ("confirm_mask", {**DRAFT, "rule": {"knowledge": "gold"}}, "gold"),
    ("confirm_mask", {**DRAFT, "rule": {"knowledge": "row"}}, "row"),
    ("confirm_mask", {**DRAFT, "rule": {"entropy": "start"}}, "start"),
    ("confirm_mask", {**DRAFT, "overrides": {LONG: "in"}}, "The override"),
    ("confirm_mask", {**DRAFT, "overrides": {"3": ["in"]}}, "The override"),
    ("confirm_mask", {**DRAFT, "overrides": {"99": "in"}}, "not in this set"),
    ("confirm_mask", {**DRAFT, "notes": {LONG: {"note": "x"}}}, "names no token"),
    ("confirm_mask", {**DRAFT, "notes": {"3": {"note": "x", "time": HUGE}}}, "The time of the note"),
    ("confirm_mask", {**DRAFT, "set": HALF}, "half a character"),
    ("confirm_mask", {**DRAFT, "set": {"a": 1}}, "set is missing"),
    ("confirm_mask", {**DRAFT, "set": "three"}, "There is no set"),
    ("confirm_mask", {**DRAFT, "hash": 5}, "hash is missing"),
    ("save_draft", {**DRAFT, "notes": {"3": {"note": HALF}}}, "half a character"),
    ("save_draft", {**DRAFT, "base": HUGE}, "base is"),
    ("save_draft", {**DRAFT, "base": "7"}, "base is"),
    ("save_draft", {**DRAFT, "masks": [7]}, "masks is not a list"),
    ("save_mask", {**DRAFT, "name": HALF}, "half a character"),
    ("save_mask", {**DRAFT, "name": "a\u202eb"}, "cannot be seen"),
    ("load_mask", {**SCORES, "id": "../../etc/passwd"}, ""),
    ("load_mask", {**SCORES, "id": "a\0b"}, ""),
    ("saved_mask_file", {**SCORES, "id": "mask-" + LONG}, ""),
    ("compare_masks", {**SCORES, "first": "a", "second": 3}, "second is missing"),
    ("remove_mask", {**SCORES, "id": None}, "id is missing"),
    ("restore_mask", {**SCORES, "id": "x" * 5_000}, "characters"),
    ("import_mask", {**SCORES, "name": "m", "text": "{}"}, ""),
    ("import_mask", {**SCORES, "name": "m", "text": '{"schema": 1' + "0" * 5_000 + "}"}, ""),
    ("import_mask", {**SCORES, "name": "m", "text": "[" * 100_000}, ""),
    ("import_mask", {**SCORES, "name": "m", "text": HALF}, "half a character"),
    ("kept_masks", [], "must be an object"),
    ("export_mask", {**DRAFT, "scores_id": HALF}, "half a character"),
    ("export_heatmap", {**DRAFT, "format": "pdf", "signal": "fused"}, "no export"),
    ("export_heatmap", {**DRAFT, "format": "csv", "signal": "nothing"}, "nothing"),
    ("export_heatmap", {**DRAFT, "format": "csv", "signal": "fused", "row": HUGE}, "row is"),
    ("alternatives", {**SCORES, "row": HUGE, "position": 0}, "row is"),
    ("alternatives", {**SCORES, "row": 0, "position": 0}, "model is live"),
    ("kept_marks", [], "must be an object"),
    ("kept_marks", {**TEXT, "text_id": LONG}, "characters"),
    ("save_marks", {**TEXT, "base": HUGE, "rows": {}}, ""),
    ("save_marks", {**TEXT, "base": 0, "save": "a", "rows": [1]}, "rows must be an object"),
    ("save_marks", {**TEXT, "base": 0, "save": "a", "rows": {"nobody": {}}}, "fact is not a list"),
    ("save_marks", {**TEXT, "save": "a", "rows": {"nobody": NO_MARKS}}, "There is no row 'nobody'"),
    ("save_marks", {**TEXT, "base": 0, "save": "a", "rows": {"r0": {"fact": [[0, HUGE]]}}}, ""),
    ("save_mark_set", {**TEXT, "name": HALF, "rows": {}}, "half a character"),
    ("load_mark_set", {**TEXT, "id": "../../etc/passwd"}, "There is no saved set"),
    ("remove_mark_set", {**TEXT, "id": None}, "id is missing"),
    ("import_marked_rows", {**TEXT, "name": "m", "path": "a\0b"}, ""),
    ("export_marked_rows", {**TEXT, "rows": {}}, "No row was reviewed"),
    ("compare_marks", {**TEXT, "first": "now", "second": 3}, "second is missing"),
    ("compare_marks", {**TEXT, "first": "now", "second": "file", "rows": {}}, ""),
    ("learn_marks", [], "must be an object"),
    ("learn_marks", {**TEXT, "text_id": LONG}, "characters"),
    ("learn_marks", {**SCORES, "text_id": None}, "text_id is missing"),
    ("learn_marks", TEXT, "still loading"),
    ("trust_marks", None, "must be an object"),
    ("trust_marks", {**TEXT, "text_id": "gone"}, "no longer open"),
    ("trust_marks", {**TEXT, "scores_id": {"a": 1}}, "scores_id is missing"),
    ("trust_marks", {**TEXT, "set": {"a": HUGE}}, "set is missing"),
    ("trust_marks", {**TEXT, "set": "one"}, "still loading"),
    ("fit_weights", {**TEXT, "set": HALF}, "half a character"),
    ("fit_weights", {**TEXT, "set": "one", "rule": "best"}, "rule must be an object"),
    ("fit_weights", {**TEXT, "set": "one", "rule": {"alpha": HUGE}}, "alpha is"),
    ("compute_signal", {**SCORES, "name": "gold"}, "gold"),
    ("compute_signal", {**SCORES, "name": "row"}, "row"),
    ("compute_signal", {**SCORES, "name": "contrast"}, "live model"),
    ("compute_signal", {"scores_id": None, "name": "contrast"}, "scores_id is missing"),
    ("subject_choices", {**SCORES, "row": 1.5}, "row is"),
    ("subject_choices", {**SCORES, "row": True}, "row is"),
    ("rescore", {**SCORES, "changes": {LONG: None}}, "is not a row"),
    ("rescore", {**SCORES, "changes": {"0": None}}, "loading"),
    ("score_again", {**SCORES, "row": LONG}, "row is"),
    ("score_again", {**SCORES, "row": 0}, "loading"),
    ("runs_of_rows", {"scores_id": "gone"}, "no longer on the server"),
    ("run_tokens", {"run_id": "run-" + LONG}, "characters"),
    ("run_tokens", {"run_id": "../x"}, "no run"),
    ("begin_upload", {"name": HALF, "size": 3}, "half a character"),
    ("begin_upload", {"name": "a.csv", "size": -1}, "size is"),
    ("begin_upload", {"name": "a.csv", "size": HUGE}, "size is"),
    ("add_piece", {"upload": "x", "at": 0, "data": "no base64!"}, "cannot be read"),
    ("preview_rows", {"path": "a\0b"}, ""),
    ("preview_rows", {"path": "x" * 3_900}, ""),
    ("preview_rows", {"path": "/tmp", "columns": {"question": 3}}, ""),
    ("open_rows", {"upload": ["x"]}, "upload is missing"),
    ("open_rows", {"set": "mmlu", "place": ["x"]}, "place is missing"),
    ("open_rows", {"set": HALF}, "half a character"),
    ("open_model", {"source": "embedded", "precision": 5}, "precision is 5"),
    ("open_model", {"source": "embedded", "precision": ["fp32"]}, "precision is"),
    ("open_model", {"source": ["hub"]}, "source is"),
    ("open_model", {"source": "folder", "name": "/nope/model"}, "/nope/model"),
    ("open_model", {"source": "folder", "name": "~" + "a" * 500}, "folder"),
    ("open_model", {"source": "folder", "name": "/tmp", "adapter": {"a": 1}}, "adapter"),
    ("hold_scoring", "yes", "must be an object"),
    ("check_fact", {"question": "?", "answer": HALF, "fact": "a"}, "half a character"),
    ("check_fact", {"question": "?", "answer": "a" * 5_000, "fact": "a"}, "characters"),
    ("check_fact", {"question": "?", "answer": "a", "fact": "a", "start": HUGE}, "start is"),
    ("teach", {"facts": {"0": {}}}, "must be a list"),
    ("teach", {"facts": [{}] * 51}, "At most 50"),
    ("teach", {"facts": [["a", "b", "c"]]}, "must be an object"),
    ("teach", {"open_rows": "yes"}, "open_rows is"),
    ("teach", {"open_rows": True}, "nothing to teach"),
    ("open_taught", {"run_id": "../x"}, "no run"),
    ("discard_taught", {"run_id": ["run-1"]}, "run_id is missing"),
    ("discard_taught", {"run_id": "run-9"}, "no run"),
    ("run_curves", {"runs": [5]}, "A run is missing"),
    ("run_curves", {"runs": ["../x"]}, "no run"),
    ("token_difference", {"first": "run-1", "second": ["x"]}, "second is missing"),
    ("token_difference", {"first": "../../etc", "second": "x"}, "no run"),
    ("save_note", {"run_id": "../x", "name": "n"}, "no run"),
    ("save_note", {"run_id": "run-1", "tags": [HALF]}, "half a character"),
    ("discard_run", {"run_id": "run-1/.."}, "no run"),
    ("bring_back", {"run_id": "../run-1"}, "no discarded run"),
    ("delete_for_good", {"run_id": "."}, "no discarded run"),
    ("run_command", {"run_id": None}, "run_id is missing"),
    ("run_configuration", {"run_id": LONG}, "characters"),
    ("results_file", {"runs": ["run-1"] * 501}, "a list of runs"),
    ("report_file", {"run_id": "../x", "format": "html"}, "no run"),
    ("report_file", {"run_id": "run-1", "format": "exe"}, "There is no report as"),
    ("report_file", {"run_id": "run-1"}, "format is missing"),
    ("adapter_file", {"run_id": "run-1", "at": -1}, "at is"),
    ("adapter_file", {"run_id": "run-1", "at": HUGE}, "at is"),
    ("save_merged", {"run_id": "a\0b"}, "no run"),
    ("open_as_model", {"run_id": {"a": 1}}, "run_id is missing"),
    ("depth_picture", {"run_id": "../x", "row_id": "r0"}, "no run"),
    ("depth_picture", {"run_id": "run-1", "row_id": 5}, "row_id is missing"),
]  # fmt: skip

# Endpoint, arguments, a part of the sentence.
ENDPOINTS: list[tuple[str, list[Any], str]] = [
    ("start_run", [*START, None, []], "settings must be an object"),
    ("start_run", [*START, 5, []], "settings must be an object"),
    ("start_run", [*START, [1, 2], []], "settings must be an object"),
    ("start_run", [*START, {"steps": HUGE}, []], "steps is"),
    ("start_run", [*START, {"learning_rate": HUGE}, []], "learning_rate is"),
    ("start_run", [*START, {"objective_settings": 3}, []], "objective_settings"),
    ("start_run", [*START, {"objective": None}, []], "objective is"),
    ("start_run", [*START, {}, "perhaps"], "controls must be a list"),
    ("start_run", [*START, {}, True], "controls must be a list"),
    ("start_run", [*START, {}, ["randon"]], "random"),
    ("start_run", [*START, {}, [{"random": 1}]], "There is no control"),
    ("start_run", [*START, {}, ["chosen"]], "There is no control"),
    ("start_run", ["s1", "one", RULE, {}, 5, {}, []], "hash is missing"),
    ("start_run", ["s1", "one", RULE, {}, HALF, {}, []], "half a character"),
    ("start_run", ["s1", "one", RULE, {}], "7"),
    ("select", ["s1", "one", {"k": HUGE}, {}], "k is"),
    ("select", ["s1", "one", {"gamma": HUGE}, {}], "gamma is"),
    ("select", ["s1", "one", {}, {LONG: "in"}], "The override"),
    ("select", [None, None, None, None], "scores_id is missing"),
    ("select", [HALF, "one", {}, {}], "half a character"),
    ("run_status", [{}], "run_id is missing"),
    ("run_status", [HALF], "half a character"),
    ("run_status", ["run-" + LONG], "characters"),
    ("probe", [None], "run_id is missing"),
    ("probe", [["run-1"]], "run_id is missing"),
    ("probe", ["../../etc/passwd"], "no run"),
]


@pytest.mark.parametrize(
    ("name", "data", "words"), FUNCTIONS, ids=[f"{name}-{at}" for at, (name, _, _) in enumerate(FUNCTIONS)]
)
def test_the_page_is_answered_with_a_sentence(
    page: TestClient, service: Service, name: str, data: Any, words: str
) -> None:
    answer = asked(page, name, data)
    assert isinstance(answer.get("error"), str) and len(answer["error"]) > 10, answer
    assert words in answer["error"] and "failed unexpectedly" not in answer["error"]
    assert service.sessions.opening is None and service.queue.store.list_runs() == []


@pytest.mark.parametrize(
    ("name", "data", "words"), ENDPOINTS, ids=[f"{name}-{at}" for at, (name, _, _) in enumerate(ENDPOINTS)]
)
def test_a_public_endpoint_answers_with_a_sentence(
    page: TestClient, service: Service, name: str, data: list[Any], words: str
) -> None:
    kind, answer = called(page, name, data)
    assert kind == "error" and isinstance(answer["error"], str) and len(answer["error"]) > 10, answer
    assert words in answer["error"] and "failed unexpectedly" not in answer["error"]
    assert service.queue.store.list_runs() == []


@pytest.mark.parametrize(
    "content", ["[" * 50_000, '{"data": ' + LONG + "}", "null", '"x"', '{"data": {}}', b"\xff"]
)
def test_what_is_no_request_at_all_is_refused_in_a_sentence(page: TestClient, content: str) -> None:
    for path in ("component_server", "call/select", "queue/join", "run/score", "reset"):
        answer = page.post(
            f"/gradio_api/{path}", content=content, headers={"content-type": "application/json"}
        )
        assert 400 <= answer.status_code < 500, (path, answer.text)
        assert len(answer.text) > 10


@pytest.mark.parametrize("data", ["x", [1], {"run_id": HALF, "action": "again"}, {"run_id": 5}, None, {}])
def test_an_event_of_a_run_is_refused_in_a_sentence(page: TestClient, data: Any) -> None:
    for place, event in (("curves-view", "act"), ("curves-view", "show"), ("tokens-view", "unlearn")):
        part = next(
            each["id"]
            for each in config(page)["components"]
            if place in str(each["props"].get("elem_classes"))
        )
        number = next(each["id"] for each in config(page)["dependencies"] if [part, event] in each["targets"])
        body = {"data": [], "event_data": data, "fn_index": number, "session_hash": f"{place}{event}{data}"}
        headers = {"content-type": "application/json"}
        assert (
            page.post("/gradio_api/queue/join", content=json.dumps(body), headers=headers).status_code == 200
        )
        with page.stream(
            "GET", "/gradio_api/queue/data", params={"session_hash": body["session_hash"]}
        ) as said:
            messages = [json.loads(line[6:]) for line in said.iter_lines() if line.startswith("data: ")]
        ended = next(each for each in messages if each["msg"] == "process_completed")
        words = json.dumps(ended["output"])
        assert "error" in words and '"error": null' not in words and "unexpectedly" not in words, words


def served(page: TestClient) -> Any:
    """Gradio's application behind the guard."""
    inner: Any = page.app
    while not hasattr(inner, "routes"):
        inner = getattr(inner, "app", None) or inner._app
    (mounted,) = (route.app for route in inner.routes if hasattr(getattr(route, "app", None), "tokens"))
    return mounted


JUNK: list[Any] = [
    None,
    5,
    True,
    -1.5,
    HUGE,
    "",
    HALF,
    LONG,
    "x",
    [],
    [1, 2],
    [[HALF]],
    {},
    {"a": {"b": HUGE}},
]


def fields_of(kind: type) -> list[tuple[str, Any]]:
    """The fields of a request, each with its reader; what is no request (a rule, settings) reads itself."""
    hints = get_type_hints(kind, include_extras=True)
    return [(name, hint) for name, hint in hints.items() if hasattr(hint, "__metadata__")]


def requests_of(kind: type, seen: set[type]) -> set[type]:
    """A kind of request, and those that its fields hold."""
    if not is_dataclass(kind) or kind in seen:
        return seen
    seen.add(kind)
    for _, hint in fields_of(kind):
        for inner in (hint.__origin__, *get_args(hint.__origin__)):
            requests_of(inner, seen)
    return seen


def test_every_field_of_every_request_takes_anything_or_says_why_not(page: TestClient) -> None:
    kinds: set[type] = set()
    for part in config(page)["components"]:
        for name in part["props"].get("server_fns") or ():
            kind = request_of(partial(DOORS[name], None))
            if kind is not None:
                requests_of(kind, kinds)
    assert len(kinds) > 35
    for kind in kinds:
        for name, hint in fields_of(kind):
            (reader,) = hint.__metadata__
            for value in JUNK:
                try:
                    reader(value, name)
                except TokenUnlearnError as error:
                    assert len(str(error)) > 10, (kind, name, value)


def test_every_function_answers_anything_with_a_sentence(page: TestClient, service: Service) -> None:
    for part in config(page)["components"]:
        for name in part["props"].get("server_fns") or ():
            for data in (None, [1, 2], {"a": HALF}):
                answer = asked(page, name, data)
                if isinstance(answer, dict) and "error" in answer:
                    said = answer["error"]
                    assert isinstance(said, str) and len(said) > 10 and "unexpectedly" not in said, (
                        name,
                        data,
                    )
    assert service.sessions.opening is None and service.queue.store.list_runs() == []


def test_every_event_answers_anything_with_a_sentence(page: TestClient, service: Service) -> None:
    """All that the page may send into the queue, public endpoints as well."""
    for each in config(page)["dependencies"]:
        if not each["backend_fn"]:
            continue
        for junk in (None, {"a": HALF}):
            body = {
                "data": [junk] * len(each["inputs"]),
                "event_data": junk,
                "fn_index": each["id"],
                "session_hash": f"{each['id']} {junk}",
            }
            sent = page.post("/gradio_api/queue/join", content=json.dumps(body), headers=JSON)
            assert sent.status_code < 500, (each["targets"], each["api_name"], sent.text)
            if sent.status_code != 200:
                assert len(sent.text) > 10
                continue
            asked_for = {"session_hash": body["session_hash"]}
            with page.stream("GET", "/gradio_api/queue/data", params=asked_for) as said:
                messages = [json.loads(line[6:]) for line in said.iter_lines() if line.startswith("data: ")]
            ended = next(one for one in messages if one["msg"] == "process_completed")
            words = json.dumps(ended["output"])
            told = ended["success"] or '"error": "' in words
            assert told and "unexpectedly" not in words, (each["targets"], each["api_name"], junk, words)
    assert service.queue.store.list_runs() == []
    queue = served(page).get_blocks()._queue
    assert len(queue.event_analytics) <= 1  # no list of calls is kept
    assert queue.cached_event_analytics_summary == {"functions": {}}


def ways_of(routes: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """Method and path of every route, those of mounted applications as well."""
    for route in routes:
        inner = getattr(route, "original_router", None) or getattr(route, "app", None)
        methods = getattr(route, "methods", None)
        if methods:
            yield from ((method, before + route.path) for method in methods)
        elif hasattr(inner, "routes"):
            yield from ways_of(inner.routes, before + getattr(route, "path", ""))


CALLS: list[Any] = [
    {},
    {"data": []},
    {"data": [], "fn_index": 9999, "session_hash": "a"},
    {"data": [], "fn_index": HUGE, "session_hash": HALF},
    {"data": [], "fn_index": "x", "session_hash": "a"},
    {"data": [], "event_id": HUGE, "session_hash": "a", "trigger_id": "z", "api_name": "nope"},
    {"data": {}, "component_id": 1, "fn_name": "__class__", "session_hash": "x"},
    {"data": [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}], "fn_index": 1, "batched": True},
]


def test_what_is_kept_for_each_visitor_is_bounded(page: TestClient) -> None:
    """Gradio makes each call without a session a visitor of its own, and forgets none by itself."""
    for _ in range(SESSIONS_KEPT + 5):
        assert called(page, "run_status", ["run-1"])[0] == "error"
    assert len(served(page).state_holder.session_data) == SESSIONS_KEPT


def test_no_call_ends_in_status_500(page: TestClient, service: Service) -> None:
    ways = {path for method, path in ways_of(served(page).routes) if method == "POST"}
    assert {"/gradio_api/call/{api_name}", "/gradio_api/run/{api_name}"} <= ways
    for path in sorted(ways):
        for name in ("nope", "select") if "{" in path else ("",):
            for call in CALLS:
                asked = re.sub(r"\{[^}]*\}", name, path)
                answer = page.post(asked, content=json.dumps(call), headers=JSON)
                assert answer.status_code < 500 and answer.text not in ("", "null"), (asked, call)
                assert '"error":null' not in answer.text.replace(" ", ""), (asked, call)
    assert service.queue.store.list_runs() == []


def test_with_a_password_nothing_but_the_login_answers_without_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    service = live_service(tmp_path_factory.mktemp("locked"))
    application = build(parser().parse_args(["--password", "secret"]), service)
    with TestClient(application, base_url="http://127.0.0.1:7860", raise_server_exceptions=False) as client:
        mounted = served(client)
        ways = sorted({*ways_of(mounted.routes), ("GET", "/"), ("GET", "/web/page/page.js")})
        assert len(ways) > 70 and ("POST", "/gradio_api/queue/join") in ways
        answered = set()
        for method, path in ways:
            asked = re.sub(r"\{[^}]*\}", "x", path)
            body = {"content": b"{}", "headers": JSON} if method in ("POST", "PUT") else {}
            answer = client.request(method, asked, follow_redirects=False, **body)
            if answer.status_code not in (401, 404):
                answered.add((method, path))
        drawn = {"/", "/theme.css", "/gradio_api/theme.css", "/favicon.ico", "/manifest.json"}
        assert answered == {("POST", "/login"), ("POST", "/login/")} | {
            (method, path) for method, path in ways if method in ("GET", "HEAD") and path in drawn
        }
        page = client.get("/").text
        assert "What of Ada" not in page and "r0" not in page  # no row of the set
        sign_in = {"username": "anybody", "password": "secret"}
        assert client.post("/login", data=sign_in).json() == {"success": True}
        assert client.get("/config").status_code == 200
        held = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        for cookies, status in ((f'a/b="; =;; {held}', 200), ('a/b="; =;;é', 401), (f"{held}x"[:40], 401)):
            asked = {"cookie": cookies.encode("latin-1")}
            with TestClient(application, base_url="http://127.0.0.1:7860", headers=asked) as other:
                assert other.get("/config").status_code == status, cookies
        wrong = [client.post("/login", data={**sign_in, "password": str(at)}).status_code for at in range(8)]
        assert wrong == [400] * 5 + [429] * 3
        assert client.post("/login", data=sign_in).status_code == 429  # nor is it a way to try on
        assert client.get("/config").status_code == 200  # who is in stays in


def test_every_function_that_the_page_may_ask_is_tried() -> None:
    tried = {name for name, _, _ in FUNCTIONS}
    asked = {*tokens.ASKED, *compare.ASKED, *probe.ASKED}
    take_anything = {"drop_upload", "cancel_opening", "known_sets", "teach_offer", "taught_models"}
    assert tried >= asked - take_anything


def test_a_path_that_no_file_can_have_is_not_found(page: TestClient) -> None:
    for name in ("x" * 5_000 + ".js", "a/" * 2_000 + "b.js", "%00.js", "..%2f..%2fapp%2fguard.js"):
        for folder in ("web", "assets", "static", "svelte"):
            assert page.get(f"/{folder}/{name}").status_code in (403, 404), (folder, name)


def test_a_fault_of_our_own_is_told_in_a_sentence_and_written_to_the_log(
    page: TestClient,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = io.StringIO()
    monkeypatch.setattr(doors.LOG, "handlers", [logging.StreamHandler(log)])
    monkeypatch.setattr(service.shelf, "find", lambda _: 1 / 0)
    answer = asked(page, "confirm_mask", DRAFT)
    kind, said = called(page, "select", ["s1", "one", {}, {}])
    assert "failed unexpectedly: ZeroDivisionError" in answer["error"] and kind == "error"
    assert said["error"] == answer["error"]
    assert log.getvalue().count("ZeroDivisionError: division by zero") >= 2


def test_what_is_right_still_passes(page: TestClient) -> None:
    assert asked(page, "confirm_mask", DRAFT)["chosen"] == [2]
    assert called(page, "select", ["s1", "one", RULE, {}])[1][0]["chosen"] == [2]
