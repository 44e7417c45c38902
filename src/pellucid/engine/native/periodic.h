/* Periodic embeddings; equal to layers/periodic.py and layers/periodic_embedding.py.
 *
 * A lane is a row, so that nothing crosses lanes but the sums over rows: those run in 16 lanes, row i in lane i % 16,
 * and are joined in the one tree. Threads take rows on the way there and columns of x on the way back.
 *
 * `kept` holds for each column j, rows side by side and padded to a multiple of 16: the cosines of its waves, their
 * sines, the slopes of its outputs, x, and the slope of x. Parameters: frequencies, phases, weights, biases.
 */

typedef struct {
    int64_t n, waves, each, padded; /* columns, waves and outputs of each, rows as they lie in `kept` */
    REAL *cosine, *sine, *slope, *x, *dx;
} T(periodic_arrays);

static T(periodic_arrays) T(periodic_of)(const operation *o, REAL *kept, int64_t rows)
{
    const int64_t n = o->n_in, waves = o->width, each = o->n_out / n - 1, padded = (rows + 15) / 16 * 16;
    const int64_t all = n * padded;
    REAL *sine = kept + all * waves, *slope = sine + all * waves, *x = slope + all * each;
    return (T(periodic_arrays)){n, waves, each, padded, kept, sine, slope, x, x + all};
}

static void T(periodic)(const team *t, const operation *o, const REAL *x, const REAL *parameters, REAL *y, REAL *kept,
                        int64_t rows)
{
    const T(periodic_arrays) a = T(periodic_of)(o, kept, rows);
    const int64_t all = a.n * a.waves;
    const REAL *frequency = parameters, *phase = frequency + all, *weight = phase + all, *bias = weight + all * a.each;
    const range r = share(t, rows);
    for (int64_t i = r.first; i < r.last; i += LANES) {
        const int64_t here = r.last - i < LANES ? r.last - i : LANES;
        for (int64_t l = i; l < i + here; l++)
            T(copy)(y + l * o->n_out, x + l * a.n, a.n);
        for (int64_t j = 0; j < a.n; j++) {
            REAL *own = a.x + j * a.padded + i, *h = a.cosine + j * a.waves * a.padded + i, lane[LANES];
            for (int64_t l = 0; l < here; l++)
                own[l] = x[(i + l) * a.n + j];
            const VEC v = T(load_some)(own, here);
            for (int64_t k = 0; k < a.waves; k++) {
                VEC cos, sin;
                T(wave)(T(fma)(v, T(all)(frequency[j * a.waves + k]), T(all)(phase[j * a.waves + k])), &cos, &sin);
                T(store_some)(h + k * a.padded, cos, here);
                T(store_some)(h + k * a.padded + (a.sine - a.cosine), sin, here);
            }
            for (int64_t d = 0; d < a.each; d++) {
                VEC sum = {0};
                for (int64_t k = 0; k < a.waves; k++)
                    sum = T(fma)(T(load)(h + k * a.padded), T(all)(weight[(j * a.waves + k) * a.each + d]), sum);
                T(store)(lane, sum + bias[j * a.each + d]);
                for (int64_t l = 0; l < here; l++)
                    y[(i + l) * o->n_out + a.n + j * a.each + d] = lane[l];
            }
        }
    }
}

INLINE REAL T(sum_of_lanes)(const REAL *v, int64_t rows)
{
    T(lanes) total = {0};
    EACH16(rows, total, T(load_first)(v + j, left, 0))
    return T(join)(total);
}

static void T(periodic_backward)(const team *t, const operation *o, const REAL *dy, const REAL *parameters, REAL *kept,
                                 REAL *gradients, REAL *dx, int64_t rows)
{
    const T(periodic_arrays) a = T(periodic_of)(o, kept, rows);
    const int64_t all = a.n * a.waves;
    const REAL *frequency = parameters, *weight = parameters + 2 * all;
    REAL *d_frequency = gradients, *d_phase = d_frequency + all, *d_weight = d_phase + all;
    REAL *d_bias = d_weight + all * a.each;
    const REAL two_pi = (REAL)-6.283185307179586;
    const range r = share(t, a.n);
    for (int64_t j = r.first; j < r.last; j++) {
        const REAL *x = a.x + j * a.padded;
        REAL *slope = a.slope + j * a.each * a.padded, *own = a.dx + j * a.padded;
        for (int64_t i = 0; i < rows; i++)
            for (int64_t d = 0; d < a.each; d++)
                slope[d * a.padded + i] = dy[i * o->n_out + a.n + j * a.each + d];
        for (int64_t d = 0; d < a.each; d++)
            d_bias[j * a.each + d] = T(sum_of_lanes)(slope + d * a.padded, rows);
        if (dx)
            memset(own, 0, (size_t)a.padded * sizeof(REAL));
        for (int64_t k = 0; k < a.waves; k++) {
            const int64_t w = j * a.waves + k;
            const REAL *h = a.cosine + w * a.padded, *s = a.sine + w * a.padded, *v = weight + w * a.each;
            for (int64_t d = 0; d < a.each; d++) {
                T(lanes) sum = {0};
                for (int64_t i = 0; i < rows; i += 16)
                    for (int part = 0; part < PARTS && i + part * LANES < rows; part++) {
                        const int64_t at = i + part * LANES;
                        sum.part[part] = T(fma)(T(load_first)(h + at, rows - at, 0),
                                                T(load_first)(slope + d * a.padded + at, rows - at, 0), sum.part[part]);
                    }
                d_weight[w * a.each + d] = T(join)(sum);
            }
            T(lanes) with_x = {0}, alone = {0};
            for (int64_t i = 0; i < rows; i += 16)
                for (int part = 0; part < PARTS && i + part * LANES < rows; part++) {
                    const int64_t at = i + part * LANES, left = rows - at;
                    VEC dh = {0};
                    for (int64_t d = 0; d < a.each; d++)
                        dh = T(fma)(T(load_first)(slope + d * a.padded + at, left, 0), T(all)(v[d]), dh);
                    const VEC d_turns = dh * T(load_first)(s + at, left, 0);
                    with_x.part[part] = T(fma)(d_turns, T(load_first)(x + at, left, 0), with_x.part[part]);
                    alone.part[part] += d_turns;
                    if (dx)
                        T(store)(own + at, T(fma)(d_turns, T(all)(frequency[w]), T(load)(own + at)));
                }
            d_frequency[w] = two_pi * T(join)(with_x);
            d_phase[w] = two_pi * T(join)(alone);
        }
        if (dx)
            for (int64_t i = 0; i < rows; i++)
                dx[i * a.n + j] = dy[i * o->n_out + j] + two_pi * own[i];
    }
}
