/* The functions of mathematics.h for one type of number; that file says what they are and sets the macros used here.
 *
 * Notation: y = high + low is one number as an unevaluated sum, where low is at most about half a unit in the last
 * place of high. For |a| >= |b|, s = a + b and b - (s - a) are such a pair, exactly (T. J. Dekker, "A floating-point
 * technique for extending the available precision", Numerische Mathematik 18 (1971) 224-242).
 */
#define R(x) ((REAL)(x))
#define TWO_TO_SIGNIFICAND R(BIT(SIGNIFICAND))
#define POLYNOMIAL(name, x) F(polynomial)(x, F(name##_terms), sizeof F(name##_terms) / sizeof(REAL))

/* Two operations that the vector extensions lack: like fma (isa.h) loops over the lanes in GCC, functions in Clang. */
#ifdef __clang__

INLINE VECTOR F(nearest_integer)(VECTOR a) { return __builtin_elementwise_rint(a); }

/* a where the mask is set (a comparison gives such a mask), else b */
INLINE VECTOR F(select)(MASK mask, VECTOR a, VECTOR b) { return (VECTOR)((mask & (MASK)a) | (~mask & (MASK)b)); }

#else

INLINE VECTOR F(nearest_integer)(VECTOR a)
{
    VECTOR r;
#pragma GCC unroll 1
    for (int i = 0; i < LANES; i++)
        r[i] = BUILTIN(rint)(a[i]);
    return r;
}

INLINE VECTOR F(select)(MASK mask, VECTOR a, VECTOR b)
{
    VECTOR r;
#pragma GCC unroll 1
    for (int i = 0; i < LANES; i++)
        r[i] = mask[i] ? a[i] : b[i];
    return r;
}

#endif

INLINE VECTOR F(all)(REAL x) { return x - (VECTOR){0}; }

INLINE VECTOR F(magnitude)(VECTOR x) { return (VECTOR)((BITS)x & (BIT(sizeof(REAL) * 8 - 1) - 1)); }

INLINE VECTOR F(with_sign_of)(VECTOR x, VECTOR y) { return (VECTOR)((BITS)x | ((BITS)y & BIT(sizeof(REAL) * 8 - 1))); }

/* y, but the quiet NaN where x is a NaN: which of two NaNs an instruction hands on is not the same everywhere */
INLINE VECTOR F(unless_nan)(VECTOR x, VECTOR y) { return F(select)(x == x, y, F(all)(R(__builtin_nan("")))); }

/* the smaller of x and a limit; a NaN stays */
INLINE VECTOR F(at_most)(VECTOR x, REAL limit) { return F(select)(x > limit, F(all)(limit), x); }

INLINE VECTOR F(at_least)(VECTOR x, REAL limit) { return F(select)(x < limit, F(all)(limit), x); }

/* Horner's rule; a constant number of terms, constant first */
INLINE VECTOR F(polynomial)(VECTOR x, const REAL *terms, int n)
{
    VECTOR r = F(all)(terms[n - 1]);
#pragma GCC unroll 40
    for (int i = n - 2; i >= 0; i--)
        r = F(fma)(r, x, F(all)(terms[i]));
    return r;
}

/* 2^n for -BIAS < n <= BIAS */
INLINE VECTOR F(power_of_two)(BITS n) { return (VECTOR)((n + BIAS) << SIGNIFICAND); }

/* x 2^n for |n| < 2 BIAS, in two steps: the first is exact for x near 1, the second over- or underflows as it should */
INLINE VECTOR F(scaled)(VECTOR x, BITS n)
{
    BITS half = ((n + (2 * BIAS + 2)) >> 1) - (BIAS + 1); /* a shift of a positive number: AVX2 has no other in 64 bits */
    return x * F(power_of_two)(half) * F(power_of_two)(n - half);
}

/* A number x + x_low as n log 2 + r + r_low with a whole number n and |r| <= log(2)/2, and with growth = exp(r) - 1 - r.
 *
 * Adding 1.5 * 2^SIGNIFICAND rounds to a whole number and leaves it in the lowest bits. The first subtraction is exact:
 * x and n log_2[0] are multiples of the same power of two, and so close that their difference fits. The second adds
 * what log_2[0] lacks.
 *
 * Source: W. J. Cody and W. Waite, "Software manual for the elementary functions", 1980, chapter 6.
 */
typedef struct {
    VECTOR r, r_low, growth;
    BITS n;
} F(reduced);

