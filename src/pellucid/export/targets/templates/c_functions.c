/* The operations of an export graph in C99: those that a program uses are copied into it, once for each pair of types.

`real` stands for float or double, the type of the values, and `kept` for that of constants, or of what is converted;
functions of <math.h> are then those of `real`. What comes out is y, and what goes in x: n numbers where nothing else is
said. y may be x, but for functions with `restrict`. */

static double missing(double x)
{
    return isnan(x) ? 1 : 0;
}

static double squeeze(double x, double center, double scale)
{
    const double most = 1073741824; /* 2 to the power of 30 */
    double u;
    if (isnan(x) || scale == 0)
        return 0;
    u = (0.5 * x - 0.5 * center) / (0.5 * scale) / 3; /* halves: the difference cannot overflow */
    u = u > most ? most : u < -most ? -most : u;
    return 3 * (u / sqrt(1 + u * u));
}

static double sign(double x)
{
    return isnan(x) ? 0 : 2 * x - 1;
}

static double days(double x)
{
    return x / 86400e6;
}

static double modulo(double x, double n)
{
    const double rest = fmod(x, n);
    return rest < 0 ? rest + n : rest;
}

/* The part of the year, the week or the day that has passed at x microseconds since 1970. */
static double part_of_year(double x)
{
    return modulo(400 * floor(x / 86400e6), 146097) / 146097;
}

static double part_of_week(double x)
{
    return modulo(floor(x / 86400e6) + 3, 7) / 7;
}

static double part_of_day(double x)
{
    return modulo(x, 86400e6) / 86400e6;
}

static void circle(double *y, double turns)
{
    const double angle = turns * 6.283185307179586;
    y[0] = isnan(turns) ? 0 : sin(angle);
    y[1] = isnan(turns) ? 0 : cos(angle);
}

/* The number of a text among n texts in ascending order of their bytes; 1 for none, 0 for one that is not there. */
static double code(const char *text, const struct level *levels, size_t n)
{
    size_t low = 0;
    if (text == NULL || *text == '\0')
        return 1;
    while (low < n) {
        const size_t middle = low + (n - low) / 2;
        const int order = strcmp(text, levels[middle].text);
        if (order == 0)
            return levels[middle].code;
        if (order > 0)
            low = middle + 1;
        else
            n = middle;
    }
    return 0;
}

/* A row of a table; of what is no number of one, NaN. */
static void lookup(real *restrict y, const real *restrict x, const kept *restrict table, size_t n_rows, size_t n)
{
    const int there = x[0] >= 0 && x[0] < (real)n_rows && x[0] == (real)(size_t)x[0];
    for (size_t i = 0; i < n; ++i)
        y[i] = there ? table[n * (size_t)x[0] + i] : NAN;
}

static void convert(real *restrict y, const kept *restrict x, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        y[i] = (real)x[i];
}

/* weight is n_x by n_y; four of its rows are taken at once, so that y is read and written less often. */
static void affine(real *restrict y, const real *restrict x, const kept *restrict weight, const kept *restrict bias,
                   size_t n_x, size_t n_y)
{
    const size_t whole = n_x - n_x % 4;
    for (size_t j = 0; j < n_y; ++j)
        y[j] = bias[j];
    for (size_t i = 0; i < whole; i += 4) {
        const kept *const a = weight + i * n_y, *const b = a + n_y, *const c = b + n_y, *const d = c + n_y;
        const real p = x[i], q = x[i + 1], r = x[i + 2], s = x[i + 3];
        for (size_t j = 0; j < n_y; ++j)
            y[j] += p * a[j] + q * b[j] + r * c[j] + s * d[j];
    }
    for (size_t i = whole; i < n_x; ++i)
        for (size_t j = 0; j < n_y; ++j)
            y[j] += x[i] * weight[i * n_y + j];
}

/* Each group of n_x numbers has its own weight, n_x by n_y, and its own bias. */
static void grouped_affine(real *restrict y, const real *restrict x, const kept *restrict weight,
                           const kept *restrict bias, size_t n_groups, size_t n_x, size_t n_y)
{
    for (size_t g = 0; g < n_groups; ++g)
        affine(y + g * n_y, x + g * n_x, weight + g * n_x * n_y, bias + g * n_y, n_x, n_y);
}

static void scale(real *y, const real *x, const kept *factor, const kept *shift, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        y[i] = x[i] * factor[i] + shift[i];
}

/* Of each x, n_y lines, of which those between its last edge and the next hold. */
static void curves(real *restrict y, const real *restrict x, const kept *restrict edges, const kept *restrict knots,
                   const kept *restrict slopes, size_t n_x, size_t n_edges, size_t n_y)
{
    for (size_t i = 0; i < n_x; ++i, edges += n_edges, knots += n_edges * n_y, slopes += n_edges * n_y) {
        size_t edge = 0;
        while (edge + 1 < n_edges && x[i] >= edges[edge + 1])
            ++edge;
        for (size_t j = 0; j < n_y; ++j)
            y[i * n_y + j] = knots[edge * n_y + j] + (x[i] - edges[edge]) * slopes[edge * n_y + j];
    }
}

