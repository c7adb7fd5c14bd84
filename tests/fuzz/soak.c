/* Tries a fuzz target on tens of millions of mutated messages without coverage feedback: fast enough to count on.
 *
 *   soak_NAME RUNS SEED FILE...
 *
 * A FILE ending in .tsv gives the first column of each line as a seed, any other its whole content.  Fails when a run takes
 * more than 25 ms of CPU or the heap has grown at the end; prints the input in hex when it was slow or the target gave up. */
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEEDS_MAX = 20000, INPUT_MAX = 512, LIMIT_NS = 25000000, WARM_UP = 20000, GROWTH_MAX = 1 << 16 };

struct seed {
    uint8_t *bytes;
    size_t n;
};

static struct seed seeds[SEEDS_MAX];
static size_t seeds_n;
static uint64_t random_state;

static uint64_t next_random(void) /* xorshift64* */
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * UINT64_C(2685821657736338717);
}

static size_t below(size_t n)
{
    return n ? (size_t)(next_random() % n) : 0;
}

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

/* ---- Seeds ------------------------------------------------------------------------------------------------------ */

/* Some targets take one byte beside the message: intent its scene behind it, text and cut a limit before it. */
static void add_seed(const char *bytes, size_t n, bool whole)
{
#if defined(BYTE_BEFORE)
    size_t before = !whole, behind = 0;
#elif defined(BYTE_BEHIND)
    size_t before = 0, behind = !whole;
#else
    size_t before = 0, behind = 0;
    (void)whole;
#endif
    if (seeds_n == SEEDS_MAX || n + before + behind > INPUT_MAX)
        return;
    struct seed *seed = &seeds[seeds_n++];
    *seed = (struct seed){must(calloc(1, n + before + behind + 1)), n + before + behind};
    memcpy(seed->bytes + before, bytes, n);
}

static void add_file(const char *path)
{
    FILE *file = must(fopen(path, "rb"));
    size_t path_n = strlen(path);
    if (path_n > 4 && strcmp(path + path_n - 4, ".tsv") == 0) {
        char *line = NULL;
        size_t room = 0;
        while (getline(&line, &room, file) > 0)
            add_seed(line, strcspn(line, "\t\n"), false);
        free(line);
    } else {
        char bytes[INPUT_MAX + 1];
        add_seed(bytes, fread(bytes, 1, sizeof(bytes), file), true);
    }
    fclose(file);
}

/* ---- What was tried last, when the target gives up ---------------------------------------------------------------- */

static uint8_t input[INPUT_MAX];
static size_t input_n;

static void write_hex(int fd)
{
    static const char digits[] = "0123456789abcdef";
    char text[3 * INPUT_MAX + 1];
    size_t n = 0;
    for (size_t i = 0; i < input_n; i++) {
        text[n++] = ' ';
        text[n++] = digits[input[i] >> 4];
        text[n++] = digits[input[i] & 15];
    }
    text[n++] = '\n';
    if (write(fd, text, n) < 0)
        _exit(1);
}

