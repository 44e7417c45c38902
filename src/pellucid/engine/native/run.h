/* The interpreter: operations one after another on a batch, then the loss, the way back and the update; whole epochs.
 *
 * Every thread runs this same code with its share of each operation. Thread 0 alone sums the loss, watches the clock and
 * writes results; what it decides stands in `shared` before a meeting, so all take the same way. Equal to
 * training/step.py and to the loops of training/loop.py.
 */

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

/* copy rows `first` ... of the order into the workspace; without an order they may be used where they lie */
static void T(gather)(T(worker) *w, const int64_t *order, int64_t first, int64_t rows)
{
    const program *q = w->program;
    if (w->gathered)
        return;
    w->gathered = !order && rows == w->run->n_order;
    const REAL *x = w->run->x, *target = w->run->target;
    REAL *to = w->base[WORKSPACE] + q->gathered_rows, *to_target = w->base[WORKSPACE] + q->gathered_target;
    const int direct = !order && q->direct_rows;
    T(read_rows_at)(w, direct ? x + first * q->n_inputs : to);
    const range r = share(&w->team, rows);
    for (int64_t i = r.first; i < r.last; i++) {
        const int64_t row = order ? order[i] : first + i;
        if (!direct)
            T(copy)(to + i * q->n_inputs, x + row * q->n_inputs, q->n_inputs);
        if (q->loss == CROSS_ENTROPY_CODES || q->loss == FOCAL)
            ((int64_t *)to_target)[i] = ((const int64_t *)w->run->target)[row];
        else
            T(copy)(to_target + i * q->n_targets, target + row * q->n_targets, q->n_targets);
    }
    meet(&w->team);
}

/* losses/base.py, Loss.value_and_gradient: writes the slopes of the outputs; the value is in shared->loss after a meeting */
static void T(loss)(T(worker) *w, const int64_t *order, int64_t first, int64_t rows)
{
    const program *q = w->program;
    const team *t = &w->team;
    const REAL *o = w->base[q->outputs.space] + q->outputs.offset, *weight = w->run->weight;
    REAL *slopes = w->base[q->d_outputs.space] + q->d_outputs.offset;
    REAL *target = w->base[WORKSPACE] + q->gathered_target, *terms = w->base[WORKSPACE] + q->terms;
    REAL *row_losses = w->base[WORKSPACE] + q->row_losses;
    const int half_sum = q->loss == HALF_SUM;
    const double total_weight = weight ? T(total)(NULL, weight, order, first, rows) : (double)rows;
    const REAL mean = weight || half_sum ? 1 : (REAL)(1 / (double)rows);
    const int64_t per_row = q->n_outputs;
    if (q->loss == CROSS_ENTROPY || q->loss == CROSS_ENTROPY_CODES)
        T(cross_entropy)(t, q, o, target, q->loss == CROSS_ENTROPY ? NULL : (const int64_t *)target, row_losses, slopes, rows, mean);
    else if (q->loss == FOCAL)
        T(focal)(t, q, o, (const int64_t *)target, row_losses, slopes, rows, mean);
    else {
        const REAL over = half_sum ? 1 : (REAL)per_row;
        if (q->loss == QUANTILE)
            T(quantile_loss)(t, q, o, target, terms, slopes, rows, mean / over);
        else
            T(elementwise_loss)(t, q, o, target, terms, slopes, rows * per_row, mean / over);
        meet(t);
        T(sum_terms)(t, terms, row_losses, rows, per_row, over);
    }
    meet(t);
    if (weight) {
        const range r = share(t, rows);
        for (int64_t i = r.first; i < r.last; i++) {
            const REAL own = weight[order ? order[i] : first + i];
            const REAL part = half_sum ? own : total_weight > 0 ? own / (REAL)total_weight : 0;
            for (int64_t j = 0; j < per_row; j++)
                slopes[i * per_row + j] *= part;
        }
    }
    if (t->thread == 0) {
        const double sum = T(total)(row_losses, weight, order, first, rows);
        w->shared->loss = half_sum ? sum : total_weight > 0 ? sum / total_weight : 0;
        w->shared->weight = total_weight;
    }
}

