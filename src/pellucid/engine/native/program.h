/* The flat plan that Python hands over: operations on rows, a loss, an update. engine/records.py mirrors every record.
 *
 * An operation names a kernel, its sizes and where its arrays lie: a space (one of five blocks of memory, or NOWHERE for
 * an array [in brackets below] that this operation does without) and an offset in numbers. All arrays that hold one row per row of the batch are contiguous, start on a full register and end in a
 * pad of one, so elementwise kernels run over them in whole registers. Python has checked every size and offset.
 */
#ifndef PELLUCID_PROGRAM_H
#define PELLUCID_PROGRAM_H

#include <stdint.h>

enum { WORKSPACE, PARAMETERS, GRADIENTS, BUFFERS, ROWS, NOWHERE, N_SPACES };

typedef struct {
    int64_t space, offset;
} operand;

typedef enum {
    PRODUCT_FORWARD,     /* x, W -> z, [b, a, packed W]  z = x W [* option 1] [+ b], [a = activation(z)]  layers/dense.py */
    PRODUCT_WEIGHT,      /* x, dz -> dW                  xᵀ dz */
    PRODUCT_INPUT,       /* dz, W -> dx, [z, a]          dz Wᵀ, [times the slope of the activation that made x] */
    MULTIPLY,            /* x -> y                       y = x * option                          (NTK) */
    ACTIVATE,            /* z -> a                                                               activations.py */
    ACTIVATE_BACKWARD,   /* da, z, a -> dz */
    NORMALIZE_EXPONENTIALS, /* z -> a                    softmax */
    NORMALIZE_EXPONENTIALS_BACKWARD, /* da, a -> dz */
    BLEND,               /* z, a, blend -> y             y = z + blend (a - z)                   layers/activation.py */
    BLEND_SLOPE,         /* dy, a, z -> dblend           Σ dy (a - z) */
    BLEND_BACKWARD,      /* dy, z, a, blend -> dz        dz = dy (1 - blend) + blend dy f'(z) */
    COLUMN_SUM,          /* dy -> d                      Σ dy */
    COLUMN_PRODUCT_SUM,  /* dy, x -> d                   Σ dy x */
    SCALE_COLUMNS,       /* x, f -> y                    y = x f                                 layers/scale.py */
    SCALE_SHIFT_COLUMNS, /* x, f, s -> y                 y = x f + s                             layers/normalization.py */
    ADD,                 /* a, b -> y                    y = a + b                               layers/holding.py */
    FILL_ZERO,           /* y                            y = 0 */
    COPY_COLUMNS,        /* x -> y                       y[:, to:to+width] = x[:, from:from+width] */
    ADD_COLUMNS,         /* x -> y                       ... += ... */
    COPY_VECTOR,         /* x -> y                       n_in numbers, whatever the rows */
    EMBED,               /* codes, weight -> y                                                   layers/embedding.py */
    EMBED_BACKWARD,      /* codes, dy -> dweight */
    LAYER_NORM,          /* x -> n, r                                                            layers/normalization.py */
    LAYER_NORM_BACKWARD, /* dn, n, r -> dx */
    BATCH_NORM,          /* x, mean, variance -> n, r, new running mean and variance */
    BATCH_NORM_BACKWARD, /* dn, n, r -> dx */
    BATCH_NORM_RUNNING,  /* x, mean, variance -> n */
    DROPOUT,             /* x -> y, mask                                                         layers/dropout.py */
    DROPOUT_BACKWARD,    /* dy, mask -> dx */
    PERIODIC,            /* x, parameters -> y, waves    layers/periodic_embedding.py; native/periodic.h */
    PERIODIC_BACKWARD,   /* dy, parameters, waves -> dparameters, [dx] */
    SPLINE_TABLE,        /* edges, weight, bias -> table layers/piecewise_linear_embedding.py; native/spline.h */
    SPLINE,              /* x, table -> y, bins */
    SPLINE_INPUT,        /* dy, table, bins -> dx */
    SPLINE_WEIGHT,       /* dy, bins -> table, dweight, dbias */
    N_CODES
} operation_code;

typedef enum { IDENTITY, SIGMOID, TANH, RELU, LEAKY_RELU, ELU, SELU, GELU, SILU, MISH, SOFTPLUS, SOFTMAX } activation_code;