static void waves(real *restrict y, const real *restrict x, const kept *restrict frequency, const kept *restrict phase,
                  size_t n_x, size_t n_y)
{
    for (size_t i = 0; i < n_x; ++i)
        for (size_t j = 0; j < n_y; ++j) {
            const real turns = x[i] * frequency[i * n_y + j] + phase[i * n_y + j];
            y[i * n_y + j] = cos((turns - rint(turns)) * (real)6.283185307179586);
        }
}

static void normalize(real *y, const real *x, real epsilon, size_t n)
{
    real mean = 0, variance = 0, root;
    for (size_t i = 0; i < n; ++i)
        mean += x[i];
    mean /= (real)n;
    for (size_t i = 0; i < n; ++i)
        variance += (x[i] - mean) * (x[i] - mean);
    root = sqrt(variance / (real)n + epsilon);
    for (size_t i = 0; i < n; ++i)
        y[i] = (x[i] - mean) / root;
}

static void apply_exp(real *y, const real *x, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        y[i] = exp(x[i]);
}

/* Of 0 as of the smallest positive number. */
static real logarithm(real x)
{
    const real smallest = (real)4.9406564584124654e-324;
    return log(x < smallest ? smallest : x);
}

static void apply_log(real *y, const real *x, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        y[i] = logarithm(x[i]);
}

static void apply_log_odds(real *y, const real *x, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        y[i] = logarithm(x[i]) - logarithm(1 - x[i]);
}

/* With no exponential that overflows. */
static real logistic(real x)
{
    const real e = exp(-fabs(x));
    return (x < 0 ? e : 1) / (1 + e);
}

static void apply_sigmoid(real *y, const real *x, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        y[i] = logistic(x[i]);
}

static void apply_softmax(real *y, const real *x, size_t n)
{
    real most = x[0], sum = 0;
    for (size_t i = 1; i < n; ++i)
        most = x[i] > most ? x[i] : most;
    for (size_t i = 0; i < n; ++i) {
        y[i] = exp(x[i] - most);
        sum += y[i];
    }
    for (size_t i = 0; i < n; ++i)
        y[i] /= sum;
}

static void apply_tanh(real *y, const real *x, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        y[i] = tanh(x[i]);
}

static void apply_relu(real *y, const real *x, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        y[i] = x[i] < 0 ? 0 : x[i];
}

static void apply_leaky_relu(real *y, const real *x, real slope, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        y[i] = x[i] < 0 ? slope * x[i] : x[i];
}

static void apply_elu(real *y, const real *x, real alpha, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        y[i] = x[i] < 0 ? alpha * expm1(x[i]) : x[i];
}

static void apply_selu(real *y, const real *x, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        y[i] = x[i] < 0 ? (real)1.7580993408473766 * expm1(x[i]) : (real)1.0507009873554805 * x[i];
}

/* What is so far below 0 gives 0, as the limit at minus infinity is. */
static real not_far_below(real x)
{
    return x < -800 ? -800 : x;
}

static void apply_gelu(real *y, const real *x, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        y[i] = not_far_below(x[i]) * (erfc(-x[i] * (real)0.7071067811865476) / 2);
}

static void apply_silu(real *y, const real *x, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        y[i] = not_far_below(x[i]) * logistic(x[i]);
}

static void apply_softplus(real *y, const real *x, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        y[i] = (x[i] < 0 ? 0 : x[i]) + log1p(exp(-fabs(x[i])));
}

/* x tanh(log(1 + exp x)), with no exponential that overflows. */
static void apply_mish(real *y, const real *x, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        const real e = exp(-fabs(x[i]));
        const real above = (1 + 2 * e) / (1 + 2 * e + 2 * e * e), below = e * (e + 2) / (e * (e + 2) + 2);
        y[i] = not_far_below(x[i]) * (x[i] < 0 ? below : above);
    }
}

static void blend(real *y, const real *x, const real *other, const kept *share, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        y[i] = x[i] + share[i] * (other[i] - x[i]);
}

static void weigh(real *restrict y, const real *restrict x, real weight, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        y[i] = weight * x[i];
}

static void add(real *restrict y, const real *restrict x, real weight, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        y[i] += weight * x[i];
}

static void clip(real *y, const real *x, const kept *low, const kept *high, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        y[i] = x[i] < low[i] ? low[i] : x[i] > high[i] ? high[i] : x[i];
}

static void complement(real *restrict y, const real *restrict x)
{
    y[0] = 1 - x[0];
    y[1] = x[0];
}

static void largest(double *restrict y, const kept *restrict x, size_t n)
{
    size_t found = 0;
    for (size_t i = 1; i < n; ++i)
        found = x[i] > x[found] ? i : found;
    y[0] = (double)found;
}

static void above(double *restrict y, const kept *restrict x, kept threshold, size_t n)
{
    for (size_t i = 0; i < n; ++i)
        y[i] = x[i] > threshold ? 1 : 0;
}
