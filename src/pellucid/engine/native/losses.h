/* Losses: each row's value and the slope of its outputs; equal to losses/regression.py and losses/classification.py.
 *
 * Elementwise losses write a term per output and its slope in one pass over whole registers, and each row's terms are
 * then summed in 16 lanes. The batch's value is a sum over rows, in float64, in blocks of 64 rows.
 */

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
        CASE(BINARY_CROSS_ENTROPY, y * T(softplus)(-o) + (1 - y) * T(softplus)(o), T(sigmoid)(o) - y)
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

/* target: distributions (rows, n), or with codes, one per row; the slope is multiplied by `factor` */
static void T(cross_entropy)(const team *t, const program *p, const REAL *o, const REAL *target, const int64_t *codes,
                             REAL *row_losses, REAL *slopes, int64_t rows, REAL factor)
{
    const int64_t n = p->n_outputs;
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

static void T(sum_terms)(const team *t, const REAL *terms, REAL *row_losses, int64_t rows, int64_t n, REAL mean_over)
{
    const range r = share(t, rows);
    for (int64_t i = r.first; i < r.last; i++) {
        T(lanes) sums = {0};
        EACH16(n, sums, T(load_first)(terms + i * n + j, left, 0))
        row_losses[i] = (n == 1 ? terms[i] : T(join)(sums)) / mean_over;
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
