/* Dense products, embeddings and dropout; each cites the Python that it must equal. */

/* layers/dense.py: the three products of a layer. Tiny ones are not worth packing: plain loops, the same chains. */
static product_shape T(dense_shape)(const operation *o, int64_t rows)
{
    const int64_t in = o->n_in, out = o->n_out;
    if (o->code == PRODUCT_FORWARD)
        return (product_shape){rows, out, in, in, 1, out, 1, out};
    if (o->code == PRODUCT_WEIGHT)
        return (product_shape){in, out, rows, 1, in, out, 1, out};
    return (product_shape){rows, in, out, out, 1, 1, out, in};
}

static void T(product_of)(const team *t, const operation *o, const REAL *a, const REAL *b, REAL *c, REAL *scratch,
                          int64_t rows)
{
    const product_shape s = T(dense_shape)(o, rows);
    if (s.m * s.n * s.k <= 512) {
        if (t->thread == 0)
            for (int64_t i = 0; i < s.m; i++)
                for (int64_t j = 0; j < s.n; j++) {
                    REAL sum = 0;
                    for (int64_t k = 0; k < s.k; k++)
                        sum = FMA(a[i * s.a_row + k * s.a_col], b[k * s.b_row + j * s.b_col], sum);
                    c[i * s.c_row + j] = sum;
                }
        return;
    }
    const range r = share(t, ISA(T(product_tiles))(&s));
    if (r.first < r.last)
        ISA(T(product))(&s, a, b, c, scratch, r.first, r.last);
}

/* the product and what follows it: p holds the operands as program.h lists them */
static void T(dense)(const team *t, const operation *o, REAL *const *p, REAL *scratch, int64_t rows)
{
    T(product_of)(t, o, p[0], p[1], p[2], scratch, rows);
    if (o->code == PRODUCT_FORWARD && (p[3] || o->options[1] != 1)) {
        meet(t);
        T(factor_and_bias)(t, p[2], (REAL)o->options[1], p[3], rows, o->n_out);
    }
    if (o->code == PRODUCT_FORWARD && p[4]) {
        meet(t);
        T(activate)(t, o->variant, (REAL)o->options[0], p[2], p[4], rows * o->n_out);
    }
    if (o->code == PRODUCT_INPUT && p[3]) {
        meet(t);
        T(activate_backward)(t, o->variant, (REAL)o->options[0], p[2], p[3], p[4], p[2], rows * o->n_in);
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
static void T(dropout)(const team *t, const operation *o, const REAL *x, REAL *y, uint8_t *mask, int64_t n, double rate_factor,
                       uint64_t seed, uint64_t step)
{
    const double rate = o->options[0] * rate_factor;
    const uint64_t threshold = (uint64_t)(rate * 0x1p64);
    const REAL factor = (REAL)(1 / (1 - rate));
    const range r = share(t, (n + 3) / 4);
    for (int64_t block = r.first; block < r.last; block++) {
        const philox_block words = philox((uint64_t)block, step, o->layer, seed, DROPOUT_PURPOSE);
        for (int w = 0; w < 4; w++)
            mask[4 * block + w] = words.word[w] >= threshold;
    }
    const int64_t last = 4 * r.last < n ? 4 * r.last : n;
    for (int64_t i = 4 * r.first; i < last; i++)
        y[i] = x[i] * (mask[i] ? factor : 0);
}

static void T(dropout_backward)(const team *t, const operation *o, const REAL *dy, REAL *dx, const uint8_t *mask, int64_t n,
                                double rate_factor)
{
    const REAL factor = (REAL)(1 / (1 - o->options[0] * rate_factor));
    const range r = share(t, n);
    for (int64_t i = r.first; i < r.last; i++)
        dx[i] = dy[i] * (mask[i] ? factor : 0);
}
