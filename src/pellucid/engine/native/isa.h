/* An instruction set's share of the engine: the suffix of its functions, its vectors, and the one fused multiply-add.
 *
 * Every C file is compiled once per instruction set, with -DPELLUCID_ISA=avx2, avx512 or neon; ISA(name) gives the
 * function its suffix, so that all builds live in one library and the one to run is chosen when it is loaded.
 *
 * Vectors are the compiler's own (GCC and Clang vector extensions), as wide as a register. The width never shows in a
 * result: what is computed element by element does not depend on it, and every sum has an order of its own.
 */
#ifndef PELLUCID_ISA_H
#define PELLUCID_ISA_H

#include <stdint.h>
#include <string.h>

#ifndef PELLUCID_ISA
#error "compile with -DPELLUCID_ISA=avx2, avx512 or neon"
#endif

#define PELLUCID_JOIN_(name, isa) name##_##isa
#define PELLUCID_JOIN(name, isa) PELLUCID_JOIN_(name, isa)
#define ISA(name) PELLUCID_JOIN(name, PELLUCID_ISA)

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

#define F32_LANES (VECTOR_BYTES / 4)
#define F64_LANES (VECTOR_BYTES / 8)

typedef float f32v __attribute__((vector_size(VECTOR_BYTES)));
typedef double f64v __attribute__((vector_size(VECTOR_BYTES)));
typedef int32_t i32v __attribute__((vector_size(VECTOR_BYTES)));  /* what a comparison of f32v gives: 0 or -1 */
typedef int64_t i64v __attribute__((vector_size(VECTOR_BYTES)));
typedef uint32_t u32v __attribute__((vector_size(VECTOR_BYTES)));
typedef uint64_t u64v __attribute__((vector_size(VECTOR_BYTES)));

#define INLINE static inline __attribute__((always_inline))

/* a b + c, rounded once: one instruction. Clang has a function for it; GCC makes it of a loop over the lanes, unless it
 * unrolls the loop first: hence the pragma. */
#if defined(__clang__)
INLINE f32v fma_f32(f32v a, f32v b, f32v c) { return __builtin_elementwise_fma(a, b, c); }
INLINE f64v fma_f64(f64v a, f64v b, f64v c) { return __builtin_elementwise_fma(a, b, c); }
#else
INLINE f32v fma_f32(f32v a, f32v b, f32v c)
{
    f32v r;
#pragma GCC unroll 1
    for (int i = 0; i < F32_LANES; i++)
        r[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return r;
}

INLINE f64v fma_f64(f64v a, f64v b, f64v c)
{
    f64v r;
#pragma GCC unroll 1
    for (int i = 0; i < F64_LANES; i++)
        r[i] = __builtin_fma(a[i], b[i], c[i]);
    return r;
}
#endif

/* any address will do: the compiler makes one unaligned move of it */
INLINE f32v load_f32(const float *p) { f32v v; memcpy(&v, p, sizeof v); return v; }
INLINE f64v load_f64(const double *p) { f64v v; memcpy(&v, p, sizeof v); return v; }
INLINE void store_f32(float *p, f32v v) { memcpy(p, &v, sizeof v); }
INLINE void store_f64(double *p, f64v v) { memcpy(p, &v, sizeof v); }

#endif
