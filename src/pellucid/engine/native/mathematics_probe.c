/* The functions of mathematics.h over arrays, so that tests can call them: one vector at a time, and the last numbers
 * that fill no vector through a padded copy. They must equal src/pellucid/activations.py and src/pellucid/normal.py.
 * This is also the cheapest way to use them from Python. */
#include "mathematics.h"

#define FUNCTIONS(entry) \
    entry(0, exp) entry(1, expm1) entry(2, log) entry(3, log1p) entry(4, tanh) entry(5, sigmoid) entry(6, softplus) \
    entry(7, normal_density) entry(8, normal_cdf) entry(9, cos_turns) entry(10, sin_turns)

/* y[i] = f(x[i]) for 0 <= i < n; y may be x */
#define LOOP(f, real, vector, lanes)                                                                                   \
    {                                                                                                                  \
        int64_t i = 0;                                                                                                 \
        vector v;                                                                                                      \
        for (; i + (lanes) <= n; i += (lanes)) {                                                                       \
            memcpy(&v, x + i, sizeof v);                                                                               \
            v = f(v);                                                                                                  \
            memcpy(y + i, &v, sizeof v);                                                                               \
        }                                                                                                              \
        if (i < n) {                                                                                                   \
            v = (vector){0};                                                                                           \
            memcpy(&v, x + i, (size_t)(n - i) * sizeof(real));                                                         \
            v = f(v);                                                                                                  \
            memcpy(y + i, &v, (size_t)(n - i) * sizeof(real));                                                         \
        }                                                                                                              \
    }

#define CASE_F32(number, name) case number: LOOP(name##_f32, float, f32v, F32_LANES) break;
#define CASE_F64(number, name) case number: LOOP(name##_f64, double, f64v, F64_LANES) break;

/* Apply the function of this number (FUNCTIONS above) to n numbers; another number changes nothing. */
void ISA(apply_f32)(int which, const float *x, float *y, int64_t n)
{
    switch (which) { FUNCTIONS(CASE_F32) }
}

void ISA(apply_f64)(int which, const double *x, double *y, int64_t n)
{
    switch (which) { FUNCTIONS(CASE_F64) }
}
