/* Settings: precedence, refusals with place and reason, secrets, hours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "settings.h"

#ifndef SOURCE_ROOT
#define SOURCE_ROOT ".."
#endif
#define EXAMPLE_YAML SOURCE_ROOT "/config/sangkien.yaml"

static struct settings s;
static struct err e;

static bool load(const char *yaml)
{
    settings_free(&s);
    e = (struct err){.kind = ERR_NONE};
    return settings_load_text("t.yaml", str_of(yaml), false, &s, &e);
}

static bool load_env(const char *yaml)
{
    settings_free(&s);
    e = (struct err){.kind = ERR_NONE};
    return settings_load_text("t.yaml", str_of(yaml), true, &s, &e);
}

static int forget(void **state)
{
    (void)state;
    settings_free(&s);
    static const char *const names[] = {"SANGKIEN_SPOOL_AFTER_MS", "SANGKIEN_SPOL_AFTER_MS", "SANGKIEN_SPOOL_AFTRE_MS",
                                        "SANGKIEN_ZALO_APP_SECRET", "SANGKIEN_ZALO_APP_SECRET_FILE", "SANGKIEN_LOG_LEVEL",
                                        "SANGKIEN_FAULT", "CREDENTIALS_DIRECTORY"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unsetenv(names[i]);
    return 0;
}

/* A file with that content and mode; the caller unlinks it. */
static void make_file(char path[32], const char *content, mode_t mode)
{
    memcpy(path, "/tmp/sangkien-test-XXXXXX", sizeof("/tmp/sangkien-test-XXXXXX"));
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void test_defaults_are_complete(void **state)
{
    (void)state;
    assert_true(load(""));
    assert_string_equal(s.server.listen.host, "127.0.0.1");
    assert_int_equal(s.server.listen.port, 8080);
    assert_string_equal(s.server.admin_listen.text, "127.0.0.1:8080");
    assert_true(s.server.node[0] != '\0');
    assert_true(s.database.named_statements);
    assert_string_equal(s.zalo.api_url, "https://openapi.zalo.me");
    assert_string_equal(s.zalo.app_secret, "");
    assert_false(s.zalo.token_key.set);
    assert_int_equal(s.spool.after_ms, 1000);
    assert_int_equal(s.send.per_minute, 3960);
    assert_int_equal(s.log.level, LOG_INFO);
    assert_int_equal(s.log.json, 0);
    assert_string_equal(s.evidence.allow_hosts.item[0], ".zdn.vn");
    assert_int_equal(s.hours.holidays.count, 4);
    assert_string_equal(s.texts.file, "");
}

static void test_file_values_of_every_type_are_read(void **state)
{
    (void)state;
    assert_true(load("server:\n  listen: '[::1]:9000'\n  admin_listen: 10.0.0.5:9001\n  node: mot\n"
                     "database: {named_statements: no}\n"
                     "zalo:\n  api_url: http://127.0.0.1:9400/\n"
                     "  token_key: 000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F\n"
                     "spool: {after_ms: 1s}\nchat:\n  quiet_ms: 500 ms\n"
                     "evidence:\n  allow_hosts:\n    - 127.0.0.1:9400\n    - .zdn.vn\n"
                     "hours: {staff: \"T7,CN 08:00-12:00\", holidays: [2027-02-05, 09-02]}\n"
                     "log: {level: warn, format: json}\n"));
    assert_string_equal(s.server.listen.host, "::1");
    assert_int_equal(s.server.listen.port, 9000);
    assert_string_equal(s.server.admin_listen.host, "10.0.0.5");
    assert_string_equal(s.server.node, "mot");
    assert_false(s.database.named_statements);
    assert_string_equal(s.zalo.api_url, "http://127.0.0.1:9400");
    assert_true(s.zalo.token_key.set);
    assert_int_equal(s.zalo.token_key.byte[31], 0x1f);
    assert_int_equal(s.spool.after_ms, 1000);
    assert_int_equal(s.chat.quiet_ms, 500);
    assert_int_equal(s.evidence.allow_hosts.count, 2);
    assert_string_equal(s.evidence.allow_hosts.item[0], "127.0.0.1:9400");
    assert_int_equal(s.hours.staff.span[0].days, 0x60);
    assert_int_equal(s.hours.holidays.day[0], 20270205);
    assert_int_equal(s.log.level, LOG_WARN);
    assert_int_equal(s.log.json, 1);
}

static const struct {
    const char *yaml;
    const char *says;
} refusals[] = {
    {"spool:\n  aftr_ms: 5", "t.yaml:2: unknown key spool.aftr_ms (did you mean spool.after_ms?)"},
    {"\nspol:\n  path: /x", "t.yaml:3: unknown key spol.path (did you mean spool.path?)"},
    {"zalo:\n  app_id_file: /x", "t.yaml:2: unknown key zalo.app_id_file (did you mean"},
    {"spool: {after_ms: soon}", "t.yaml:1: spool.after_ms is \"soon\", expected a time from 50 ms to 1700 ms"},
    {"spool: {after_ms: 2s}", "spool.after_ms is \"2s\""},
    {"spool: {after_ms: 99999999999999999999}", "spool.after_ms is"},
    {"spool: {after_ms: -5}", "spool.after_ms is"},
    {"server: {workers: 0}", "server.workers is \"0\", expected a whole number of processes from 1 to 64"},
    {"server: {workers: 2x}", "server.workers is \"2x\""},
    {"server: {workers: [1]}", "t.yaml:1: server.workers: expected one value"},
    {"server: {listen: 8080}", "expected ADDRESS:PORT"},
    {"server: {listen: 127.0.0.1:70000}", "expected ADDRESS:PORT"},
    {"server: {listen: 'localhost:80'}", "expected ADDRESS:PORT"},
    {"server: {listen: '::1:80'}", "expected ADDRESS:PORT"},
    {"server: {listen: '[]:80'}", "expected ADDRESS:PORT"},
    {"server: {listen: ']:80'}", "expected ADDRESS:PORT"},
    {"server: {node: \"a\\tb\"}", "expected one line without control characters"},
    {"server: {node: \"a\\0b\"}", "NUL"},
    {"database: {named_statements: maybe}", "named_statements is \"maybe\", expected yes or no"},
    {"zalo: {api_url: 'http://openapi.zalo.me'}", "expected https://HOST"},
    {"zalo: {api_url: 'http://127.0.0.1.evil.example'}", "expected https://HOST"},
    {"zalo: {api_url: 'http://127.0.0.1@evil.example'}", "expected https://HOST"},
    {"zalo: {api_url: 'ftp://x'}", "expected https://HOST"},
    {"zalo: {token_key: 1234}", "t.yaml:1: zalo.token_key: expected 64 hexadecimal digits"},
    {"log: {level: loud}", "log.level is \"loud\", expected one of debug info warn error"},
    {"hours: {staff: 'T2-T9 08:00-10:00'}", "expected a day"},
    {"hours: {staff: 'T2 10:00-08:00'}", "a span must end after it begins"},
    {"hours: {staff: 'T2 08:00-25:00'}", "expected times"},
    {"hours: {staff: 'CN-T2 08:00-09:00'}", "days run from Monday to Sunday"},
    {"hours: {holidays: [2027-02-29]}", "hours.holidays is"},
    {"hours: {holidays: ['13-01']}", "hours.holidays is"},
    {"spool: {path: /a, path: /b}", "spool.path is set twice"},
    {"spool: 5", "t.yaml:1: expected \"section:\" with keys below it, not spool"},
    {"- a", "expected \"section:\""},
    {"spool:\n\tpath: x", "t.yaml:2: not YAML"},
};

static void test_wrong_settings_are_refused_with_place_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        if (load(refusals[i].yaml))
            fail_msg("accepted: %s", refusals[i].yaml);
        assert_int_equal(e.kind, ERR_INVALID);
        if (!strstr(e.msg, refusals[i].says))
            fail_msg("for: %s\nexpected: %s\ngot: %s", refusals[i].yaml, refusals[i].says, e.msg);
    }
}

