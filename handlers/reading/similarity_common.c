/* What two initiatives have in common, in the words of the first: see similarity.h. */
#include "similarity_doc.h"

enum {
    RUNS_MAX = 3,      /* phrases that are told */
    RUN_LEAST = 10,    /* weight of a phrase that tells something */
    TITLE_RUN_LEAST = 6, /* the title is all about the matter */
};

struct run {
    struct str text;
    int weight;
};

/* The next piece between blanks, without the signs around it, and its word. @return false at the end. */
static bool next_piece(struct str *rest, struct str *ret, struct word *word)
{
    static const char blanks[] = " \n", around[] = ".,;:!?\"'()[]-";
    while (rest->n && strchr(blanks, rest->p[0]))
        *rest = str_skip(*rest, 1);
    size_t n = 0;
    while (n < rest->n && !strchr(blanks, rest->p[n]))
        n++;
    struct str piece = {rest->p, n};
    *rest = str_skip(*rest, n);
    while (piece.n && strchr(around, piece.p[0]))
        piece = str_skip(piece, 1);
    while (piece.n && strchr(around, piece.p[piece.n - 1]))
        piece.n--;
    *ret = piece;
    *word = (struct word){0};
    struct letter_reader reader = {.rest = piece};
    struct letter letter;
    while (letter_next(&reader, &letter))
        word_add(word, &letter);
    return n > 0;
}

/* Keeps the weightiest, in the order of the text. */
static size_t keep_run(struct run *runs, size_t n, struct run run, int least)
{
    if (run.weight < least)
        return n;
    if (n < RUNS_MAX) {
        runs[n] = run;
        return n + 1;
    }
    size_t lightest = 0;
    for (size_t i = 1; i < n; i++)
        if (runs[i].weight < runs[lightest].weight)
            lightest = i;
    if (runs[lightest].weight < run.weight) {
        memmove(&runs[lightest], &runs[lightest + 1], sizeof(runs[0]) * (n - lightest - 1));
        runs[n - 1] = run;
    }
    return n;
}

/* Phrases of `text` all of whose words stand in `other`; words of grammar join them but do not begin or end one. */
static size_t common_runs(struct str text, const struct similar_doc *other, struct run *runs, size_t n, int least)
{
    struct run run = {0};
    struct str piece;
    struct word word;
    for (struct str rest = text; next_piece(&rest, &piece, &word);) {
        struct entry e = similar_entry_of(&word);
        bool telling = e.weight > 0 && similar_has(other, &e, ANYWHERE);
        if (telling) {
            run.text = run.text.p ? (struct str){run.text.p, (size_t)(piece.p + piece.n - run.text.p)} : piece;
            run.weight += e.weight;
        }
        bool ends = (e.weight > 0 && !telling) || (rest.n && piece.p + piece.n < rest.p && piece.n); /* a sign behind it */
        if (ends) {
            n = keep_run(runs, n, run, least);
            run = (struct run){0};
        }
    }
    return keep_run(runs, n, run, least);
}

char *similar_common_words(TALLOC_CTX *ctx, struct str title, struct str description, const struct similar_doc *other)
{
    struct run runs[RUNS_MAX];
    size_t n = common_runs(title, other, runs, 0, TITLE_RUN_LEAST);
    if (n == 0)
        n = common_runs(description, other, runs, n, RUN_LEAST);
    char *words = talloc_strdup(ctx, "");
    for (size_t i = 0; i < n; i++)
        words = talloc_asprintf_append_buffer(words, "%s%.*s", i ? ", " : "", STR_ARG(runs[i].text));
    return words;
}