static void T(clip_gradient)(T(worker) *w)
{
    const program *q = w->program;
    REAL *g = w->base[GRADIENTS];
    if (w->team.thread == 0)
        w->shared->norm = T(norm)(g, q->n_parameters);
    meet(&w->team);
    if (w->shared->norm > q->gradient_clip) {
        const REAL factor = (REAL)(q->gradient_clip / w->shared->norm);
        const range r = share(&w->team, q->n_parameters);
        for (int64_t i = r.first; i < r.last; i++)
            g[i] *= factor;
    }
    meet(&w->team);
}

/* the step's loss becomes part of its epoch's; losses/base.py, Loss.combine */
static void T(add_loss)(training_run *run, int64_t epoch, int64_t batch, double loss, double weight, int half_sum)
{
    if (batch == 0)
        run->loss_sum = run->weight_sum = 0;
    run->loss = loss;
    run->loss_sum += half_sum ? loss : loss * weight;
    run->weight_sum += weight;
    run->losses[epoch] = half_sum ? run->loss_sum : run->weight_sum > 0 ? run->loss_sum / run->weight_sum : 0;
}

/* The clock costs as much as an operation of a tiny network: it is read now and then, and the epochs that ended since
   the last time are taken to have lasted equally long. */
static double T(look_at_clock)(training_run *run, double began, int64_t *timed, int64_t epoch)
{
    const double now = clock_seconds() - began, before = *timed ? run->times[*timed - 1] : 0;
    const double each = (now - before) / (double)(epoch - *timed);
    for (int64_t e = *timed; e < epoch; e++)
        run->times[e] = before + each * (double)(e + 1 - *timed);
    *timed = epoch;
    return now;
}

static void T(train)(T(worker) *w)
{
    const program *q = w->program;
    training_run *run = w->run;
    shared_state *shared = w->shared;
    const team *t = &w->team;
    const double began = clock_seconds();
    const T(vectors) v = w->vectors;
    const int penalized = q->l1 != 0 || q->l2 != 0;
    double *penalty_terms = (double *)(w->base[WORKSPACE] + q->penalty_terms);
    double power1 = run->powers ? run->powers[0] : 1, power2 = run->powers ? run->powers[1] : 1;
    int64_t epoch = run->epoch, batch = run->batch, steps = 0, timed = epoch;
    int status = FINISHED;
    w->step = run->step;

    while (epoch < run->n_epochs && status == FINISHED) {
        const int64_t first = batch * run->batch_size;
        const int64_t rows = run->n_order - first < run->batch_size ? run->n_order - first : run->batch_size;
        const int64_t *order = run->order ? run->order + epoch * run->n_order + first : NULL;
        for (int k = 0; k < 3; k++)
            w->rates[k] = run->rates ? run->rates[3 * steps + k] : 1;
        T(gather)(w, order, first, rows);
        T(operate)(w, w->forward, q->n_forward, rows);
        T(loss)(w, order, first, rows);
        meet(t);
        const int usable = run->unchecked || shared->loss - shared->loss == 0;
        double extra = 0;
        if (usable)
            T(operate)(w, w->backward, q->n_backward, rows);
        if (usable && penalized) {
            T(penalty)(t, q, v.at[VALUES], v.at[SLOPES], v.at[DECAY_FACTOR], shared->weight, penalty_terms);
            meet(t);
            extra = T(penalty_value)(q, penalty_terms, shared->weight);
        }
        const double objective = shared->loss + extra;
        if (t->thread == 0) {
            if (run->step_losses) {
                run->step_losses[steps] = shared->loss;
                run->step_penalties[steps] = extra;
            }
            T(add_loss)(run, epoch, batch, objective, shared->weight, q->loss == HALF_SUM);
        }
        if (!run->unchecked && !(objective - objective == 0)) {
            status = LOSS_NOT_FINITE;
            break;
        }
        if (run->evaluate)
            break;
        if (q->gradient_clip > 0)
            T(clip_gradient)(w);
        power1 *= q->beta1;
        power2 *= q->beta2;
        const double step = (double)w->step, rising = (1 + step) / (10 + step);
        const step_rates rates = {q->learning_rate, w->rates[0], q->weight_decay, w->rates[1], 1 - power1, 1 - power2,
                                  1 - (q->average < rising ? q->average : rising)};
        T(update)(t, q, &rates, v);
        T(operate)(w, w->commit, q->n_commit, rows);
        meet(t);
        steps++;
        w->step++;
        batch++;
        const int ends_epoch = first + rows >= run->n_order;
        if (ends_epoch) {
            batch = 0;
            epoch++;
        }
        if (t->thread == 0) {
            if (ends_epoch)
                run->norms[epoch - 1] = T(norm)(v.at[SLOPES], q->n_parameters);
            shared->finite = !ends_epoch || run->unchecked || T(all_finite)(v.at[v.at[AVERAGE] ? AVERAGE : VALUES], q->n_parameters);
            shared->pause = steps >= run->most_steps;
            if (steps % 16 == 0 || rows * q->n_parameters > 20000 || shared->pause || epoch == run->n_epochs)
                shared->pause |= T(look_at_clock)(run, began, &timed, epoch) >= run->seconds;
        }
        meet(t);
        if (!shared->finite)
            status = WEIGHTS_NOT_FINITE;
        else if (shared->pause && epoch < run->n_epochs)
            status = PAUSED;
    }
    if (t->thread == 0) {
        T(look_at_clock)(run, began, &timed, epoch);
        run->epoch = epoch;
        run->batch = batch;
        run->step = w->step;
        if (run->powers && !run->evaluate) {
            run->powers[0] = power1;
            run->powers[1] = power2;
        }
        shared->status = status;
    }
}