typedef struct {
    int64_t code;
    int64_t n_in, n_out;         /* columns */
    int64_t variant;             /* the activation; of PERIODIC, whether waves are mixed */
    int64_t from, to, width;     /* COPY_COLUMNS, ADD_COLUMNS; of PERIODIC and SPLINE, width is the waves or bins of a column */
    int64_t by_columns;          /* of a product, threads take columns instead of rows; engine/meetings.py */
    int64_t meets;               /* threads wait for each other at its end; engine/meetings.py */
    uint64_t layer;              /* the address of dropout's random numbers */
    operand operands[6];
    double options[2];
} operation;

typedef enum { SQUARED_ERROR, HALF_SUM, ABSOLUTE_ERROR, HUBER, QUANTILE, POISSON, BINARY_CROSS_ENTROPY, CROSS_ENTROPY_CODES,
               CROSS_ENTROPY, BINARY_FOCAL, FOCAL } loss_code;
typedef enum { SGD, ADAM, RMSPROP, NO_UPDATE } optimizer_code;

typedef struct {
    int64_t n_forward, n_backward, n_commit;
    const operation *forward, *backward, *commit;
    int64_t n_inputs, n_outputs, n_targets, n_parameters;
    int64_t loss, n_levels;
    double loss_option;
    const double *levels;                                      /* quantiles, one per level */
    operand outputs, d_outputs;
    int64_t gathered_rows, gathered_target, terms, row_losses; /* offsets into the workspace */
    int64_t direct_rows;                                       /* rows in table order need no copy */
    int64_t vectors; /* where a small network's vectors are kept in the workspace during a call, or -1 */
    int64_t optimizer, nesterov, inside, rate_correction;
    double learning_rate, weight_decay, momentum, beta1, beta2, epsilon;
    double gradient_clip, average, l1, l2;                     /* 0: none */
    int64_t divided_penalty;                                   /* l1 and l2 are divided by the batch's sum of weights */
    int64_t penalty_terms; /* offset of a float64 per PENALTY_BLOCK parameters, where there is a penalty */
} program;

/* The vectors with a number per parameter; training changes the first five. Where a small network's are kept in the
   workspace, each starts on a full register and ends in a pad of one. */
enum { VALUES, SLOPES, SLOT1, SLOT2, AVERAGE, RATE_FACTOR, DECAY_FACTOR, N_VECTORS, N_CHANGING = RATE_FACTOR };

enum { FINISHED, PAUSED, LOSS_NOT_FINITE, WEIGHTS_NOT_FINITE };

typedef struct {
    void *parameters, *gradients, *buffers, *workspace, *scratch; /* scratch: one part per thread */
    const void *x, *target, *weight;             /* target: numbers, or int64 codes; weight may be null */
    const int64_t *order;                        /* n_epochs × n_order row numbers, or null: the table's own order */
    int64_t n_order, n_epochs, batch_size;
    void *slot1, *slot2, *averages;              /* velocity or moments; moving average */
    const void *learning_rate_factor, *weight_decay_factor; /* per parameter, or null */
    const double *rates;                         /* per step: factors of learning rate, weight decay, dropout; or null */
    double *powers;                              /* beta1ᵗ and beta2ᵗ */
    uint64_t seed, step;                         /* step: of the whole training, for addresses and averages */
    int64_t epoch, batch;                        /* where to go on; moved */
    double loss, loss_sum, weight_sum;           /* the last step's loss; Σ w loss and Σ w of the epoch's steps so far */
    double *losses, *norms, *times;              /* per epoch */
    double *step_losses, *step_penalties;        /* per step of this call, or null */
    double seconds;                              /* return at the first step after that long */
    int64_t most_steps;                          /* ... or after so many steps */
    int64_t threads, scratch_numbers;
    int64_t evaluate;                            /* loss and gradient of one batch, no update */
    int64_t unchecked;                           /* go on where the loss or a weight is not finite */
    int64_t workspace_numbers;                   /* 0, or in prediction how much of the workspace each thread has */
    void *outputs;                               /* of prediction: (n_order, n_outputs); with losses, also their loss */
} training_run;

#endif
