/* Dense products, embeddings and dropout; each cites the Python that it must equal. */

static product_shape T(dense_shape)(const operation *o, int64_t rows)
{
    const int64_t in = o->n_in, out = o->n_out;
    if (o->code == PRODUCT_FORWARD)
        return (product_shape){rows, out, in, in, 1, out, 1, out};
    if (o->code == PRODUCT_WEIGHT)
        return (product_shape){in, out, rows, 1, in, out, 1, out};
    return (product_shape){rows, in, out, out, 1, 1, out, in};
}

/* a multiple of n that fills a register, at least */
INLINE int64_t T(period)(int64_t n)
{
    return (LANES + n - 1) / n * n;
}

static int64_t T(dense_scratch)(const operation *o, int64_t rows)
{
    product_shape s = T(dense_shape)(o, rows);
    const int64_t whole = ISA(T(product_scratch))(&s);
    s.n %= COLUMNS; /* the last thread's columns may be so few that their product is turned */
    const int64_t last = o->by_columns ? ISA(T(product_scratch))(&s) : 0;
    return (whole > last ? whole : last) + T(period)(o->n_out) + LANES;
}

/* layers/dense.py: the three products of a layer, and at each finished block what follows; p holds the operands as
   program.h lists them. Threads take rows of the batch, columns, or tiles of the weights' gradient. */
static void T(dense)(const team *t, const operation *o, REAL *const *p, REAL *scratch, int64_t rows)
{
    product_shape s = T(dense_shape)(o, rows);
    if (o->code == PRODUCT_WEIGHT) {
        const range r = share(t, ISA(T(product_tiles))(&s));
        ISA(T(product))(&s, p[0], p[1], p[2], scratch, r.first, r.last);
        return;
    }
    const int64_t in = o->n_in, out = o->n_out, n = s.n;
    range r = {0, rows}, columns = {0, n};
    if (o->by_columns) {
        columns = share(t, (n + COLUMNS - 1) / COLUMNS);
        columns.first *= COLUMNS;
        columns.last = COLUMNS * columns.last < n ? COLUMNS * columns.last : n;
    } else
        r = share(t, rows);
    s.m = r.last - r.first;
    s.n = columns.last - columns.first;
    if (s.m == 0 || s.n == 0)
        return;
    const REAL *left = p[0] + r.first * s.a_row, *right = p[1] + columns.first * s.b_col;
    REAL *c = p[2] + r.first * n;
    if (o->code == PRODUCT_FORWARD) {
        REAL *a = p[4] ? p[4] + r.first * n : c;
        T(activation) f = {o->variant, (REAL)o->options[0], (REAL)o->options[1], p[3], out, n, columns.first, c,
                           a == c ? NULL : c, a};
        if (!p[3])
            f.bias = T(no_bias), f.period = LANES;
        else if (out % LANES) {
            REAL *repeated = scratch;
            f.bias = repeated, f.period = T(period)(out);
            scratch += f.period + LANES;
            for (int64_t j = 0; j < f.period + LANES; j++)
                repeated[j] = p[3][j % out];
        }
        const product_end end = {T(finish_activation), &f};
        const int changes = p[3] || f.factor != 1 || f.kind != IDENTITY || a != c;
        ISA(T(product_whole))(&s, left, right, p[5], c + columns.first, scratch, changes ? &end : NULL);
    } else {
        const T(activation_slope) f = {o->variant, (REAL)o->options[0], n, columns.first, c,
                                       p[3] ? p[3] + r.first * in : NULL, p[4] ? p[4] + r.first * in : NULL, c};
        const product_end end = {T(finish_slope), &f};
        ISA(T(product_whole))(&s, left, right, NULL, c + columns.first, scratch, p[3] ? &end : NULL);
    }
}

/* layers/embedding.py; Python has checked that every code is a whole number in range */
static void T(embed)(const team *t, const REAL *codes, const REAL *weight, REAL *y, int64_t rows, int64_t n)
{
    const range r = share(t, rows);
    for (int64_t i = r.first; i < r.last; i++)
        memcpy(y + i * n, weight + (int64_t)codes[i] * n, (size_t)n * sizeof(REAL));
}

static void T(embed_backward)(const team *t, const REAL *codes, const REAL *dy, REAL *d, int64_t rows, int64_t n_codes,
                              int64_t n)
{
    const range r = share(t, n); /* a thread has columns of its own, so each sum runs over the rows in order */
    for (int64_t code = 0; code < n_codes; code++)
        for (int64_t j = r.first; j < r.last; j++)
            d[code * n + j] = 0;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = r.first; j < r.last; j++)
            d[(int64_t)codes[i] * n + j] += dy[i * n + j];
}

/* layers/dropout.py with the words of Random.keep_mask: element i is kept if its word is at least ⌊rate 2⁶⁴⌋. The mask
   is a byte per element, kept for backward. */
static void T(dropout)(const team *t, const operation *o, const REAL *x, REAL *y, uint8_t *mask, int64_t rows, double rate_factor,
                       uint64_t seed, uint64_t step)
{
    const double rate = o->options[0] * rate_factor;
    const uint64_t threshold = (uint64_t)(rate * 0x1p64);
    const REAL factor = (REAL)(1 / (1 - rate));
    const range r = share(t, rows);
    const int64_t first = r.first * o->n_in, last = r.last * o->n_in;
    for (int64_t block = first / 4; 4 * block < last; block++) {
        const philox_block words = philox((uint64_t)block, step, o->layer, seed, DROPOUT_PURPOSE);
        for (int64_t i = 4 * block; i < 4 * block + 4; i++)
            if (i >= first && i < last)
                mask[i] = words.word[i % 4] >= threshold;
    }
    for (int64_t i = first; i < last; i++)
        y[i] = x[i] * (mask[i] ? factor : 0);
}

static void T(dropout_backward)(const team *t, const operation *o, const REAL *dy, REAL *dx, const uint8_t *mask, int64_t rows,
                                double rate_factor)
{
    const REAL factor = (REAL)(1 / (1 - o->options[0] * rate_factor));
    const range r = share(t, rows);
    for (int64_t i = r.first * o->n_in; i < r.last * o->n_in; i++)
        dx[i] = dy[i] * (mask[i] ? factor : 0);
}
