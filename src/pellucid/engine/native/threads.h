/* Threads that all run one program: each takes its share of every operation and waits for the others at its end.
 *
 * A share is a range of rows, columns, registers or tiles, so no sum is ever split. Threads live as long as one call, so
 * nothing is left behind for a fork.
 *
 * Who waits spins at first: most waits are shorter than the 30 µs or so that waking a sleeper takes. Then it sleeps, for
 * where other processes want the cores, the thread that all wait for may need this one. (Yielding in a loop hands it to
 * those processes for whole slices of time: some milliseconds at each meeting.) How long it spins before depends on what
 * came of it: half as long after each time in vain, twice as long after a success, and now and then in full, since
 * threads that all sleep would never find out that the cores are free again.
 */
#ifndef PELLUCID_THREADS_H
#define PELLUCID_THREADS_H

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#ifdef _WIN32
#include <windows.h>
typedef HANDLE thread_handle;
typedef SRWLOCK lock;
typedef CONDITION_VARIABLE bell;
#define THREAD_RESULT DWORD WINAPI
#define LOCK_AND_BELL SRWLOCK_INIT, CONDITION_VARIABLE_INIT
static inline int thread_start(thread_handle *t, LPTHREAD_START_ROUTINE f, void *a)
{
    return (*t = CreateThread(NULL, 0, f, a, 0, NULL)) == NULL;
}
static inline void thread_join(thread_handle t) { WaitForSingleObject(t, INFINITE); CloseHandle(t); }
static inline void take(lock *l) { AcquireSRWLockExclusive(l); }
static inline void release(lock *l) { ReleaseSRWLockExclusive(l); }
static inline void sleep_until_rung(bell *b, lock *l) { SleepConditionVariableSRW(b, l, INFINITE, 0); }
static inline void ring(bell *b) { WakeAllConditionVariable(b); }
#else
#include <pthread.h>
typedef pthread_t thread_handle;
typedef pthread_mutex_t lock;
typedef pthread_cond_t bell;
#define THREAD_RESULT void *
#define LOCK_AND_BELL PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER
static inline int thread_start(thread_handle *t, void *(*f)(void *), void *a) { return pthread_create(t, NULL, f, a); }
static inline void thread_join(thread_handle t) { pthread_join(t, NULL); }
static inline void take(lock *l) { pthread_mutex_lock(l); }
static inline void release(lock *l) { pthread_mutex_unlock(l); }
static inline void sleep_until_rung(bell *b, lock *l) { pthread_cond_wait(b, l); }
static inline void ring(bell *b) { pthread_cond_broadcast(b); }
#endif

#if defined(__x86_64__)
#define REST() __builtin_ia32_pause()
#else
#define REST() __asm__ volatile("isb") /* `yield` takes no time on the usual cores */
#endif

enum {
    MOST_THREADS = 64,
    FEWEST_SPINS = 64,
    MOST_SPINS = 4096,   /* 40 µs and more, by the processor */
    SLEEPS_A_TRIAL = 32  /* after so many sleeps once in full */
};

typedef struct {
    lock lock;
    bell bell;
    atomic_int asleep;               /* how many sleep, or are about to */
    atomic_int spins, sleeps;        /* how long to spin before a sleep; sleeps so far */
    _Alignas(64) atomic_int arrived;
    _Alignas(64) atomic_int meeting; /* the number of the next one */
    _Alignas(64) atomic_int threads; /* 0 until all have started */
} gate;
#define NEW_GATE {LOCK_AND_BELL, 0, MOST_SPINS, 0, 0, 0, 0}

typedef struct {
    gate *gate;
    int64_t thread, threads;
} team;

/* Return when `value`, one of the gate's, is no longer `old`. */
static inline void wait_for_change(gate *g, atomic_int *value, int old)
{
    const int spins = atomic_load_explicit(&g->spins, memory_order_relaxed);
    for (int i = 0; i < spins; i++) {
        if (atomic_load_explicit(value, memory_order_acquire) != old) {
            if (spins < MOST_SPINS)
                atomic_store_explicit(&g->spins, 2 * spins, memory_order_relaxed);
            return;
        }
        REST();
    }
    const int sleeps = atomic_fetch_add_explicit(&g->sleeps, 1, memory_order_relaxed) + 1;
    const int fewer = spins > FEWEST_SPINS ? spins / 2 : FEWEST_SPINS;
    atomic_store_explicit(&g->spins, sleeps % SLEEPS_A_TRIAL ? fewer : MOST_SPINS, memory_order_relaxed);
    take(&g->lock);
    atomic_fetch_add(&g->asleep, 1); /* before the look at the value: who changes it looks at the sleepers after that */
    while (atomic_load(value) == old)
        sleep_until_rung(&g->bell, &g->lock);
    atomic_fetch_sub(&g->asleep, 1);
    release(&g->lock);
}

static inline void change(gate *g, atomic_int *value, int new)
{
    atomic_store(value, new);
    if (atomic_load(&g->asleep)) {
        take(&g->lock); /* who has looked at the old value holds the lock until it sleeps */
        ring(&g->bell);
        release(&g->lock);
    }
}

static inline void meet(const team *t)
{
    if (t->threads == 1)
        return;
    gate *g = t->gate;
    const int meeting = atomic_load_explicit(&g->meeting, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&g->arrived, 1, memory_order_acq_rel) == t->threads - 1) {
        atomic_store_explicit(&g->arrived, 0, memory_order_relaxed);
        change(g, &g->meeting, meeting + 1);
    } else
        wait_for_change(g, &g->meeting, meeting);
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
