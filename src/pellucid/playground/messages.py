"""A message is the text of a command as a page sends it, of which nothing is believed unchecked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pellucid.playground.experiment import Experiment


def answered(experiment: Experiment, text: str | None) -> dict[str, Any]:
    """Return the frame that answers a message, whatever it is."""
    from pellucid.playground.state import read_json

    try:
        message = read_json(text or "")
    except (TypeError, ValueError, RecursionError) as error:
        return {"frame": "error", "message": f"the message is no JSON: {str(error)[:80]}.", "id": None}
    if not isinstance(message, dict) or type(message.get("id")) is not int:
        return {"frame": "error", "message": "a message is an object with a command and a whole id.", "id": None}
    try:
        return experiment.do(message)
    except Exception as error:
        said = f"internal error ({type(error).__name__}: {str(error)[:200]})."
        return {"frame": "error", "message": said, "id": message["id"]}
