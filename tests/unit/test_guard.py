"""The layer in front of the page: who may ask, how much may be sent, what /web serves."""

import asyncio
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from app.__main__ import addresses, free_port, main
from app.brake import MOST_PLACES, Brake
from app.guard import JSON_BYTES, Guard, _address, is_loopback
from app.web_files import FOR_GOOD, WebFiles, modules, plotly_bundle, version

BASE = "http://127.0.0.1:7860"
Headers = dict[str, str]


async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """An application that answers with the names of the headers it was given."""
    if scope["type"] != "http":
        return
    await receive()
    names = b",".join(name for name, _ in scope["headers"])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-frame-options", b"ALLOWALL")]})
    await send({"type": "http.response.body", "body": names})


@pytest.fixture
def web(tmp_path: Path) -> WebFiles:
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "a.js").write_text("export const a = 1;\n")
    (folder / "room").mkdir()
    (folder / "room" / "b.js").write_text('import {\n  a,\n} from "../a.js";\nimport "./c.js";\n')
    (folder / "room" / "c.js").write_text("// from './none.js';\n")
    (folder / "secret.py").write_text("password")
    (tmp_path / "outside.js").write_text("outside")
    (folder / "link.js").symlink_to(tmp_path / "outside.js")
    return WebFiles(folder, {"made.css": b"p {}"})


def ask(guard: Guard, path: str = "/", method: str = "GET", **more: Any) -> httpx.Response:
    async def call() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=guard), base_url=BASE) as client:
            return await client.request(method, path, **more)

    return asyncio.run(call())


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "[::1]:7860", "LOCALHOST"])
def test_own_names_pass(web: WebFiles, host: str) -> None:
    assert ask(Guard(echo, web), headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.5:7860", "", "[::1", "a b"]
)
def test_a_rebound_host_is_refused(web: WebFiles, host: str) -> None:
    answer = ask(Guard(echo, web), headers={"host": host})
    assert (answer.status_code, "is not served here" in answer.text) == (400, True)


def test_an_open_server_takes_addresses_and_allowed_names_but_no_other_name(web: WebFiles) -> None:
    guard = Guard(echo, web, "0.0.0.0", ["lab.example"])
    codes = [
        ask(guard, headers={"host": host}).status_code for host in ("10.0.0.5", "lab.example", "evil.example")
    ]
    assert codes == [200, 200, 400]


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://[::1", "", "http://127.0.0.1:9999", "https://localhost:7860"],
)
def test_another_origin_is_refused(web: WebFiles, origin: str) -> None:
    answer = ask(Guard(echo, web), "/gradio_api/upload", "POST", headers={"origin": origin}, content=b"x")
    assert answer.status_code == 403


def test_the_own_origin_passes(web: WebFiles) -> None:
    assert ask(Guard(echo, web), "/x", "POST", headers={"origin": BASE}, content=b"x").status_code == 200


@pytest.mark.parametrize(("mode", "code"), [("no-cors", 403), ("cors", 403), ("navigate", 200)])
def test_another_site_may_link_here_but_not_read(web: WebFiles, mode: str, code: int) -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": mode}
    assert ask(Guard(echo, web), "/config", headers=headers).status_code == code


@pytest.mark.parametrize(
    ("path", "length", "code"),
    [
        ("/gradio_api/queue/join", JSON_BYTES, 200),
        ("/gradio_api/queue/join", JSON_BYTES + 1, 413),
        ("/gradio_api/upload", 10, 404),
    ],
)
def test_bodies_have_a_limit(web: WebFiles, path: str, length: int, code: int) -> None:
    # The header decides before a byte is read, so the test need not send them.
    answer = ask(Guard(echo, web), path, "POST", headers={"content-length": str(length)}, content=b"")
    assert answer.status_code == code


def test_a_body_of_unknown_length_is_refused(web: WebFiles) -> None:
    async def chunks() -> Any:
        yield b"x"

    assert ask(Guard(echo, web), "/x", "POST", content=chunks()).status_code == 411


@pytest.mark.parametrize("length", ["-1", "²", "1" * 5_000, "4 MB"])
def test_a_length_that_is_none_is_refused(web: WebFiles, length: str) -> None:
    headers = [(b"content-length", length.encode("latin-1"))]
    answer = ask(Guard(echo, web), "/x", "POST", headers=headers, content=b"")
    assert answer.status_code in (411, 413)


def test_guesses_wait_longer_and_longer_each_from_its_own_place() -> None:
    now = [0.0]
    brake = Brake(lambda: now[0])
    assert [brake.begin("a") for _ in range(5)] == [0.0] * 5
    assert brake.begin("a") == brake.begin("a") == 1.0 and brake.begin("b") == 0.0
    waits = []
    for _ in range(12):
        waits.append(brake.begin("a"))
        now[0] += waits[-1]
        assert brake.begin("a") == 0.0
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    brake.right("a")
    assert brake.begin("a") == 0.0 and brake.begin("a") == 0.0
    for place in range(2_000):
        brake.begin(str(place))
    assert len(brake._places) == MOST_PLACES


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1", "0.0.0.0", "::"])
def test_the_addresses_that_are_printed_are_served(web: WebFiles, host: str) -> None:
    port = free_port(host, 0)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family):  # an IPv6 one serves no IPv4, as uvicorn's
        for address in addresses(host, port):
            place = urlsplit(address)
            socket.create_connection((place.hostname, place.port), 1).close()
            assert ask(Guard(echo, web, host), headers={"host": place.netloc}).status_code == 200, address


