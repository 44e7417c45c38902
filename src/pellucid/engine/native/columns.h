/* Kernels that see a batch as columns: factors and shifts per column, copies of columns, sums over the rows.
 *
 * Sums over rows are taken block by block, 64 rows each in ascending order, and the blocks' sums are added in ascending
 * order; a register holds as many columns as fit, so no sum crosses lanes. Threads take columns for the sums and rows
 * for the rest. Equal to layers/scale.py, layers/holding.py, and db of layers/dense.py.
 */

/* y[i, j] = expression, with j the column of a register's first lane; operands of one row may end at their last column */
#define FOR_ROWS(t, rows, n, y, expression)                                        \
    {                                                                              \
        const range r_ = share(t, rows);                                           \
        for (int64_t i = r_.first; i < r_.last; i++)                               \
            for (int64_t j = 0; j < (n); j += LANES)                               \
                T(store_some)((y) + i * (n) + j, expression, (n) - j);             \
    }
#define AT(x) T(load)((x) + i * n + j)           /* an array with rows: more memory follows */
#define OF_COLUMN(f) T(load_some)((f) + j, n - j) /* one number per column: memory may end */

static void T(scale_columns)(const team *t, const REAL *x, const REAL *f, REAL *y, int64_t rows, int64_t n)
{
    FOR_ROWS(t, rows, n, y, AT(x) * OF_COLUMN(f))
}

static void T(scale_shift_columns)(const team *t, const REAL *x, const REAL *f, const REAL *s, REAL *y, int64_t rows,
                                   int64_t n)
{
    FOR_ROWS(t, rows, n, y, AT(x) * OF_COLUMN(f) + OF_COLUMN(s))
}

static void T(blend)(const team *t, const REAL *z, const REAL *a, const REAL *blend, REAL *y, int64_t rows, int64_t n)
{
    FOR_ROWS(t, rows, n, y, AT(z) + OF_COLUMN(blend) * (AT(a) - AT(z)))
}

/* dz = dy (1 - blend) + blend dy f'(z), row by row, while what f passes on is in the cache */
static void T(blend_backward)(const team *t, const operation *o, const REAL *dy, const REAL *z, const REAL *a,
                              const REAL *blend, REAL *dz, int64_t rows)
{
    const int64_t n = o->n_in;
    const T(activation_slope) f = {o->variant, (REAL)o->options[0], n, 0, dy, z, a, dz};
    const range r = share(t, rows);
    for (int64_t i = r.first; i < r.last; i++) {
        T(slope_span)(&f, i * n, (i + 1) * n);
        for (int64_t j = 0; j < n; j += LANES) {
            const VEC b = OF_COLUMN(blend);
            T(store_some)(dz + i * n + j, AT(dy) * (1 - b) + b * AT(dz), n - j);
        }
    }
}

static void T(multiply)(const team *t, const REAL *x, REAL factor, REAL *y, int64_t rows, int64_t n)
{
    const range r = share(t, rows);
    for (int64_t i = r.first * n; i < r.last * n; i++)
        y[i] = x[i] * factor;
}

static void T(add)(const team *t, const REAL *a, const REAL *b, REAL *y, int64_t rows, int64_t n)
{
    const range r = share(t, rows);
    for (int64_t i = r.first * n; i < r.last * n; i++)
        y[i] = a[i] + b[i];
}

static void T(copy_columns)(const team *t, const operation *o, const REAL *x, REAL *y, int64_t rows, int add)
{
    const range r = share(t, rows);
    for (int64_t i = r.first; i < r.last; i++) {
        const REAL *from = x + i * o->n_in + o->from;
        REAL *to = y + i * o->n_out + o->to;
        if (add)
            for (int64_t j = 0; j < o->width; j++)
                to[j] += from[j];
        else
            for (int64_t j = 0; j < o->width; j++)
                to[j] = from[j];
    }
}

