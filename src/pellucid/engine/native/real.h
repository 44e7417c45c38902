/* The type that the kernels compute in: included twice, with REAL_BITS 32 and 64, before the kernels' own headers.
 *
 * T(name) is the name for this type, VEC a register of LANES numbers. `lanes` is the order of every sum across columns:
 * element j goes to lane j % 16, and the 16 lanes are joined in one tree (i + (i + 8), then 4, 2, 1) whatever the width
 * of a register.
 */
#undef REAL
#undef VEC
#undef MASK
#undef WHOLE
#undef LANES
#undef T
#undef PARTS
#undef SQRT
#undef FMA
#undef FABS

#if REAL_BITS == 32
#define REAL float
#define VEC f32v
#define MASK i32v
#define WHOLE int32_t
#define LANES F32_LANES
#define T(name) name##_f32
#define SQRT __builtin_sqrtf
#define FMA __builtin_fmaf
#define FABS __builtin_fabsf
#else
#define REAL double
#define VEC f64v
#define MASK i64v
#define WHOLE int64_t
#define LANES F64_LANES
#define T(name) name##_f64
#define SQRT __builtin_sqrt
#define FMA __builtin_fma
#define FABS __builtin_fabs
#endif
#define PARTS (16 / LANES)

INLINE VEC T(choose)(MASK yes, VEC a, VEC b)
{
    return (VEC)((yes & (MASK)a) | (~yes & (MASK)b));
}

/* np.maximum(z, 0) and np.minimum(z, 0): NaN stays NaN, -0 becomes 0 */
INLINE VEC T(above)(VEC z) { return T(choose)(z <= 0, (VEC){0}, z); }
INLINE VEC T(below)(VEC z) { return T(choose)(z >= 0, (VEC){0}, z); }

INLINE VEC T(root)(VEC a)
{
    VEC r;
    for (int i = 0; i < LANES; i++)
        r[i] = SQRT(a[i]);
    return r;
}

/* the first n lanes are true */
INLINE MASK T(first)(int64_t n)
{
    MASK index;
    for (int i = 0; i < LANES; i++)
        index[i] = i;
    WHOLE bound = n < LANES ? (WHOLE)n : LANES;
    return index < (bound - (MASK){0});
}

/* copy n numbers: whole registers, then halves, quarters, ..., as the bits of n say; cheaper than a call of memcpy */
INLINE void T(copy)(REAL *to, const REAL *from, int64_t n)
{
    for (; n >= LANES; n -= LANES, to += LANES, from += LANES)
        T(store)(to, T(load)(from));
    for (int part = LANES / 2; part; part /= 2)
        if (n & part) {
            memcpy(to, from, (size_t)part * sizeof(REAL));
            to += part;
            from += part;
        }
}

/* n numbers of memory that may end there */
INLINE VEC T(load_some)(const REAL *p, int64_t n)
{
    if (n >= LANES)
        return T(load)(p);
    REAL lane[LANES] = {0};
    T(copy)(lane, p, n);
    return T(load)(lane);
}

INLINE void T(store_some)(REAL *p, VEC v, int64_t n)
{
    if (n >= LANES)
        T(store)(p, v);
    else {
        REAL lane[LANES];
        T(store)(lane, v);
        T(copy)(p, lane, n);
    }
}

/* n numbers of memory that goes on beyond them, and `fill` in the other lanes; n may be 0 or less */
INLINE VEC T(load_first)(const REAL *p, int64_t n, REAL fill)
{
    if (n >= LANES)
        return T(load)(p);
    return n > 0 ? T(choose)(T(first)(n), T(load)(p), T(all)(fill)) : T(all)(fill);
}

typedef struct {
    VEC part[PARTS];
} T(lanes);

INLINE REAL T(join)(T(lanes) s)
{
    for (int h = PARTS / 2; h; h /= 2)
        for (int i = 0; i < h; i++)
            s.part[i] += s.part[i + h];
    REAL a[LANES];
    T(store)(a, s.part[0]);
    for (int h = LANES / 2; h; h /= 2)
        for (int i = 0; i < h; i++)
            a[i] += a[i + h];
    return a[0];
}

/* the sum of f(j) over n columns of a row in the workspace; EACH16 gives VEC v of the register that starts at column j */
#define EACH16(n, sums, expression)                                  \
    for (int64_t j16_ = 0; j16_ < (n); j16_ += 16)                   \
        for (int part_ = 0; part_ < PARTS; part_++) {                \
            const int64_t j = j16_ + part_ * LANES, left = (n) - j;  \
            if (left <= 0)                                           \
                break;                                               \
            (sums).part[part_] += (expression);                      \
        }
