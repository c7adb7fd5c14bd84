/* The log: one line per happening, no secrets, no ids, and never an obstacle. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

static int real_stderr = -1;
static int captured = -1;
static char out[16384];

static void capture(void)
{
    char path[] = "/tmp/sangkien-log-XXXXXX";
    fflush(stderr);
    captured = mkstemp(path);
    assert_true(captured >= 0);
    unlink(path);
    real_stderr = dup(STDERR_FILENO);
    dup2(captured, STDERR_FILENO);
}

/* What was written since capture(). */
static const char *finish(void)
{
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    ssize_t n = pread(captured, out, sizeof(out) - 1, 0);
    assert_true(n >= 0);
    out[n] = '\0';
    close(captured);
    return out;
}

static size_t count_lines(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += *s == '\n';
    return n;
}

/* Enough of a JSON reader for one flat object of strings and numbers: true when the line is well formed. */
static bool is_json_line(const char *s)
{
    if (*s++ != '{')
        return false;
    bool in_string = false;
    for (; *s && *s != '\n'; s++) {
        unsigned char c = (unsigned char)*s;
        if (c < 0x20)
            return false;
        if (in_string && c == '\\') {
            s++;
            if (*s == 'u') {
                for (int i = 1; i <= 4; i++)
                    if (!strchr("0123456789abcdef", s[i]) || !s[i])
                        return false;
            } else if (!strchr("\"\\/bfnrt", *s) || !*s) {
                return false;
            }
        } else if (c == '"') {
            in_string = !in_string;
        }
    }
    return !in_string && s[-1] == '}' && *s == '\n' && !s[1];
}

static void test_a_message_with_line_breaks_stays_one_line(void **state)
{
    (void)state;
    log_setup(LOG_INFO, false);
    capture();
    log_info("first\nsecond\rthird\x1b[31m");
    const char *got = finish();
    assert_int_equal(count_lines(got), 1);
    assert_null(strchr(got, '\x1b'));
    assert_non_null(strstr(got, "first\\u000asecond\\u000dthird\\u001b[31m"));
}

static void test_levels_below_the_least_are_not_written(void **state)
{
    (void)state;
    log_setup(LOG_WARN, false);
    capture();
    log_debug("no");
    log_info("no");
    log_warn("yes");
    log_error("yes");
    assert_int_equal(count_lines(finish()), 2);
}

static void test_json_lines_are_well_formed_whatever_they_hold(void **state)
{
    (void)state;
    static char controls[2000], quotes[3000];
    memset(controls, 1, sizeof(controls) - 1); /* six times as long when escaped: must be cut between escapes */
    memset(quotes, '"', sizeof(quotes) - 1);
    const char *const messages[] = {"plain", "say \"hi\" \\ there", "tab\tand\nbreak", controls, quotes};
    log_setup(LOG_INFO, true);
    for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
        capture();
        log_info("%s", messages[i]);
        const char *got = finish();
        if (!is_json_line(got))
            fail_msg("message %zu is not one JSON line: ...%s", i, got + (strlen(got) > 60 ? strlen(got) - 60 : 0));
    }
}

static void test_a_long_text_is_not_cut_inside_a_character(void **state)
{
    (void)state;
    log_setup(LOG_INFO, true);
    for (size_t shift = 0; shift < 3; shift++) {
        static char text[6000];
        size_t n = 0;
        for (size_t i = 0; i < shift; i++)
            text[n++] = 'a';
        while (n + 3 < sizeof(text)) {
            memcpy(text + n, "\xe1\xbb\x87", 3); /* one letter of three bytes */
            n += 3;
        }
        text[n] = '\0';
        capture();
        log_info("%s", text);
        const char *got = finish(), *p = strstr(got, "\xe1\xbb\x87");
        assert_non_null(p);
        while (memcmp(p, "\xe1\xbb\x87", 3) == 0)
            p += 3;
        if ((unsigned char)*p >= 0x80)
            fail_msg("cut inside a character with a shift of %zu", shift);
    }
}

static void test_registered_secrets_never_show(void **state)
{
    (void)state;
    log_setup(LOG_INFO, false);
    log_hide("tok-123456");
    log_hide("tok-123456-longer");
    log_hide("abc"); /* too short to hide: would blot out ordinary words */
    log_hide(NULL);
    capture();
    log_info("a tok-123456 b tok-123456-longer c tok-123456tok-123456 abc");
    const char *got = finish();
    assert_null(strstr(got, "123456"));
    assert_null(strstr(got, "longer"));
    assert_non_null(strstr(got, "abc"));
}

static void test_a_secret_at_the_cut_does_not_show_in_part(void **state)
{
    (void)state;
    log_setup(LOG_INFO, false);
    log_hide("SECRETSECRETSECRETSECRET");
    for (int front = 2000; front < 2060; front += 3) {
        capture();
        log_info("%0*d%s", front, 0, "SECRETSECRETSECRETSECRET");
        if (strstr(finish(), "SECRETS"))
            fail_msg("shown behind %d bytes", front);
    }
}

static void test_people_show_under_a_stable_other_name(void **state)
{
    (void)state;
    char first[32];
    snprintf(first, sizeof(first), "%s", log_person("246845883529197922"));
    assert_string_equal(first, log_person("246845883529197922"));
    assert_string_not_equal(first, log_person("246845883529197923"));
    assert_null(strstr(first, "2468"));
    assert_non_null(log_person(NULL));
}

static void test_a_broken_pipe_drops_and_counts(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    uint64_t before = log_dropped();
    real_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    close(ends[0]);
    log_error("nobody reads this");
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    assert_true(log_dropped() == before + 1);
}

static void test_a_full_pipe_does_not_block(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    uint64_t before = log_dropped();
    real_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    log_setup(LOG_INFO, false);
    for (int i = 0; i < 2000; i++)
        log_info("line %d %0100d", i, 0);
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(ends[0]);
    close(ends[1]);
    assert_true(log_dropped() > before);
}

static void test_a_gate_lets_one_through_and_counts_the_rest(void **state)
{
    (void)state;
    struct log_gate gate = {0};
    assert_true(log_pass(&gate, 3600000));
    assert_false(log_pass(&gate, 3600000));
    assert_false(log_pass(&gate, 3600000));
    assert_int_equal(gate.held, 2);
    gate.next_ms = 0;
    assert_true(log_pass(&gate, 3600000));
    assert_int_equal(gate.held, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_message_with_line_breaks_stays_one_line),
        cmocka_unit_test(test_levels_below_the_least_are_not_written),
        cmocka_unit_test(test_json_lines_are_well_formed_whatever_they_hold),
        cmocka_unit_test(test_a_long_text_is_not_cut_inside_a_character),
        cmocka_unit_test(test_registered_secrets_never_show),
        cmocka_unit_test(test_a_secret_at_the_cut_does_not_show_in_part),
        cmocka_unit_test(test_people_show_under_a_stable_other_name),
        cmocka_unit_test(test_a_broken_pipe_drops_and_counts),
        cmocka_unit_test(test_a_full_pipe_does_not_block),
        cmocka_unit_test(test_a_gate_lets_one_through_and_counts_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
