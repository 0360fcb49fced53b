"""The few public endpoints, typed and documented: score, select, start_run, run_status, probe.

With them `gradio_client` drives the whole journey. Each checks its input; errors come back as their sentence.
"""

from typing import Any

import gradio as gr

from app.actions import probe as probe_actions
from app.actions import tokens as token_actions
from app.actions import unlearn as unlearn_actions
from app.actions.draft import Draft
from app.actions.run_tokens import RunOf
from app.doors import refusing
from app.requests import read
from app.service import Service
from app.views.runs import run_line
from tokenunlearn.errors import ModelError


def add(service: Service) -> None:
    """Add the endpoints to the Blocks that is being built."""

    def score() -> dict[str, Any]:
        """Return the scored rows as columns with their scores_id: the payload of docs/ARCHITECTURE.md."""
        shown = service.shelf.newest()
        if shown is None:
            raise ModelError(
                "Nothing is scored yet", service.sessions.stage.error or "The model is still loading"
            )
        return token_actions.full_payload(service, shown)

    def select(
        scores_id: str, set_name: str, rule: dict[str, Any], overrides: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the mask of a rule on one set: hash, number of weighted tokens, chosen token indices."""
        draft = {"scores_id": scores_id, "set": set_name, "rule": rule, "overrides": overrides}
        return token_actions.confirm_mask(service, read(Draft, draft))

    def start_run(
        scores_id: str,
        set_name: str,
        rule: dict[str, Any],
        overrides: dict[str, Any],
        mask_hash: str,
        settings: dict[str, Any],
        controls: list[str] | None = None,
    ) -> list[str]:
        """Queue a run, then its controls (such as random); refused unless mask_hash is the server's.

        Returns the run ids.
        """
        plan = {
            "scores_id": scores_id,
            "set": set_name,
            "rule": rule,
            "overrides": overrides,
            "hash": mask_hash,
        }
        wanted = {"plan": plan, "settings": settings, "controls": controls}
        return unlearn_actions.start(service, read(unlearn_actions.Start, wanted))

    def run_status(run_id: str) -> dict[str, Any]:
        """Return where a run stands: state, step, steps, sentence and the buttons its state allows."""
        return run_line(service.queue.store.state(read(RunOf, {"run_id": run_id}).run_id))

    def probe(run_id: str) -> dict[str, Any]:
        """Return what the model said before a run and says after: figures, answers, token probabilities."""
        return probe_actions.show(service, read(RunOf, {"run_id": run_id}).run_id)

    for function in (score, select, start_run, run_status, probe):
        gr.api(refusing(function), api_name=function.__name__)