static void test_environment_wins_over_the_file(void **state)
{
    (void)state;
    setenv("SANGKIEN_SPOOL_AFTER_MS", "700", 1);
    setenv("SANGKIEN_LOG_LEVEL", "", 1); /* empty: not set */
    setenv("SANGKIEN_FAULT", "anything", 1); /* no section of ours: not a setting */
    assert_true(load_env("spool: {after_ms: 900}\nlog: {level: error}"));
    assert_int_equal(s.spool.after_ms, 700);
    assert_int_equal(s.log.level, LOG_ERROR);
}

static void test_a_misspelt_variable_is_refused(void **state)
{
    (void)state;
    setenv("SANGKIEN_SPOOL_AFTRE_MS", "700", 1);
    assert_false(load_env(""));
    assert_non_null(strstr(e.msg, "SANGKIEN_SPOOL_AFTRE_MS (did you mean SANGKIEN_SPOOL_AFTER_MS?)"));
}

static void test_errors_do_not_show_secrets(void **state)
{
    (void)state;
    assert_false(load("zalo: {token_key: deadbeefdeadbeef}"));
    assert_null(strstr(e.msg, "deadbeef"));
    setenv("SANGKIEN_ZALO_APP_SECRET", "geheim\x01geheim", 1);
    assert_false(load_env(""));
    assert_null(strstr(e.msg, "geheim"));
}

