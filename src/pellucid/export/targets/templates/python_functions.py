"""The operations of an export graph in plain Python: those that a program uses are copied into it.

x is one row of a value, a list of numbers, and so is what comes out. Nothing here may import Pellucid, and a function
may call the others only by their names. Where arithmetic would raise, it gives what IEEE 754 says.
"""

from __future__ import annotations

import bisect
import math
import operator


def quotient(a, b):
    if b != 0:
        return a / b
    return math.nan if a == 0 or a != a else math.copysign(math.inf, a) * math.copysign(1.0, b)


def missing(x):
    return [float(x[0] != x[0])]


def squeeze(x, center, scale):
    if scale == 0 or x[0] != x[0]:
        return [0.0]
    u = quotient(0.5 * x[0] - 0.5 * center, 0.5 * scale) / 3.0
    u = min(max(u, -(2.0**30)), 2.0**30)
    return [3.0 * (u / math.sqrt(1.0 + u * u))]


def sign(x):
    return [0.0 if x[0] != x[0] else 2.0 * x[0] - 1.0]


def days(x):
    return [x[0] / 86_400_000_000]


def circle(x, period):
    if not math.isfinite(x[0]):
        return [0.0, 0.0]
    day = math.floor(x[0] / 86_400_000_000)
    if period == "year":
        turns = 400 * day % 146_097 / 146_097
    elif period == "week":
        turns = (day + 3) % 7 / 7
    else:
        turns = x[0] % 86_400_000_000 / 86_400_000_000
    return [math.sin(2 * math.pi * turns), math.cos(2 * math.pi * turns)]


def code(x, known):
    return [known.get(x[0], 0)]


def lookup(x, table):
    """NaN where x is no code."""
    if not 0 <= x[0] < len(table) or x[0] != int(x[0]):
        return [math.nan] * len(table[0])
    return table[int(x[0])]


def affine(x, columns, bias):
    return [sum(map(operator.mul, x, column)) + shift for column, shift in zip(columns, bias)]


def grouped_affine(x, groups, biases):
    found, start = [], 0
    for columns, bias in zip(groups, biases):
        each = len(columns[0])
        found += affine(x[start : start + each], columns, bias)
        start += each
    return found


def scale(x, factor, shift):
    return [number * by + plus for number, by, plus in zip(x, factor, shift)]


def curves(x, edges, knots, slopes):
    found = []
    for number, edge, knot, slope in zip(x, edges, knots, slopes):
        bin = bisect.bisect_right(edge, number, 1) - 1
        found += [start + (number - edge[bin]) * rise for start, rise in zip(knot[bin], slope[bin])]
    return found


def waves(x, frequency, phase):
    return [
        wave(number * each + shift)
        for number, fast, shifts in zip(x, frequency, phase)
        for each, shift in zip(fast, shifts)
    ]


def wave(turns):
    return math.cos(math.remainder(turns, 1.0) * (2 * math.pi)) if math.isfinite(turns) else math.nan


def normalize(x, epsilon):
    mean = sum(x) / len(x)
    centered = [number - mean for number in x]
    deviation = math.sqrt(sum(number * number for number in centered) / len(x) + epsilon)
    return [number / deviation for number in centered]


def exponential(number):
    try:
        return math.exp(number)
    except OverflowError:
        return math.inf


def exp(x):
    return [exponential(number) for number in x]


def log(x):
    return [math.log(max(number, 5e-324)) for number in x]


def log_odds(x):
    return [yes - no for yes, no in zip(log(x), log([1 - number for number in x]))]


def sigmoid(x):
    found = []
    for number in x:
        e = math.exp(-abs(number))
        found.append((1.0 if number >= 0 else e) / (1.0 + e))
    return found


def softmax(x):
    top = max(x)
    e = [math.exp(0.0 if number == top else number - top) for number in x]
    whole = sum(e)
    return [each / whole for each in e]


def tanh(x):
    return [math.tanh(number) for number in x]


def relu(x):
    return [max(number, 0.0) for number in x]


def leaky_relu(x, slope):
    return [max(number, 0.0) + slope * min(number, 0.0) for number in x]


def elu(x, alpha):
    return [max(number, 0.0) + alpha * math.expm1(min(number, 0.0)) for number in x]


def selu(x):
    return [1.0507009873554805 * each for each in elu(x, 1.6732632423543772)]


def gelu(x):
    return [max(number, -800.0) * (0.5 * math.erfc(-number * 0.7071067811865476)) for number in x]


def silu(x):
    return [max(number, -800.0) * share for number, share in zip(x, sigmoid(x))]


def softplus(x):
    return [max(number, 0.0) + math.log1p(math.exp(-abs(number))) for number in x]


def mish(x):
    found = []
    for number in x:
        e = math.exp(-abs(number))  # tanh(log(1 + exp x)), with no exponential that overflows
        n, m = (1.0 + 2.0 * e, 2.0 * e * e) if number >= 0 else (e * (e + 2.0), 2.0)
        found.append(max(number, -800.0) * (n / (n + m)))
    return found


def blend(x, y, share):
    return [a + by * (b - a) for a, b, by in zip(x, y, share)]


def total(weights, *parts):
    return [sum(map(operator.mul, weights, numbers)) for numbers in zip(*parts)]


def clip(x, low, high):
    return [min(max(number, least), most) for number, least, most in zip(x, low, high)]


def complement(x):
    return [1 - x[0], x[0]]


def largest(x):
    return [float(x.index(max(x)))]


def above(x, threshold):
    return [float(number > threshold) for number in x]
