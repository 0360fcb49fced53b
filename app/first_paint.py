"""The first picture: one recorded row with its scores, drawn before Gradio has started.

Gradio adds its own `head` only once its script runs, so the picture is put into the HTML on its way out.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

import numpy as np

from app.bundle import BUNDLE
from app.service import Service
from app.views.first_row import default_choice, first_row
from app.web_files import WEB, address, modules
from app.words import TITLE

FIRST: Final = "page/first_paint.js"
MOST_TOKENS = 200

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


def head_of(picture: dict[str, Any], styles: tuple[str, ...]) -> str:
    """Return the lines for the top of the HTML.

    They are styles, the picture as data, the module that draws it, and links by which the browser fetches
    all modules of the page at once, before Gradio asks for them.
    """
    # "<" is escaped so that no text of a row can end the script element.
    data = json.dumps(picture).replace("<", "\\u003c")
    names = [*modules(WEB, FIRST), BUNDLE]
    preloads = "".join(f'<link rel="modulepreload" href="{address(name)}">' for name in names)
    links = "".join(f'<link rel="stylesheet" href="{address(name)}">' for name in styles)
    return (
        f'{links}<script type="application/json" id="tx-picture">{data}</script>'
        f'<script type="module" src="{address(FIRST)}"></script>{preloads}'
    )


class WithHead:
    """An ASGI application whose HTML pages at `/` carry `head` as the first lines of their head."""

    def __init__(self, app: Callable[..., Awaitable[None]], head: str) -> None:
        self._app = app
        self._head = head.encode()

    async def __call__(self, scope: Message, receive: Any, send: Send) -> None:
        """Answer one connection; everything but the page itself passes through."""
        page = scope["type"] == "http" and scope["path"] == "/" and scope["method"] == "GET"
        await self._app(scope, receive, self._insert(send) if page else send)

    def _insert(self, send: Send) -> Send:
        held: list[Message] = []
        chunks: list[bytes] = []

        async def wrapped(message: Message) -> None:
            if message["type"] == "http.response.start":
                held.append(message)
                return
            if message["type"] != "http.response.body":
                await send(message)
                return
            chunks.append(message.get("body", b""))
            if message.get("more_body"):
                return
            body = b"".join(chunks).replace(b"<head>", b"<head>" + self._head, 1)
            kept = [pair for pair in held[0]["headers"] if pair[0].lower() != b"content-length"]
            length = (b"content-length", str(len(body)).encode())
            await send({**held[0], "headers": [*kept, length]})
            await send({"type": "http.response.body", "body": body})

        return wrapped


def first_picture(service: Service) -> dict[str, Any]:
    """Return the title, question and tokens of the row that the page opens on, with fused score and choice.

    There are no tokens without scores.
    """
    nothing = {"title": TITLE, "tokens": []}
    shown = service.shelf.newest()
    if shown is None or not shown.payload["rows"]:
        return nothing
    row = shown.payload["rows"][first_row(shown)]
    choice = default_choice(shown, row["set"])
    if choice is None:
        return nothing
    places = range(row["first"], row["first"] + min(row["count"], MOST_TOKENS))
    columns = shown.payload["columns"]
    return {
        "title": TITLE,
        "state": shown.payload["state"],
        "question": row["question"],
        "answer": row["answer"],
        "tokens": [
            [columns["start"][at], columns["end"][at], _share(choice.fused[at]), bool(choice.selected[at])]
            for at in places
        ],
    }


def _share(value: float) -> float:
    return 0.0 if np.isnan(value) else round(float(min(1.0, max(0.0, value))), 3)