/* total[j] = Σ_i term(i, j) for columns j to j + LANES - 1 */
#define SUM_OVER_ROWS(total, rows, term)                                           \
    VEC total = {0};                                                               \
    for (int64_t block_ = 0; block_ < (rows); block_ += BLOCK_ROWS) {              \
        const int64_t end_ = block_ + BLOCK_ROWS < (rows) ? block_ + BLOCK_ROWS : (rows); \
        VEC sum_ = {0};                                                            \
        for (int64_t i = block_; i < end_; i++)                                    \
            sum_ += (term);                                                        \
        total += sum_;                                                             \
    }

#define FOR_COLUMNS(t, n)                                                          \
    const range r_ = share(t, ((n) + LANES - 1) / LANES);                          \
    for (int64_t j = r_.first * LANES; j < r_.last * LANES; j += LANES)

/* `registers` at a time, because one sum by itself waits for each of its additions */
INLINE void T(some_column_sums)(const REAL *dy, REAL *d, int64_t rows, int64_t n, int64_t left, const int registers)
{
    VEC total[4] = {{0}};
    for (int64_t block = 0; block < rows; block += BLOCK_ROWS) {
        const int64_t end = block + BLOCK_ROWS < rows ? block + BLOCK_ROWS : rows;
        VEC sum[4] = {{0}};
        for (int64_t i = block; i < end; i++)
            for (int k = 0; k < registers; k++)
                sum[k] += T(load)(dy + i * n + k * LANES);
        for (int k = 0; k < registers; k++)
            total[k] += sum[k];
    }
    for (int k = 0; k < registers; k++)
        T(store_some)(d + k * LANES, total[k], left - k * LANES);
}

static void T(column_sum)(const team *t, const REAL *dy, REAL *d, int64_t rows, int64_t n)
{
    const range r = share(t, (n + LANES - 1) / LANES);
    int64_t j = r.first * LANES;
    for (; j + 4 * LANES <= r.last * LANES; j += 4 * LANES)
        T(some_column_sums)(dy + j, d + j, rows, n, n - j, 4);
    for (; j < r.last * LANES; j += LANES)
        T(some_column_sums)(dy + j, d + j, rows, n, n - j, 1);
}

static void T(column_product_sum)(const team *t, const REAL *dy, const REAL *x, REAL *d, int64_t rows, int64_t n)
{
    FOR_COLUMNS(t, n) {
        SUM_OVER_ROWS(total, rows, AT(dy) * AT(x))
        T(store_some)(d + j, total, n - j);
    }
}

/* `registers` at a time, as above */
INLINE void T(some_blend_slopes)(const REAL *dy, const REAL *a, const REAL *z, REAL *d, int64_t rows, int64_t n,
                                 int64_t left, const int registers)
{
    VEC total[4] = {{0}};
    for (int64_t block = 0; block < rows; block += BLOCK_ROWS) {
        const int64_t end = block + BLOCK_ROWS < rows ? block + BLOCK_ROWS : rows;
        VEC sum[4] = {{0}};
        for (int64_t i = block; i < end; i++)
            for (int k = 0; k < registers; k++) {
                const int64_t at = i * n + k * LANES;
                sum[k] += T(load)(dy + at) * (T(load)(a + at) - T(load)(z + at));
            }
        for (int k = 0; k < registers; k++)
            total[k] += sum[k];
    }
    for (int k = 0; k < registers; k++)
        T(store_some)(d + k * LANES, total[k], left - k * LANES);
}

static void T(blend_slope)(const team *t, const REAL *dy, const REAL *a, const REAL *z, REAL *d, int64_t rows, int64_t n)
{
    const range r = share(t, (n + LANES - 1) / LANES);
    int64_t j = r.first * LANES;
    for (; j + 4 * LANES <= r.last * LANES; j += 4 * LANES)
        T(some_blend_slopes)(dy + j, a + j, z + j, d + j, rows, n, n - j, 4);
    for (; j < r.last * LANES; j += LANES)
        T(some_blend_slopes)(dy + j, a + j, z + j, d + j, rows, n, n - j, 1);
}
