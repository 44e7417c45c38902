"""The known faults of a backward pass, as data: what each is called, what went wrong, and the line that mends it.

How a backward pass with the fault computes stands in `wrong_losses`, `wrong_activations` and `wrong_dense`: each is the
network's own backward with one step replaced. In a mend, ``{...}`` stands for the learner's name of a quantity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pellucid.layers.base import Array

if TYPE_CHECKING:
    from pellucid.insight.checker.tape import Step, Tape


@dataclass(frozen=True)
class Fault:
    """A known fault: a name, a sentence that says what went wrong, and the line of code that mends it."""

    name: str
    title: str
    mend: str


@dataclass(frozen=True, eq=False)
class Here:
    """What a wrong step may use: the tape, which step it is at, and what the way back has computed so far.

    ``slope`` is dLoss with respect to the step's output, ``before`` the same from before the activation that follows
    the step, ``draft`` a gradient that is about to be given out, ``emitted`` those that have been.
    """

    tape: Tape
    index: int
    slope: Array
    before: Array | None
    draft: Array | None
    emitted: Mapping[str, Array]
    learning_rate: float | None

    @property
    def step(self) -> Step:
        """The step whose backward is computed."""
        return self.tape.steps[self.index]


@dataclass(frozen=True, eq=False)
class Alternative:
    """One way to compute a step; the right one has no fault. ``compute`` returns None where the shapes do not allow it.

    A ``convention`` is a right way that differs, such as another slope at a corner.
    """

    compute: Callable[[Here], Array | None]
    fault: Fault | None = None
    detail: str = ""
    convention: str = ""


@dataclass(frozen=True, eq=False)
class Move:
    """A place on the way back with the ways to compute it, the right one first.

    It hands the slope on to the step before; or it gives out the gradient of the parameter that it ``emits``, in two
    moves: the first, with ``is_draft``, computes it, the second hands it in.
    """

    place: str
    index: int
    alternatives: tuple[Alternative, ...]
    emits: str | None = None
    is_draft: bool = False
    terms: Mapping[str, str] = field(default_factory=dict)


ASCENT = Fault(
    "ascent",
    "the sign is turned: a step with these numbers goes uphill",
    "error = {output} - y  with  W -= learning_rate * dW   (or y - {output} with +=, never one of each)",
)
SUM_FOR_MEAN = Fault(
    "sum_for_mean",
    "the rows are summed where the loss takes their mean: all is {n_rows} times too large",
    "error = ({output} - y) / len(X)   # divide once, at the loss",
)
MEAN_FOR_SUM = Fault(
    "mean_for_sum",
    "divided by the number of rows once too often: all is {n_rows} times too small",
    "leave out one of the divisions by len(X); {loss} has its own already",
)
HALF_SUM = Fault(
    "half_sum_for_mean",
    "this is the gradient of half the summed squares, not of the mean square that the loss is",
    "error = 2 * ({output} - y) / y.size   (or ask for loss=SquaredError(reduction='half_sum'))",
)
MEAN_SQUARE = Fault(
    "mean_for_half_sum",
    "this is the gradient of the mean square, not of half the summed squares that the loss is",
    "error = {output} - y   (or ask for loss=SquaredError())",
)
FACTOR_TWO_MISSING = Fault(
    "factor_two_missing",
    "a factor of 2 is missing everywhere: the derivative of e**2 is 2 * e",
    "error = 2 * ...   # d(e**2)/de = 2 e",
)
FACTOR_TWO_TOO_MANY = Fault(
    "factor_two_too_many",
    "all is twice what it should be: counted twice, or a 2 that the loss does not have",
    "leave out the factor 2, and set gradients to zero before each pass if you add them up",
)
SUM_OVER_TARGETS = Fault(
    "sum_over_targets",
    "the target columns are summed where the loss takes their mean: all is {n_outputs} times too large",
    "error = ... / y.shape[1]   # the loss is a mean over the {n_outputs} columns too",
)
MEAN_OVER_TARGETS = Fault(
    "mean_over_targets",
    "divided by the number of columns, which the loss does not do: all is {n_outputs} times too small",
    "divide by len(X), not by y.size (np.mean over everything divides by both)",
)
LEARNING_RATE_TWICE = Fault(
    "learning_rate_twice",
    "the learning rate is applied twice: all is {learning_rate} times what it should be",
    "multiply by learning_rate in one place: W -= learning_rate * dW, with dW the plain gradient",
)
LEARNING_RATE_MISSING = Fault(
    "learning_rate_missing",
    "the learning rate is not applied",
    "W -= learning_rate * dW",
)
MEAN_ERROR = Fault(
    "one_error_for_all_rows",
    "one error, the mean over the rows, went back for all rows; each row needs its own",
    "error = {output} - y   # (n_rows, n_outputs); no np.mean before the way back",
)
ONE_ROW = Fault(
    "one_row_counts",
    "only one row of the batch counts: the others were overwritten or left out",
    "dW += ...   # inside a loop over rows, starting from zeros; or X.T @ dz for all rows at once",
)
SOFTMAX_ELEMENTWISE = Fault(
    "softmax_elementwise",
    "softmax is treated as if each output depended on its own z alone: p * (1 - p) is only the diagonal",
    "{softmax_mend}",
)
LINK_TWICE = Fault(
    "link_derivative_twice",
    "p - y is already the slope before the {link}: its derivative was multiplied on once more",
    "dz = p - y   # with cross-entropy the {link}'s derivative has cancelled",
)
LINK_MISSING = Fault(
    "link_derivative_missing",
    "the slope of the loss with respect to p was taken for that with respect to z: the {link} is not differentiated",
    "dz = p - y   # dL/dp through the derivative of the {link}",
)
LINK_FORGOTTEN = Fault(
    "link_forgotten",
    "the raw outputs z were compared with y: the {link} was not applied",
    "p = {link}(z);  dz = p - y",
)
CROSS_ENTROPY_SIGN = Fault(
    "cross_entropy_sign",
    "a term of the cross-entropy has the wrong sign",
    "{cross_entropy_mend}",
)
CROSS_ENTROPY_TERM = Fault(
    "cross_entropy_term_missing",
    "the term of the zeros, (1 - y) / (1 - p), is missing in the cross-entropy's slope",
    "dp = -y / p + (1 - y) / (1 - p);  dz = dp * p * (1 - p)   # which is p - y",
)

DERIVATIVE_OF_Z = Fault(
    "derivative_given_z",
    "the derivative is written in terms of the activation {a}, but was given {z}",
    "{dz} = {da} * {derivative}   # {a} = {function}({z})",
)
DERIVATIVE_OF_A = Fault(
    "derivative_given_a",
    "the derivative is written in terms of {z}, but was given the activation {a}: {function} is applied twice",
    "{dz} = {da} * {derivative}   # {a} = {function}({z}), once",
)
DERIVATIVE_MISSING = Fault(
    "derivative_missing",
    "the derivative of {function} is not applied",
    "{dz} = {da} * {derivative}",
)
DERIVATIVE_TWICE = Fault(
    "derivative_twice",
    "the derivative of {function} is applied twice",
    "{dz} = {da} * {derivative}   # once",
)
VALUE_FOR_DERIVATIVE = Fault(
    "value_for_derivative",
    "multiplied by the activation {a} itself instead of its derivative",
    "{dz} = {da} * {derivative}",
)
OTHER_DERIVATIVE = Fault(
    "derivative_of_another_activation",
    "the derivative of another activation is used: the layer is {function}",
    "{dz} = {da} * {derivative}",
)
DERIVATIVE_OF_ERROR = Fault(
    "derivative_given_error",
    "the derivative is taken at the error {da} instead of at {z}",
    "{dz} = {da} * {derivative}",
)
INDEX_OFF_BY_ONE = Fault(
    "layer_index_off_by_one",
    "a quantity of a neighboring layer stands where this layer's own belongs",
    "{index_mend}",
)
LAYER_SKIPPED = Fault(
    "layer_skipped",
    "the slope went past the layer unchanged, as if it were not there",
    "multiply by the derivative of {layer}",
)

SHORTCUT_FORGOTTEN = Fault(
    "shortcut_forgotten",
    "the slope came back through the layers inside {layer} only, and not also around them by the shortcut",
    "add the slope at its output to what the layers inside hand back: dx = dy + dx_layers",
)

TRANSPOSED = Fault(
    "transposed_gradient",
    "the gradient of {W} is transposed: a gradient has the shape of what it belongs to, {shape}",
    "{emission}",
)
WEIGHT_ROWS = Fault(
    "weight_rows_scale",
    "the number of rows ({n_rows}) is a factor too much or too little in {dW} alone",
    "{dW} = {input}.T @ {dz}   # treat the rows the same way for weights and biases",
)
BIAS_ROWS = Fault(
    "bias_rows_scale",
    "the number of rows ({n_rows}) is a factor too much or too little in {db} alone",
    "{db} = {dz}.sum(axis=0)   # treat the rows the same way for weights and biases",
)
SIGN_HERE = Fault(
    "sign_turned_here",
    "the sign is turned here, though not where the way back begins",
    "use one convention throughout: dz = dLoss/dz everywhere, W -= learning_rate * dW",
)
LEFT_ZERO = Fault(
    "left_at_zero",
    "this gradient is zero: it was never computed",
    "{emission}",
)
BIAS_NOT_SUMMED = Fault(
    "bias_not_summed",
    "the bias gradient is not summed over the rows: it still has one row per row of X",
    "{db} = {dz}.sum(axis=0)   # (axis=0, keepdims=True) where b is kept as (1, n)",
)
BIAS_WRONG_AXIS = Fault(
    "bias_summed_over_wrong_axis",
    "the bias gradient is summed over the neurons instead of the rows",
    "{db} = {dz}.sum(axis=0)",
)
BIAS_SUMMED_OVER_ALL = Fault(
    "bias_summed_over_all",
    "the bias gradient is summed over rows and neurons: the axis is missing, so all neurons share one number",
    "{db} = {dz}.sum(axis=0)",
)
KEEPDIMS_MISSING = Fault(
    "keepdims_missing",
    "a bias kept as a column met its gradient as a row: NumPy made a square of them, because keepdims is missing",
    "{db} = {dz}.sum(axis=0, keepdims=True)   # (1, n) beside a bias of (1, n)",
)

WITHOUT_WEIGHTS = Fault(
    "hidden_error_without_weights",
    "the error of the layer before is taken without the outgoing weights {W}",
    "{da_input} = {dz} @ {W}.T",
)
NOT_TRANSPOSED = Fault(
    "weights_not_transposed",
    "the way back uses {W} where it needs its transpose; the matrix is square, so NumPy did not complain",
    "{da_input} = {dz} @ {W}.T",
)
UPDATED_FIRST = Fault(
    "weights_updated_before_use",
    "{W} was updated before it was used for the error of the layer before (learning rate {learning_rate})",
    "compute all gradients first, then update: {da_input} = {dz} @ {W}.T  before  {W} -= learning_rate * {dW}",
)
ROWS_AGAIN = Fault(
    "rows_scaled_again",
    "the number of rows ({n_rows}) comes in once more at each layer on the way back",
    "divide by len(X) once, at the loss, and nowhere else",
)

CATALOGUE: tuple[Fault, ...] = tuple(value for value in dict(globals()).values() if isinstance(value, Fault))
"""All known faults, in the order in which the simpler explanation comes first."""