INLINE F(reduced) F(reduce)(VECTOR x, VECTOR x_low)
{
    F(reduced) y;
    const VECTOR shift = F(all)(R(1.5) * TWO_TO_SIGNIFICAND);
    VECTOR shifted = F(fma)(x, F(all)(F(log2_e)[0]), shift);
    VECTOR n = shifted - shift;
    y.n = (BITS)shifted - (BITS)shift;
    VECTOR first = F(fma)(-n, F(all)(F(log_2)[0]), x);
    VECTOR second = F(fma)(-n, F(all)(F(log_2)[1]), x_low);
    y.r = first + second;
    y.r_low = second - (y.r - first);
    y.growth = y.r * y.r * POLYNOMIAL(exp, y.r);
    return y;
}

/* exp(x + x_low) = 2^n (high + low), with high in [0.7, 1.42] */
typedef struct {
    VECTOR high, low;
    BITS n;
} F(power);

INLINE F(power) F(exp_parts)(VECTOR x, VECTOR x_low)
{
    F(reduced) y = F(reduce)(x, x_low);
    VECTOR sum = 1 + y.r;
    VECTOR rest = F(fma)(y.r_low, sum, y.r - (sum - 1)) + y.growth;
    VECTOR high = sum + rest;
    return (F(power)){high, rest - (high - sum), y.n};
}

INLINE VECTOR F(exp)(VECTOR x)
{
    F(power) e = F(exp_parts)(F(at_least)(F(at_most)(x, EXP_INFINITE), EXP_ZERO), F(all)(0));
    return F(unless_nan)(x, F(scaled)(e.high, e.n));
}

/* exp(x) - 1 = 2^n (exp(r) - 1) + (2^n - 1); all halved, as 2^n may overflow where the result does not */
INLINE VECTOR F(expm1)(VECTOR x)
{
    F(reduced) y = F(reduce)(F(at_least)(F(at_most)(x, EXP_INFINITE), EXPM1_LAST), F(all)(0));
    VECTOR rest = F(fma)(y.r_low, 1 + y.r, y.growth);
    VECTOR high = y.r + rest;
    VECTOR low = rest - (high - y.r);
    VECTOR half_power = F(power_of_two)(y.n - 1);
    VECTOR half = F(fma)(high, half_power, half_power - R(0.5)) + low * half_power;
    VECTOR tiny = F(magnitude)(x) * TWO_TO_SIGNIFICAND; /* below 1/4, the result rounds to x, its sign included */
    return F(unless_nan)(x, F(select)(tiny < R(0.25), x, half + half));
}

/* log(x + x_low) for x > 0 that is neither infinite nor subnormal; |x_low| at most half a unit in the last place of x.
 *
 * With x = m 2^k, sqrt(1/2) <= m < sqrt(2), and m = 1 + f (exact), the logarithm is k log 2 + log(1 + f). With
 * s = f / (2 + f) there is log(1 + f) = 2 atanh(s) = 2 s + s P(s^2), and 2 s = f - s f = f - f^2/2 + s f^2/2, so
 * the first term, f, is exact and what is added to it is small. x_low adds x_low / x, about x_low 2^-k (1 - f + f^2).
 *
 * Source: J.-M. Muller, "Elementary functions", 3rd edition, 2016, chapters 4 and 11, for the reduction and the series.
 */
INLINE VECTOR F(log_sum)(VECTOR x, VECTOR x_low, VECTOR further_k)
{
    BITS shifted = (BITS)x - ROOT_HALF_BITS + BIAS * BIT(SIGNIFICAND);
    BITS exponent = shifted >> SIGNIFICAND; /* k + BIAS */
    VECTOR m = (VECTOR)((shifted & (BIT(SIGNIFICAND) - 1)) + ROOT_HALF_BITS);
    VECTOR k = (VECTOR)(exponent | (BITS)F(all)(TWO_TO_SIGNIFICAND)) - (TWO_TO_SIGNIFICAND + BIAS) + further_k;
    VECTOR f = m - 1;
    VECTOR s = f / (2 + f);
    VECTOR z = s * s;
    VECTOR half_square = R(0.5) * f * f;
    VECTOR rest = F(fma)(s, F(fma)(z, POLYNOMIAL(log, z), half_square), -half_square);
    VECTOR half_scale = (VECTOR)((2 * BIAS + 1 - exponent) << SIGNIFICAND); /* 2^(1 - k) */
    VECTOR low = R(0.5) * x_low * half_scale;
    rest += F(fma)(F(fma)(f, f, -f), low, low);
    return F(fma)(k, F(all)(F(log_2)[0]), f + F(fma)(k, F(all)(F(log_2)[1]), rest));
}

