/* Requests other people collected, through the reader alone and through the server over a socket.
 *
 * Looked for in $SANGKIEN_CORPORA, else beside the source tree; skipped when absent.  INDEX.md there tells the formats.
 * Three rules hold for every input: never more 2xx answers than whole valid requests, the connection ends, and nothing
 * is left in the server. */
#include <cjson/cJSON.h>
#include <dirent.h>
#include <limits.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "http/http_parse.h"
#include "http_rig.h"

#ifndef SOURCE_ROOT
#define SOURCE_ROOT "."
#endif

enum { PARTS_MAX = 64, TOGETHER = 150 };

/* One case: bytes sent part by part, and what has to come of it. */
struct sample {
    char id[96];
    char *bytes;
    size_t n, part_end[PARTS_MAX];
    unsigned parts;
    /* found out */
    unsigned whole;   /* valid requests the reader alone sees before it refuses or the connection has to end */
    unsigned answers, good; /* from the socket: all but 1xx, and 2xx */
    bool closed;
};

static void path_of(char path[PATH_MAX], const char *name)
{
    const char *set = getenv("SANGKIEN_CORPORA");
    snprintf(path, PATH_MAX, "%s/http/%s", set && *set ? set : SOURCE_ROOT "/../shared/corpora", name);
}

static char *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    struct stat st;
    assert_int_equal(fstat(fileno(f), &st), 0);
    char *bytes = malloc((size_t)st.st_size + 1);
    assert_non_null(bytes);
    *n = fread(bytes, 1, (size_t)st.st_size, f);
    bytes[*n] = '\0';
    fclose(f);
    return bytes;
}

/* Text of a corpus file, or ends the test as skipped. */
static char *corpus(const char *name, size_t *n)
{
    char path[PATH_MAX];
    path_of(path, name);
    char *bytes = read_file(path, n);
    if (!bytes) {
        print_message("no %s: skipped\n", path);
        skip();
    }
    return bytes;
}

static void sample_append(struct sample *s, struct str bytes)
{
    s->bytes = realloc(s->bytes, s->n + bytes.n + 1);
    assert_non_null(s->bytes);
    if (bytes.n)
        memcpy(s->bytes + s->n, bytes.p, bytes.n);
    s->n += bytes.n;
}

static void sample_end_part(struct sample *s)
{
    assert_true(s->parts < PARTS_MAX);
    s->part_end[s->parts++] = s->n;
}

static void sample_append_base64(struct sample *s, const char *text)
{
    uint32_t bits = 0;
    int have = 0;
    for (; *text && *text != '='; text++) {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *at = strchr(digits, *text);
        assert_non_null(at);
        bits = bits << 6 | (uint32_t)(at - digits);
        have += 6;
        if (have >= 8) {
            have -= 8;
            sample_append(s, (struct str){(const char[]){(char)(bits >> have)}, 1});
        }
    }
}

/* --- the reader alone --- */

struct reading {
    unsigned whole; /* requests */
    int status;     /* refused with, or 0 */
};

static struct reading read_alone(const struct sample *s, size_t step)
{
    static const struct http_parse_limits limits = {.head_max = 8192, .body_max = 1 << 20, .lines_max = 64};
    struct reading r = {0};
    struct http_parse p = {0};
    char *bytes = malloc(s->n + 1);
    size_t have = 0;
    assert_non_null(bytes);
    for (size_t at = 0; at < s->n && !r.status;) {
        size_t take = step && step < s->n - at ? step : s->n - at;
        memcpy(bytes + have, s->bytes + at, take);
        have += take;
        at += take;
        while (have) {
            size_t left = have;
            enum http_verdict v = http_parse(&p, &limits, bytes, &left);
            have = left;
            if (v == HTTP_BAD)
                r.status = p.status;
            if (v != HTTP_DONE)
                break;
            r.whole++;
            if (p.close) {
                free(bytes);
                return r;
            }
            have -= p.pos;
            memmove(bytes, bytes + p.pos, have);
            p = (struct http_parse){0};
        }
    }
    free(bytes);
    return r;
}

