/* Normalization of rows and of columns; equal to layers/normalization.py. Rows sum in 16 lanes, columns in blocks. */

static void T(layer_norm)(const team *t, const REAL *x, REAL *normalized, REAL *r, REAL epsilon, int64_t rows, int64_t n)
{
    const range share_ = share(t, rows);
    for (int64_t i = share_.first; i < share_.last; i++) {
        const REAL *xi = x + i * n;
        T(lanes) sums = {0}, squares = {0};
        EACH16(n, sums, T(load_first)(xi + j, left, 0))
        const REAL mean = T(join)(sums) / (REAL)n;
#define CENTERED (T(load)(xi + j) - mean)
        EACH16(n, squares, T(choose)(T(first)(left), CENTERED * CENTERED, (VEC){0}))
        r[i] = 1 / SQRT(T(join)(squares) / (REAL)n + epsilon);
        for (int64_t j = 0; j < n; j += LANES)
            T(store_some)(normalized + i * n + j, CENTERED * r[i], n - j);
#undef CENTERED
    }
}

static void T(layer_norm_backward)(const team *t, const REAL *dn, const REAL *normalized, const REAL *r, REAL *dx,
                                   int64_t rows, int64_t n)
{
    const range share_ = share(t, rows);
    for (int64_t i = share_.first; i < share_.last; i++) {
        const REAL *di = dn + i * n, *ni = normalized + i * n;
        T(lanes) sums = {0}, products = {0};
        EACH16(n, sums, T(load_first)(di + j, left, 0))
        EACH16(n, products, T(load_first)(di + j, left, 0) * T(load_first)(ni + j, left, 0))
        const REAL mean = T(join)(sums) / (REAL)n, product = T(join)(products) / (REAL)n;
        for (int64_t j = 0; j < n; j += LANES)
            T(store_some)(dx + i * n + j, r[i] * (T(load)(di + j) - mean - T(load)(ni + j) * product), n - j);
    }
}

/* running: the new running means, then at `running + n` the new running variances */
static void T(batch_norm)(const team *t, const operation *o, const REAL *x, const REAL *mean_, const REAL *variance_,
                          REAL *normalized, REAL *r, REAL *running, int64_t rows)
{
    const int64_t n = o->n_in;
    const REAL epsilon = (REAL)o->options[0], momentum = (REAL)o->options[1];
    const REAL unbias = rows > 1 ? (REAL)((double)rows / (double)(rows - 1)) : 1; /* one row has no variance */
    FOR_COLUMNS(t, n) {
        SUM_OVER_ROWS(sum, rows, AT(x))
        const VEC mean = sum / (REAL)rows;
        SUM_OVER_ROWS(squares, rows, (AT(x) - mean) * (AT(x) - mean))
        const VEC variance = squares / (REAL)rows;
        const VEC root = 1 / T(root)(variance + epsilon);
        const VEC old_mean = OF_COLUMN(mean_), old_variance = OF_COLUMN(variance_);
        T(store_some)(r + j, root, n - j);
        T(store_some)(running + j, old_mean + momentum * (mean - old_mean), n - j);
        const VEC unbiased = rows > 1 ? variance * unbias : old_variance;
        T(store_some)(running + n + j, old_variance + momentum * (unbiased - old_variance), n - j);
        for (int64_t i = 0; i < rows; i++)
            T(store_some)(normalized + i * n + j, (AT(x) - mean) * root, n - j);
    }
}

static void T(batch_norm_backward)(const team *t, const REAL *dn, const REAL *normalized, const REAL *r, REAL *dx,
                                   int64_t rows, int64_t n)
{
    FOR_COLUMNS(t, n) {
        SUM_OVER_ROWS(sum, rows, AT(dn))
        SUM_OVER_ROWS(products, rows, AT(dn) * AT(normalized))
        const VEC mean = sum / (REAL)rows, product = products / (REAL)rows, root = OF_COLUMN(r);
        for (int64_t i = 0; i < rows; i++)
            T(store_some)(dx + i * n + j, root * (AT(dn) - mean - AT(normalized) * product), n - j);
    }
}

static void T(batch_norm_running)(const team *t, const REAL *x, const REAL *mean, const REAL *variance, REAL *normalized,
                                  REAL epsilon, int64_t rows, int64_t n)
{
    FOR_ROWS(t, rows, n, normalized, (AT(x) - OF_COLUMN(mean)) * (1 / T(root)(OF_COLUMN(variance) + epsilon)))
}