static void on_abort(int signal_number)
{
    write_hex(STDERR_FILENO);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

/* ---- Mutations -------------------------------------------------------------------------------------------------- */

/* What breaks readers of text: marks, blanks, joiners, flags, keycaps, broken UTF-8, separators. */
static const char *const pieces[] = {
    "\u0301", "\u0302\u0301", "\u0323", "\u031b", "\u0306", "\u00a0", "\u200b", "\u200d", "\ufeff", "\ufe0f\u20e3", "\u2009", "\uff15",
    "\U0001F44D", "\U0001F468\u200d\U0001F469\u200d\U0001F467", "\U0001F1FB\U0001F1F3", "\U0001F3FD", "\xff", "\xc3", "\xe1\xbb", "\xf0\x9f",
    "\xed\xa0\x80", "\n", "-", "/", ".", ",", "~", "+", "=", "%", "$", "(", "9999999999", "000", "1/2", " tr", " \xc4\x91", "k", " 1 n\xc4\x83m",
};

static void insert(size_t *n, const void *bytes, size_t bytes_n)
{
    if (*n > INPUT_MAX || bytes_n > INPUT_MAX - *n)
        return;
    size_t at = below(*n + 1);
    memmove(input + at + bytes_n, input + at, *n - at);
    memcpy(input + at, bytes, bytes_n);
    *n += bytes_n;
}

static void mutate(size_t *n)
{
    size_t from = below(*n), length = 1 + below(*n - from < 16 ? *n - from : 16);
    const struct seed *other = &seeds[below(seeds_n)];
    uint8_t copy[16];
    switch (below(6)) {
    case 0: /* another byte */
        if (*n)
            input[from] = (uint8_t)next_random();
        break;
    case 1: /* one bit */
        if (*n)
            input[from] ^= (uint8_t)(1u << below(8));
        break;
    case 2: /* less */
        if (*n >= from + length) {
            memmove(input + from, input + from + length, *n - from - length);
            *n -= length;
        }
        break;
    case 3: /* again */
        if (*n >= from + length) {
            memcpy(copy, input + from, length);
            insert(n, copy, length);
        }
        break;
    case 4: { /* a part of another message */
        size_t at = below(other->n);
        insert(n, other->bytes + at, below(other->n - at + 1));
        break;
    }
    default: {
        const char *piece = pieces[below(sizeof(pieces) / sizeof(pieces[0]))];
        insert(n, piece, strlen(piece));
    }
    }
}

static size_t make_input(void)
{
    const struct seed *seed = &seeds[below(seeds_n)];
    size_t n = seed->n;
    memcpy(input, seed->bytes, n);
#if defined(BYTE_BEFORE)
    if (n)
        input[0] = (uint8_t)next_random();
#elif defined(BYTE_BEHIND)
    if (n)
        input[n - 1] = (uint8_t)next_random();
#endif
    for (size_t i = 1 + below(6); i > 0; i--)
        mutate(&n);
    return n;
}

/* ---- Runs ------------------------------------------------------------------------------------------------------- */

static int64_t now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* The wall clock is cheap to read; only what seems slow by it is run again, by the CPU clock: others may have had the CPU. */
static int64_t run(void)
{
    int64_t begin = now_ns(CLOCK_MONOTONIC);
    LLVMFuzzerTestOneInput(input, input_n);
    int64_t took = now_ns(CLOCK_MONOTONIC) - begin;
    if (took <= LIMIT_NS / 25)
        return took;
    begin = now_ns(CLOCK_THREAD_CPUTIME_ID);
    LLVMFuzzerTestOneInput(input, input_n);
    int64_t again = now_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
    return again < took ? again : took;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: %s RUNS SEED FILE...\n", argv[0]);
        return 64;
    }
    uint64_t runs = strtoull(argv[1], NULL, 10), slow = 0;
    random_state = strtoull(argv[2], NULL, 10) + UINT64_C(0x9E3779B97F4A7C15);
    for (int i = 3; i < argc; i++)
        add_file(argv[i]);
    if (seeds_n == 0 || runs == 0)
        return 64;
    signal(SIGABRT, on_abort);
    int64_t longest = 0, begin = now_ns(CLOCK_MONOTONIC);
    size_t heap = 0;
    for (uint64_t i = 0; i < runs; i++) {
        input_n = make_input();
        int64_t took = run();
        if (took > longest)
            longest = took;
        if (took > LIMIT_NS && slow++ < 10) {
            fprintf(stderr, "%.1f ms:", (double)took / 1e6);
            write_hex(STDERR_FILENO);
        }
        if (i == WARM_UP)
            heap = mallinfo2().uordblks; /* tables are compiled, caches full */
    }
    int64_t took = now_ns(CLOCK_MONOTONIC) - begin;
    bool grown = heap > 0 && mallinfo2().uordblks > heap + GROWTH_MAX;
    printf("%" PRIu64 " runs of %zu seeds, %.0f a second; longest %.2f ms, %" PRIu64 " over 25 ms; heap %s\n", runs, seeds_n,
           (double)runs / ((double)took / 1e9), (double)longest / 1e6, slow, grown ? "has grown" : "as before");
    for (size_t i = 0; i < seeds_n; i++)
        free(seeds[i].bytes);
    return slow > 0 || grown;
}
