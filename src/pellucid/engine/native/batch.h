/* A batch: its rows, and the loss of what the operations made of them; losses/base.py. */

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
