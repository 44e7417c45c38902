/* The matrix product for one element type: product.c includes this file once for float and once for double, with REAL,
   VECTOR, TYPED(name) and FMA defined, and explains the blocking. */

#define LANES ((int)(VECTOR_BYTES / sizeof(REAL)))
#define PANEL (2 * LANES)                             /* columns of a panel of B */
#define GROUP (8 * 128 / (int)sizeof(REAL))           /* columns of a tile: a whole number of panels */
#define A_WIDTH ((ROWS + LANES - 1) / LANES * LANES)  /* elements of A packed for one step of k */

/* rows x (vectors * LANES) elements of C over `depth` steps of k. `spread` tells how A lies: 0 when the elements of a
   step are neighbors and a_step leads to the next step, 1 when the steps are neighbors and a_step leads to the next
   row. All three are constants where this is called, so the loops over them unroll and `sum` stays in registers. */
INLINE void TYPED(block)(const int rows, const int vectors, const int spread, int64_t depth, const REAL *a,
                         int64_t a_step, const REAL *b, int64_t b_step, REAL *c, int64_t c_row, int resume)
{
    VECTOR sum[ROWS][8];
    if (resume) {
        UNROLL for (int i = 0; i < rows; i++)
            UNROLL for (int v = 0; v < vectors; v++)
                sum[i][v] = TYPED(load)(c + i * c_row + v * LANES);
    } else {
        UNROLL for (int i = 0; i < rows; i++)
            UNROLL for (int v = 0; v < vectors; v++)
                sum[i][v] = (VECTOR){0};
    }
    /* Every third row has a pointer of its own: the rows between are then one x86 address away. */
    const REAL *row[4] = {a, a + 3 * a_step, a + 6 * a_step, a + 9 * a_step};
    for (int64_t step = 0; step < depth; step++) {
        VECTOR right[8];
        UNROLL for (int v = 0; v < vectors; v++)
            right[v] = TYPED(load)(b + v * LANES);
        UNROLL for (int i = 0; i < rows; i++) {
            const REAL left = spread ? row[i / 3][(i % 3) * a_step] : row[0][i];
            UNROLL for (int v = 0; v < vectors; v++)
                sum[i][v] = TYPED(fma)(left - (VECTOR){0}, right[v], sum[i][v]);
        }
        b += b_step;
        UNROLL for (int r = 0; r < 4; r++)
            row[r] += spread ? 1 : a_step;
    }
    UNROLL for (int i = 0; i < rows; i++)
        UNROLL for (int v = 0; v < vectors; v++)
            TYPED(store)(c + i * c_row + v * LANES, sum[i][v]);
}

typedef void TYPED(block_function)(int64_t, const REAL *, int64_t, const REAL *, int64_t, REAL *, int64_t, int);

#define BLOCK(rows, vectors, spread)                                                                                  \
    static void TYPED(block_##rows##_##vectors##_##spread)(int64_t depth, const REAL *a, int64_t a_step,              \
                                                           const REAL *b, int64_t b_step, REAL *c, int64_t c_row,     \
                                                           int resume)                                                \
    {                                                                                                                 \
        TYPED(block)(rows, vectors, spread, depth, a, a_step, b, b_step, c, c_row, resume);                           \
    }
