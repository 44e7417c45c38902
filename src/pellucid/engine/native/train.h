/* Training: the way forth, the loss, the way back and the update, step after step, for whole epochs.
 *
 * Thread 0 alone sums the loss, watches the clock and writes results; what it decides stands in `shared` before a
 * meeting, so all take the same way. Equal to training/step.py and to the loops of training/loop.py.
 */

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