static void read_samples_alone(struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct reading whole = read_alone(&samples[i], 0);
        for (size_t step = 1; step < 20 && step < samples[i].n; step++) {
            struct reading cut = read_alone(&samples[i], step);
            if (cut.whole != whole.whole || cut.status != whole.status)
                fail_msg("%s: another verdict in pieces of %zu bytes", samples[i].id, step);
        }
        samples[i].whole = whole.whole;
    }
}

/* --- over a socket --- */

/* Answers whose status starts with this digit.  Not client_count(): an answer to HEAD announces a body and has none. */
static unsigned count_answers(const struct client *c, char digit)
{
    unsigned count = 0;
    for (const char *at = c->got; at && (at = strstr(at, "HTTP/1.1 ")); at += 9)
        count += at[9] == digit;
    return count;
}

static void converse(struct rig *rig, struct sample *samples, size_t count)
{
    struct client *clients[TOGETHER];
    assert_true(count <= TOGETHER);
    for (size_t i = 0; i < count; i++) {
        clients[i] = client_open(rig);
        size_t at = 0;
        for (unsigned k = 0; k < samples[i].parts; k++) {
            client_send(rig, clients[i], (struct str){samples[i].bytes + at, samples[i].part_end[k] - at});
            at = samples[i].part_end[k];
            if (k + 1 < samples[i].parts)
                rig_turn(rig);
        }
    }
    for (size_t i = 0; i < count; i++) {
        client_wait_closed(rig, clients[i]);
        samples[i].closed = true;
        samples[i].good = count_answers(clients[i], '2');
        samples[i].answers = samples[i].good + count_answers(clients[i], '4') + count_answers(clients[i], '5');
        client_free(clients[i]);
    }
}

/* Puts all samples through reader and server and checks the rules that hold for every input. */
static void run(struct sample *samples, size_t count)
{
    read_samples_alone(samples, count);
    struct rig *rig = rig_open(&(struct http_limits){.head_ms = 500, .request_ms = 500, .idle_ms = 500, .linger_ms = 100});
    for (size_t at = 0; at < count; at += TOGETHER)
        converse(rig, samples + at, count - at < TOGETHER ? count - at : TOGETHER);
    RIG_WAIT(rig, http_server_stats(rig->server)->connections == 0);
    assert_int_equal(http_server_stats(rig->server)->buffered_bytes, 0);
    assert_int_equal(http_server_stats(rig->server)->pending, 0);
    rig_close(rig);
    /* In one part the server sees just what the reader saw; between parts a deadline may strike. */
    for (size_t i = 0; i < count; i++)
        if (samples[i].good > samples[i].whole || (samples[i].parts == 1 && samples[i].good < samples[i].whole))
            fail_msg("%s: %u good answers to %u valid requests", samples[i].id, samples[i].good, samples[i].whole);
}

static void free_samples(struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(samples[i].bytes);
    free(samples);
}

static const char *text_of(const cJSON *o, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));
    return text ? text : "";
}

/* Objects of a JSON-lines file. */
static size_t read_lines(char *text, cJSON **lines, size_t most)
{
    size_t count = 0;
    for (char *line; (line = strsep(&text, "\n")) != NULL;) {
        if (!*line)
            continue;
        assert_true(count < most);
        lines[count] = cJSON_Parse(line);
        assert_non_null(lines[count]);
        count++;
    }
    return count;
}

static struct sample *new_samples(size_t count)
{
    struct sample *samples = calloc(count + 1, sizeof *samples);
    assert_non_null(samples);
    return samples;
}

/* --- Http11Probe --- */

static bool says(const cJSON *line, const char *word)
{
    return strstr(text_of(line, "expected"), word) != NULL;
}

