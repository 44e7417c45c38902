/* The interpreter: operations one after another on a batch, each thread with its share of each of them. */

/* an operation with the addresses of its operands */
typedef struct {
    const operation *operation;
    REAL *p[6];
} T(task);

typedef struct {
    team team;
    const program *program;
    training_run *run;
    shared_state *shared;
    REAL *base[N_SPACES];
    T(vectors) vectors;
    T(task) *forward, *backward, *commit;
    REAL *scratch;   /* for products */
    double rates[3]; /* factors of learning rate, weight decay and dropout in this step */
    uint64_t step;
    int training, gathered; /* gathered: the workspace holds the whole table, which is every batch */
} T(worker);

static T(task) *T(resolve)(const T(worker) *w, const operation *operations, int64_t n_operations, T(task) *to)
{
    for (const operation *o = operations; o < operations + n_operations; o++, to++) {
        to->operation = o;
        for (int k = 0; k < 6; k++)
            to->p[k] = o->operands[k].space == NOWHERE ? NULL : w->base[o->operands[k].space] + o->operands[k].offset;
    }
    return to;
}

/* rows to read from here on; operations hold addresses, so they follow */
static void T(read_rows_at)(T(worker) *w, const REAL *rows)
{
    const program *q = w->program;
    if (w->base[ROWS] == rows)
        return;
    w->base[ROWS] = (REAL *)rows;
    w->backward = T(resolve)(w, q->forward, q->n_forward, w->forward);
    w->commit = T(resolve)(w, q->backward, q->n_backward, w->backward);
    T(resolve)(w, q->commit, q->n_commit, w->commit);
}

/* numbers of scratch for the tasks, which lie before that of the products */
static int64_t T(task_numbers)(const program *q)
{
    const int64_t bytes = (q->n_forward + q->n_backward + q->n_commit) * (int64_t)sizeof(T(task));
    return (bytes / (int64_t)sizeof(REAL) + 15) / 16 * 16;
}

static void T(operate)(T(worker) *w, const T(task) *tasks, int64_t n_tasks, int64_t rows)
{
    const team *t = &w->team;
    for (const T(task) *task = tasks; task < tasks + n_tasks; task++) {
        const operation *o = task->operation;
        REAL *const *p = task->p;
        const int64_t in = o->n_in, all = rows * in;
        const REAL option = (REAL)o->options[0];
        switch (o->code) {
        case PRODUCT_FORWARD:
        case PRODUCT_WEIGHT:
        case PRODUCT_INPUT:
            if (T(is_tiny_product)(t, w->program, o, rows))
                T(tiny_dense)(o, p, rows);
            else
                T(dense)(t, o, p, w->scratch, rows);
            break;
        case MULTIPLY: T(multiply)(t, p[0], option, p[1], rows, in); break;
        case ACTIVATE: T(activate)(t, o->variant, option, p[0], p[1], rows, in); break;
        case ACTIVATE_BACKWARD: T(activate_backward)(t, o->variant, option, p[0], p[1], p[2], p[3], rows, in); break;
        case NORMALIZE_EXPONENTIALS: T(softmax)(t, p[0], p[1], rows, in); break;
        case NORMALIZE_EXPONENTIALS_BACKWARD: T(softmax_backward)(t, p[0], p[1], p[2], rows, in); break;
        case BLEND: T(blend)(t, p[0], p[1], p[2], p[3], rows, in); break;
        case BLEND_SLOPE: T(blend_slope)(t, p[0], p[1], p[2], p[3], rows, in); break;
        case BLEND_BACKWARD: T(blend_backward)(t, o, p[0], p[1], p[2], p[3], p[4], rows); break;
        case COLUMN_SUM:
            if (T(is_tiny)(t, w->program, all))
                T(tiny_column_sum)(p[0], p[1], rows, in);
            else
                T(column_sum)(t, p[0], p[1], rows, in);
            break;
        case COLUMN_PRODUCT_SUM: T(column_product_sum)(t, p[0], p[1], p[2], rows, in); break;
        case SCALE_COLUMNS: T(scale_columns)(t, p[0], p[1], p[2], rows, in); break;
        case SCALE_SHIFT_COLUMNS: T(scale_shift_columns)(t, p[0], p[1], p[2], p[3], rows, in); break;
        case ADD: T(add)(t, p[0], p[1], p[2], rows, in); break;
        case FILL_ZERO:
            if (t->thread == 0)
                memset(p[0], 0, (size_t)all * sizeof(REAL));
            break;
        case COPY_COLUMNS:
        case ADD_COLUMNS: T(copy_columns)(t, o, p[0], p[1], rows, o->code == ADD_COLUMNS); break;
        case COPY_VECTOR:
            if (t->thread == 0)
                memcpy(p[1], p[0], (size_t)in * sizeof(REAL));
            break;
        case EMBED: T(embed)(t, p[0], p[1], p[2], rows, o->n_out); break;
        case EMBED_BACKWARD: T(embed_backward)(t, p[0], p[1], p[2], rows, in, o->n_out); break;
        case LAYER_NORM: T(layer_norm)(t, p[0], p[1], p[2], option, rows, in); break;
        case LAYER_NORM_BACKWARD: T(layer_norm_backward)(t, p[0], p[1], p[2], p[3], rows, in); break;
        case BATCH_NORM: T(batch_norm)(t, o, p[0], p[1], p[2], p[3], p[4], p[5], rows); break;
        case BATCH_NORM_BACKWARD: T(batch_norm_backward)(t, p[0], p[1], p[2], p[3], rows, in); break;
        case BATCH_NORM_RUNNING: T(batch_norm_running)(t, p[0], p[1], p[2], p[3], option, rows, in); break;
        case DROPOUT: T(dropout)(t, o, p[0], p[1], (uint8_t *)p[2], rows, w->rates[2], w->run->seed, w->step); break;
        case DROPOUT_BACKWARD: T(dropout_backward)(t, o, p[0], p[1], (const uint8_t *)p[2], rows, w->rates[2]); break;
        case PERIODIC: T(periodic)(t, o, p[0], p[1], p[2], p[3], rows); break;
        case PERIODIC_BACKWARD: T(periodic_backward)(t, o, p[0], p[1], p[2], p[3], p[4], rows); break;
        case SPLINE_TABLE: T(spline_table)(t, o, p[0], p[1], p[2], p[3]); break;
        case SPLINE: T(spline)(t, o, p[0], p[1], p[2], p[3], rows); break;
        case SPLINE_INPUT: T(spline_input)(t, o, p[0], p[1], p[2], p[3], rows); break;
        case SPLINE_WEIGHT: T(spline_weight)(t, o, p[0], p[1], p[2], p[3], p[4], rows); break;
        }
        if (o->meets)
            meet(t);
    }
}
