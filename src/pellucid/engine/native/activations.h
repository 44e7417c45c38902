/* Elementwise activations, value and slope, over whole registers; equal to activations.py formula by formula. */

INLINE VEC T(step)(VEC z)
{
    return T(choose)(z > 0, T(all)(1), T(choose)(z <= 0, (VEC){0}, z));
}

/* z cut at ±800, beyond which it meets a 0 */
INLINE VEC T(cut_below)(VEC z) { return T(choose)(z < -800, T(all)(-800), z); }
INLINE VEC T(cut)(VEC z) { return T(choose)(z > 800, T(all)(800), T(cut_below)(z)); }

/* np.clip(e, -limit, limit) */
INLINE VEC T(clip)(VEC e, REAL limit)
{
    return T(choose)(e > limit, T(all)(limit), T(choose)(e < -limit, T(all)(-limit), e));
}

/* tanh(softplus(z)) = n / (n + m) and sigmoid(z) = p / (p + q), with p = exp(min(z, 0)), q = exp(-max(z, 0)): one of
   them is 1, so one exponential does. All sums lie between 1 and 5. */
INLINE void T(mish_parts)(VEC z, VEC *p, VEC *q, VEC *n, VEC *m)
{
    const VEC e = T(exp)(T(choose)(z > 0, -z, z));
    *p = T(choose)(z > 0, T(all)(1), e);
    *q = T(choose)(z > 0, e, T(all)(1));
    *n = *p * (*p + 2 * *q);
    *m = 2 * *q * *q;
}

#define SELU_SCALE ((REAL)1.0507009873554804934)
#define SELU_ALPHA ((REAL)(1.0507009873554804934 * 1.6732632423543772848))

INLINE VEC T(mish)(VEC z)
{
    VEC p, q, n, m;
    T(mish_parts)(z, &p, &q, &n, &m);
    return T(cut_below)(z) * (n / (n + m));
}

/* t + z (1 - t) (1 + t) sigmoid(z) with t = n / (n + m), with one division for all */
INLINE VEC T(mish_slope)(VEC z)
{
    VEC p, q, n, m;
    T(mish_parts)(z, &p, &q, &n, &m);
    const VEC inverse = 1 / ((n + m) * (p + q)), t = n * (p + q) * inverse;
    return t + T(cut)(z) * (m * p * inverse) * (1 + t);
}

INLINE VEC T(silu_slope)(VEC z)
{
    const VEC s = T(sigmoid)(z);
    return s * (1 + T(cut)(z) * (1 - s));
}

/* What makes activations of a product: z = product factor + bias, a = f(z). `bias` holds the biases of the columns over
   and over, `period` numbers (a multiple of n) and a register more. The product may lie in z or a; z may be null. */
typedef struct {
    int64_t kind;
    REAL option, factor;
    const REAL *bias;
    int64_t period, n, first_column; /* of the product's, where it has only some of the n */
    const REAL *product;
    REAL *z, *a;
} T(activation);

/* What makes the gradient of a product: dz = da f'(z); dz may be da, and z the same array as a. */
typedef struct {
    int64_t kind;
    REAL option;
    int64_t n, first_column;
    const REAL *da, *z, *a;
    REAL *dz;
} T(activation_slope);

/* `count` numbers in whole registers; `at` is where the first one's bias lies */
static void T(activate_registers)(const T(activation) *f, const REAL *product, REAL *z_, REAL *a_, int64_t count,
                                  int64_t at)
{
    const REAL option = f->option, factor = f->factor, *bias = f->bias;
    const int64_t period = f->period;
#define CASE(name, value)                                                    \
    case name:                                                               \
        for (int64_t i = 0; i < count; i += LANES) {                         \
            const VEC z = T(load)(product + i) * factor + T(load)(bias + at);   \
            at += LANES;                                                     \
            at = at < period ? at : at - period;                             \
            if (z_)                                                          \
                T(store)(z_ + i, z);                                         \
            T(store)(a_ + i, value);                                         \
        }                                                                    \
        break;
    switch (f->kind) {
        CASE(IDENTITY, z)
        CASE(SIGMOID, T(sigmoid)(z))
        CASE(TANH, T(tanh)(z))
        CASE(RELU, T(above)(z))
        CASE(LEAKY_RELU, T(above)(z) + option * T(below)(z))
        CASE(ELU, T(above)(z) + option * T(expm1)(T(below)(z)))
        CASE(SELU, SELU_SCALE * T(above)(z) + SELU_ALPHA * T(expm1)(T(below)(z)))
        CASE(GELU, T(cut_below)(z) * T(normal_cdf)(z))
        CASE(SILU, T(cut_below)(z) * T(sigmoid)(z))
        CASE(MISH, T(mish)(z))
        CASE(SOFTPLUS, T(softplus)(z))
    }
#undef CASE
}

static void T(slope_registers)(const T(activation_slope) *f, const REAL *da_, const REAL *z_, const REAL *a_, REAL *dz_,
                               int64_t count)
{
    const REAL option = f->option;
#define CASE(name, slope)                                                    \
    case name:                                                               \
        for (int64_t i = 0; i < count; i += LANES) {                         \
            const VEC z = T(load)(z_ + i), a = T(load)(a_ + i);              \
            (void)z, (void)a;                                                \
            T(store)(dz_ + i, T(load)(da_ + i) * (slope));                   \
        }                                                                    \
        break;
    switch (f->kind) {
        CASE(IDENTITY, 1)
        CASE(SIGMOID, a * (1 - a))
        CASE(TANH, 1 - a * a)
        CASE(RELU, T(step)(z))
        CASE(LEAKY_RELU, T(step)(z) + option * (1 - T(step)(z)))
        CASE(ELU, T(step)(z) + option * (1 - T(step)(z)) * T(exp)(T(below)(z)))
        CASE(SELU, SELU_SCALE * T(step)(z) + SELU_ALPHA * (1 - T(step)(z)) * T(exp)(T(below)(z)))
        CASE(GELU, T(normal_cdf)(z) + T(cut)(z) * T(normal_density)(z))
        CASE(SILU, T(silu_slope)(z))
        CASE(MISH, T(mish_slope)(z))
        CASE(SOFTPLUS, T(sigmoid)(z))
    }
#undef CASE
}

