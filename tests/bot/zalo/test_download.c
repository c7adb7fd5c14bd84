/* Downloads arrive whole, stop at their limit and never reach into the network the bot runs in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
/* after the headers it needs */
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>

#include "address.h"
#include "client_world.h"

static void on_downloaded(const struct zalo_download *d, void *ctx)
{
    struct world *w = ctx;
    assert_false(w->in_call);
    w->called++;
    w->download = *d;
}

struct file {
    FILE *f;
    char allowed[32];
    const char *list[1];
    struct zalo_download_options options;
    char url[96];
};

static void file_open(struct world *w, struct file *file, int64_t max_bytes)
{
    *file = (struct file){.f = tmpfile()};
    snprintf(file->allowed, sizeof(file->allowed), "127.0.0.1:%u", w->server.port);
    snprintf(file->url, sizeof(file->url), "%s/picture.png", w->url);
    file->list[0] = file->allowed;
    file->options = (struct zalo_download_options){.max_bytes = max_bytes, .allow_hosts = file->list, .allow_count = 1, .total_ms = 2000};
}

static bool download(struct world *w, struct file *file, struct err *e)
{
    w->in_call = true;
    bool ok = zalo_client_download(w->client, file->url, &file->options, fileno(file->f), on_downloaded, w, e);
    w->in_call = false;
    return ok;
}

static void test_a_download_arrives_whole_with_its_hash(void **state)
{
    struct world *w = *state;
    struct file file;
    const size_t n = 300000;
    char *picture = talloc_size(w->ctx, n), *back = talloc_size(w->ctx, n);
    for (size_t i = 0; i < n; i++)
        picture[i] = (char)(i * 7 + i / 256);
    unsigned char want[32];
    EVP_Digest(picture, n, want, NULL, EVP_sha256(), NULL);
    w->server.body = (struct str){picture, n};
    for (unsigned i = 1; i <= 2; i++) {
        file_open(w, &file, (int64_t)n);
        assert_true(download(w, &file, NULL));
        run_until(w, i);
        assert_true(w->download.ok);
        assert_int_equal(w->download.bytes, n);
        assert_memory_equal(w->download.sha256, want, 32);
        rewind(file.f);
        assert_int_equal(fread(back, 1, n, file.f), n);
        assert_memory_equal(back, picture, n);
        fclose(file.f);
        assert_null(strstr(w->server.last, "access_token"));
        assert_int_equal(w->server.connections, i); /* no connection is shared */
    }
    w->server.body = STR("{\"error\":0}");
    send_one(w);
    run_until(w, 3);
    assert_int_equal(w->server.connections, 3);
}

static void test_a_download_over_the_limit_stops_there(void **state)
{
    struct world *w = *state;
    struct file file;
    char *picture = talloc_zero_size(w->ctx, 1001);
    w->server.body = (struct str){picture, 1001};
    file_open(w, &file, 1000);
    assert_true(download(w, &file, NULL));
    run_until(w, 1);
    assert_false(w->download.ok);
    assert_int_equal(w->download.err.kind, ERR_INVALID);
    assert_true(w->download.bytes <= 1000);
    w->server.act = ENDLESS;
    assert_true(download(w, &file, NULL));
    run_until(w, 2);
    assert_false(w->download.ok);
    assert_int_equal(w->download.err.kind, ERR_INVALID);
    assert_true(lseek(fileno(file.f), 0, SEEK_CUR) <= 2000);
    fclose(file.f);
}

static void test_downloads_that_fail_say_whether_a_repeat_may_help(void **state)
{
    static const struct {
        const char *raw;
        enum err_kind want;
    } cases[] = {
        {"HTTP/1.1 404 Gone\r\nContent-Length: 9\r\n\r\nnot found", ERR_INVALID},
        {"HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n", ERR_INVALID},
        {"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n", ERR_INVALID},
        {"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", ERR_UNAVAILABLE},
        {"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nonly this", ERR_UNAVAILABLE},
    };
    struct world *w = *state;
    w->server.act = ANSWER_RAW;
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct file file;
        file_open(w, &file, 1000);
        w->server.body = str_of(cases[i].raw);
        assert_true(download(w, &file, NULL));
        run_until(w, i + 1);
        assert_false(w->download.ok);
        if (w->download.err.kind != cases[i].want)
            fail_msg("'%s': %s", cases[i].raw, w->download.err.msg);
        assert_true(w->download.http_status == 200 || w->download.bytes == 0); /* an error page is no picture */
        fclose(file.f);
    }
    struct file file;
    file_open(w, &file, 1000);
    w->server.act = SILENCE;
    file.options.total_ms = 200;
    assert_true(download(w, &file, NULL));
    run_until(w, ARRAY_LEN(cases) + 1);
    assert_int_equal(w->download.err.kind, ERR_TIMEOUT);
    w->server.act = ANSWER;
    assert_true(zalo_client_download(w->client, file.url, &file.options, -1, on_downloaded, w, NULL));
    run_until(w, ARRAY_LEN(cases) + 2);
    assert_int_equal(w->download.err.kind, ERR_SYSTEM);
    fclose(file.f);
}

