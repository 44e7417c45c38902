/* A call of the engine: what it needs is laid out, and each thread runs the same code on its share. */

static THREAD_RESULT T(work)(void *given)
{
    T(worker) *w = given;
    if (w->team.thread > 0) {
        wait_for_change(w->team.gate, &w->team.gate->threads, 0);
        w->team.threads = atomic_load(&w->team.gate->threads);
    }
    const uint64_t arithmetic = flush_subnormals();
    if (w->training)
        T(train)(w);
    else if (w->run->losses)
        T(judge)(w);
    else
        T(predict)(w);
    set_arithmetic(arithmetic);
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