/* Both do a span of numbers that lie side by side; the last ones, which do not fill a register, in a copy, because what
   lies behind them may be another thread's. */
static void T(activate_span)(const T(activation) *f, int64_t first, int64_t last, int64_t column)
{
    const int64_t left = (last - first) % LANES, whole = last - left;
    T(activate_registers)(f, f->product + first, f->z ? f->z + first : NULL, f->a + first, whole - first, column);
    if (left) {
        REAL z[LANES], a[LANES];
        T(activate_registers)(f, f->product + whole, z, a, LANES, (column + whole - first) % f->period);
        memcpy(f->a + whole, a, (size_t)left * sizeof(REAL));
        if (f->z)
            memcpy(f->z + whole, z, (size_t)left * sizeof(REAL));
    }
}

static void T(slope_span)(const T(activation_slope) *f, int64_t first, int64_t last)
{
    const int64_t left = (last - first) % LANES, whole = last - left;
    T(slope_registers)(f, f->da + first, f->z + first, f->a + first, f->dz + first, whole - first);
    if (left) {
        REAL dz[LANES];
        T(slope_registers)(f, f->da + whole, f->z + whole, f->a + whole, dz, LANES);
        memcpy(f->dz + whole, dz, (size_t)left * sizeof(REAL));
    }
}

/* rows [top, bottom) x columns [left, right): one span where the rows are whole. product.h, product_end. */
static void T(finish_activation)(const void *given, int64_t top, int64_t bottom, int64_t left, int64_t right)
{
    const T(activation) *f = given;
    left += f->first_column;
    right += f->first_column;
    if (left == 0 && right == f->n)
        T(activate_span)(f, top * f->n, bottom * f->n, 0);
    else
        for (int64_t i = top; i < bottom; i++)
            T(activate_span)(f, i * f->n + left, i * f->n + right, left);
}

static void T(finish_slope)(const void *given, int64_t top, int64_t bottom, int64_t left, int64_t right)
{
    const T(activation_slope) *f = given;
    left += f->first_column;
    right += f->first_column;
    if (left == 0 && right == f->n)
        T(slope_span)(f, top * f->n, bottom * f->n);
    else
        for (int64_t i = top; i < bottom; i++)
            T(slope_span)(f, i * f->n + left, i * f->n + right);
}

static const REAL T(no_bias)[2 * LANES] = {[0 ... 2 * LANES - 1] = -(REAL)0}; /* z + -0 is z, whatever z */

static void T(activate)(const team *t, int64_t kind, REAL option, const REAL *z, REAL *a, int64_t rows, int64_t n)
{
    const range r = share(t, rows);
    const T(activation) f = {kind, option, 1, T(no_bias), LANES, n, 0, z, NULL, a};
    T(finish_activation)(&f, r.first, r.last, 0, n);
}

static void T(activate_backward)(const team *t, int64_t kind, REAL option, const REAL *da, const REAL *z, const REAL *a,
                                 REAL *dz, int64_t rows, int64_t n)
{
    const range r = share(t, rows);
    const T(activation_slope) f = {kind, option, n, 0, da, z, a, dz};
    T(finish_slope)(&f, r.first, r.last, 0, n);
}

INLINE REAL T(row_max)(const REAL *z, int64_t n)
{
    VEC m = T(all)(-(REAL)__builtin_inf());
    for (int64_t j = 0; j < n; j += LANES) {
        const VEC v = T(load_first)(z + j, n - j, -(REAL)__builtin_inf());
        m = T(choose)(v > m, v, m);
    }
    REAL largest = m[0];
    for (int i = 1; i < LANES; i++)
        largest = m[i] > largest ? m[i] : largest;
    return largest;
}

static void T(softmax)(const team *t, const REAL *z, REAL *a, int64_t rows, int64_t n)
{
    const range r = share(t, rows);
    for (int64_t i = r.first; i < r.last; i++) {
        const REAL *zi = z + i * n;
        REAL *ai = a + i * n;
        const VEC largest = T(all)(T(row_max)(zi, n));
        T(lanes) sums = {0};
#define EXPONENTIAL(v) T(exp)(T(choose)((v) == largest, (VEC){0}, (v) - largest))
        EACH16(n, sums, T(choose)(T(first)(left), EXPONENTIAL(T(load)(zi + j)), (VEC){0}))
        const REAL total = T(join)(sums);
        for (int64_t j = 0; j < n; j += LANES) /* the last register computes beyond the row, and stores only the row */
            T(store_some)(ai + j, EXPONENTIAL(T(load)(zi + j)) / total, n - j);
#undef EXPONENTIAL
    }
}

static void T(softmax_backward)(const team *t, const REAL *da, const REAL *a, REAL *dz, int64_t rows, int64_t n)
{
    const range r = share(t, rows);
    for (int64_t i = r.first; i < r.last; i++) {
        const REAL *di = da + i * n, *ai = a + i * n;
        T(lanes) sums = {0};
        EACH16(n, sums, T(load_first)(di + j, left, 0) * T(load_first)(ai + j, left, 0))
        const REAL mean = T(join)(sums);
        for (int64_t j = 0; j < n; j += LANES)
            T(store_some)(dz + i * n + j, T(load)(ai + j) * (T(load)(di + j) - mean), n - j);
    }
}
