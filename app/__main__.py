"""`python -m app`: flags, service, page, guard, server."""

import argparse
import gc
import hmac
import os
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from app.guard import Guard, is_loopback
from tokenunlearn.data.columns import COLUMNS_HELP
from tokenunlearn.documents.terminal import Parser, to_stderr
from tokenunlearn.errors import InputError, SettingError, TokenUnlearnError
from tokenunlearn.models.precision import check_precision
from tokenunlearn.settings import is_number
from tokenunlearn.waiting import wait_asleep

# Read by Gradio when it is imported: no analytics, and no history of calls that hold forget data.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["GRADIO_RUN_HISTORY"] = "False"
# Nor a list of the last ten thousand calls, of which each refusal would make a table.
os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(10**9)
wait_asleep()

# What means all addresses of the machine: which kinds of them are served then, and where this machine asks.
ANYWHERE: Final[Mapping[str, tuple[tuple[int, ...], str]]] = {
    "0.0.0.0": ((socket.AF_INET,), "127.0.0.1"),
    "::": ((socket.AF_INET6,), "::1"),
    "": ((socket.AF_INET, socket.AF_INET6), "127.0.0.1"),
}
LOADING_SECONDS = 10.0  # a model that takes longer is loaded while the page is shown
QUEUE_REST_SECONDS = 0.05  # between two looks into an empty queue: what Gradio takes on Windows
# Gradio keeps half a megabyte for each opening of the page, of ten thousand, and forgets none that is closed.
# Those used last stay; an open page that is forgotten goes on, and is sent all its parts anew.
SESSIONS_KEPT = 64
LOGIN = "Any name, and the password given with --password. After five wrong guesses the next one has to wait."


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 after the server was stopped, 2 for a start that is refused."""
    options = parser().parse_args(arguments)
    options.host = options.host.strip("[]")
    try:
        refuse_open_door(options.host, options.password)
        refuse_bad_input(options)
        options.port = free_port(options.host, options.port)
        serve(options)
    except TokenUnlearnError as error:
        to_stderr(f"error: {error}\n")
        return 2
    except OSError as error:
        to_stderr(f"error: {error.strerror or error}: {error.filename or 'no file named'}\n")
        return 2
    return 0


def _port(text: str) -> int:
    if not is_number(text):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number")
    return int(text)


def parser() -> argparse.ArgumentParser:
    """Return the command line of the page."""
    known = Parser(prog="python -m app", description="Open TokenUnlearn Explorer in the browser.")
    known.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1, this machine only)"
    )
    known.add_argument("--port", type=_port, default=7860, help="port (default 7860; 0 takes a free one)")
    known.add_argument(
        "--password", default=os.environ.get("TOKENUNLEARN_PASSWORD", ""), help="needed for another address"
    )
    known.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="a further name of this server"
    )
    known.add_argument("--model", default=None, help="model folder or hub id (default: the embedded one)")
    known.add_argument("--adapter", default=None, help="PEFT folder of the target adapter")
    known.add_argument(
        "--precision", default="auto", metavar="WORD", help="auto, fp32 or bf16 (default auto)"
    )
    known.add_argument(
        "--data", default=None, metavar="FILE", help="rows as JSONL, JSON, CSV or Parquet (default: the demo)"
    )
    known.add_argument(
        "--skip-bad-rows", action="store_true", help="leave refused lines of FILE out instead of stopping"
    )
    known.add_argument("--columns", default="", metavar="FIELD=COLUMN,…", help=COLUMNS_HELP)
    known.add_argument("--runs", type=Path, default=Path("runs"), help="folder of the runs (default runs)")
    known.add_argument("--recorded", type=Path, default=None, help="recorded example of first paint")
    known.add_argument("--no-model", action="store_true", help="load no model: only look at what is recorded")
    return known


def refuse_open_door(host: str, password: str) -> None:
    """Raise SettingError for an address that others can reach without a password."""
    if not is_loopback(host) and not password:
        raise SettingError(
            f"The page is not opened on {host}",
            "Others can reach that address, and whoever reaches the page can read the data and start runs",
            "Give --password PASSWORD as well, or leave --host out",
            "--host",
        )


def refuse_bad_input(options: argparse.Namespace) -> None:
    """Raise SettingError or InputError for flags that the page cannot follow.

    The same checks and sentences as the command line's, before anything slow runs or is written.
    """
    check_precision(options.precision)
    if options.recorded is not None and not options.recorded.is_file():
        raise InputError("There is no such file", fix="Check the path", where=str(options.recorded))
    if options.runs.exists() and not options.runs.is_dir():
        raise SettingError(
            f"Runs cannot be kept in {options.runs}", "It is no folder", "Name a folder with --runs"
        )


def free_port(host: str, port: int) -> int:
    """Return the port, or some free one for 0. Raises SettingError when nothing can listen there."""
    if not 0 <= port < 65536:
        raise SettingError(f"port is {port}", "It must be a whole number from 0 to 65535", where="--port")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family) as server:
            return int(server.getsockname()[1])
    except OSError as error:
        raise SettingError(
            f"The page cannot listen on {host}:{port}",
            error.strerror or str(error),
            "Name a free port with --port",
        ) from error


def serve(options: argparse.Namespace) -> None:
    """Serve until it is stopped. Raises TokenUnlearnError before anything listens."""
    with loading():
        from app.actions.old_drafts import adopt_when_scored
        from app.ending import serve_until_told
        from app.service import Service
        from app.sessions.session import Options
        from tokenunlearn.doctor import leftovers, sweep
        from tokenunlearn.runs.mask_store import MaskStore

        service = Service(
            Options(
                options.model,
                options.adapter,
                options.precision,
                options.data,
                options.runs,
                options.recorded,
                options.skip_bad_rows,
                options.columns,
            )
        )
        MaskStore(service.queue.store.root).sweep()
        sweep(leftovers(service.queue.store.root))
        service.health.watch(service.queue.store)
        adopt_when_scored(service)
        service.sessions.rest() if options.no_model else service.sessions.start()
        app = build(options, service)
        # What imports the model's libraries keeps Python busy, and a page opened meanwhile would stand still.
        service.sessions.loaded.wait(LOADING_SECONDS)
    sys.stdout.write(f"TokenUnlearn Explorer: {' '.join(addresses(options.host, options.port))}\n")
    sys.stdout.flush()
    serve_until_told(app, options.host, options.port)


def addresses(host: str, port: int) -> list[str]:
    """Return where the page is found: on this machine first; bound to any address, also where others do."""
    hosts = [host]
    if host in ANYWHERE:
        import psutil

        families, own = ANYWHERE[host]
        found = (each for cards in psutil.net_if_addrs().values() for each in cards)
        others = (each.address for each in found if each.family in families and "%" not in each.address)
        hosts = [own, *sorted(each for each in others if not is_loopback(each))]
    return [f"http://{f'[{each}]' if ':' in each else each}:{port}" for each in hosts]


@contextmanager
def loading() -> Iterator[None]:
    """Collect no garbage inside, and never look through what was loaded there.

    Modules are no garbage, and looking takes a sixth of the processor time of a start.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def build(options: argparse.Namespace, service: Any) -> Guard:
    """Return the guarded application on a service."""
    import gradio as gr
    from fastapi import FastAPI
    from fastapi.middleware.gzip import GZipMiddleware

    from app.first_paint import WithHead, first_picture, head_of
    from app.page import STYLES, build_page, made_files, theme
    from app.web_files import WEB, WebFiles

    demo = build_page(service)
    demo.state_session_capacity = SESSIONS_KEPT
    # No way past the queue: model calls that share a place in it must not run beside each other.
    demo.queue(default_concurrency_limit=4, max_size=64, api_open=False)
    password = options.password
    application = gr.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        demo,
        path="/",
        auth=(lambda _name, given: hmac.compare_digest(given.encode(), password.encode()))
        if password
        else None,
        auth_message=LOGIN if password else None,
        ssr_mode=False,
        # Ours are sentences (doors.py); without it Gradio's own refusals come as null.
        show_error=True,
        enable_monitoring=False,
        run_history=False,
        footer_links=[],
        theme=theme(),
    )
    # Gradio looks into an empty queue a thousand times a second: a tenth of a processor, with nobody there.
    demo._queue.sleep_when_free = QUEUE_REST_SECONDS
    picture = {} if password else first_picture(service)
    page = WithHead(application, head_of(picture, STYLES))
    web = WebFiles(WEB, made_files())
    # Gradio packs its own scripts only; the page holds the scores, a megabyte for 10,000 tokens.
    packed = GZipMiddleware(page, compresslevel=1)
    signed_in = partial(has_signed_in, application) if password else None
    packed_web = GZipMiddleware(web, compresslevel=1)
    return Guard(packed, packed_web, options.host, options.allow_host, signed_in)


def has_signed_in(application: Any, cookies: str) -> bool:
    """Return whether a Cookie header has what Gradio gives to whoever has signed in."""
    # As Gradio reads it: Python's own parser fails at a cookie of another program on this host.
    from starlette.requests import cookie_parser

    (mounted,) = (route.app for route in application.routes if hasattr(getattr(route, "app", None), "tokens"))
    given = cookie_parser(cookies)
    names = (f"access-token-{mounted.cookie_id}", f"access-token-unsecure-{mounted.cookie_id}")
    return any(given.get(name) in mounted.tokens for name in names)


if __name__ == "__main__":
    sys.exit(main())
