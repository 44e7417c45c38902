/* The elementwise functions of the engine: exp, expm1, log, log1p, tanh, sigmoid, softplus, the normal density and
 * cumulative probability, cos_turns(t) = cos 2 pi t and sin_turns, on vectors: exp_f32(f32v), exp_f64(f64v), ...
 *
 * They equal, within 2 units in the last place in float32 and 4 in float64, what src/pellucid/activations.py (Sigmoid,
 * Tanh, Softplus), src/pellucid/normal.py (density, cdf) and NumPy's functions of the same name compute.
 *
 * The same bits: each function is one straight line of +, -, *, /, fused multiply-add, rounding to an integer,
 * comparisons and operations on bits. IEEE 754 rounds each of them in one way only, and a lane never sees another, so
 * the width of the vector cannot show in a result. Nothing branches: where two formulas meet, both are computed and
 * `select` takes one. Subnormal numbers are right, as arguments and as results, and a NaN gives the one quiet NaN.
 *
 * Memory and speed: no tables and no loads but the coefficients, which the compiler keeps as broadcast operands. Each
 * function is a chain of 15 to 60 instructions, of which few depend on one another across vectors, so that a loop over
 * an array keeps both multiply-add units busy. Float32 is computed in float32: where one precision is not enough, a
 * number is the sum of two, high + low, whose rounding errors fused multiply-adds give exactly.
 *
 * The text is written once, in mathematics_functions.h, and read here for both types. Coefficients: coefficients.py.
 */
#ifndef PELLUCID_MATHEMATICS_H
#define PELLUCID_MATHEMATICS_H

#include "coefficients.h"
#include "isa.h"

#define REAL float
#define VECTOR f32v
#define MASK i32v
#define BITS u32v
#define LANES F32_LANES
#define F(name) name##_f32
#define BUILTIN(name) __builtin_##name##f
#define SIGNIFICAND 23 /* bits after the point */
#define BIAS 127
#define BIT(n) ((uint32_t)1 << (n))
#define ROOT_HALF_BITS 0x3f3504f3u /* sqrt(1/2) */
#define EXP_ZERO -104.0f           /* exp rounds to 0 here, */
#define EXP_INFINITE 89.0f         /* to infinity here, */
#define EXPM1_LAST -30.0f          /* and expm1 to -1 here */
#define TANH_ONE 10.0f             /* tanh rounds to 1 here */
#define NORMAL_ZERO 14.5f          /* the normal density and the tail beyond round to 0 here */
#define CDF_SLOPE 0.5f             /* as in coefficients.py */
#include "mathematics_functions.h"

#define REAL double
#define VECTOR f64v
#define MASK i64v
#define BITS u64v
#define LANES F64_LANES
#define F(name) name##_f64
#define BUILTIN(name) __builtin_##name
#define SIGNIFICAND 52
#define BIAS 1023
#define BIT(n) ((uint64_t)1 << (n))
#define ROOT_HALF_BITS 0x3fe6a09e667f3bcdu
#define EXP_ZERO -746.0
#define EXP_INFINITE 710.0
#define EXPM1_LAST -60.0
#define TANH_ONE 22.0
#define NORMAL_ZERO 38.75
#define CDF_SLOPE 0.25
#include "mathematics_functions.h"

#endif
