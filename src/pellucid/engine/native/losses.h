/* Losses: each row's value and the slope of its outputs; equal to losses/regression.py, classification.py and focal.py.
 *
 * Elementwise losses write a term per output and its slope in one pass over whole registers, and each row's terms are
 * then summed in 16 lanes. The batch's value is a sum over rows, in float64, in blocks of 64 rows.
 */

/* losses/focal.py, _focal: f of the log-odds of what is right, and -f' */
INLINE VEC T(focal_value)(VEC z, REAL gamma)
{
    return T(exp)(-gamma * T(softplus)(z)) * T(softplus)(-z);
}

INLINE VEC T(focal_slope)(VEC z, REAL gamma)
{
    return T(exp)(-gamma * T(softplus)(z)) * (gamma * T(sigmoid)(z) * T(softplus)(-z) + T(sigmoid)(-z));
}

#define SIGN(e) T(choose)((e) > 0, T(all)(1), T(choose)((e) < 0, T(all)(-1), (e)))

/* o, target: (rows, n), n the number of targets; `factor` makes means of sums */
static void T(elementwise_loss)(const team *t, const program *p, const REAL *o_, const REAL *target_, REAL *terms, REAL *slopes,
                                int64_t count, REAL factor)
{
    const range r = share(t, (count + LANES - 1) / LANES);
    const REAL option = (REAL)p->loss_option;
#define CASE(name, term, slope)                                                                 \
    case name:                                                                                  \
        for (int64_t i = r.first * LANES; i < r.last * LANES; i += LANES) {                     \
            const VEC o = T(load)(o_ + i), y = T(load)(target_ + i), e = o - y;                 \
            (void)e;                                                                            \
            T(store)(terms + i, term);                                                          \
            T(store)(slopes + i, (slope) * factor);                                             \
        }                                                                                       \
        break;
    switch (p->loss) {
        CASE(SQUARED_ERROR, e * e, 2 * e)
        CASE(HALF_SUM, e * e * (REAL)0.5, e)
        CASE(ABSOLUTE_ERROR, T(choose)(e < 0, -e, e), SIGN(e))
        CASE(HUBER, T(clip)(e, option) * (e - T(clip)(e, option) * (REAL)0.5), T(clip)(e, option))
        CASE(POISSON, T(exp)(o) - y * o, T(exp)(o) - y)
#define SMOOTHED (y * (1 - option) + option / 2)
        CASE(BINARY_CROSS_ENTROPY, SMOOTHED * T(softplus)(-o) + (1 - SMOOTHED) * T(softplus)(o), T(sigmoid)(o) - SMOOTHED)
#undef SMOOTHED
        CASE(BINARY_FOCAL, y * T(focal_value)(o, option) + (1 - y) * T(focal_value)(-o, option),
             (1 - y) * T(focal_slope)(-o, option) - y * T(focal_slope)(o, option))
    }
#undef CASE
}

static void T(quantile_loss)(const team *t, const program *p, const REAL *o, const REAL *target, REAL *terms, REAL *slopes,
                             int64_t rows, REAL factor)
{
    const range r = share(t, rows);
    for (int64_t i = r.first; i < r.last; i++)
        for (int64_t j = 0; j < p->n_outputs; j++) {
            const int64_t at = i * p->n_outputs + j;
            const REAL level = (REAL)p->levels[j % p->n_levels];
            const REAL e = target[i * p->n_targets + j / p->n_levels] - o[at];
            const REAL a = level * e, b = (level - 1) * e;
            terms[at] = a >= b || a != a ? a : b;
            slopes[at] = (e > 0 ? -level : e < 0 ? 1 - level : 0) * factor;
        }
}

/* the n columns of `rows` rows, at most LANES, a register each; the other lanes keep what they held */
INLINE void T(to_columns)(const REAL *x, int64_t rows, int64_t n, REAL column[][LANES])
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < n; j++)
            column[j][i] = x[i * n + j];
}

/* as `join`, for at most 16 lanes of which each is a register of its own */
INLINE VEC T(join_registers)(VEC *lane, int64_t n)
{
    for (int h = 8; h; h /= 2)
        for (int i = 0; i < h && i + h < n; i++)
            lane[i] += lane[i + h];
    return lane[0];
}

/* At most 16 classes: LANES rows at a time and a register per class, so that nothing crosses lanes. */
static void T(cross_entropy_of_few)(const team *t, const program *p, const REAL *o, const REAL *target, const int64_t *codes,
                                    REAL *row_losses, REAL *slopes, int64_t rows, REAL factor)
{
    const int64_t n = p->n_outputs;
    const REAL smoothing = (REAL)p->loss_option, evenly = smoothing / (REAL)n;
    const range r = share(t, (rows + LANES - 1) / LANES);
    REAL column[16][LANES] = {0}, wanted[16][LANES] = {0};
    for (int64_t first = r.first * LANES; first < r.last * LANES; first += LANES) {
        const int64_t here = rows - first < LANES ? rows - first : LANES;
        VEC largest = T(all)(-(REAL)__builtin_inf()), power[16], products[16];
        T(to_columns)(o + first * n, here, n, column);
        if (!codes)
            T(to_columns)(target + first * n, here, n, wanted);
        else
            for (int64_t i = 0; i < here; i++)
                for (int64_t j = 0; j < n; j++)
                    wanted[j][i] = j == codes[first + i];
        for (int64_t j = 0; j < n; j++) {
            const VEC v = T(load)(column[j]);
            largest = T(choose)(v > largest, v, largest);
        }
        for (int64_t j = 0; j < n; j++) {
            const VEC shifted = T(load)(column[j]) - largest, part = T(load)(wanted[j]) * (1 - smoothing) + evenly;
            T(store)(wanted[j], part);
            T(store)(column[j], power[j] = T(exp)(shifted));
            products[j] = (VEC){0} + part * shifted;
        }
        const VEC total = T(join_registers)(power, n);
        T(store)(row_losses + first, T(log)(total) - T(join_registers)(products, n));
        for (int64_t j = 0; j < n; j++)
            T(store)(column[j], (T(load)(column[j]) / total - T(load)(wanted[j])) * factor);
        for (int64_t i = 0; i < here; i++)
            for (int64_t j = 0; j < n; j++)
                slopes[(first + i) * n + j] = column[j][i];
    }
}

