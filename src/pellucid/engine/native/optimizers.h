/* The update: one pass over parameters, gradients and the optimizer's state, with decay and moving average in the same
 * pass; equal to optimizers/sgd.py, adam.py, rmsprop.py and to training/step.py for the average.
 */

typedef struct {
    REAL *at[N_VECTORS]; /* null where there is none */
} T(vectors);

/* registers `first` to `last` */
static void T(update_registers)(const program *q, const step_rates *s, T(vectors) v, int64_t first, int64_t last)
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

#define LOAD(name) T(load)(v.at[name] + i)
#define STORE(name, value) T(store)(v.at[name] + i, value)
#define EACH(body)                                                                                    \
    for (int64_t i = first * LANES; i < last * LANES; i += LANES) {                                   \
        VEC p = LOAD(VALUES);                                                                         \
        const VEC g = LOAD(SLOPES);                                                                   \
        VEC rate = rate0, own = T(all)(1);                                                            \
        if (v.at[RATE_FACTOR]) {                                                                      \
            own = LOAD(RATE_FACTOR);                                                                  \
            rate = (REAL)s->rate * (own * (REAL)s->rate_factor);                                      \
        }                                                                                             \
        if (decays) {                                                                                 \
            const VEC both =                                                                          \
                v.at[DECAY_FACTOR] ? rate * ((REAL)s->decay * (LOAD(DECAY_FACTOR) * (REAL)s->decay_factor)) \
                : v.at[RATE_FACTOR] ? rate * decay0 : both0;                                          \
            p -= both * p;                                                                            \
        }                                                                                             \
        body                                                                                          \
        STORE(VALUES, p);                                                                             \
        if (v.at[AVERAGE]) {                                                                          \
            const VEC a = LOAD(AVERAGE);                                                              \
            STORE(AVERAGE, a + average_step * (p - a));                                               \
        }                                                                                             \
    }
    switch (q->optimizer) {
    case SGD:
        if (q->momentum == 0)
            EACH(p -= rate * g;)
        else if (q->inside)
            EACH(VEC u = LOAD(SLOT1) * momentum; u -= rate * g; STORE(SLOT1, u);
                 p += q->nesterov ? momentum * u - rate * g : u;)
        else
            EACH(VEC u = LOAD(SLOT1) * momentum; u += g; STORE(SLOT1, u);
                 p -= rate * (q->nesterov ? g + momentum * u : u);)
        break;
    case ADAM:
        EACH(VEC m = LOAD(SLOT1) * beta1 + rest1 * g; VEC u = LOAD(SLOT2) * beta2 + rest2 * (g * g);
             STORE(SLOT1, m); STORE(SLOT2, u);
             p -= (v.at[RATE_FACTOR] ? own * adam0 : adam0) * (m / (T(root)(u) * root_scale + epsilon));)
        break;
    case RMSPROP:
        EACH(VEC u = LOAD(SLOT1) * beta1 + rest1 * (g * g); STORE(SLOT1, u);
             p -= rate * (g / (T(root)(u) + epsilon));)
        break;
    }
#undef EACH
#undef STORE
#undef LOAD
}

static void T(update)(const team *t, const program *q, const step_rates *s, T(vectors) v)
{
    const int padded = q->vectors >= 0;
    const int64_t whole = (q->n_parameters + (padded ? LANES - 1 : 0)) / LANES, left = q->n_parameters - whole * LANES;
    const range r = share(t, whole);
    T(update_registers)(q, s, v, r.first, r.last);
    if (left > 0 && t->thread == t->threads - 1) { /* the last numbers do not fill a register: work on a copy */
        REAL copies[N_VECTORS][LANES] = {0};
        T(vectors) copied = {0};
        for (int k = 0; k < N_VECTORS; k++)
            if (v.at[k]) {
                copied.at[k] = copies[k];
                T(copy)(copies[k], v.at[k] + whole * LANES, left);
            }
        T(update_registers)(q, s, copied, 0, 1);
        for (int k = 0; k < N_CHANGING; k++)
            if (v.at[k])
                T(copy)(v.at[k] + whole * LANES, copies[k], left);
    }
}