static void test_a_secret_comes_from_a_private_file(void **state)
{
    (void)state;
    char path[32], yaml[100];
    make_file(path, "s3cret-value\n", 0600);
    snprintf(yaml, sizeof(yaml), "zalo: {app_secret_file: %s}", path);
    assert_true(load(yaml));
    assert_string_equal(s.zalo.app_secret, "s3cret-value");

    setenv("SANGKIEN_ZALO_APP_SECRET_FILE", path, 1);
    assert_true(load_env("zalo: {app_secret: other-one}"));
    assert_string_equal(s.zalo.app_secret, "s3cret-value");
    setenv("SANGKIEN_ZALO_APP_SECRET", "third", 1);
    assert_false(load_env(""));
    assert_non_null(strstr(e.msg, "both set"));
    unlink(path);
    assert_false(load(yaml));
    assert_int_equal(e.kind, ERR_NOT_FOUND);
}

static void test_a_secret_file_that_others_may_read_is_refused(void **state)
{
    (void)state;
    static const mode_t modes[] = {0640, 0604, 0620, 0666};
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        char path[32], yaml[100];
        make_file(path, "s3cret-value", modes[i]);
        snprintf(yaml, sizeof(yaml), "zalo: {app_secret_file: %s}", path);
        assert_false(load(yaml));
        assert_non_null(strstr(e.msg, "chmod 600"));
        unlink(path);
    }
}

static void test_a_systemd_credential_may_show_group_bits(void **state)
{
    (void)state;
    char path[32], yaml[100];
    make_file(path, "s3cret-value", 0440);
    snprintf(yaml, sizeof(yaml), "zalo: {app_secret_file: %s}", path);
    setenv("CREDENTIALS_DIRECTORY", "/tmp", 1);
    assert_true(load(yaml));
    unlink(path);
}