/* y, but what a logarithm is for arguments that are not positive numbers */
INLINE VECTOR F(log_limits)(VECTOR x, VECTOR y)
{
    const VECTOR infinity = F(all)(R(__builtin_inf()));
    y = F(select)(x == infinity, infinity, y);
    y = F(select)(x == 0, -infinity, y);
    return F(select)(x >= 0, y, F(all)(R(__builtin_nan(""))));
}

INLINE VECTOR F(log)(VECTOR x)
{
    MASK subnormal = x < (VECTOR)((BITS){0} + BIT(SIGNIFICAND)); /* these bits are the smallest normal number */
    VECTOR normal = F(select)(subnormal, x * TWO_TO_SIGNIFICAND, x);
    VECTOR further_k = F(select)(subnormal, F(all)(-SIGNIFICAND), F(all)(0));
    return F(log_limits)(x, F(log_sum)(normal, F(all)(0), further_k));
}

INLINE VECTOR F(log1p)(VECTOR x)
{
    VECTOR u = 1 + x;
    VECTOR from_x = u - 1;
    VECTOR low = (1 - (u - from_x)) + (x - from_x); /* 1 + x = u + low, whichever of the two is larger (Knuth) */
    VECTOR y = F(log_limits)(u, F(log_sum)(u, low, F(all)(0)));
    VECTOR tiny = F(magnitude)(x) * TWO_TO_SIGNIFICAND; /* below 1/4, the result rounds to x, its sign included */
    return F(select)(tiny < R(0.25), x, y);
}

/* tanh x = x + x^3 P(x^2) near 0, else 1 - 2 / (exp(2 |x|) + 1) with the sign of x */
INLINE VECTOR F(tanh)(VECTOR x)
{
    VECTOR a = F(at_most)(F(magnitude)(x), TANH_ONE);
    VECTOR z = a * a;
    VECTOR near = F(fma)(a * z, POLYNOMIAL(tanh, z), a);
    F(power) e = F(exp_parts)(a + a, F(all)(0));
    VECTOR far = 1 - 2 / F(fma)(e.high, F(power_of_two)(e.n), F(all)(1));
    return F(unless_nan)(x, F(with_sign_of)(F(select)(a < R(0.625), near, far), x));
}

/* exp(-|x|) as high + low */
INLINE void F(exp_below_one)(VECTOR x, VECTOR *high, VECTOR *low)
{
    F(power) e = F(exp_parts)(F(at_least)(-F(magnitude)(x), EXP_ZERO), F(all)(0));
    *high = F(scaled)(e.high, e.n);
    *low = F(scaled)(e.low, e.n);
}

/* p / (p + q), where p and q are 1 and exp(-|x|), the larger p for x > 0; the quotient's remainder corrects it */
INLINE VECTOR F(sigmoid)(VECTOR x)
{
    VECTOR e, e_low;
    F(exp_below_one)(x, &e, &e_low);
    VECTOR sum = 1 + e;
    VECTOR sum_low = (e - (sum - 1)) + e_low;
    VECTOR p = F(select)(x > 0, F(all)(1), e);
    VECTOR p_low = F(select)(x > 0, F(all)(0), e_low);
    VECTOR inverse = 1 / sum;
    VECTOR quotient = p * inverse;
    VECTOR remainder = F(fma)(-quotient, sum, p) + F(fma)(-quotient, sum_low, p_low);
    return F(unless_nan)(x, F(fma)(remainder, inverse, quotient));
}

/* max(x, 0) + log(1 + exp(-|x|)) */
INLINE VECTOR F(softplus)(VECTOR x)
{
    VECTOR e, e_low;
    F(exp_below_one)(x, &e, &e_low);
    VECTOR u = 1 + e;
    VECTOR logarithm = F(log_sum)(u, (e - (u - 1)) + e_low, F(all)(0));
    logarithm = F(select)(e * TWO_TO_SIGNIFICAND < R(0.25), e, logarithm); /* log(1 + e) rounds to e */
    return F(unless_nan)(x, F(at_least)(x, 0) + logarithm);
}

/* exp(-a^2 / 2): the square as a sum of two numbers, or else its rounding error, of 2^-18 at the end, would show */
INLINE F(power) F(bell)(VECTOR a)
{
    VECTOR square = a * a;
    VECTOR square_low = F(fma)(a, a, -square);
    return F(exp_parts)(R(-0.5) * square, R(-0.5) * square_low);
}

INLINE VECTOR F(normal_density)(VECTOR x)
{
    F(power) e = F(bell)(F(at_most)(F(magnitude)(x), NORMAL_ZERO));
    const VECTOR scale = F(all)(F(density_0)[0]), scale_low = F(all)(F(density_0)[1]);
    VECTOR y = F(fma)(e.high, scale, F(fma)(e.high, scale_low, e.low * scale));
    return F(unless_nan)(x, F(scaled)(y, e.n));
}