/* Each thread takes blocks of rows and has workspace of its own, so nobody waits. */
static void T(predict)(T(worker) *w)
{
    const program *q = w->program;
    const training_run *run = w->run;
    w->team = (team){.threads = 1};
    int64_t first;
    while ((first = atomic_fetch_add(&w->shared->next, run->batch_size)) < run->n_order) {
        const int64_t rows = run->n_order - first < run->batch_size ? run->n_order - first : run->batch_size;
        const REAL *x = (const REAL *)run->x + first * q->n_inputs;
        REAL *gathered = w->base[WORKSPACE] + q->gathered_rows;
        if (!q->direct_rows)
            memcpy(gathered, x, (size_t)(rows * q->n_inputs) * sizeof(REAL));
        T(read_rows_at)(w, q->direct_rows ? x : gathered);
        T(operate)(w, w->forward, q->n_forward, rows);
        memcpy((REAL *)run->outputs + first * q->n_outputs, w->base[q->outputs.space] + q->outputs.offset,
               (size_t)(rows * q->n_outputs) * sizeof(REAL));
    }
}

/* training/judging.py: outputs and loss of all rows as in prediction, block after block whatever the training's batches */
static void T(judge)(T(worker) *w)
{
    const program *q = w->program;
    training_run *run = w->run;
    for (int64_t first = 0, block = 0; first < run->n_order; first += run->batch_size, block++) {
        const int64_t rows = run->n_order - first < run->batch_size ? run->n_order - first : run->batch_size;
        const range r = share(&w->team, rows);
        T(gather)(w, NULL, first, rows);
        T(operate)(w, w->forward, q->n_forward, rows);
        memcpy((REAL *)run->outputs + (first + r.first) * q->n_outputs,
               w->base[q->outputs.space] + q->outputs.offset + r.first * q->n_outputs,
               (size_t)((r.last - r.first) * q->n_outputs) * sizeof(REAL));
        T(loss)(w, NULL, first, rows);
        if (w->team.thread == 0)
            T(add_loss)(run, 0, run->batch + block, w->shared->loss, w->shared->weight, q->loss == HALF_SUM);
        meet(&w->team);
    }
}

static THREAD_RESULT T(work)(void *given)
{
    T(worker) *w = given;
    if (w->team.thread > 0) {
        wait_for_change(w->team.gate, &w->team.gate->threads, 0);
        w->team.threads = atomic_load(&w->team.gate->threads);
    }
    if (w->training)
        T(train)(w);
    else if (w->run->losses)
        T(judge)(w);
    else
        T(predict)(w);
    return 0;
}

