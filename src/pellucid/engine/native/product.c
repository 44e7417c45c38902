/* The matrix product C = A B, register-blocked; the reference is the `@` of layers/dense.py.

   Idea. A block of ROWS rows x 2 vectors of columns of C stays in registers (12 x 2 of the 32 registers of AVX-512 and
   NEON, 6 x 2 of the 16 of AVX2) while k runs: each step loads two vectors of B's row k, broadcasts one element of A
   for each row, and adds with ROWS x 2 fused multiply-adds. So an element of C is one chain over k, whatever the
   vector width, and the vectors only decide how many chains run side by side: the bits cannot differ.

   Memory. C is cut into tiles of STRIP rows x GROUP columns, numbered down the columns, so that a range of tiles shares
   the columns of B it needs; blocks run over the whole range and take several tiles each. (With few rows of C, tiles
   are one panel wide, so that several threads find work.) For those columns B is packed once into panels of 2 vectors, DEPTH steps of k at a time:
   the packed block (256 KB) stays in the second cache level and runs through the kernel as one straight stream, while
   the ROWS x DEPTH elements of A stay in the first. Where k is longer than DEPTH the accumulators start from the C
   stored so far, which continues the chain. B is read in place where that is as fast: few rows of C, or so small a B
   that it stays in the first level. A is read in place unless neither of its strides is 1, or (narrow vectors only) its
   column stride puts its rows into the same few sets of the cache. One function packs both: it lays the elements of a
   step side by side and pads with zeros to whole vectors; where the data lie the other way, it turns squares of
   LANES x LANES in registers. Padded lanes are computed with and never stored.

   Who multiplies by the same B again and again packs all of it beforehand (product_pack); its blocks lie as they would
   in scratch, one after another.

   What follows the product (product_end) is done for each row of blocks after its last step of k: at most 12 KB of C,
   which are still in the first cache level.

   Speed. A narrow product (a last layer of 1 or 2 outputs) would leave most lanes empty, so it is computed as
   C' = B' A' when its rows fill the vectors better; one row uses up to 8 vectors of columns, to have enough chains in
   flight; a product of a few dozen elements is a plain loop. fma(a, b, c) = fma(b, a, c), so none of this shows in the
   bits. benchmarks/product.py measures it beside the BLAS of NumPy. */
#include "product.h"

#if VECTOR_BYTES == 32
#define ROWS 6
#else
#define ROWS 12
#endif

#if defined __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* Lanes of two vectors by constant numbers, those of b counted on from those of a. */
#if defined __clang__
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (INTEGERS){__VA_ARGS__})
#endif
#define UPPER(lane, half) (((lane) & (half) ? (lane) - (half) + LANES : (lane)) % (2 * LANES))
#define LOWER(lane, half) (((lane) & (half) ? (lane) + LANES : (lane) + (half)) % (2 * LANES))
#define EACH_2(number, lane, half) number(lane, half), number(lane + 1, half)
#define EACH_4(number, lane, half) EACH_2(number, lane, half), EACH_2(number, lane + 2, half)
#define EACH_8(number, lane, half) EACH_4(number, lane, half), EACH_4(number, lane + 4, half)
#define EACH_16(number, lane, half) EACH_8(number, lane, half), EACH_8(number, lane + 8, half)

enum {
    DEPTH = 256, /* steps of k in one packed block */
    TINY = 512,  /* a product of at most this many multiply-adds is a plain loop */
    STRIP = ROWS / 3 /* rows of a tile; a block takes several */
};

#define REAL float
#define VECTOR f32v
#define INTEGERS i32v
#define TYPED(name) name##_f32
#define FMA __builtin_fmaf
#if VECTOR_BYTES == 64
#define EACH_LANE(number, half) EACH_16(number, 0, half)
#elif VECTOR_BYTES == 32
#define EACH_LANE(number, half) EACH_8(number, 0, half)
#else
#define EACH_LANE(number, half) EACH_4(number, 0, half)
#endif
#include "product_kernel.h"
#undef REAL
#undef VECTOR
#undef INTEGERS
#undef TYPED
#undef FMA
#undef EACH_LANE

#define REAL double
#define VECTOR f64v
#define INTEGERS i64v
#define TYPED(name) name##_f64
#define FMA __builtin_fma
#if VECTOR_BYTES == 64
#define EACH_LANE(number, half) EACH_8(number, 0, half)
#elif VECTOR_BYTES == 32
#define EACH_LANE(number, half) EACH_4(number, 0, half)
#else
#define EACH_LANE(number, half) EACH_2(number, 0, half)
#endif
#include "product_kernel.h"