static void test_links_into_the_network_are_refused(void **state)
{
    struct world *w = *state;
    struct err e = {0};
    struct file file;
    file_open(w, &file, 1000);
    static const char *const never[] = {
        "", "picture.png", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://example.com/x", "https://example.com:8443/x",
        "https://user:pw@example.com/x", "http://127.0.0.1:1/x", "https://127.0.0.1:22/x", "gopher://127.0.0.1/",
    };
    for (size_t i = 0; i < ARRAY_LEN(never); i++) {
        snprintf(file.url, sizeof(file.url), "%s", never[i]);
        e = (struct err){0};
        if (download(w, &file, &e) || e.kind != ERR_INVALID)
            fail_msg("'%s' was not refused", never[i]);
    }
    /* Well-formed, but the address behind is not public: found when the socket is asked for, whatever the spelling. */
    static const char *const private[] = {
        "https://127.0.0.1/x", "https://2130706433/x", "https://0x7f.1/x", "https://[::1]/x", "https://[::ffff:10.0.0.1]/x",
        "https://10.1.2.3/x", "https://192.168.1.1/x", "https://169.254.169.254/latest/meta-data", "https://localhost/x", "https://0/x",
    };
    for (unsigned i = 0; i < ARRAY_LEN(private); i++) {
        snprintf(file.url, sizeof(file.url), "%s", private[i]);
        assert_true(download(w, &file, &e));
        run_until(w, i + 1);
        assert_false(w->download.ok);
        if (w->download.err.kind != ERR_INVALID || w->download.bytes != 0)
            fail_msg("'%s': %s", private[i], w->download.err.msg);
    }
    assert_int_equal(w->server.connections, 0);
    fclose(file.f);
}

static void test_a_download_cannot_borrow_the_connection_to_the_api(void **state)
{
    struct world *w = *state;
    struct err e = {0};
    struct file file;
    send_one(w);
    run_until(w, 1);
    file_open(w, &file, 1000);
    file.options.allow_count = 0;
    assert_false(download(w, &file, &e));
    assert_int_equal(w->server.requests, 1);
    fclose(file.f);
}

static void test_addresses_by_their_registry(void **state)
{
    static const struct {
        const char *text;
        bool is_public;
    } cases[] = {
        {"8.8.8.8", true}, {"1.1.1.1", true}, {"118.69.0.1", true}, {"172.15.255.255", true}, {"172.32.0.0", true}, {"100.63.255.255", true},
        {"100.128.0.0", true}, {"223.255.255.255", true}, {"198.17.255.255", true}, {"198.20.0.0", true},
        {"0.0.0.0", false}, {"10.0.0.0", false}, {"10.255.255.255", false}, {"100.64.0.0", false}, {"100.127.255.255", false}, {"127.0.0.1", false},
        {"127.255.255.255", false}, {"169.254.169.254", false}, {"172.16.0.0", false}, {"172.31.255.255", false}, {"192.0.0.1", false},
        {"192.0.2.1", false}, {"192.88.99.1", false}, {"192.168.0.0", false}, {"192.168.255.255", false}, {"198.18.0.0", false},
        {"198.19.255.255", false}, {"198.51.100.7", false}, {"203.0.113.7", false}, {"224.0.0.1", false}, {"239.255.255.255", false},
        {"240.0.0.1", false}, {"255.255.255.255", false},
        {"2606:4700::1111", true}, {"2400:cb00::1", true}, {"2a00:1450::1", true}, {"::ffff:8.8.8.8", true}, {"64:ff9b::808:808", true}, {"2001:200::1", true},
        {"::", false}, {"::1", false}, {"::ffff:127.0.0.1", false}, {"::ffff:10.0.0.1", false}, {"::127.0.0.1", false}, {"64:ff9b::a00:1", false},
        {"64:ff9b:1::1", false}, {"100::1", false}, {"fc00::1", false}, {"fd12::1", false}, {"fe80::1", false}, {"fec0::1", false}, {"ff02::1", false},
        {"2001::1", false}, {"2001:db8::1", false}, {"2002:7f00:1::", false}, {"3fff::1", false}, {"4000::1", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        bool is_v4 = inet_pton(AF_INET, cases[i].text, &v4.sin_addr) == 1;
        assert_true(is_v4 || inet_pton(AF_INET6, cases[i].text, &v6.sin6_addr) == 1);
        if (address_is_public(is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6) != cases[i].is_public)
            fail_msg("%s", cases[i].text);
    }
    assert_false(address_is_public(&(struct sockaddr){.sa_family = AF_UNIX}));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_download_arrives_whole_with_its_hash),
        TEST(test_a_download_over_the_limit_stops_there),
        TEST(test_downloads_that_fail_say_whether_a_repeat_may_help),
        TEST(test_links_into_the_network_are_refused),
        TEST(test_a_download_cannot_borrow_the_connection_to_the_api),
        TEST(test_addresses_by_their_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
