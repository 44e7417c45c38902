/* The update: one pass over parameters, gradients and the optimizer's state, with decay and moving average in the same
 * pass; equal to optimizers/sgd.py, adam.py, rmsprop.py and to training/step.py for the average.
 */

typedef struct {
    REAL *p, *g, *slot1, *slot2, *average;
    const REAL *rate_factor, *decay_factor;
} T(vectors);

/* n: a multiple of LANES */
static void T(update_registers)(const program *q, const step_rates *s, T(vectors) v, int64_t n)
{
    const int moments = !q->rate_correction;
    const double scale = 1 / s->correction1 * (moments ? 1 : __builtin_sqrt(s->correction2));
    const VEC rate0 = T(all)((REAL)(s->rate * s->rate_factor)), decay0 = T(all)((REAL)(s->decay * s->decay_factor));
    const VEC both0 = T(all)((REAL)(s->rate * s->rate_factor * s->decay * s->decay_factor));
    const VEC adam0 = T(all)((REAL)(s->rate * s->rate_factor * scale));
    const REAL root_scale = (REAL)(moments ? 1 / __builtin_sqrt(s->correction2) : 1), epsilon = (REAL)q->epsilon;
    const REAL momentum = (REAL)q->momentum;
    const REAL beta1 = (REAL)q->beta1, rest1 = (REAL)(1 - q->beta1), beta2 = (REAL)q->beta2, rest2 = (REAL)(1 - q->beta2);
    const REAL average_step = (REAL)s->average_step;
    const int decays = s->decay * s->decay_factor != 0 && s->rate * s->rate_factor != 0;

#define EACH(body)                                                                                    \
    for (int64_t i = 0; i < n; i += LANES) {                                                          \
        VEC p = T(load)(v.p + i);                                                                     \
        const VEC g = T(load)(v.g + i);                                                               \
        VEC rate = rate0, own = T(all)(1);                                                            \
        if (v.rate_factor) {                                                                          \
            own = T(load)(v.rate_factor + i);                                                         \
            rate = (REAL)s->rate * (own * (REAL)s->rate_factor);                                      \
        }                                                                                             \
        if (decays) {                                                                                 \
            const VEC both = v.decay_factor ? rate * ((REAL)s->decay * (T(load)(v.decay_factor + i) * (REAL)s->decay_factor)) \
                             : v.rate_factor ? rate * decay0 : both0;                                 \
            p -= both * p;                                                                            \
        }                                                                                             \
        body                                                                                          \
        T(store)(v.p + i, p);                                                                         \
        if (v.average) {                                                                              \
            const VEC a = T(load)(v.average + i);                                                     \
            T(store)(v.average + i, a + average_step * (p - a));                                      \
        }                                                                                             \
    }
    switch (q->optimizer) {
    case SGD:
        if (q->momentum == 0)
            EACH(p -= rate * g;)
        else if (q->inside)
            EACH(VEC u = T(load)(v.slot1 + i) * momentum; u -= rate * g; T(store)(v.slot1 + i, u);
                 p += q->nesterov ? momentum * u - rate * g : u;)
        else
            EACH(VEC u = T(load)(v.slot1 + i) * momentum; u += g; T(store)(v.slot1 + i, u);
                 p -= rate * (q->nesterov ? g + momentum * u : u);)
        break;
    case ADAM:
        EACH(VEC m = T(load)(v.slot1 + i) * beta1 + rest1 * g; VEC u = T(load)(v.slot2 + i) * beta2 + rest2 * (g * g);
             T(store)(v.slot1 + i, m); T(store)(v.slot2 + i, u);
             p -= (v.rate_factor ? own * adam0 : adam0) * (m / (T(root)(u) * root_scale + epsilon));)
        break;
    case RMSPROP:
        EACH(VEC u = T(load)(v.slot1 + i) * beta1 + rest1 * (g * g); T(store)(v.slot1 + i, u);
             p -= rate * (g / (T(root)(u) + epsilon));)
        break;
    }
#undef EACH
}

static void T(update)(const team *t, const program *q, const step_rates *s, T(vectors) v)
{
    const int64_t whole = q->n_parameters / LANES, left = q->n_parameters % LANES;
    REAL **const arrays[] = {&v.p, &v.g, &v.slot1, &v.slot2, &v.average, (REAL **)&v.rate_factor, (REAL **)&v.decay_factor};
    enum { N = sizeof arrays / sizeof *arrays };
    const range r = share(t, whole);
    T(vectors) mine = v;
    REAL **const own[] = {&mine.p, &mine.g, &mine.slot1, &mine.slot2, &mine.average, (REAL **)&mine.rate_factor,
                          (REAL **)&mine.decay_factor};
    for (int k = 0; k < N; k++)
        if (*arrays[k])
            *own[k] = *arrays[k] + r.first * LANES;
    T(update_registers)(q, s, mine, (r.last - r.first) * LANES);
    if (left && t->thread == t->threads - 1) { /* the last numbers do not fill a register: work on a copy */
        REAL copy[N][LANES];
        for (int k = 0; k < N; k++)
            if (*arrays[k]) {
                memset(copy[k], 0, sizeof copy[k]);
                memcpy(copy[k], *arrays[k] + whole * LANES, (size_t)left * sizeof(REAL));
                *own[k] = copy[k];
            }
        T(update_registers)(q, s, mine, LANES);
        for (int k = 0; k < 5; k++)
            if (*arrays[k])
                memcpy(*arrays[k] + whole * LANES, copy[k], (size_t)left * sizeof(REAL));
    }
}

/* losses/penalty.py: adds its slope to g and returns its value */
static double T(penalty)(const program *q, const REAL *p, REAL *g, const REAL *factor)
{
    double absolute = 0, square = 0;
    const REAL l1 = (REAL)q->l1, l2 = (REAL)q->l2;
    for (int64_t i = 0; i < q->n_parameters; i++) {
        const REAL f = factor ? factor[i] : 1, sign = p[i] > 0 ? 1 : p[i] < 0 ? -1 : p[i];
        absolute += (double)(FABS(p[i]) * f);
        square += (double)(p[i] * p[i] * f);
        if (g)
            g[i] += f * (l1 * sign + l2 * p[i]);
    }
    return q->l1 * absolute + q->l2 / 2 * square;
}

/* the norm of n numbers: squares in 16 lanes of float64, joined in the one tree */
static double T(norm)(const REAL *g, int64_t n)
{
    double lane[16] = {0};
    const int64_t whole = n - n % 16;
    for (int64_t i = 0; i < whole; i += 16)
        for (int k = 0; k < 16; k++)
            lane[k] += (double)g[i + k] * (double)g[i + k];
    for (int64_t i = whole; i < n; i++)
        lane[i % 16] += (double)g[i] * (double)g[i];
    for (int h = 8; h; h /= 2)
        for (int k = 0; k < h; k++)
            lane[k] += lane[k + h];
    return __builtin_sqrt(lane[0]);
}

/* 0 x is 0 for a finite x, and NaN otherwise */
static int T(all_finite)(const REAL *p, int64_t n)
{
    int64_t wrong = 0;
    for (int64_t i = 0; i < n; i++)
        wrong += !(p[i] * 0 == 0);
    return wrong == 0;
}
