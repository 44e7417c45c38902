/* Periodic embeddings; equal to layers/periodic.py, periodic_embedding.py (it mixes waves) and periodic_features.py.
 *
 * A lane is a row, so that nothing crosses lanes but the sums over rows: those run in 16 lanes, row i in lane i % 16,
 * and are joined in the one tree. Threads take rows on the way there and columns of x on the way back.
 *
 * `kept` holds for each column, with rows side by side and padded to a multiple of 16: the cosines of its waves, their
 * sines, the slopes of its outputs, x, the slope of x, and a place for the slope of one wave. Parameters: frequencies,
 * phases, weights, biases.
 */

typedef struct {
    int64_t n, waves, each, padded; /* columns, waves and outputs of each, rows as they lie in `kept` */
    REAL *cosine, *sine, *slope, *x, *dx, *dh;
} T(periodic_arrays);

static T(periodic_arrays) T(periodic_of)(const operation *o, REAL *kept, int64_t rows)
{
    const int64_t n = o->n_in, waves = o->width, each = o->n_out / n - 1, padded = (rows + 15) / 16 * 16;
    const int64_t all = n * padded;
    REAL *sine = kept + all * waves, *slope = sine + all * waves, *x = slope + all * each;
    return (T(periodic_arrays)){n, waves, each, padded, kept, sine, slope, x, x + all, x + 2 * all};
}

static void T(periodic)(const team *t, const operation *o, const REAL *x, const REAL *parameters, REAL *y, REAL *kept,
                        int64_t rows)
{
    const T(periodic_arrays) a = T(periodic_of)(o, kept, rows);
    const int64_t all = a.n * a.waves;
    const REAL *frequency = parameters, *phase = frequency + all, *weight = phase + all;
    const REAL *bias = weight + all * (o->variant ? a.each : 1);
    const range r = share(t, rows);
    const int64_t end = r.last == rows ? a.padded : r.last; /* what pads the rows is made, too: nothing there is a NaN */
    for (int64_t i = r.first; i < end; i += LANES) {
        const int64_t room = end - i < LANES ? end - i : LANES, left = r.last - i, here = left < room ? left : room;
        for (int64_t l = i; l < i + here; l++)
            T(copy)(y + l * o->n_out, x + l * a.n, a.n);
        for (int64_t j = 0; j < a.n; j++) {
            REAL *own = a.x + j * a.padded + i, *h = a.cosine + j * a.waves * a.padded + i, lane[LANES];
            for (int64_t l = 0; l < room; l++)
                own[l] = l < here ? x[(i + l) * a.n + j] : 0;
            const VEC v = T(load_some)(own, room);
            for (int64_t k = 0; k < a.waves; k++) {
                VEC cos, sin;
                T(wave)(T(fma)(v, T(all)(frequency[j * a.waves + k]), T(all)(phase[j * a.waves + k])), &cos, &sin);
                T(store_some)(h + k * a.padded, cos, room);
                T(store_some)(h + k * a.padded + (a.sine - a.cosine), sin, room);
            }
            for (int64_t d = 0; d < a.each; d++) {
                VEC sum = {0};
                for (int64_t k = 0; o->variant && k < a.waves; k++)
                    sum = T(fma)(T(load)(h + k * a.padded), T(all)(weight[(j * a.waves + k) * a.each + d]), sum);
                if (!o->variant)
                    sum = T(load)(h + d * a.padded) * weight[j * a.waves + d];
                T(store)(lane, sum + bias[j * a.each + d]);
                for (int64_t l = 0; l < here; l++)
                    y[(i + l) * o->n_out + a.n + j * a.each + d] = lane[l];
            }
        }
    }
}

/* EACH_ROW gives `at`, the first row of a register, and `part`, its place among the 16 lanes */
#define EACH_ROW(padded)                                \
    for (int64_t row_ = 0; row_ < (padded); row_ += 16) \
        for (int64_t part = 0, at = row_; part < PARTS; part++, at += LANES)

typedef struct {
    T(lanes) with_x, alone, with_h[4];
} T(wave_sums);

/* One wave back: from `each` outputs from `first` on, at most 4, through their weights v. Their part of dh is added to
   that in dh_, where there is one; the last ones make the slopes of the turns of it, and with dx add those, times the
   frequency, to it. */
