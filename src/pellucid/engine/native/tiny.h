/* Kernels for arrays of a few numbers: a lane computes one element of the result.
 *
 * In a network like 2-3-1 on four rows every array fits into a register or two, and what takes time is not arithmetic
 * but moving single numbers between memory and registers. So an operand is loaded as a whole, and each lane picks the
 * numbers of its own chain from it by their index. The chains are those of the kernels for any size: over k, or over
 * the rows, in ascending order.
 *
 * Only for networks whose vectors lie in the workspace (program.h), where whole registers may be read everywhere, and
 * for a thread that is alone: it writes whole registers, too.
 */

/* v[index[i]] in lane i; an index counts modulo LANES */
INLINE VEC T(pick)(VEC v, MASK index)
{
#ifdef __clang__
    return __builtin_shufflevector(v, index);
#else
    return __builtin_shuffle(v, index);
#endif
}

/* p[index[i]] in lane i, for an array of n numbers */
INLINE VEC T(pick_from)(const REAL *p, int64_t n, MASK index)
{
    VEC r = T(pick)(T(load)(p), index);
    for (int64_t first = LANES; first < n; first += LANES)
        r = T(choose)(index >= (WHOLE)first, T(pick)(T(load)(p + first), index), r);
    return r;
}

/* first, first + 1, ... */
INLINE MASK T(count_from)(int64_t first)
{
    MASK index;
    for (int i = 0; i < LANES; i++)
        index[i] = i;
    return index + (WHOLE)first;
}

/* index / n for whole numbers up to 255 */
INLINE MASK T(divided)(MASK index, int64_t n) { return index * (65536 / (WHOLE)n + 1) >> 16; }

static int T(is_tiny)(const team *t, const program *q, int64_t numbers)
{
    return numbers <= TINY_REGISTERS * LANES && q->vectors >= 0 && t->threads == 1;
}

static int T(is_tiny_product)(const team *t, const program *q, const operation *o, int64_t rows)
{
    return T(is_tiny)(t, q, rows * o->n_in) && T(is_tiny)(t, q, rows * o->n_out) && T(is_tiny)(t, q, o->n_in * o->n_out);
}

/* as `dense` of layers.h */
static void T(tiny_dense)(const operation *o, REAL *const *p, int64_t rows)
{
    const product_shape s = T(dense_shape)(o, rows);
    const REAL *bias = o->code == PRODUCT_FORWARD ? p[3] : NULL, factor = (REAL)o->options[1];
    const int64_t all = s.m * s.n;
    for (int64_t first = 0; first < all; first += LANES) {
        const MASK element = T(count_from)(first), i = T(divided)(element, s.n), j = element - i * (WHOLE)s.n;
        MASK at_a = i * (WHOLE)s.a_row, at_b = j * (WHOLE)s.b_col;
        VEC sum = {0};
        for (int64_t k = 0; k < s.k; k++) {
            sum = T(fma)(T(pick_from)(p[0], s.m * s.k, at_a), T(pick_from)(p[1], s.k * s.n, at_b), sum);
            at_a += (WHOLE)s.a_col;
            at_b += (WHOLE)s.b_row;
        }
        if (o->code == PRODUCT_FORWARD)
            sum *= factor;
        if (bias)
            sum += T(pick_from)(bias, s.n, j);
        T(store_some)(p[2] + first, sum, o->code == PRODUCT_WEIGHT ? all - first : LANES);
    }
    if (o->code == PRODUCT_FORWARD && p[4]) {
        const T(activation) f = {.kind = o->variant, .option = (REAL)o->options[0], .factor = 1, .bias = T(no_bias), .period = LANES};
        T(activate_registers)(&f, p[2], NULL, p[4], all, 0);
    }
    if (o->code == PRODUCT_INPUT && p[3]) {
        const T(activation_slope) f = {.kind = o->variant, .option = (REAL)o->options[0]};
        T(slope_registers)(&f, p[2], p[3], p[4], p[2], all);
    }
}

/* as `column_sum` of columns.h, for at most BLOCK_ROWS rows */
static void T(tiny_column_sum)(const REAL *dy, REAL *d, int64_t rows, int64_t n)
{
    for (int64_t first = 0; first < n; first += LANES) {
        MASK at = T(count_from)(first);
        VEC sum = {0};
        for (int64_t i = 0; i < rows; i++, at += (WHOLE)n)
            sum += T(pick_from)(dy, rows * n, at);
        T(store_some)(d + first, sum, n - first);
    }
}
