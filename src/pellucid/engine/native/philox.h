/* Philox4x64-10: element i of an address is word i % 4 of block i / 4, as random.py describes it. */
#ifndef PELLUCID_PHILOX_H
#define PELLUCID_PHILOX_H

#include <stdint.h>

typedef struct {
    uint64_t word[4];
} philox_block;

static inline philox_block philox(uint64_t block, uint64_t step, uint64_t layer, uint64_t seed, uint64_t purpose)
{
    uint64_t c0 = block, c1 = step, c2 = layer, c3 = 0, k0 = seed, k1 = purpose;
    for (int round = 0; round < 10; round++) {
        const unsigned __int128 a = (unsigned __int128)UINT64_C(0xD2E7470EE14C6C93) * c0;
        const unsigned __int128 b = (unsigned __int128)UINT64_C(0xCA5A826395121157) * c2;
        c0 = (uint64_t)(b >> 64) ^ c1 ^ k0;
        c1 = (uint64_t)b;
        c2 = (uint64_t)(a >> 64) ^ c3 ^ k1;
        c3 = (uint64_t)a;
        k0 += UINT64_C(0x9E3779B97F4A7C15);
        k1 += UINT64_C(0xBB67AE8584CAA73B);
    }
    return (philox_block){{c0, c1, c2, c3}};
}

#endif