/* Refusing is the only outcome the case allows: an error status or a close, no success named.  Unscored cases have a first
 * request that is valid. */
static bool must_reject(const cJSON *line)
{
    bool refusal = says(line, "400") || says(line, "close") || says(line, "501") || says(line, "Reject");
    bool success = says(line, "2xx") || says(line, "200") || says(line, "304");
    return refusal && !success && strcmp(text_of(line, "requirement"), "Unscored") != 0;
}

static bool must_accept(const cJSON *line)
{
    return says(line, "2xx") && !says(line, "400") && !says(line, "50") && !says(line, "close") && !says(line, "Cookie");
}

/* The page shows these bytes abridged or not at all. */
static bool build_by_hand(struct sample *s)
{
    bool name = strstr(s->id, "MAL-LONG-HEADER-NAME"), value = strstr(s->id, "MAL-LONG-HEADER-VALUE");
    if (name || value) {
        sample_append(s, STR("GET / HTTP/1.1\r\nHost: localhost:8080\r\n"));
        sample_append(s, value ? STR("X-Big: ") : STR(""));
        char *fill = malloc(100000);
        assert_non_null(fill);
        memset(fill, value ? 'B' : 'A', 100000);
        sample_append(s, (struct str){fill, 100000});
        free(fill);
        sample_append(s, value ? STR("\r\n\r\n") : STR(": val\r\n\r\n"));
    } else if (strstr(s->id, "SMUG-CLTE-DESYNC")) {
        sample_append(s, STR("POST / HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: 6\r\n"
                             "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nX"));
    } else {
        return false;
    }
    sample_end_part(s);
    return true;
}

static void test_http11probe_cases_end_as_the_rfc_wants(void **state)
{
    (void)state;
    size_t n;
    char *text = corpus("http11probe-cases.jsonl", &n);
    cJSON *lines[512];
    size_t count = read_lines(text, lines, ARRAY_LEN(lines)), used = 0;
    struct sample *samples = new_samples(count);
    for (size_t i = 0; i < count; i++) {
        struct sample *s = &samples[used];
        snprintf(s->id, sizeof s->id, "%s", text_of(lines[i], "id"));
        const cJSON *parts = cJSON_GetObjectItemCaseSensitive(lines[i], "parts_b64"), *part;
        if (!build_by_hand(s)) {
            cJSON_ArrayForEach(part, parts) {
                sample_append_base64(s, cJSON_GetStringValue(part));
                sample_end_part(s);
            }
        }
        if (s->n == 0) { /* only words: cases on ETag, which is no requirement here */
            cJSON_Delete(lines[i]);
            continue;
        }
        lines[used++] = lines[i];
    }
    run(samples, used);
    unsigned rejected = 0, to_reject = 0, accepted = 0, to_accept = 0, preferred = 0, either = 0;
    for (size_t i = 0; i < used; i++) {
        const struct sample *s = &samples[i];
        if (must_reject(lines[i])) {
            to_reject++;
            rejected += s->good == 0;
            if (s->good)
                print_message("not refused: %s\n", s->id);
        } else if (must_accept(lines[i])) {
            to_accept++;
            accepted += s->good == 1;
            if (s->good != 1)
                print_message("not accepted: %s\n", s->id);
        } else {
            either++;
            preferred += s->good == 0;
        }
        cJSON_Delete(lines[i]);
    }
    print_message("Http11Probe: must-reject %u/%u, valid accepted %u/%u, of %u where both are allowed %u refused\n",
                  rejected, to_reject, accepted, to_accept, either, preferred);
    assert_true(to_reject > 0 && rejected == to_reject);
    assert_int_equal(accepted, to_accept);
    free_samples(samples, used);
    free(text);
}

/* --- llhttp --- */

