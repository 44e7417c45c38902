/* The matrix product: every Dense layer forward, its input gradient and its weight gradient.

   C[m][n] = sum over k of A(i,k) * B(k,j), each element one chain of fused multiply-adds over k ascending, from 0.
   The orientation is told by strides: A(i,k) = a[i*a_row + k*a_col], B(k,j) = b[k*b_row + j*b_col];
   C(i,j) = c[i*c_row + j]. A and B may be any strided views; C overlaps neither. Equals `x @ W`, `x.T @ dz` and
   `dz @ W.T` of layers/dense.py up to the order and rounding of the sums; how it is computed stands in product.c.

   C falls into independent tiles, numbered from 0. A thread computes a range of them with scratch of its own, and how
   the tiles are shared out never changes a bit: no sum is ever split. */
#ifndef PELLUCID_PRODUCT_H
#define PELLUCID_PRODUCT_H

#include <stdint.h>

#include "isa.h"

typedef struct { int64_t m, n, k, a_row, a_col, b_row, b_col, c_row; } product_shape;

int64_t ISA(product_scratch_f32)(const product_shape *s); /* floats of scratch needed, per thread */
int64_t ISA(product_tiles_f32)(const product_shape *s);   /* number of independent tiles of C (for threads) */
void ISA(product_f32)(const product_shape *s, const float *a, const float *b, float *c, float *scratch,
                      int64_t first_tile, int64_t last_tile); /* computes tiles first_tile..last_tile-1 */

int64_t ISA(product_scratch_f64)(const product_shape *s);
int64_t ISA(product_tiles_f64)(const product_shape *s);
void ISA(product_f64)(const product_shape *s, const double *a, const double *b, double *c, double *scratch,
                      int64_t first_tile, int64_t last_tile);

#endif
