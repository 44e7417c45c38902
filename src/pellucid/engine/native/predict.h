/* The way forth alone: outputs of many rows, and the loss of rows that are judged. */

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