#define BLOCKS(rows) BLOCK(rows, 1, 0) BLOCK(rows, 1, 1) BLOCK(rows, 2, 0) BLOCK(rows, 2, 1)
#define NAMES(rows)                                                                                                   \
    {rows,                                                                                                            \
     {{TYPED(block_##rows##_1_0), TYPED(block_##rows##_1_1)}, {TYPED(block_##rows##_2_0), TYPED(block_##rows##_2_1)}}}

BLOCKS(1)
BLOCKS(2)
BLOCKS(4)
BLOCK(1, 4, 1)
BLOCK(1, 8, 1)
#if ROWS == 12
BLOCKS(8)
BLOCKS(12)
#else
BLOCKS(6)
#endif

/* The blocks by falling height: what is left below the last whole block is taken greedily. */
static const struct {
    int rows;
    TYPED(block_function) *with[2][2]; /* [vectors - 1][spread] */
} TYPED(heights)[] = {
#if ROWS == 12
    NAMES(12), NAMES(8),
#else
    NAMES(6),
#endif
    NAMES(4), NAMES(2), NAMES(1),
};
#undef BLOCK
#undef BLOCKS
#undef NAMES

/* One of the steps that turn a LANES x LANES square: of two rows that are `half` apart, the upper's lanes with that bit
   set change places with the lower's lanes without it. */
#define SWAP(half)                                                                                                    \
    case half: {                                                                                                      \
        const VECTOR u = *upper, l = *lower;                                                                          \
        *upper = SHUFFLE(u, l, EACH_LANE(UPPER, half));                                                               \
        *lower = SHUFFLE(u, l, EACH_LANE(LOWER, half));                                                               \
        break;                                                                                                        \
    }

INLINE void TYPED(swap_lanes)(VECTOR *upper, VECTOR *lower, const int half)
{
    switch (half) {
        SWAP(1)
        SWAP(2)
        SWAP(4)
        SWAP(8)
    }
}
#undef SWAP

/* target[step * width + j] = source[step * source_row + j * source_column] for j < columns, and 0 up to `width`. */
static void TYPED(pack)(int64_t depth, int64_t columns, int64_t width, const REAL *source, int64_t source_row,
                        int64_t source_column, REAL *target)
{
    if (source_column == 1 && columns == width) {
        for (int64_t step = 0; step < depth; step++)
            for (int64_t j = 0; j < width; j += LANES)
                TYPED(store)(target + step * width + j, TYPED(load)(source + step * source_row + j));
        return;
    }
    if (source_row == 1 && depth >= LANES) {
        for (int64_t j = 0; j < width; j += LANES)
            for (int64_t first = 0; first < depth; first += LANES) {
                const int64_t step = first + LANES <= depth ? first : depth - LANES; /* the last square overlaps */
                VECTOR square[LANES];
                UNROLL for (int i = 0; i < LANES; i++)
                    square[i] = j + i < columns ? TYPED(load)(source + step + (j + i) * source_column)
                                                : (VECTOR){0};
                UNROLL for (int half = LANES / 2; half > 0; half /= 2)
                    UNROLL for (int i = 0; i < LANES; i++)
                        if (!(i & half))
                            TYPED(swap_lanes)(&square[i], &square[i | half], half);
                UNROLL for (int i = 0; i < LANES; i++)
                    TYPED(store)(target + (step + i) * width + j, square[i]);
            }
        return;
    }
    for (int64_t step = 0; step < depth; step++)
        for (int64_t j = 0; j < width; j++)
            target[step * width + j] = j < columns ? source[step * source_row + j * source_column] : 0;
}

/* A product as it is computed: perhaps turned, C' = B' A', so C has a stride of columns too. */
typedef struct {
    int64_t m, n, k, a_row, a_col, b_row, b_col, c_row, c_col;
    const REAL *a, *b, *packed; /* packed: all of B in panels, or null */
    REAL *c;
    const product_end *end;
    int64_t group;              /* columns of a tile */
    int turned, tiny, packs_a, packs_b;
} TYPED(task);

INLINE int64_t TYPED(ceiling)(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static TYPED(task) TYPED(plan)(const product_shape *s, const REAL *a, const REAL *b, REAL *c)
{
    TYPED(task) t = {.m = s->m, .n = s->n, .k = s->k, .a_row = s->a_row, .a_col = s->a_col, .b_row = s->b_row,
                     .b_col = s->b_col, .c_row = s->c_row, .c_col = 1, .a = a, .b = b, .c = c};
    t.tiny = s->m * s->n <= TINY && s->m * s->n * s->k <= TINY;
    /* Whole vectors of multiply-adds, as it stands and turned. Turning an A that lies in rows means turning its squares
       in registers, which pays at once in float32, where they are 16 x 16, and late in float64. */
    const int64_t upright = s->m * TYPED(ceiling)(s->n, LANES), turned = s->n * TYPED(ceiling)(s->m, LANES);
    const int64_t gain = s->a_row == 1 || sizeof(REAL) == 4 ? 2 : 8;
    if (!t.tiny && s->m >= LANES && gain * turned <= upright)
        t = (TYPED(task)){.m = s->n, .n = s->m, .k = s->k, .a_row = s->b_col, .a_col = s->b_row, .b_row = s->a_col,
                          .b_col = s->a_row, .c_row = 1, .c_col = s->c_row, .a = b, .b = a, .c = c, .turned = 1};
    /* read down its columns, A may fall into a few sets of the cache; with 12 rows x 64 bytes the kernel hides that */
    const int collides = VECTOR_BYTES < 64 && t.a_row == 1 && t.a_col * (int64_t)sizeof(REAL) % 1024 == 0;
    t.packs_a = (t.a_row != 1 && t.a_col != 1) || (collides && t.n > PANEL && t.k > 16);
    t.packs_b = t.b_col != 1 || (t.m > 2 * ROWS && t.k * t.b_row * (int64_t)sizeof(REAL) > 16384);
    t.group = t.m > STRIP || t.m == 1 ? GROUP : PANEL; /* few rows: narrow tiles, so that there are several */
    return t;
}

/* The columns and the steps of k that scratch must hold packed, at most. */
INLINE int64_t TYPED(packed_columns)(const TYPED(task) *t)
{
    const int64_t columns = t->packs_b ? (t->n < t->group ? t->n : t->group) : t->n % LANES ? PANEL : 0;
    return TYPED(ceiling)(columns, LANES) * LANES;
}

INLINE int64_t TYPED(packed_depth)(const TYPED(task) *t)
{
    return t->k < DEPTH ? t->k : DEPTH;
}

/* Where the block of B for columns [left, right) and DEPTH steps from `start` lies when all of B is packed. */
INLINE int64_t TYPED(packed_at)(int64_t k, int64_t left, int64_t right, int64_t start)
{
    return left * k + TYPED(ceiling)(right - left, LANES) * LANES * start;
}

int64_t ISA(TYPED(product_scratch))(const product_shape *s)
{
    const TYPED(task) t = TYPED(plan)(s, 0, 0, 0);
    if (t.tiny)
        return 0;
    const int64_t width = TYPED(packed_columns)(&t) + (t.packs_a ? A_WIDTH : 0);
    return width ? width * TYPED(packed_depth)(&t) + 64 / (int64_t)sizeof(REAL) : 0; /* some to reach a cache line */
}

int64_t ISA(TYPED(product_tiles))(const product_shape *s)
{
    const TYPED(task) t = TYPED(plan)(s, 0, 0, 0);
    return TYPED(ceiling)(t.m, STRIP) * TYPED(ceiling)(t.n, t.group);
}

/* Rows [top, bottom) of columns [left, right), each element by itself. */
static void TYPED(plain)(const TYPED(task) *t, int64_t top, int64_t bottom, int64_t left, int64_t right)
{
    for (int64_t i = top; i < bottom; i++)
        for (int64_t j = left; j < right; j++) {
            const REAL *a = t->a + i * t->a_row, *b = t->b + j * t->b_col;
            REAL sum = 0;
            for (int64_t step = 0; step < t->k; step++, a += t->a_col, b += t->b_row)
                sum = FMA(*a, *b, sum);
            t->c[i * t->c_row + j * t->c_col] = sum;
        }
}

/* One row of C: chains enough side by side to hide the latency of a multiply-add, and B read once, where it is. */
static void TYPED(single_row)(const TYPED(task) *t, int64_t left, int64_t right)
{
    static const struct {
        int vectors;
        TYPED(block_function) *block;
    } widths[] = {{8, TYPED(block_1_8_1)}, {4, TYPED(block_1_4_1)}, {2, TYPED(block_1_2_1)}, {1, TYPED(block_1_1_1)}};
    for (int w = 0; w < 4; w++)
        for (; right - left >= widths[w].vectors * LANES; left += widths[w].vectors * LANES)
            widths[w].block(t->k, t->a, 0, t->b + left, t->b_row, t->c + left, 0, 0);
    TYPED(plain)(t, 0, 1, left, right);
}

/* Rows [top, bottom) x one panel of columns. The block writes whole vectors: where C has no room for them, or its
   columns are apart, they go through a buffer. */
static void TYPED(panel)(const TYPED(task) *t, int64_t top, int64_t bottom, int64_t left, int64_t columns,
                         int64_t depth, const REAL *a, int64_t a_next, int64_t a_step, int spread, const REAL *b,
                         int64_t b_step, int resume)
{
    const int vectors = columns > LANES ? 2 : 1;
    const int direct = columns == vectors * LANES && t->c_col == 1;
    int height = 0;
    for (int64_t i = top; i < bottom;) {
        while (TYPED(heights)[height].rows > bottom - i)
            height++;
        const int rows = TYPED(heights)[height].rows;
        TYPED(block_function) *block = TYPED(heights)[height].with[vectors - 1][spread];
        REAL *c = t->c + i * t->c_row + left * t->c_col;
        if (direct) {
            block(depth, a, a_step, b, b_step, c, t->c_row, resume);
        } else {
            REAL buffer[ROWS * PANEL];
            if (resume)
                for (int r = 0; r < rows; r++)
                    for (int64_t j = 0; j < vectors * LANES; j++)
                        buffer[r * PANEL + j] = j < columns ? c[r * t->c_row + j * t->c_col] : 0;
            block(depth, a, a_step, b, b_step, buffer, PANEL, resume);
            for (int r = 0; r < rows; r++)
                for (int64_t j = 0; j < columns; j++)
                    c[r * t->c_row + j * t->c_col] = buffer[r * PANEL + j];
        }
        a += rows * a_next;
        i += rows;
    }
}

/* What follows the product, for rows [top, bottom) x columns [left, right) of C as it is computed. */
INLINE void TYPED(finish)(const TYPED(task) *t, int64_t top, int64_t bottom, int64_t left, int64_t right)
{
    if (t->end && t->turned)
        t->end->finish(t->end->context, left, right, top, bottom);
    else if (t->end)
        t->end->finish(t->end->context, top, bottom, left, right);
}

/* Rows [top, bottom) of one group of columns [left, right). */
static void TYPED(group)(const TYPED(task) *t, REAL *scratch, int64_t top, int64_t bottom, int64_t left, int64_t right)
{
    if (t->tiny) {
        TYPED(plain)(t, top, bottom, left, right);
        TYPED(finish)(t, top, bottom, left, right);
        return;
    }
    if (t->m == 1 && t->b_col == 1 && t->a_col == 1 && t->c_col == 1) {
        TYPED(single_row)(t, left, right);
        TYPED(finish)(t, top, bottom, left, right);
        return;
    }
    REAL *scratch_b = scratch, *packed_a = scratch + TYPED(packed_columns)(t) * TYPED(packed_depth)(t);
    const int spread = !t->packs_a && t->a_row != 1, whole = t->packs_b || t->packed;
    for (int64_t start = 0; start == 0 || start < t->k; start += DEPTH) {
        const int64_t depth = t->k - start < DEPTH ? t->k - start : DEPTH;
        const REAL *packed_b = t->packed ? t->packed + TYPED(packed_at)(t->k, left, right, start) : scratch_b;
        for (int64_t j = left; j < right && !t->packed; j += PANEL) {
            const int64_t columns = right - j < PANEL ? right - j : PANEL;
            const int64_t width = columns > LANES ? PANEL : LANES;
            if (whole || columns < width)
                TYPED(pack)(depth, columns, width, t->b + start * t->b_row + j * t->b_col, t->b_row, t->b_col,
                            scratch_b + (whole ? (j - left) * depth : 0));
        }
        for (int64_t first = top; first < bottom; first += ROWS) {
            const int64_t last = first + ROWS < bottom ? first + ROWS : bottom;
            const REAL *a = t->a + first * t->a_row + start * t->a_col;
            int64_t a_next = t->a_row, a_step = spread ? t->a_row : t->a_col;
            if (t->packs_a) { /* whole vectors where there are rows enough: what is beyond the block is not read */
                const int64_t rows = t->m - first < A_WIDTH ? t->m - first : A_WIDTH;
                TYPED(pack)(depth, rows, A_WIDTH, a, t->a_col, t->a_row, packed_a);
                a = packed_a, a_next = 1, a_step = A_WIDTH;
            }
            /* A read down its columns lies in as many rows as there are steps, some of them in another core's cache: those
               of the block below are asked for between the panels of this one. */
            const int below = t->a_row == 1 && !t->packs_a && last + ROWS <= bottom;
            for (int64_t j = left; j < right; j += PANEL) {
                const int64_t columns = right - j < PANEL ? right - j : PANEL;
                const int64_t until = below ? (j - left + columns) * depth / (right - left) : 0;
                for (int64_t step = (j - left) * depth / (right - left); step < until; step++)
                    __builtin_prefetch(a + 2 * ROWS - 1 + step * t->a_col, 0, 2);
                const int64_t width = columns > LANES ? PANEL : LANES;
                const int packed = whole || columns < width;
                const REAL *b = !packed ? t->b + start * t->b_row + j : packed_b + (whole ? (j - left) * depth : 0);
                TYPED(panel)(t, first, last, j, columns, depth, a, a_next, a_step, spread, b,
                             packed ? width : t->b_row, start > 0);
            }
            if (start + DEPTH >= t->k)
                TYPED(finish)(t, first, last, left, right);
        }
    }
}

/* Tiles [first, last). */
static void TYPED(tiles)(const TYPED(task) *t, REAL *scratch, int64_t first, int64_t last)
{
    const int64_t strips = TYPED(ceiling)(t->m, STRIP);
    scratch += (64 - (intptr_t)scratch % 64) % 64 / (int64_t)sizeof(REAL);
    while (first < last) {
        const int64_t column = first / strips, left = column * t->group, before = column * strips;
        const int64_t end = last < before + strips ? last : before + strips;
        const int64_t top = (first - before) * STRIP, bottom = (end - before) * STRIP;
        TYPED(group)(t, scratch, top, bottom < t->m ? bottom : t->m, left,
                     left + t->group < t->n ? left + t->group : t->n);
        first = end;
    }
}

void ISA(TYPED(product))(const product_shape *s, const REAL *a, const REAL *b, REAL *c, REAL *scratch,
                         int64_t first_tile, int64_t last_tile)
{
    const TYPED(task) t = TYPED(plan)(s, a, b, c);
    TYPED(tiles)(&t, scratch, first_tile, last_tile);
}

void ISA(TYPED(product_whole))(const product_shape *s, const REAL *a, const REAL *b, const REAL *packed, REAL *c,
                               REAL *scratch, const product_end *end)
{
    TYPED(task) t = TYPED(plan)(s, a, b, c);
    t.end = end;
    t.packed = t.turned || t.m <= STRIP ? 0 : packed;
    TYPED(tiles)(&t, scratch, 0, TYPED(ceiling)(t.m, STRIP) * TYPED(ceiling)(t.n, t.group));
}

int64_t ISA(TYPED(product_pack))(const product_shape *s, const REAL *b, REAL *packed)
{
    const TYPED(task) t = TYPED(plan)(s, 0, b, 0);
    if (t.tiny || t.turned || (!t.packs_b && t.n % LANES == 0))
        return 0;
    for (int64_t left = 0; left < s->n && packed; left += GROUP) {
        const int64_t right = left + GROUP < s->n ? left + GROUP : s->n;
        for (int64_t start = 0; start < s->k; start += DEPTH) {
            const int64_t depth = s->k - start < DEPTH ? s->k - start : DEPTH;
            REAL *block = packed + TYPED(packed_at)(s->k, left, right, start);
            for (int64_t j = left; j < right; j += PANEL) {
                const int64_t columns = right - j < PANEL ? right - j : PANEL;
                TYPED(pack)(depth, columns, columns > LANES ? PANEL : LANES, b + start * s->b_row + j * s->b_col, s->b_row,
                            s->b_col, block + (j - left) * depth);
            }
        }
    }
    return TYPED(ceiling)(s->n, LANES) * LANES * s->k;
}

#undef LANES
#undef PANEL
#undef GROUP
#undef A_WIDTH
