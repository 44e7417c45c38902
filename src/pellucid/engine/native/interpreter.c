/* The interpreter of plans for one instruction set, in float32 and in float64: the headers below are its chapters. */
#include <stddef.h>

#include "isa.h"
#include "mathematics.h"
#include "philox.h"
#include "product.h"
#include "program.h"
#include "subnormal.h"
#include "threads.h"

typedef struct {
    double loss, weight, norm;
    int pause, finite, status;
    atomic_llong next; /* row that no thread has taken yet */
} shared_state;

typedef struct {
    double rate, rate_factor, decay, decay_factor; /* configured values and the factors of this step */
    double correction1, correction2;               /* Adam's, of this step */
    double average_step;
} step_rates;

enum {
    COLUMNS = 32,       /* of a product that threads share by columns: whole panels where they are widest */
    BLOCK_ROWS = 64,    /* rows that are summed before their sum is added to the others' */
    PENALTY_BLOCK = 4096, /* parameters whose penalty is summed likewise; engine/plan.py */
    TINY_REGISTERS = 4, /* that an operand of a tiny kernel may fill */
    DROPOUT_PURPOSE = 2 /* random.Purpose.DROPOUT */
};

#define REAL_BITS 32
#include "kernels.h"
#undef REAL_BITS
#define REAL_BITS 64
#include "kernels.h"