/* Phi(x), from the tail beyond a = |x|: Phi(-a) = exp(-a^2/2) q P(t) with q = 1 / (1 + CDF_SLOPE a), t = 2 q - 1.
 *
 * Phi(-a) exp(a^2/2) falls smoothly from 1/2 like 1/a, and the variable t brings the whole axis into [-1, 1], so that
 * one polynomial serves from the middle to the underflow.
 *
 * Source of the variable: M. M. Shepherd and J. G. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x in
 * 0 <= x < infinity", Mathematics of Computation 36 (1981) 249-253.
 */
INLINE VECTOR F(normal_cdf)(VECTOR x)
{
    VECTOR a = F(at_most)(F(magnitude)(x), NORMAL_ZERO);
    F(power) e = F(bell)(a);

    VECTOR part = CDF_SLOPE * a;
    VECTOR sum = 1 + part;
    VECTOR sum_low = part - (sum - 1);
    VECTOR q = 1 / sum;
    VECTOR q_low = q * F(fma)(-q, sum_low, F(fma)(-q, sum, F(all)(1)));
    VECTOR t = q + q - 1;
    VECTOR t_low = (q + q - (t + 1)) + (q_low + q_low);
    const int n = sizeof F(cdf_terms) / sizeof(REAL);
    const VECTOR constant = F(all)(F(cdf_terms)[0]);
    VECTOR slope = F(polynomial)(t, F(cdf_terms) + 1, n - 1);
    VECTOR p = F(fma)(t, slope, constant);
    VECTOR p_low = F(fma)(t_low, slope, F(fma)(t, slope, constant - p)); /* as P is nearly a line */

    VECTOR ratio = q * p;
    VECTOR ratio_low = F(fma)(q, p, -ratio) + F(fma)(q, p_low, q_low * p);
    VECTOR tail = F(fma)(e.high, ratio, F(fma)(e.high, ratio_low, e.low * ratio));
    tail = F(scaled)(tail, e.n);
    return F(unless_nan)(x, F(select)(x > 0, 1 - tail, tail));
}

/* cos 2 pi t and sin 2 pi t. What t is beyond a whole number, the distance a <= 1/2 from it, and all that is subtracted after that are
 * exact: cos 2 pi a = -cos 2 pi (1/2 - a) brings a into [0, 1/4], and cos 2 pi a = sin 2 pi (1/4 - a) into [0, 1/8], so
 * that quarters and halves of a turn give exactly 1, 0 and -1. The sine is the same at a and at 1/2 - a. */
INLINE void F(wave)(VECTOR turns, VECTOR *cos, VECTOR *sin)
{
    const VECTOR from_whole = turns - F(nearest_integer)(turns);
    VECTOR a = F(magnitude)(from_whole);
    MASK beyond_quarter = a > R(0.25);
    a = F(select)(beyond_quarter, R(0.5) - a, a);
    MASK near = a <= R(0.125);
    VECTOR u = F(select)(near, a, R(0.25) - a);
    VECTOR z = u * u;
    VECTOR cosine = F(fma)(z, POLYNOMIAL(cos, z), F(all)(1));
    VECTOR sine = F(fma)(u, F(all)(F(two_pi)[0]), F(fma)(u * z, POLYNOMIAL(sin, z), u * F(two_pi)[1]));
    VECTOR y = F(select)(near, cosine, sine);
    *cos = F(unless_nan)(a, F(select)(beyond_quarter, -y, y));
    *sin = F(unless_nan)(a, F(with_sign_of)(F(select)(near, sine, cosine), from_whole));
}

INLINE VECTOR F(cos_turns)(VECTOR turns)
{
    VECTOR cos, sin;
    F(wave)(turns, &cos, &sin);
    return cos;
}

INLINE VECTOR F(sin_turns)(VECTOR turns)
{
    VECTOR cos, sin;
    F(wave)(turns, &cos, &sin);
    return sin;
}

#undef R
#undef TWO_TO_SIGNIFICAND
#undef POLYNOMIAL
#undef REAL
#undef VECTOR
#undef MASK
#undef BITS
#undef LANES
#undef F
#undef BUILTIN
#undef SIGNIFICAND
#undef BIAS
#undef BIT
#undef ROOT_HALF_BITS
#undef EXP_ZERO
#undef EXP_INFINITE
#undef EXPM1_LAST
#undef TANH_ONE
#undef NORMAL_ZERO
#undef CDF_SLOPE