INLINE T(wave_sums) T(wave_back)(const T(periodic_arrays) *a, int64_t j, int64_t w, int64_t first, const int64_t each,
                                 const REAL *v, REAL frequency, REAL *dh_, const int last, REAL *dx)
{
    const int64_t padded = a->padded;
    const REAL *h = a->cosine + w * padded, *s = a->sine + w * padded, *x = a->x + j * padded;
    const REAL *slope = a->slope + (j * a->each + first) * padded;
    T(wave_sums) sums = {0};
    EACH_ROW(padded) {
        const VEC cosine = T(load)(h + at);
        VEC dh = dh_ && first ? T(load)(dh_ + at) : (VEC){0};
        for (int64_t d = 0; d < each; d++) {
            const VEC e = T(load)(slope + d * padded + at);
            sums.with_h[d].part[part] = T(fma)(cosine, e, sums.with_h[d].part[part]);
            dh = T(fma)(e, T(all)(v[d]), dh);
        }
        if (!last) {
            T(store)(dh_ + at, dh);
            continue;
        }
        const VEC d_turns = dh * T(load)(s + at);
        sums.with_x.part[part] = T(fma)(d_turns, T(load)(x + at), sums.with_x.part[part]);
        sums.alone.part[part] += d_turns;
        if (dx)
            T(store)(dx + at, T(fma)(d_turns, T(all)(frequency), T(load)(dx + at)));
    }
    return sums;
}

static void T(periodic_backward)(const team *t, const operation *o, const REAL *dy, const REAL *parameters, REAL *kept,
                                 REAL *gradients, REAL *dx, int64_t rows)
{
    const T(periodic_arrays) a = T(periodic_of)(o, kept, rows);
    const int64_t all = a.n * a.waves, each = a.each, padded = a.padded;
    const REAL *weight = parameters + 2 * all;
    REAL *d_weight = gradients + 2 * all, *d_bias = d_weight + all * (o->variant ? each : 1);
    const REAL minus_two_pi = (REAL)-6.283185307179586;
    const range r = share(t, a.n);
    for (int64_t j = r.first; j < r.last; j++) {
        REAL *slope = a.slope + j * each * padded, *own = dx ? a.dx + j * padded : NULL;
        for (int64_t i = 0; i < padded; i++)
            for (int64_t d = 0; d < each; d++)
                slope[d * padded + i] = i < rows ? dy[i * o->n_out + a.n + j * each + d] : 0;
        for (int64_t d = 0; d < each; d++) {
            T(lanes) sum = {0};
            EACH_ROW(padded) sum.part[part] += T(load)(slope + d * padded + at);
            d_bias[j * each + d] = T(join)(sum);
        }
        if (own)
            memset(own, 0, (size_t)padded * sizeof(REAL));
        for (int64_t w = j * a.waves; w < (j + 1) * a.waves; w++) {
            const REAL *v = weight + w * each, frequency = parameters[w];
            T(wave_sums) sums;
            if (!o->variant) {
                sums = T(wave_back)(&a, j, w, w - j * a.waves, 1, weight + w, frequency, NULL, 1, own);
                d_weight[w] = T(join)(sums.with_h[0]);
            }
            for (int64_t d = 0; o->variant && d < each; d += 4) {
                const int64_t some = each - d < 4 ? each - d : 4;
                if (each == 3) /* what is usual, without loops */
                    sums = T(wave_back)(&a, j, w, 0, 3, v, frequency, NULL, 1, own);
                else
                    sums = T(wave_back)(&a, j, w, d, some, v + d, frequency, a.dh + j * padded, d + 4 >= each, own);
                for (int64_t k = 0; k < some; k++)
                    d_weight[w * each + d + k] = T(join)(sums.with_h[k]);
            }
            gradients[w] = minus_two_pi * T(join)(sums.with_x);
            gradients[all + w] = minus_two_pi * T(join)(sums.alone);
        }
        for (int64_t i = 0; own && i < rows; i++)
            dx[i * a.n + j] = dy[i * o->n_out + j] + minus_two_pi * own[i];
    }
}
#undef EACH_ROW