/* Not told $CREDENTIALS_DIRECTORY, as a command that root runs. */
static void test_credentials_of_the_service_are_read_by_commands_too(void **state)
{
    (void)state;
    char folder[] = "/run/credentials/sangkien-test-XXXXXX", path[60], outside[32], yaml[120];
    bool made = mkdir("/run/credentials", 0755) == 0;
    if (!mkdtemp(folder)) /* only root may */
        skip();
    snprintf(path, sizeof(path), "%s/key", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("s3cret-value", f);
    fclose(f);
    assert_int_equal(chmod(path, 0440), 0);
    snprintf(yaml, sizeof(yaml), "zalo: {app_secret_file: %s}", path);
    bool taken = load(yaml);
    make_file(outside, "s3cret-value", 0440);
    snprintf(yaml, sizeof(yaml), "zalo: {app_secret_file: /run/credentials/../..%s}", outside);
    bool taken_from_outside = load(yaml);
    unlink(outside);
    unlink(path);
    rmdir(folder);
    if (made)
        rmdir("/run/credentials");
    assert_true(taken);
    assert_false(taken_from_outside);
}

static void test_a_file_with_secrets_must_not_be_readable_by_everybody(void **state)
{
    (void)state;
    char path[32];
    make_file(path, "zalo: {app_secret: s3cret-value}\n", 0644);
    assert_false(settings_load(path, &s, &e));
    assert_non_null(strstr(e.msg, "chmod o="));
    chmod(path, 0640);
    assert_true(settings_load(path, &s, &e));
    assert_string_equal(s.zalo.app_secret, "s3cret-value");
    unlink(path);
    settings_free(&s);
    assert_false(settings_load(path, &s, &e));
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_non_null(strstr(e.msg, path));
}

static void test_reload_takes_only_what_may_change(void **state)
{
    (void)state;
    char path[32];
    make_file(path, "chat: {quiet_ms: 900}\nserver: {workers: 9}\nhours: {staff: 'CN 01:00-02:00'}\n", 0600);
    assert_true(load("server: {workers: 2}"));
    assert_true(settings_reload(path, &s, &e));
    assert_int_equal(s.chat.quiet_ms, 900);
    assert_string_equal(s.hours.staff.text, "CN 01:00-02:00");
    assert_int_equal(s.server.workers, 2);
    unlink(path);
    assert_false(settings_reload(path, &s, &e));
    assert_int_equal(s.chat.quiet_ms, 900);
}

/* The example with every "#key:" switched on. */
static char *example(void)
{
    FILE *in = fopen(EXAMPLE_YAML, "re");
    if (!in)
        fail_msg("cannot open %s", EXAMPLE_YAML);
    char *all = NULL, line[512];
    size_t used = 0;
    FILE *out = open_memstream(&all, &used);
    while (fgets(line, sizeof(line), in)) {
        char *hash = strstr(line, "  #");
        if (hash == line && line[3] != ' ')
            line[2] = ' '; /* "  #key" becomes "   key" */
        fputs(line, out);
    }
    fclose(in);
    fclose(out);
    return all;
}

static void test_the_example_shows_every_key_with_its_default(void **state)
{
    (void)state;
    char *yaml = example();
    if (!load(yaml))
        fail_msg("%s", e.msg);
    struct settings defaults;
    assert_true(settings_load_text("", STR(""), false, &defaults, &e));
    assert_string_equal(s.database.url, defaults.database.url);
    assert_string_equal(s.hours.staff.text, defaults.hours.staff.text);
    assert_memory_equal(&s.hours.holidays, &defaults.hours.holidays, sizeof(s.hours.holidays));
    assert_int_equal(s.evidence.allow_hosts.count, defaults.evidence.allow_hosts.count);

    char *help = NULL;
    size_t help_n = 0;
    FILE *out = open_memstream(&help, &help_n);
    settings_print_help(out);
    fclose(out);
    size_t keys = 0;
    char *rest = help;
    for (char *row = strsep(&rest, "\n"); row; row = strsep(&rest, "\n")) {
        char section[40], key[40], fallback[200] = "", find[300];
        if (sscanf(row, "  %39[a-z].%39[a-z_]", section, key) != 2)
            continue;
        keys++;
        const char *bracket = strrchr(row, '[');
        if (bracket)
            sscanf(bracket, "[%199[^]]", fallback);
        snprintf(find, sizeof(find), "\n   %s: ", key);
        const char *in_section = strstr(yaml, find);
        if (!in_section)
            fail_msg("%s.%s is not in the example", section, key);
        if (*fallback && !strstr(yaml, fallback))
            fail_msg("the example does not show %s.%s: %s", section, key, fallback);
    }
    assert_true(keys >= 35);
    free(help);
    free(yaml);
    settings_free(&defaults);
}

static void test_waiting_counts_only_what_lies_within_the_hours(void **state)
{
    (void)state;
    struct hours h;
    struct holidays off = {.count = 0};
    const int64_t minute = 60 * 1000, hour = 60 * minute, day = 24 * hour;
    const int64_t monday = 1700413200000; /* 20 November 2023, 00:00 in Vietnam */
    assert_true(hours_parse(STR("T2-T6 07:30-11:30,13:30-17:00"), &h, &e));
    static const struct {
        int64_t from_min, to_min, open_min; /* from Monday, 00:00 */
        const char *why;
    } cases[] = {
        {8 * 60, 9 * 60, 60, "within a span"},
        {11 * 60, 14 * 60, 60, "the noon break does not count"},
        {17 * 60, 24 * 60 + 7 * 60, 0, "neither does the night"},
        {4 * 1440 + 16 * 60, 7 * 1440 + 8 * 60, 90, "nor the weekend"},
        {9 * 60, 9 * 60, 0, "no time at all"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t from = monday + cases[i].from_min * minute, to = monday + cases[i].to_min * minute, open = cases[i].open_min * minute;
        if (hours_between(&h, &off, from, to) != open)
            fail_msg("%s: %lld min", cases[i].why, (long long)(hours_between(&h, &off, from, to) / minute));
        if (open)
            assert_int_equal(hours_later(&h, &off, from, open), to);
    }
    assert_true(holidays_add(&off, STR("2023-11-21"), &e));
    assert_int_equal(hours_later(&h, &off, monday + 16 * hour, 90 * minute), monday + 2 * day + 8 * hour);
    assert_int_equal(hours_close(&h, &off, monday + 8 * hour), monday + 11 * hour + 30 * minute);
    assert_int_equal(hours_close(&h, &off, monday + 12 * hour), monday + 12 * hour);

    assert_true(hours_parse(STR("T2-CN 00:00-24:00"), &h, &e));
    assert_int_equal(hours_between(&h, NULL, monday, monday + 3 * day), 3 * day);
    assert_true(hours_parse(STR(""), &h, &e));
    assert_int_equal(hours_between(&h, NULL, monday, monday + 3 * day), 0);
    assert_int_equal(hours_later(&h, NULL, monday, minute), -1);
}

static void test_hours_know_days_holidays_and_gaps(void **state)
{
    (void)state;
    struct hours h;
    struct holidays off = {.count = 0};
    assert_true(hours_parse(STR("T2-T6 07:30-11:30,13:30-17:00; T7 07:30-11:30"), &h, &e));
    assert_true(holidays_add(&off, STR("2027-01-06"), &e));
    const int64_t monday = 1798995600000; /* 2027-01-04 00:00 in Vietnam */
    const int64_t hour = 3600000, day = 24 * hour;
    assert_false(hours_open(&h, &off, monday + 7 * hour));
    assert_true(hours_open(&h, &off, monday + 7 * hour + hour / 2));
    assert_true(hours_open(&h, &off, monday + 11 * hour + hour / 2 - 1));
    assert_false(hours_open(&h, &off, monday + 11 * hour + hour / 2));
    assert_false(hours_open(&h, &off, monday + 2 * day + 9 * hour)); /* the holiday */
    assert_true(hours_open(&h, NULL, monday + 2 * day + 9 * hour));
    assert_true(hours_open(&h, &off, monday + 5 * day + 9 * hour));
    assert_false(hours_open(&h, &off, monday + 5 * day + 14 * hour));
    assert_true(hours_next_open(&h, &off, monday + 12 * hour) == monday + 13 * hour + hour / 2);
    assert_true(hours_next_open(&h, &off, monday + day + 18 * hour) == monday + 3 * day + 7 * hour + hour / 2);
    assert_true(hours_next_open(&h, &off, monday + 6 * day) == monday + 7 * day + 7 * hour + hour / 2);
    assert_true(hours_parse(STR(""), &h, &e));
    assert_true(hours_next_open(&h, &off, monday) == -1);
    assert_true(hours_parse(STR("T2-CN 00:00-24:00"), &h, &e));
    assert_true(hours_open(&h, NULL, monday - 1));
}

static void test_a_holiday_of_every_year_counts_in_every_year(void **state)
{
    (void)state;
    struct hours h;
    struct holidays off = {.count = 0};
    assert_true(hours_parse(STR("t2-cn 00:00-24:00"), &h, &e));
    assert_true(holidays_add(&off, STR("02-29"), &e));
    assert_true(holidays_add(&off, STR("09-02"), &e));
    assert_false(hours_open(&h, &off, 1709168400000));      /* 2024-02-29 08:00 in Vietnam */
    assert_true(hours_open(&h, &off, 1709168400000 + 24 * 3600000));
    assert_false(hours_open(&h, &off, 1756774800000)); /* 2025-09-02 08:00 in Vietnam */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_defaults_are_complete, forget),
        cmocka_unit_test_teardown(test_file_values_of_every_type_are_read, forget),
        cmocka_unit_test_teardown(test_wrong_settings_are_refused_with_place_and_reason, forget),
        cmocka_unit_test_teardown(test_environment_wins_over_the_file, forget),
        cmocka_unit_test_teardown(test_a_misspelt_variable_is_refused, forget),
        cmocka_unit_test_teardown(test_errors_do_not_show_secrets, forget),
        cmocka_unit_test_teardown(test_a_secret_comes_from_a_private_file, forget),
        cmocka_unit_test_teardown(test_a_secret_file_that_others_may_read_is_refused, forget),
        cmocka_unit_test_teardown(test_a_systemd_credential_may_show_group_bits, forget),
        cmocka_unit_test_teardown(test_credentials_of_the_service_are_read_by_commands_too, forget),
        cmocka_unit_test_teardown(test_a_file_with_secrets_must_not_be_readable_by_everybody, forget),
        cmocka_unit_test_teardown(test_reload_takes_only_what_may_change, forget),
        cmocka_unit_test_teardown(test_the_example_shows_every_key_with_its_default, forget),
        cmocka_unit_test_teardown(test_hours_know_days_holidays_and_gaps, forget),
        cmocka_unit_test_teardown(test_waiting_counts_only_what_lies_within_the_hours, forget),
        cmocka_unit_test_teardown(test_a_holiday_of_every_year_counts_in_every_year, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
