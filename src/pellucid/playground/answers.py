"""Which function answers which command: each takes the experiment and the command's fields, and returns a frame."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pellucid.playground import examining, exports, keeping, moving, settings, surgery, sweep
from pellucid.playground.commands import EDITS

ANSWERS: dict[str, Callable[..., dict[str, Any]]] = {
    **{f"set_{section}": settings.set_sections for section in settings.RESTARTING},
    "set_data": settings.set_data,
    "set_stop": settings.set_stop,
    "set_view": settings.set_view,
    "open_link": settings.open_link,
    "reset": settings.reset,
    "play": moving.play,
    "pause": moving.pause,
    "set_speed": moving.set_speed,
    "step_epoch": moving.step_epoch,
    "step_batch": moving.step_batch,
    "rewind": moving.rewind,
    "open_step": moving.open_step,
    "step_operation": moving.step_operation,
    "inspect_weight": examining.inspect_weight,
    "inspect_neuron": examining.inspect_neuron,
    **{command: partial(surgery.edit, command=command) for command in EDITS},
    "check_gradients": examining.check_gradients,
    "look": examining.look,
    "show_histograms": examining.show_histograms,
    "diagnose": examining.diagnose,
    "keep_run": keeping.keep_run,
    "drop_run": keeping.drop_run,
    "restore_run": keeping.restore_run,
    "start_sweep": sweep.start_sweep,
    "stop_sweep": sweep.stop_sweep,
    "link": exports.link,
    "export": exports.export,
}