/* A small network's vectors lie in the workspace during a call: whole registers may be read beyond their ends. */
static T(vectors) T(vectors_in_workspace)(const program *q, const training_run *run, const T(vectors) *v)
{
    T(vectors) own = {0};
    const int64_t each = (q->n_parameters + 15) / 16 * 16 + 16;
    for (int k = 0; k < N_VECTORS; k++)
        if (v->at[k]) {
            own.at[k] = (REAL *)run->workspace + q->vectors + k * each;
            memcpy(own.at[k], v->at[k], (size_t)q->n_parameters * sizeof(REAL));
        }
    return own;
}

static int T(run_threads)(const program *q, training_run *run, int training)
{
    const T(vectors) given = {{run->parameters, run->gradients, run->slot1, run->slot2, run->averages,
                               (REAL *)run->learning_rate_factor, (REAL *)run->weight_decay_factor}};
    const T(vectors) used = q->vectors >= 0 ? T(vectors_in_workspace)(q, run, &given) : given;
    T(worker) workers[MOST_THREADS];
    thread_handle handles[MOST_THREADS];
    gate gate = NEW_GATE;
    shared_state shared = {0};
    int64_t threads = 1;
    const int64_t wanted = run->threads < MOST_THREADS ? run->threads : MOST_THREADS;
    for (int64_t i = 0; i < wanted; i++) {
        workers[i] = (T(worker)){.team = {&gate, i, 1}, .program = q, .run = run, .shared = &shared, .training = training};
        workers[i].base[WORKSPACE] = (REAL *)run->workspace + i * run->workspace_numbers;
        workers[i].base[PARAMETERS] = used.at[VALUES];
        workers[i].base[GRADIENTS] = used.at[SLOPES];
        workers[i].base[BUFFERS] = run->buffers;
        workers[i].vectors = used;
        workers[i].forward = (T(task) *)((REAL *)run->scratch + i * run->scratch_numbers);
        workers[i].scratch = (REAL *)workers[i].forward + T(task_numbers)(q);
        workers[i].rates[0] = workers[i].rates[1] = workers[i].rates[2] = 1;
    }
    while (threads < wanted && thread_start(&handles[threads], T(work), &workers[threads]) == 0)
        threads++; /* where the system refuses one, those that started do the work: no bit depends on it */
    workers[0].team.threads = threads;
    change(&gate, &gate.threads, (int)threads);
    T(work)(&workers[0]);
    for (int64_t i = 1; i < threads; i++)
        thread_join(handles[i]);
    for (int k = 0; k < N_CHANGING; k++)
        if (used.at[k] != given.at[k])
            memcpy(given.at[k], used.at[k], (size_t)q->n_parameters * sizeof(REAL));
    return shared.status;
}

int ISA(T(train))(const program *q, training_run *run)
{
    return T(run_threads)(q, run, 1);
}

void ISA(T(predict))(const program *q, training_run *run)
{
    T(run_threads)(q, run, 0);
}

/* numbers of scratch that one thread needs for batches of at most `most_rows` rows */
int64_t ISA(T(scratch))(const program *q, int64_t most_rows)
{
    int64_t most = 0;
    for (int way = 0; way < 2; way++)
        for (int64_t i = 0; i < (way ? q->n_backward : q->n_forward); i++) {
            const operation *o = (way ? q->backward : q->forward) + i;
            if (o->code > PRODUCT_INPUT)
                continue;
            for (int64_t rows = 1; rows <= most_rows; rows++) {
                const int64_t needed = T(dense_scratch)(o, rows);
                most = needed > most ? needed : most;
            }
        }
    return T(task_numbers)(q) + most;
}

/* numbers that the packed weights of a product take, or 0; packs them if the operation has a place for them */
int64_t ISA(T(pack))(const operation *o, int64_t most_rows, void *given)
{
    REAL *parameters = given;
    const product_shape s = T(dense_shape)(o, most_rows);
    const int place = o->operands[5].space == PARAMETERS;
    return ISA(T(product_pack))(&s, parameters + o->operands[1].offset, place ? parameters + o->operands[5].offset : NULL);
}
