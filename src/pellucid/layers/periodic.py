"""Periodic layers give each column waves of its own: networks see detail in a number that one weight would smooth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pellucid.domains import Integer, Number
from pellucid.formulas import Constant, Entry, Expression, Index, LayerCall, Lookup, Symbol, function, sum_over
from pellucid.layers.base import Array, Forward, Layer, Shape, on_numpy
from pellucid.options import option
from pellucid.random import Random

_TWO_PI = Constant(2 * math.pi, "2π")


def waves(x: Array, frequency: Array, phase: Array) -> tuple[Array, Array]:
    """Return cosine and sine of x f + c turns, (n_rows, n_inputs * n_frequencies) each.

    Whole turns are taken off first, which is exact, so that a large x costs no digits.
    """
    turns = np.repeat(x, len(frequency) // x.shape[1], axis=1) * frequency + phase
    angles = (turns - np.rint(turns)) * (2 * math.pi)
    return np.cos(angles), np.sin(angles)


class Periodic(Layer):
    """What periodic layers share: ``h_jk = cos(2π (x_j f_jk + c_jk))``, k = 1 ... n_frequencies, for each column j.

    The parameters ``frequency, phase : (n_inputs * n_frequencies,)`` hold the waves of the first column, then those of
    the second, ...; phases count in turns. With dτ = -2π sin(2π (x f + c)) dh follow df_jk = Σ_i dτ_ijk x_ij,
    dc_jk = Σ_i dτ_ijk, and through the waves dx_ij = Σ_k dτ_ijk f_jk.
    """

    n_frequencies: int = option(Integer(1), "Number of waves of each column.", default=16)
    deviation: float = option(
        Number(0, open="low"), "Standard deviation of the first frequencies, in turns per unit of x.", default=0.1
    )

    def parameter_shapes(self, n_inputs: int) -> dict[str, Shape]:
        """Return the shapes of ``frequency`` and ``phase``."""
        return {"frequency": (n_inputs * self.n_frequencies,), "phase": (n_inputs * self.n_frequencies,)}

    def initialize(self, rng: Random, x: Array | None = None, forward: Forward = on_numpy) -> None:
        """Draw the frequencies from N(0, deviation²), and the phases evenly from a whole turn."""
        frequency, phase = self.parameters["frequency"], self.parameters["phase"]
        frequency[...] = self.deviation * rng.at(step=0).normal(frequency.shape)
        phase[...] = rng.at(step=1).uniform(phase.shape, -0.5, 0.5)

    def through_waves(self, dh: Array, sine: Array, x: Array, input_gradient: bool) -> Array | None:
        """Write the gradients of frequency and phase; return the slope of x through the waves."""
        d_turns = dh * sine * (-2 * math.pi)
        (d_turns * np.repeat(x, self.n_frequencies, axis=1)).sum(axis=0, out=self.gradients["frequency"])
        d_turns.sum(axis=0, out=self.gradients["phase"])
        if not input_gradient:
            return None
        by_column = (d_turns * self.parameters["frequency"]).reshape(-1, x.shape[1], self.n_frequencies)
        return np.asarray(by_column.sum(axis=2))

    def explain_waves(self, call: LayerCall) -> tuple[list[Entry], list[Entry]]:
        """Return the positions that formulas look up, and x, the turns and the waves."""
        n_inputs, n_waves = call.x.shape[1], call.x.shape[1] * self.n_frequencies
        f, c = call.parameters["frequency"], call.parameters["phase"]
        i, j, t = call.rows(), Index("j", n_inputs), Index("t", n_waves)
        numbers = np.arange(n_waves)
        column = positions(call, "κ", numbers // self.n_frequencies, "t", "column of each wave, from 0")
        wave = positions(call, "ω", numbers.reshape(n_inputs, -1), "jk", "waves of each column, from 0")
        same = call.step("X̃", (i, j), call.x[i, j] + 0, "the columns as they are")
        turns = call.step("τ", (i, t), same[i, Lookup(column[t])] * f[t] + c[t], "turns")
        h = call.value("H", call.cache[1], "waves").equals((i, t), function("cos", _TWO_PI * turns[i, t]))
        return [column, wave], [same, turns, h]

    def explain_back(
        self, call: LayerCall, places: list[Entry], made: list[Entry], at: tuple[Index, Index], dh: Expression
    ) -> list[Entry]:
        """Return the slopes of the waves, which are ``dh`` at the indices, of what they are made of, and of x."""
        (column, wave), (same, turns, h) = places, made
        i, t = at
        j, k = Index("j", call.x.shape[1]), Index("k", self.n_frequencies)
        d_waves = call.slope(h, (i, t), dh)
        d_turns = call.slope(turns, (i, t), -_TWO_PI * function("sin", _TWO_PI * turns[i, t]) * d_waves[i, t])
        df = sum_over(i, d_turns[i, t] * same[i, Lookup(column[t])])
        own = Lookup(wave[j, k])
        dx = call.dy[i, j] + sum_over(k, d_turns[i, own] * call.parameters["frequency"][own])
        return [
            d_waves,
            d_turns,
            call.gradients["frequency"].equals((t,), df),
            call.gradients["phase"].equals((t,), sum_over(i, d_turns[i, t])),
            *(entry.equals((i, j), dx) for entry in call.input_slope()),
        ]


def positions(call: LayerCall, letter: str, values: Any, letters: str, meaning: str) -> Entry:
    """Return an entry of whole numbers from 0, which formulas look positions up in."""
    return Entry(Symbol.of(letter, call.number), values, meaning=meaning, source=call.source).over(letters)
