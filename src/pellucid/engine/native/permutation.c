/* Random.permutation of random.py: where the words of an address, sorted, came from.
 *
 * The words are uniform, so a first pass puts them into about as many buckets as there are words, by their upper bits
 * and in order; each bucket holds one or two, and an insertion sort finishes it. Every correct stable sort gives the
 * same order. Memory: a word and a bucket's end per row, handed over by the caller.
 */
#include "permutation.h"

#include "philox.h"

void permutation(uint64_t seed, uint64_t purpose, uint64_t layer, uint64_t step, int64_t n, int64_t *order, uint64_t *words,
                 int64_t *ends)
{
    int bits = 1;
    while (((int64_t)1 << (bits + 1)) <= n)
        bits++;
    const int shift = 64 - bits;
    for (int64_t b = 0; b < (int64_t)1 << bits; b++)
        ends[b] = 0;
    for (int64_t i = 0; i < n; i += 4) {
        const philox_block block = philox((uint64_t)(i / 4), step, layer, seed, purpose);
        for (int64_t k = 0; k < 4 && i + k < n; k++) {
            words[i + k] = block.word[k];
            ends[block.word[k] >> shift]++;
        }
    }
    int64_t sum = 0;
    for (int64_t b = 0; b < (int64_t)1 << bits; b++) {
        const int64_t count = ends[b];
        ends[b] = sum; /* where the bucket begins; it grows to where it ends */
        sum += count;
    }
    for (int64_t i = 0; i < n; i++)
        order[ends[words[i] >> shift]++] = i;
    for (int64_t at = 1; at < n; at++) {
        const int64_t row = order[at];
        int64_t to = at;
        for (; to > 0 && words[order[to - 1]] > words[row]; to--)
            order[to] = order[to - 1];
        order[to] = row;
    }
}