@pytest.mark.parametrize(
    "path", ["/gradio_api/deep_link", "/gradio_api/runs", "/monitoring/summary", "/openapi.json"]
)
def test_what_keeps_histories_is_closed(web: WebFiles, path: str) -> None:
    assert ask(Guard(echo, web), path).status_code == 404


def test_forged_proxy_headers_do_not_reach_the_page(web: WebFiles) -> None:
    headers = {"x-forwarded-host": "evil.example", "forwarded": "host=evil.example", "x-other": "1"}
    names = ask(Guard(echo, web), headers=headers).text.split(",")
    assert "x-other" in names and not {"x-forwarded-host", "forwarded"} & set(names)


def test_each_answer_carries_the_security_headers_once(web: WebFiles) -> None:
    for path in ("/", "/web/a.js", "/web/none.js"):
        headers = ask(Guard(echo, web), path).headers
        assert headers.get_list("x-frame-options") == ["DENY"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "connect-src 'self'" in headers["content-security-policy"]


def test_web_serves_its_modules_and_what_was_made_at_start(web: WebFiles) -> None:
    guard = Guard(echo, web)
    module, made = ask(guard, "/web/a.js"), ask(guard, "/web/made.css")
    assert (module.text, module.headers["content-type"]) == (
        "export const a = 1;\n",
        "text/javascript; charset=utf-8",
    )
    assert (made.content, made.headers["content-type"]) == (b"p {}", "text/css; charset=utf-8")
    assert module.headers["cache-control"] == "no-cache"


def test_modules_in_rooms_are_served_and_each_is_listed_behind_what_it_imports(
    web: WebFiles, tmp_path: Path
) -> None:
    assert ask(Guard(echo, web), "/web/room/c.js").text == "// from './none.js';\n"
    assert modules(tmp_path / "web", "room/b.js", "a.js") == ["a.js", "room/c.js", "room/b.js"]
    before = version(tmp_path / "web")
    version.cache_clear()
    (tmp_path / "web" / "room" / "c.js").write_text("export const c = 3;\n")
    assert version(tmp_path / "web") != before


def test_an_unchanged_module_is_not_sent_again_and_a_changed_one_is(web: WebFiles, tmp_path: Path) -> None:
    guard = Guard(echo, web)
    etag = ask(guard, "/web/a.js").headers["etag"]
    assert ask(guard, "/web/a.js", headers={"if-none-match": etag}).status_code == 304
    (tmp_path / "web" / "a.js").write_text("export const a = 22;\n")
    assert ask(guard, "/web/a.js", headers={"if-none-match": etag}).status_code == 200


def test_what_is_asked_for_by_its_version_is_kept_for_good(web: WebFiles, tmp_path: Path) -> None:
    guard, now = Guard(echo, web), version(tmp_path / "web")
    module = ask(guard, f"/web/{now}/a.js")
    assert (module.text, module.headers["cache-control"]) == ("export const a = 1;\n", FOR_GOOD)
    assert ask(guard, f"/web/{now}/made.css").headers["cache-control"] == FOR_GOOD
    # A page from before an update gets what there is, and is not told to keep it.
    earlier = ask(guard, f"/web/{'0' * 12}/a.js")
    assert (earlier.text, earlier.headers["cache-control"]) == (module.text, "no-cache")
    assert ask(guard, f"/web/{now}/none.js").headers["cache-control"] == "no-cache"
    version.cache_clear()
    (tmp_path / "web" / "a.js").write_text("export const a = 22;\n")
    assert version(tmp_path / "web") != now


@pytest.mark.parametrize(
    "name",
    [
        "..%2foutside.js",
        "%2e%2e/outside.js",
        "link.js",
        "secret.py",
        "room",
        "room/%2e%2e/%2e%2e/outside.js",
        "",
        "none.js",
        "a.js/",
        "0123456789ab/../outside.js",
    ],
)
def test_web_serves_nothing_else(web: WebFiles, name: str) -> None:
    assert ask(Guard(echo, web), f"/web/{name}").status_code == 404


def test_web_takes_no_writes(web: WebFiles) -> None:
    assert ask(Guard(echo, web), "/web/a.js", "DELETE").status_code == 405


def test_plotly_comes_from_the_installed_package(web: WebFiles) -> None:
    answer = ask(Guard(echo, web), "/web/plotly.min.js")
    bundle = plotly_bundle()
    assert bundle is not None and len(answer.content) == bundle.stat().st_size > 1_000_000


@pytest.mark.parametrize(
    ("host", "own"), [("127.0.0.1", True), ("localhost", True), ("::1", True), ("127.9.9.9", True)]
    + [("0.0.0.0", False), ("192.168.1.2", False), ("example.org", False)],
)  # fmt: skip
def test_what_counts_as_this_machine_only(host: str, own: bool) -> None:
    assert is_loopback(host) is own


def test_another_address_without_a_password_is_refused_with_the_way_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOKENUNLEARN_PASSWORD", raising=False)
    assert main(["--host", "0.0.0.0"]) == 2
    said = capsys.readouterr().err
    assert "not opened on 0.0.0.0" in said and "--password" in said and "Traceback" not in said


@pytest.mark.parametrize(
    ("client", "place"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.7"),
        ("testclient", "testclient"),
    ],
)
def test_whoever_asks_is_counted_by_what_one_household_has(client: str, place: str) -> None:
    assert _address({"client": (client, 1)}) == place