/* 16 lanes of float64 joined in the one tree */
INLINE double T(join_doubles)(double lane[16])
{
    for (int h = 8; h; h /= 2)
        for (int k = 0; k < h; k++)
            lane[k] += lane[k + h];
    return lane[0];
}

/* a register's numbers in float64 */
typedef double T(wide) __attribute__((vector_size(LANES * sizeof(double))));

/* losses/penalty.py: one over what divides the strengths, which may be a batch's sum of weights */
INLINE double T(penalty_share)(const program *q, double total_weight)
{
    const double divisor = q->divided_penalty ? total_weight : 1;
    return divisor > 0 ? 1 / divisor : 0;
}

/* losses/penalty.py: adds the slope of this thread's blocks of parameters to g, and writes what each block adds to the
   value, before it is divided: squares and absolutes in 16 lanes of float64, joined in the one tree. One pass does both,
   as the vectors of a large network no longer lie in the cache. */
static void T(penalty)(const team *t, const program *q, const REAL *p, REAL *g, const REAL *factor, double total_weight,
                       double *terms)
{
    const double one = T(penalty_share)(q, total_weight);
    const REAL l1 = (REAL)(q->l1 * one), l2 = (REAL)(q->l2 * one);
    const range r = share(t, (q->n_parameters + PENALTY_BLOCK - 1) / PENALTY_BLOCK);
    for (int64_t block = r.first; block < r.last; block++) {
        const int64_t first = block * PENALTY_BLOCK, rest = q->n_parameters - first;
        const int64_t end = first + (rest < PENALTY_BLOCK ? rest : PENALTY_BLOCK);
        T(wide) square[PARTS] = {0}, absolute[PARTS] = {0};
        for (int64_t i = first; i < end; i += 16)
            for (int part = 0; part < PARTS; part++) {
                const int64_t j = i + part * LANES, left = end - j;
                if (left <= 0)
                    break;
                const VEC w = T(load_some)(p + j, left), own = factor ? T(load_some)(factor + j, left) : T(all)(1);
                square[part] += __builtin_convertvector(w * w * own, T(wide));
                absolute[part] += __builtin_convertvector(T(choose)(w < 0, -w, w) * own, T(wide));
                const VEC sign = T(choose)(w > 0, T(all)(1), T(choose)(w < 0, T(all)(-1), w));
                T(store_some)(g + j, T(load_some)(g + j, left) + own * (l1 * sign + l2 * w), left);
            }
        double lanes[2][16];
        memcpy(lanes[0], absolute, sizeof absolute);
        memcpy(lanes[1], square, sizeof square);
        terms[block] = q->l1 * T(join_doubles)(lanes[0]) + q->l2 / 2 * T(join_doubles)(lanes[1]);
    }
}

/* the penalty's value, when every thread is done with its blocks */
static double T(penalty_value)(const program *q, const double *terms, double total_weight)
{
    double sum = 0;
    for (int64_t block = 0; block * PENALTY_BLOCK < q->n_parameters; block++)
        sum += terms[block];
    return sum * T(penalty_share)(q, total_weight);
}

/* the norm of n numbers: squares in 16 lanes of float64, joined in the one tree */
static double T(norm)(const REAL *g, int64_t n)
{
    double lane[16] = {0};
    for (int64_t i = 0; i < n; i += 16) {
        REAL part[16] = {0};
        T(copy)(part, g + i, n - i < 16 ? n - i : 16);
#pragma GCC unroll 1 /* or GCC unrolls before it makes vectors of it */
        for (int k = 0; k < 16; k++)
            lane[k] += (double)part[k] * (double)part[k];
    }
    return __builtin_sqrt(T(join_doubles)(lane));
}

/* 0 x is 0 for a finite x, and NaN otherwise */
static int T(all_finite)(const REAL *p, int64_t n)
{
    T(lanes) zeros = {0};
    for (int64_t i = 0; i < n; i += LANES)
        zeros.part[0] += T(load_some)(p + i, n - i) * 0;
    return T(join)(zeros) == 0;
}