/* target: distributions (rows, n), or with codes, one per row; the slope is multiplied by `factor` */
static void T(cross_entropy)(const team *t, const program *p, const REAL *o, const REAL *target, const int64_t *codes,
                             REAL *row_losses, REAL *slopes, int64_t rows, REAL factor)
{
    const int64_t n = p->n_outputs;
    if (n <= 16) {
        T(cross_entropy_of_few)(t, p, o, target, codes, row_losses, slopes, rows, factor);
        return;
    }
    const REAL smoothing = (REAL)p->loss_option, evenly = smoothing / (REAL)n;
    const range r = share(t, rows);
    MASK index = T(first)(0);
    for (int i = 0; i < LANES; i++)
        index[i] = i;
    for (int64_t i = r.first; i < r.last; i++) {
        const REAL *oi = o + i * n;
        const VEC largest = T(all)(T(row_max)(oi, n));
        T(lanes) totals = {0}, products = {0};
#define SHIFTED (T(load)(oi + j) - largest)
#define SHARE                                                                                                   \
    ((codes ? T(choose)(index == ((WHOLE)(codes[i] - j) - (MASK){0}), T(all)(1), (VEC){0})                       \
            : T(load)(target + i * n + j)) * (1 - smoothing) + evenly)
        EACH16(n, totals, T(choose)(T(first)(left), T(exp)(SHIFTED), (VEC){0}))
        EACH16(n, products, T(choose)(T(first)(left), SHARE * SHIFTED, (VEC){0}))
        const REAL total = T(join)(totals);
        row_losses[i] = T(log)(T(all)(total))[0] - T(join)(products);
        for (int64_t j = 0; j < n; j += LANES)
            T(store_some)(slopes + i * n + j, (T(exp)(SHIFTED) / total - SHARE) * factor, n - j);
#undef SHIFTED
#undef SHARE
    }
}

/* codes: one per row; the slope is multiplied by `factor` */
static void T(focal)(const team *t, const program *p, const REAL *o, const int64_t *codes, REAL *row_losses, REAL *slopes,
                     int64_t rows, REAL factor)
{
    const int64_t n = p->n_outputs;
    const REAL gamma = (REAL)p->loss_option;
    const VEC lowest = T(all)(-(REAL)__builtin_inf());
    const range r = share(t, rows);
    MASK index = T(first)(0);
    for (int i = 0; i < LANES; i++)
        index[i] = i;
    for (int64_t i = r.first; i < r.last; i++) {
        const REAL *oi = o + i * n;
#define OTHERS T(choose)(index == ((WHOLE)(codes[i] - j) - (MASK){0}), lowest, T(load_first)(oi + j, n - j, lowest[0]))
        VEC most = lowest;
        for (int64_t j = 0; j < n; j += LANES)
            most = T(choose)(OTHERS > most, OTHERS, most);
        REAL largest = most[0];
        for (int k = 1; k < LANES; k++)
            largest = most[k] > largest ? most[k] : largest;
        T(lanes) totals = {0};
        EACH16(n, totals, T(exp)(OTHERS - largest))
        const REAL total = T(join)(totals);
        const VEC z = T(all)((oi[codes[i]] - largest) - T(log)(T(all)(total))[0]);
        row_losses[i] = T(focal_value)(z, gamma)[0];
        const REAL slope = T(focal_slope)(z, gamma)[0];
        for (int64_t j = 0; j < n; j += LANES)
            T(store_some)(slopes + i * n + j, slope * (T(exp)(OTHERS - largest) / total) * factor, n - j);
        slopes[i * n + codes[i]] = -slope * factor;
#undef OTHERS
    }
}

static void T(sum_terms)(const team *t, const REAL *terms, REAL *row_losses, int64_t rows, int64_t n, REAL mean_over)
{
    if (n == 1) {
        const range r = share(t, (rows + LANES - 1) / LANES);
        for (int64_t i = r.first * LANES; i < r.last * LANES; i += LANES)
            T(store)(row_losses + i, T(load)(terms + i) / mean_over);
        return;
    }
    const range r = share(t, rows);
    for (int64_t i = r.first; i < r.last; i++) {
        T(lanes) sums = {0};
        EACH16(n, sums, T(load_first)(terms + i * n + j, left, 0))
        row_losses[i] = T(join)(sums) / mean_over;
    }
}

/* Σ w_i v_i, in blocks of rows; without weights Σ v_i, without values Σ w_i */
static double T(total)(const REAL *values, const REAL *weight, const int64_t *order, int64_t first, int64_t rows)
{
    double total = 0;
    for (int64_t block = 0; block < rows; block += BLOCK_ROWS) {
        const int64_t end = block + BLOCK_ROWS < rows ? block + BLOCK_ROWS : rows;
        double sum = 0;
        for (int64_t i = block; i < end; i++)
            sum += (values ? (double)values[i] : 1) * (weight ? (double)weight[order ? order[i] : first + i] : 1);
        total += sum;
    }
    return total;
}
