/* Random.permutation; see permutation.c. `words` and `ends` are memory for n numbers each, n at least 2. */
#ifndef PELLUCID_PERMUTATION_H
#define PELLUCID_PERMUTATION_H

#include <stdint.h>

void permutation(uint64_t seed, uint64_t purpose, uint64_t layer, uint64_t step, int64_t n, int64_t *order, uint64_t *words,
                 int64_t *ends);

#endif
