/* The matrix product: every Dense layer forward, its input gradient and its weight gradient.

   C[m][n] = sum over k of A(i,k) * B(k,j), each element one chain of fused multiply-adds over k ascending, from 0.
   The orientation is told by strides: A(i,k) = a[i*a_row + k*a_col], B(k,j) = b[k*b_row + j*b_col];
   C(i,j) = c[i*c_row + j]. A and B may be any strided views; C overlaps neither. Equals `x @ W`, `x.T @ dz` and
   `dz @ W.T` of layers/dense.py up to the order and rounding of the sums; how it is computed stands in product.c.

   C falls into independent tiles, numbered from 0. A thread computes a range of them with scratch of its own, and how
   the tiles are shared out never changes a bit: no sum is ever split. A thread may also take rows of C, which is the
   product of those rows of A. */
#ifndef PELLUCID_PRODUCT_H
#define PELLUCID_PRODUCT_H

#include <stdint.h>

#include "isa.h"

typedef struct { int64_t m, n, k, a_row, a_col, b_row, b_col, c_row; } product_shape;

/* What follows the product, called for rows top to bottom - 1 and columns left to right - 1 of C as soon as they are
   done, while they are still in the first cache level: bias, activation, slope. */
typedef struct {
    void (*finish)(const void *context, int64_t top, int64_t bottom, int64_t left, int64_t right);
    const void *context;
} product_end;

#define PRODUCT(type, REAL)                                                                                           \
    /* numbers of scratch needed, per thread */                                                                       \
    int64_t ISA(product_scratch_##type)(const product_shape *s);                                                      \
    /* number of independent tiles of C */                                                                            \
    int64_t ISA(product_tiles_##type)(const product_shape *s);                                                        \
    /* computes tiles first_tile to last_tile - 1 */                                                                  \
    void ISA(product_##type)(const product_shape *s, const REAL *a, const REAL *b, REAL *c, REAL *scratch,            \
                             int64_t first_tile, int64_t last_tile);                                                  \
    /* computes C, and `end` where it is not null; `packed` is null or what product_pack made of B */                 \
    void ISA(product_whole_##type)(const product_shape *s, const REAL *a, const REAL *b, const REAL *packed, REAL *c, \
                                   REAL *scratch, const product_end *end);                                            \
    /* packs B for many products with it, where that pays; returns the numbers it takes, and writes them if not null */\
    int64_t ISA(product_pack_##type)(const product_shape *s, const REAL *b, REAL *packed);
PRODUCT(f32, float)
PRODUCT(f64, double)
#undef PRODUCT

#endif
