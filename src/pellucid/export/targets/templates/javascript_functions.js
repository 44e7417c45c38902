// The operations of an export graph as functions of JavaScript alone: those that a program uses are copied into it.
//
// Each writes one row's value y from x and others: arrays, mostly typed ones, that are made once. What a function needs
// to know besides comes after them. Functions may call each other by name.

function missing(y, x) {
  y[0] = Number.isNaN(x[0]) ? 1 : 0;
}

function squeeze(y, x, center, scale) {
  if (scale === 0 || Number.isNaN(x[0])) {
    y[0] = 0;
    return;
  }
  const far = 2 ** 30;
  const u = Math.min(Math.max((0.5 * x[0] - 0.5 * center) / (0.5 * scale) / 3, -far), far); // halves: it cannot overflow
  y[0] = 3 * (u / Math.sqrt(1 + u * u));
}

function sign(y, x) {
  y[0] = Number.isNaN(x[0]) ? 0 : 2 * x[0] - 1;
}

function days(y, x) {
  y[0] = x[0] / 86400000000;
}

function circle(y, x, period) {
  if (!Number.isFinite(x[0])) {
    y.fill(0);
    return;
  }
  const day = Math.floor(x[0] / 86400000000);
  let turns;
  if (period === "year") turns = remainder(400 * day, 146097) / 146097;
  else if (period === "week") turns = remainder(day + 3, 7) / 7;
  else turns = remainder(x[0], 86400000000) / 86400000000;
  y[0] = Math.sin(2 * Math.PI * turns);
  y[1] = Math.cos(2 * Math.PI * turns);
}

function remainder(a, b) {
  const found = a % b;
  return found < 0 ? found + b : found;
}

function codes(levels, missing) {
  return new Map([...levels.map((text, index) => [text, index + 2]), ...missing.map((text) => [text, 1])]);
}

function code(y, x, known) {
  y[0] = known.get(x[0]) ?? 0;
}

function lookup(y, x, table) {
  const start = Number.isInteger(x[0]) ? x[0] * y.length : NaN; // beyond the table there are no numbers: they are NaN
  for (let j = 0; j < y.length; j++) y[j] = table[start + j];
}

function join(y, ...parts) {
  let start = 0;
  for (const part of parts) {
    y.set(part, start);
    start += part.length;
  }
}

function select(y, x, start) {
  for (let j = 0; j < y.length; j++) y[j] = x[start + j];
}

function cast(y, x) {
  y.set(x);
}

function affine(y, x, weight, bias) {
  const n = y.length;
  y.set(bias);
  for (let k = 0; k < x.length; k++) {
    const value = x[k];
    if (value === 0) continue; // as most numbers of one-hot columns, and many after ReLU, are
    for (let j = 0, at = k * n; j < n; j++, at++) y[j] += value * weight[at];
  }
}

function grouped_affine(y, x, weight, bias, n_groups) {
  const n_in = x.length / n_groups;
  const n_out = y.length / n_groups;
  y.set(bias);
  for (let g = 0, at = 0; g < n_groups; g++) {
    for (let k = 0; k < n_in; k++) {
      const value = x[g * n_in + k];
      for (let d = 0; d < n_out; d++, at++) y[g * n_out + d] += value * weight[at];
    }
  }
}

function scale(y, x, factor, shift) {
  for (let j = 0; j < y.length; j++) y[j] = x[j] * factor[j] + shift[j];
}

function curves(y, x, edges, knots, slopes) {
  const n_bins = edges.length / x.length;
  const n_out = y.length / x.length;
  for (let j = 0; j < x.length; j++) {
    let bin = j * n_bins;
    while (bin + 1 < (j + 1) * n_bins && x[j] >= edges[bin + 1]) bin++;
    const beyond = x[j] - edges[bin];
    for (let d = 0, at = bin * n_out; d < n_out; d++, at++) y[j * n_out + d] = knots[at] + beyond * slopes[at];
  }
}

function waves(y, x, frequency, phase) {
  const n = y.length / x.length;
  for (let t = 0; t < y.length; t++) {
    const turns = x[Math.floor(t / n)] * frequency[t] + phase[t];
    y[t] = Math.cos((turns - Math.round(turns)) * (2 * Math.PI));
  }
}

function normalize(y, x, epsilon) {
  let mean = 0;
  for (const value of x) mean += value / x.length;
  let variance = 0;
  for (const value of x) variance += (value - mean) ** 2 / x.length;
  for (let j = 0; j < y.length; j++) y[j] = (x[j] - mean) / Math.sqrt(variance + epsilon);
}

function each(y, x, f) {
  for (let j = 0; j < y.length; j++) y[j] = f(x[j]);
}

function exp(y, x) {
  each(y, x, Math.exp);
}

function logarithm(x) {
  return Math.log(Math.max(x, 5e-324)); // of 0 as of the smallest positive number
}

function log(y, x) {
  each(y, x, logarithm);
}

function log_odds(y, x) {
  each(y, x, (value) => logarithm(value) - logarithm(1 - value));
}