/* Vectors llhttp takes and we do not, each for a reason of our own. */
static const struct { const char *id, *why; } not_ours[] = {
    {"method:000", "REPORT: 501"},
    {"method:012", "RTSP"},
    {"method:015", "QUERY: 501"},
    {"content-length:001", "PUT: 405"},
    {"content-length:015", "PUT: 405"},
    {"uri:000", "quotes are no URI characters (RFC 3986 section 2)"},
    {"uri:005", "absolute-form"},
    {"uri:007", "a fragment is never sent (RFC 9112 section 3.2)"},
};

static const char *reason_to_refuse(const char *id)
{
    for (size_t i = 0; i < ARRAY_LEN(not_ours); i++) {
        const char *at = strstr(id, not_ours[i].id);
        if (at && at[strlen(not_ours[i].id)] == '\0')
            return not_ours[i].why;
    }
    return NULL;
}

/* llhttp reads below the rule that HTTP/1.1 needs a Host; for its valid vectors one is added. */
static void add_host(struct sample *s)
{
    char *line_end = memmem(s->bytes, s->n, " HTTP/1.1\r\n", 11);
    if (!line_end || memmem(s->bytes, s->n, "\r\nHost:", 7))
        return;
    size_t before = (size_t)(line_end - s->bytes) + 11;
    struct sample with = {0};
    sample_append(&with, (struct str){s->bytes, before});
    sample_append(&with, STR("Host: a\r\n"));
    sample_append(&with, (struct str){s->bytes + before, s->n - before});
    free(s->bytes);
    s->bytes = with.bytes;
    s->n = with.n;
}

static void test_llhttp_vectors_with_errors_are_refused_and_valid_ones_taken(void **state)
{
    (void)state;
    size_t n;
    char *text = corpus("llhttp-vectors.jsonl", &n);
    cJSON *lines[512];
    size_t count = read_lines(text, lines, ARRAY_LEN(lines));
    struct sample *samples = new_samples(2 * count); /* each as it is, and with a Host */
    for (size_t i = 0; i < 2 * count; i++) {
        struct sample *s = &samples[i];
        snprintf(s->id, sizeof s->id, "%s", text_of(lines[i % count], "id"));
        sample_append_base64(s, text_of(lines[i % count], "raw_b64"));
        if (i >= count)
            add_host(s);
        sample_end_part(s);
    }
    run(samples, 2 * count);
    unsigned errors = 0, caught = 0, valid = 0, taken = 0, others = 0;
    for (size_t i = 0; i < count; i++) {
        const struct sample *plain = &samples[i], *hosted = &samples[i + count];
        const char *type = text_of(lines[i], "type");
        bool strict = strcmp(type, "request") == 0 || strcmp(type, "request-finish") == 0;
        bool error = strcmp(text_of(lines[i], "expect"), "error") == 0;
        unsigned complete = (unsigned)cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(lines[i], "messages_complete"));
        if (strict && error) {
            errors++;
            bool fine = plain->good <= complete && hosted->good <= complete;
            caught += fine;
            if (!fine)
                print_message("too many good answers: %s\n", plain->id);
        } else if (strict && complete) {
            if (reason_to_refuse(plain->id)) {
                assert_int_equal(hosted->good, 0);
            } else {
                valid++;
                taken += hosted->good == complete;
                if (hosted->good != complete)
                    print_message("not taken: %s\n", plain->id);
            }
        } else {
            others++;
            if (plain->good > complete || strncmp(type, "response", 8) == 0)
                assert_int_equal(plain->good, 0);
        }
        cJSON_Delete(lines[i]);
    }
    print_message("llhttp: errors refused %u/%u, valid accepted %u/%u (%zu more are refused on purpose), %u others\n",
                  caught, errors, taken, valid, ARRAY_LEN(not_ours), others);
    assert_true(errors > 0 && caught == errors);
    assert_true(taken * 100 >= valid * 98);
    free_samples(samples, 2 * count);
    free(text);
}

/* --- archives of raw streams --- */

