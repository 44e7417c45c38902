/* Threads that all run one program: each takes its share of every operation and waits for the others at its end.
 *
 * A share is a range of rows, columns, registers or tiles, so no sum is ever split. The wait spins for a moment (an
 * operation of a large network lasts some 100 µs) and then yields, so that a core shared with others is not wasted.
 * Threads live as long as one call, so nothing is left behind for a fork.
 */
#ifndef PELLUCID_THREADS_H
#define PELLUCID_THREADS_H

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#ifdef _WIN32
#include <windows.h>
typedef HANDLE thread_handle;
#define THREAD_RESULT DWORD WINAPI
#define thread_yield() SwitchToThread()
static inline int thread_start(thread_handle *t, LPTHREAD_START_ROUTINE f, void *a)
{
    return (*t = CreateThread(NULL, 0, f, a, 0, NULL)) == NULL;
}
static inline void thread_join(thread_handle t) { WaitForSingleObject(t, INFINITE); CloseHandle(t); }
#else
#include <pthread.h>
#include <sched.h>
typedef pthread_t thread_handle;
#define THREAD_RESULT void *
#define thread_yield() sched_yield()
static inline int thread_start(thread_handle *t, void *(*f)(void *), void *a) { return pthread_create(t, NULL, f, a); }
static inline void thread_join(thread_handle t) { pthread_join(t, NULL); }
#endif

enum { MOST_THREADS = 64, SPINS = 4000 };

typedef struct {
    _Alignas(64) atomic_int arrived;
    _Alignas(64) atomic_int generation;
    _Alignas(64) atomic_int threads; /* 0 until all have started */
} gate;

typedef struct {
    gate *gate;
    int64_t thread, threads;
} team;

static inline void wait_until_changed(atomic_int *value, int old)
{
    for (int spins = 0; atomic_load_explicit(value, memory_order_acquire) == old; spins++)
        if (spins > SPINS)
            thread_yield();
}

static inline void meet(const team *t)
{
    if (t->threads == 1)
        return;
    gate *g = t->gate;
    const int generation = atomic_load_explicit(&g->generation, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&g->arrived, 1, memory_order_acq_rel) == t->threads - 1) {
        atomic_store_explicit(&g->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&g->generation, generation + 1, memory_order_release);
    } else
        wait_until_changed(&g->generation, generation);
}

typedef struct {
    int64_t first, last;
} range;

static inline range share(const team *t, int64_t n)
{
    if (t->threads == 1)
        return (range){0, n}; /* two divisions cost more than a tiny operation */
    return (range){n * t->thread / t->threads, n * (t->thread + 1) / t->threads};
}

static inline double clock_seconds(void)
{
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#endif