function logistic(x) {
  const e = Math.exp(-Math.abs(x)); // at most 1: nothing overflows
  return (x >= 0 ? 1 : e) / (1 + e);
}

function sigmoid(y, x) {
  each(y, x, logistic);
}

function softmax(y, x) {
  let top = -Infinity;
  for (const value of x) top = value > top ? value : top;
  let total = 0;
  for (let j = 0; j < y.length; j++) total += y[j] = x[j] === top ? 1 : Math.exp(x[j] - top);
  for (let j = 0; j < y.length; j++) y[j] /= total;
}

function tanh(y, x) {
  each(y, x, Math.tanh);
}

function relu(y, x) {
  each(y, x, (value) => Math.max(value, 0));
}

function leaky_relu(y, x, slope) {
  each(y, x, (value) => Math.max(value, 0) + slope * Math.min(value, 0));
}

function elu(y, x, alpha) {
  each(y, x, (value) => Math.max(value, 0) + alpha * Math.expm1(Math.min(value, 0)));
}

function selu(y, x) {
  each(y, x, (z) => 1.0507009873554805 * Math.max(z, 0) + 1.7580993408473766 * Math.expm1(Math.min(z, 0)));
}

function gelu(y, x) {
  each(y, x, (value) => Math.max(value, -800) * normal(value));
}

// The normal distribution's cumulative probability: W. J. Cody, "Rational Chebyshev approximations for the error
// function", 1969, in the form of Algorithm 715 (1993).
function normal(x) {
  const middle = [
    [
      0.06568233791820745, 2.2352520354606837, 161.02823106855587, 1067.6894854603709, 18154.98125334356,
    ],
    [
      1.0, 47.202581904688245, 976.0985517377767, 10260.932208618979, 45507.78933502673,
    ],
  ];
  const side = [
    [
      1.0765576773720192e-08, 0.39894151208813466, 8.883149794388377, 93.50665613217785,
      597.2702763948002, 2494.5375852903726, 6848.190450536283, 11602.65143764735, 9842.714838383978,
    ],
    [
      1.0, 22.266688044328117, 235.387901782625, 1519.3775994075547, 6485.558298266761,
      18615.571640885097, 34900.95272114598, 38912.00328609327, 19685.429676859992,
    ],
  ];
  const far = [
    [
      0.023073441764940174, 0.215898534057957, 0.12740116116024736, 0.022235277870649807,
      0.0014216191932278934, 2.9112874951168793e-05,
    ],
    [
      1.0, 1.284260096144911, 0.4682382124808651, 0.06598813786892856, 0.0037823963320275824,
      7.297515550839662e-05,
    ],
  ];
  const z = Math.min(Math.abs(x), 40); // beyond it the tail has underflowed
  if (z <= 0.67448975) return 0.5 + x * ratio(middle, x * x);
  const cut = Math.trunc(z * 16) / 16;
  const bell = Math.exp(-0.5 * cut * cut) * Math.exp(-0.5 * (z - cut) * (z + cut));
  const square = 1 / (z * z);
  const tail = z > Math.sqrt(32) ? (bell * (0.3989422804014327 - square * ratio(far, square))) / z : bell * ratio(side, z);
  return x > 0 ? 1 - tail : tail;
}

function ratio([numerator, denominator], x) {
  const polynomial = (coefficients) => coefficients.reduce((value, coefficient) => value * x + coefficient);
  return polynomial(numerator) / polynomial(denominator);
}

function silu(y, x) {
  each(y, x, (value) => Math.max(value, -800) * logistic(value));
}

function softplus(y, x) {
  each(y, x, (value) => Math.max(value, 0) + Math.log1p(Math.exp(-Math.abs(value))));
}

// z tanh(log(1 + exp z)), with no exponential that overflows.
function mish(y, x) {
  each(y, x, (z) => {
    const e = Math.exp(-Math.abs(z));
    const ratio = z >= 0 ? (1 + 2 * e) / (1 + 2 * e + 2 * e * e) : (e * (e + 2)) / (e * (e + 2) + 2);
    return Math.max(z, -800) * ratio;
  });
}

function blend(y, a, b, share) {
  for (let j = 0; j < y.length; j++) y[j] = a[j] + share[j] * (b[j] - a[j]);
}

function sum(y, weights, ...parts) {
  y.fill(0);
  parts.forEach((part, k) => {
    for (let j = 0; j < y.length; j++) y[j] += weights[k] * part[j];
  });
}

function clip(y, x, low, high) {
  for (let j = 0; j < y.length; j++) y[j] = Math.min(Math.max(x[j], low[j]), high[j]);
}

function complement(y, x) {
  y[0] = 1 - x[0];
  y[1] = x[0];
}

function largest(y, x) {
  let best = 0;
  for (let j = 1; j < x.length; j++) if (x[j] > x[best]) best = j;
  y[0] = best;
}

function above(y, x, threshold) {
  for (let j = 0; j < y.length; j++) y[j] = x[j] > threshold ? 1 : 0;
}
