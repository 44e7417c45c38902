/* Piecewise linear embeddings, whose curves are linear splines; equal to layers/piecewise_linear_embedding.py.
 *
 * Nothing is multiplied by the shares of all bins. Those before x's own are 1 and those after it 0, so what a curve has
 * risen to at the start of each bin is summed up once for a batch, and a row looks its bin up there. On the way back a
 * row's slopes are added to its bin alone; those of the bins before it follow from sums over the bins.
 *
 * The table of a column: the edges between its bins (NaN after the last, so that no x reaches them), where each bin
 * starts and its rate, and for each bin two lines of outputs: the sum up to it and its weights, or on the way back
 * Σ dy and Σ share dy of its rows. Kept from the way there: the bin of each number, and its share of it. A lane is an
 * output (or a row, in the search), and threads take rows, or columns of x.
 */

typedef struct {
    int64_t n, each, bins, line; /* columns of x, outputs of each, bins of each, numbers of a line */
    REAL *edge, *start, *rate, *lines;
} T(spline_table_of);

INLINE T(spline_table_of) T(spline_column)(const operation *o, REAL *table, int64_t j)
{
    const int64_t each = o->n_out / o->n_in, some = (o->width + 15) / 16 * 16, line = (each + 15) / 16 * 16;
    REAL *edge = table + j * (3 * some + 2 * o->width * line);
    return (T(spline_table_of)){o->n_in, each, o->width, line, edge, edge + some, edge + 2 * some, edge + 3 * some};
}

static void T(spline_table)(const team *t, const operation *o, const REAL *edges, const REAL *weight, const REAL *bias,
                            REAL *table)
{
    const range r = share(t, o->n_in);
    for (int64_t j = r.first; j < r.last; j++) {
        const T(spline_table_of) c = T(spline_column)(o, table, j);
        const REAL *b = edges + j * (c.bins + 1);
        for (int64_t k = 0; k < c.bins; k += LANES) {
            const VEC start = T(load_some)(b + k, c.bins - k), width = T(load_some)(b + k + 1, c.bins - k) - start;
            T(store)(c.start + k, start);
            T(store)(c.rate + k, T(choose)(width > 0, 1 / width, (VEC){0}));
        }
        int64_t last = c.bins - 1;
        while (last > 0 && !(c.rate[last] > 0))
            last--;
        for (int64_t k = 0; k < c.bins; k++)
            c.edge[k] = k < last ? b[k + 1] : (REAL)__builtin_nan("");
        for (int64_t d = 0; d < c.each; d += LANES) {
            VEC sum = T(load_some)(bias + j * c.each + d, c.each - d);
            for (int64_t k = 0; k < c.bins; k++) {
                const VEC rise = T(load_some)(weight + k * o->n_out + j * c.each + d, c.each - d);
                T(store)(c.lines + 2 * k * c.line + d, sum);
                T(store)(c.lines + (2 * k + 1) * c.line + d, rise);
                sum += rise;
            }
        }
    }
}

static void T(spline)(const team *t, const operation *o, const REAL *x, REAL *table, REAL *y, REAL *kept, int64_t rows)
{
    const range r = share(t, rows);
    for (int64_t j = 0; j < o->n_in; j++) {
        const T(spline_table_of) c = T(spline_column)(o, table, j);
        REAL *bin = kept + j * rows, *share_of = bin + o->n_in * rows;
        for (int64_t i = r.first; i < r.last; i += LANES) {
            const int64_t here = r.last - i < LANES ? r.last - i : LANES;
            REAL own[LANES] = {0};
            for (int64_t l = 0; l < here; l++)
                own[l] = x[(i + l) * o->n_in + j];
            const VEC v = T(load)(own);
            MASK reached = {0}; /* minus how many edges */
            for (int64_t k = 0; k < c.bins - 1; k++)
                reached += v >= T(all)(c.edge[k]);
            for (int64_t l = 0; l < here; l++) {
                const int64_t at = -(int64_t)reached[l];
                const REAL part = (own[l] - c.start[at]) * c.rate[at], *line = c.lines + 2 * at * c.line;
                REAL *to = y + (i + l) * o->n_out + j * c.each;
                for (int64_t d = 0; d < c.each; d += LANES)
                    T(store_some)(to + d, T(fma)(T(all)(part), T(load)(line + c.line + d), T(load)(line + d)), c.each - d);
                bin[i + l] = (REAL)at;
                share_of[i + l] = part;
            }
        }
    }
}

static void T(spline_input)(const team *t, const operation *o, const REAL *dy, REAL *table, const REAL *kept, REAL *dx,
                            int64_t rows)
{
    const range r = share(t, rows);
    for (int64_t column = 0; column < o->n_in; column++) {
        const T(spline_table_of) c = T(spline_column)(o, table, column);
        for (int64_t i = r.first; i < r.last; i++) {
            const int64_t at = (int64_t)kept[column * rows + i];
            const REAL *rise = c.lines + (2 * at + 1) * c.line, *slope = dy + i * o->n_out + column * c.each;
            T(lanes) sums = {0};
            EACH16(c.each, sums, T(load_first)(slope + j, left, 0) * T(load)(rise + j))
            dx[i * o->n_in + column] = c.rate[at] * T(join)(sums);
        }
    }
}

static void T(spline_weight)(const team *t, const operation *o, const REAL *dy, const REAL *kept, REAL *table,
                             REAL *d_weight, REAL *d_bias, int64_t rows)
{
    const range r = share(t, o->n_in);
    for (int64_t j = r.first; j < r.last; j++) {
        const T(spline_table_of) c = T(spline_column)(o, table, j);
        const REAL *bin = kept + j * rows, *share_of = bin + o->n_in * rows;
        memset(c.lines, 0, (size_t)(2 * c.bins * c.line) * sizeof(REAL));
        for (int64_t i = 0; i < rows; i++) {
            REAL *line = c.lines + 2 * (int64_t)bin[i] * c.line;
            const REAL *slope = dy + i * o->n_out + j * c.each;
            const VEC part = T(all)(share_of[i]);
            for (int64_t d = 0; d < c.each; d += LANES) {
                const VEC v = T(load)(slope + d);
                T(store)(line + d, T(load)(line + d) + v);
                T(store)(line + c.line + d, T(fma)(part, v, T(load)(line + c.line + d)));
            }
        }
        for (int64_t d = 0; d < c.each; d += LANES) {
            VEC after = {0};
            for (int64_t k = c.bins; k-- > 0;) {
                const REAL *line = c.lines + 2 * k * c.line + d;
                T(store_some)(d_weight + k * o->n_out + j * c.each + d, after + T(load)(line + c.line), c.each - d);
                after += T(load)(line);
            }
            T(store_some)(d_bias + j * c.each + d, after, c.each - d);
        }
    }
}