static bool run_program(char *const argv[])
{
    extern char **environ;
    pid_t pid;
    int status;
    return posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) == 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

typedef void split_into_parts(struct sample *s, struct str bytes);

/* A line "--MARK--" parts what is written one after another. */
static void split_at_marks(struct sample *s, struct str bytes)
{
    static const struct str mark = STR("\n--MARK--\n");
    for (const char *at; (at = memmem(bytes.p, bytes.n, mark.p, mark.n)) && s->parts < PARTS_MAX - 1;) {
        sample_append(s, (struct str){bytes.p, (size_t)(at - bytes.p)});
        sample_end_part(s);
        bytes = str_skip(bytes, (size_t)(at - bytes.p) + mark.n);
    }
    sample_append(s, bytes);
    sample_end_part(s);
}

/* ">>>" starts what a client says, "<<<" what a server says; each a line of its own. */
static void split_at_arrows(struct sample *s, struct str bytes)
{
    bool client = false;
    while (bytes.n) {
        const char *lf = memchr(bytes.p, '\n', bytes.n);
        struct str line = {bytes.p, lf ? (size_t)(lf - bytes.p) + 1 : bytes.n};
        bytes = str_skip(bytes, line.n);
        if (str_starts(line, STR(">>>")) || str_starts(line, STR("<<<"))) {
            if (client && s->parts < PARTS_MAX - 1)
                sample_end_part(s);
            client = line.p[0] == '>';
        } else if (client) {
            sample_append(s, line);
        }
    }
    if (s->n == 0) /* a compressed body: bytes as good as any */
        sample_append(s, STR("\x1f\x8b\x08\x08"));
    sample_end_part(s);
}

static void test_archive(const char *name, split_into_parts *split)
{
    char path[PATH_MAX], folder[] = "/tmp/http-corpus-XXXXXX";
    path_of(path, name);
    if (access(path, R_OK) != 0) {
        print_message("no %s: skipped\n", path);
        skip();
    }
    assert_non_null(mkdtemp(folder));
    assert_true(run_program((char *[]){(char *)(uintptr_t)"tar", (char *)(uintptr_t)"xzf", path, (char *)(uintptr_t)"-C",
                                       folder, NULL}));
    struct sample *samples = new_samples(4096);
    size_t count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *d; (d = readdir(dir)) && count < 4096;) {
        char file[PATH_MAX];
        size_t n;
        if (d->d_name[0] == '.')
            continue;
        snprintf(file, sizeof file, "%s/%s", folder, d->d_name);
        char *bytes = read_file(file, &n);
        assert_non_null(bytes);
        snprintf(samples[count].id, sizeof samples[count].id, "%.90s", d->d_name);
        split(&samples[count++], (struct str){bytes, n});
        free(bytes);
        unlink(file);
    }
    closedir(dir);
    rmdir(folder);
    run(samples, count);
    unsigned answers = 0, good = 0, closed = 0;
    for (size_t i = 0; i < count; i++) {
        answers += samples[i].answers;
        good += samples[i].good;
        closed += samples[i].closed;
    }
    print_message("%s: %zu streams, %u closed, %u answers, %u of them 2xx\n", name, count, closed, answers, good);
    assert_true(count > 0 && closed == count);
    free_samples(samples, count);
}

static void test_h2o_fuzz_corpus_does_no_harm(void **state)
{
    (void)state;
    test_archive("h2o-http1-fuzz-corpus.tar.gz", split_at_marks);
}

static void test_libhtp_streams_do_no_harm(void **state)
{
    (void)state;
    test_archive("libhtp-streams.tar.gz", split_at_arrows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http11probe_cases_end_as_the_rfc_wants),
        cmocka_unit_test(test_llhttp_vectors_with_errors_are_refused_and_valid_ones_taken),
        cmocka_unit_test(test_h2o_fuzz_corpus_does_no_harm),
        cmocka_unit_test(test_libhtp_streams_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
