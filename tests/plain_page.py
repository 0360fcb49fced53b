"""`python -m tests.plain_page`: the Tokens tab and the chips by themselves, on the real service and actions.

Takes the flags of `python -m app`, and serves the same modules, styles and answers behind the same guard.
Only Gradio is left out, which costs each load of the page two seconds of processor: what belongs to other
tabs, or to Gradio's frame, is tested on the page itself.
"""

import argparse
import json
import sys
from functools import partial
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from app import __main__ as page
from app.actions import status, tokens
from app.bundle import BUNDLE
from app.doors import answering
from app.first_paint import WithHead, head_of
from app.guard import Guard
from app.page import STYLES, made_files
from app.tabs.tokens import ASKED
from app.web_files import WEB, WebFiles, address

# What Gradio does for a view: element, value, functions of the server, events that it sends; and the scheme.
MOUNT: Final = """
const ask = (path, body) => fetch(path, { method: "POST", headers: { "content-type": "application/json" },
  body: JSON.stringify(body) }).then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status)));
const server = new Proxy({}, { get: (_, fn_name) => (data) => ask("component_server/", { fn_name, data }) });
const part = (name, value, send) => {
  let act = () => {};
  const props = { value };
  import("BUNDLE").then(({ all }) => all[`page/${name}.js`].mount({ props, server, trigger: send,
    element: document.querySelector(`.${name.replaceAll("_", "-")}`),
    watch: (_, given) => { act = given; } }));
  return (next) => { props.value = next; act(); };
};
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.body.classList.toggle("dark", dark.matches);
dark.addEventListener("change", follow);
follow();
let seen = BUILT;
const pulse = async () => {
  const { chips, tokens, scores } = await ask("pulse", { seen });
  seen = scores;
  showChips(chips);
  if (tokens) showTokens(tokens);
};
globalThis.sent = [];
const send = (name, given) => {
  sent.push([name, given]);
  if (["pulse", "opened"].includes(name)) pulse();
};
const showChips = part("status_chips", CHIPS, send);
const given = TOKENS;
const showTokens = part("tokens_view", given, send);
pulse();
// As on a first visit, in the page that is open: the view is left, and built anew where nothing is kept.
globalThis.begin = () => {
  showTokens({ rows: [] });
  for (const kept of [sessionStorage, localStorage]) kept.clear();
  history.replaceState(null, "", "/");
  scrollTo(0, 0);
  showTokens(structuredClone(given));
};
"""
BODY: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Tokens</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>body { margin: 0; }
.tx-title { height: 24px; padding: 16px; margin: 0; font-size: 16px; }
@media (max-width: 900px) { body { padding-top: 48px; } }</style></head>
<body><div class="gradio-container"><h1 class="tx-title">Tokens</h1>
<div class="tx-part status-chips"><div class="tx-view"></div></div>
<div class="tx-part tokens-view"><div class="tx-view"></div></div></div>
<script type="module">{script}</script></body></html>"""


def build(options: argparse.Namespace, service: Any) -> Guard:
    """The guarded application, in the place of the one with Gradio."""

    async def show(_: Request) -> HTMLResponse:
        values = {
            "BUILT": json.dumps(status.scores_signature(service)),
            "CHIPS": json.dumps(status.chips(service)),
            "TOKENS": json.dumps(tokens.shown_payload(service)),
        }
        script = MOUNT.replace("BUNDLE", address(BUNDLE))
        for name, value in values.items():
            script = script.replace(name, value.replace("<", "\\u003c"))
        return HTMLResponse(BODY.replace("{script}", script))

    async def answer(request: Request) -> JSONResponse:
        asked = await request.json()
        act = answering(partial(ACTIONS[asked["fn_name"]], service), asked["fn_name"])
        return JSONResponse(await run_in_threadpool(act, asked["data"]))

    async def pulse(request: Request) -> JSONResponse:
        return JSONResponse(await run_in_threadpool(news, service, (await request.json())["seen"]))

    routes = [Route("/", show), Route("/component_server/", answer, methods=["POST"])]
    application = Starlette(routes=[*routes, Route("/pulse", pulse, methods=["POST"])])
    web = WebFiles(WEB, made_files())
    return Guard(WithHead(application, head_of({}, STYLES)), GZipMiddleware(web, 1), options.host)


def news(service: Any, seen: Any) -> dict[str, Any]:
    """What a pulse sends: the chips first, the scores where they are others than those seen."""
    chips = status.beat(service)
    scores = json.loads(json.dumps(status.scores_signature(service)))
    return {
        "chips": chips,
        "scores": scores,
        "tokens": tokens.shown_payload(service) if scores != seen else None,
    }


ACTIONS: Final = {**ASKED, "beat": status.beat}

if __name__ == "__main__":
    page.build = build
    sys.exit(page.main())
