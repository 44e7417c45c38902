/* Compares one float32 function of mathematics.h with the C library's float64 functions, over all its arguments.
 *
 *     mathematics_check FUNCTION FIRST STEP      takes the bit patterns FIRST, FIRST + STEP, ... below 2^32
 *
 * and prints: the number of arguments, the greatest error in units in the last place, the argument where it is, and the
 * number of results that are wrong in kind (NaN, infinity or the sign of zero). The references are good to about 2^-45,
 * which is 2^-21 units: nothing beside the half unit that the best result may be wrong by.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "mathematics_probe.c"

enum { BLOCK = 4096 };
static const double pi = 3.14159265358979323846;

static double sigmoid(double x) { return x > 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }
static double softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))) + (isnan(x) ? x : 0); }
static double density(double x) { return exp(-0.5 * x * x) / sqrt(2 * pi); } /* the square of a float32 is exact */
static double cdf(double x) { return 0.5 * erfc(-x / sqrt(2)); }

static double cos_turns(double t)
{
    double a = fabs(t - rint(t));
    double b = fmin(a, 0.5 - a);
    double y = b < 0.125 ? cos(2 * pi * b) : sin(2 * pi * (0.25 - b));
    return a > 0.25 ? -y : y;
}

static double sin_turns(double t)
{
    double d = t - rint(t), a = fmin(fabs(d), 0.5 - fabs(d));
    return copysign(a < 0.125 ? sin(2 * pi * a) : cos(2 * pi * (0.25 - a)), d);
}

static double (*const references[])(double) = {exp, expm1, log, log1p, tanh, sigmoid, softplus, density, cdf, cos_turns, sin_turns};

static uint64_t bits_of(double x) { uint64_t b; memcpy(&b, &x, sizeof b); return b; }
static double power_of_two(int n) { uint64_t b = (uint64_t)(n + 1023) << 52; double x; memcpy(&x, &b, sizeof x); return x; }

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    int which = atoi(argv[1]);
    uint64_t first = strtoull(argv[2], NULL, 10), step = strtoull(argv[3], NULL, 10);
    uint64_t count = 0, wrong = 0;
    double greatest = 0;
    float where = 0, where_wrong = 0;
    static float x[BLOCK], y[BLOCK];

    for (uint64_t pattern = first; pattern < UINT64_C(1) << 32;) {
        int n = 0;
        for (; n < BLOCK && pattern < UINT64_C(1) << 32; n++, pattern += step) {
            uint32_t word = (uint32_t)pattern;
            memcpy(&x[n], &word, sizeof word);
        }
        ISA(apply_f32)(which, x, y, n);
        for (int i = 0; i < n; i++) {
            double expected = references[which](x[i]), got = y[i];
            if (isnan(expected) || isnan(got)) {
                int bad = !(isnan(expected) && isnan(got));
                wrong += bad;
                where_wrong = bad ? x[i] : where_wrong;
                continue;
            }
            if (fabs(expected) >= 0x1.ffffffp127 || isinf(got)) { /* rounds to infinity, or is said to */
                if (isinf(got) && fabs(expected) >= 0x1.fffffcp127 && signbit(got) == signbit(expected))
                    continue;
                wrong++, where_wrong = x[i];
                continue;
            }
            if (expected == 0 && (got != 0 || signbit(got) != signbit(expected))) {
                wrong++, where_wrong = x[i];
                continue;
            }
            int exponent = (int)(bits_of(expected) >> 52 & 2047) - 1023;
            double error = fabs(got - expected) * power_of_two(exponent > -126 ? 23 - exponent : 149);
            if (error > greatest)
                greatest = error, where = x[i];
        }
        count += (uint64_t)n;
    }
    printf("%" PRIu64 " %.4f %a %" PRIu64 " %a\n", count, greatest, where, wrong, where_wrong);
    return 0;
}
