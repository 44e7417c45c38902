/* The library's door: what Python calls, handed on to the build for the instruction set that it names. */
#include <stdint.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "permutation.h"
#include "program.h"

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

#define DECLARE(isa)                                                                                \
    int train_f32_##isa(const program *, training_run *), train_f64_##isa(const program *, training_run *);   \
    void predict_f32_##isa(const program *, training_run *), predict_f64_##isa(const program *, training_run *); \
    int64_t scratch_f32_##isa(const program *, int64_t), scratch_f64_##isa(const program *, int64_t);            \
    int64_t pack_f32_##isa(const operation *, int64_t, void *), pack_f64_##isa(const operation *, int64_t, void *);
#define BUILD(isa)                                                                                   \
    {#isa, {train_f32_##isa, train_f64_##isa}, {predict_f32_##isa, predict_f64_##isa}, {scratch_f32_##isa, scratch_f64_##isa}, \
     {pack_f32_##isa, pack_f64_##isa}}

typedef struct {
    const char *name;
    int (*train[2])(const program *, training_run *);
    void (*predict[2])(const program *, training_run *);
    int64_t (*scratch[2])(const program *, int64_t);
    int64_t (*pack[2])(const operation *, int64_t, void *);
} build;

#if defined(__x86_64__)
DECLARE(avx2)
DECLARE(avx512)
static const build builds[] = {BUILD(avx2), BUILD(avx512)};

/* CPUID says what the processor can do, and XCR0 which registers the operating system keeps for a process (Intel 64
 * Software Developer's Manual, volume 1, sections 14.3, 14.5.3 and 15.2 to 15.4). Not __builtin_cpu_supports: it needs
 * a part of the compilers' own libraries that not all of them bring along. */
static int supported(int64_t i)
{
    const unsigned avx_registers = 0x6, avx512_registers = 0xe6;
    const unsigned avx512 = bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL;
    unsigned a, b, c, d, kept, unused;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_FMA))
        return 0;
    __asm__("xgetbv" : "=a"(kept), "=d"(unused) : "c"(0));
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_AVX2) || (kept & avx_registers) != avx_registers)
        return 0;
    return i == 0 || ((b & avx512) == avx512 && (kept & avx512_registers) == avx512_registers);
}
#else
DECLARE(neon)
static const build builds[] = {BUILD(neon)};

static int supported(int64_t i)
{
    (void)i;
    return 1;
}
#endif

EXPORT int64_t pellucid_n_builds(void) { return sizeof builds / sizeof *builds; }
EXPORT const char *pellucid_build_name(int64_t i) { return builds[i].name; }
EXPORT int pellucid_build_runs(int64_t i) { return supported(i); }
EXPORT int64_t pellucid_record_sizes(int64_t i)
{
    const int64_t sizes[] = {sizeof(operation), sizeof(program), sizeof(training_run)};
    return sizes[i];
}
EXPORT int64_t pellucid_scratch(int64_t i, int64_t wide, const program *p, int64_t rows)
{
    return builds[i].scratch[wide](p, rows);
}
EXPORT int64_t pellucid_pack(int64_t i, int64_t wide, const operation *o, int64_t rows, void *parameters)
{
    return builds[i].pack[wide](o, rows, parameters);
}
EXPORT int pellucid_train(int64_t i, int64_t wide, const program *p, training_run *run) { return builds[i].train[wide](p, run); }
EXPORT void pellucid_predict(int64_t i, int64_t wide, const program *p, training_run *run) { builds[i].predict[wide](p, run); }
EXPORT void pellucid_permutation(uint64_t seed, uint64_t purpose, uint64_t layer, uint64_t step, int64_t n, int64_t *order,
                                 uint64_t *words, int64_t *ends)
{
    permutation(seed, purpose, layer, step, n, order, words, ends);
}
