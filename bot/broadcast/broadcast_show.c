/* Broadcasts for the terminal: see broadcast_show.h. */
#include "broadcast_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broadcast_text.h"
#include "clock.h"
#include "command/command.h"
#include "reading/text.h"
#include "settings.h"

enum { BAR = 30, NARROW_BAR = 20, WIDE = 100, LIST_CHARS = 50, NUMBER = 32, FOREVER_MIN = 48 * 60 };

/* 1234567 as 1,234,567. */
static const char *grouped(int64_t n, char ret[static NUMBER])
{
    char digits[NUMBER];
    size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRId64, n), out = 0;
    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-')
            ret[out++] = ',';
        ret[out++] = digits[i];
    }
    ret[out] = '\0';
    return ret;
}

static void line(const char *name, int64_t n, const char *remark)
{
    char number[NUMBER];
    printf("  %-24s %12s%s%s\n", name, grouped(n, number), *remark ? "  " : "", remark);
}

const char *broadcast_show_state(const struct broadcast *b)
{
    bool over = strcmp(b->state, "done") == 0 || strcmp(b->state, "cancelled") == 0;
    if (b->paused_at_ms && !over)
        return "paused";
    if (b->held)
        return "held for a second person";
    return strcmp(b->state, "waiting") == 0 ? "waiting to begin" : b->state;
}

void broadcast_show_line(const struct broadcast *b)
{
    char at[COMMAND_TIME_SIZE];
    struct str text = text_cut((struct str){b->body, strcspn(b->body, "\n")}, LIST_CHARS);
    printf("%" PRId64 "\t%s\t%s\t%s\t%s\t%.*s\n", b->id, broadcast_show_state(b), command_time(b->created_at_ms, at), b->created_by,
           b->parent_id ? "(those that failed before)" : b->segment, STR_ARG(text));
}

void broadcast_show_rehearsal(const struct broadcast *b, const struct broadcast_reach *reach, const struct settings *s)
{
    char number[NUMBER], ends[COMMAND_TIME_SIZE];
    int64_t now = clock_epoch_ms();
    struct broadcast_figures f = broadcast_plan_figures(b, reach, s, b->start_at_ms > now ? b->start_at_ms : now);
    printf("broadcast %" PRId64 " to %s, as things stand:\n", b->id, b->parent_id ? "those to whom its parent failed" : b->segment);
    line("free", reach->free, "wrote within 48 hours");
    line("charged", reach->charged, b->free_only ? "wrote within 7 days: left out, it is for the free ones only" : "wrote within 7 days");
    line("by template", b->template_id ? reach->silent : 0, b->template_id ? "silent longer, charged" : "");
    puts("not reached:");
    line("silent", b->template_id ? 0 : reach->silent, b->template_id ? "" : "wrote longer ago than 7 days: only a template reaches them");
    line("never wrote", reach->never, "");
    line("opted out", reach->opted_out, "");
    line("capped", reach->capped, "reminded twice this week");
    line("with a support contact", reach->with_support, "");
    printf("%s messages", grouped(f.recipients, number));
    printf(", %s of them charged", grouped(f.charged, number));
    printf(", %s dong; ", grouped(f.cost_vnd, number));
    if (f.ends_at_ms < 0)
        puts("hours.broadcast leaves no time for it");
    else
        printf("begun now it ends at %s\n", command_time(f.ends_at_ms, ends));
}

void broadcast_show_samples(const struct broadcast *b, const PGresult *res)
{
    for (int r = 0; r < PQntuples(res); r++) {
        TALLOC_CTX *tmp = talloc_new(NULL);
        struct broadcast_person who = {.full_name = pg_text(tmp, res, r, 2), .unit_name = pg_text(tmp, res, r, 3),
                                       .title = pg_text(tmp, res, r, 4), .initiatives = pg_int8(res, r, 5)};
        bool templated = str_eq(pg_bytes(res, r, 1), STR("silent"));
        printf("--- sample %d%s\n%s\n", r + 1, templated ? ", by template" : "",
               broadcast_sample(tmp, b->body, templated ? b->template_id : NULL, b->template_data, &who));
        talloc_free(tmp);
    }
}

int64_t broadcast_show_settled(const struct broadcast_sums *sums)
{
    return sums->frozen - sums->waiting - sums->sending;
}

void broadcast_show_report(const struct broadcast *b, const PGresult *res, const struct settings *s)
{
    char at[COMMAND_TIME_SIZE], number[NUMBER];
    struct broadcast_sums sums = broadcast_store_sums(res);
    printf("broadcast %" PRId64 ": %s", b->id, broadcast_show_state(b));
    printf("%s%s", b->pause_reason ? ": " : "", b->pause_reason ? b->pause_reason : "");
    printf("\n  to %s\n", b->parent_id ? "those to whom its parent failed" : b->segment);
    if (b->parent_id)
        printf("  repeats what failed of %" PRId64 "\n", b->parent_id);
    printf("  written by %s at %s\n", b->created_by, command_time(b->created_at_ms, at));
    if (b->started_by)
        printf("  started by %s%s%s\n", b->started_by, b->confirmed_by ? ", confirmed by " : "", b->confirmed_by ? b->confirmed_by : "");
    if (b->sending_at_ms)
        printf("  sending since %s\n", command_time(b->sending_at_ms, at));
    if (b->ended_at_ms)
        printf("  ended at %s\n", command_time(b->ended_at_ms, at));
    puts("");
    line("frozen", sums.frozen, "everybody is in one of these:");
    line("seen", sums.seen, "");
    line("received", sums.received, "not seen yet, as far as is known");
    line("sent", sums.sent, "Zalo took it; the phone has not said that it came");
    for (int r = 0; r < PQntuples(res); r++) {
        char name[80];
        struct str state = pg_bytes(res, r, 0), reason = pg_bytes(res, r, 1);
        bool caused = str_eq(state, STR("failed")) || str_eq(state, STR("skipped")) || str_eq(state, STR("unknown"));
        if (!caused)
            continue;
        snprintf(name, sizeof(name), "%.*s%s%.*s", STR_ARG(state), reason.n ? ": " : "", reason.n > 40 ? 40 : STR_ARG(reason));
        line(name, pg_int8(res, r, 2), str_eq(state, STR("unknown")) ? "may have been sent; never sent again by itself" : "");
    }
    line("cancelled", sums.cancelled, "");
    line("waiting", sums.waiting, "");
    line("on the wire", sums.sending, "");
    printf("charged: %s messages, ", grouped(sums.charged, number));
    printf("%s dong\n", grouped(sums.charged * s->price.message_vnd, number));
}

/* Figures that are not zero, ", name n" each. */
static void add_figures(char *out, size_t size, const struct broadcast_sums *s)
{
    const struct {
        const char *name;
        int64_t n;
    } figures[] = {{"arrived", s->received + s->seen}, {"failed", s->failed}, {"skipped", s->skipped}, {"unknown", s->unknown},
                   {"cancelled", s->cancelled}};
    size_t n = 0;
    char number[NUMBER];
    for (size_t i = 0; i < ARRAY_LEN(figures) && n < size; i++)
        if (figures[i].n > 0)
            n += (size_t)snprintf(out + n, size - n, ", %s %s", figures[i].name, grouped(figures[i].n, number));
}

void broadcast_show_bar(const struct broadcast *b, const struct broadcast_sums *sums, int64_t per_s, int columns)
{
    char done[NUMBER], all[NUMBER], rate[NUMBER], bar[BAR + 1], out[512];
    int64_t settled = broadcast_show_settled(sums), left = sums->frozen - settled;
    int width = columns > 0 && columns < WIDE ? NARROW_BAR : BAR, full = sums->frozen > 0 ? (int)(settled * width / sums->frozen) : 0;
    for (int i = 0; i < width; i++)
        bar[i] = i < full ? '#' : '.';
    bar[width] = '\0';
    size_t n = (size_t)snprintf(out, sizeof(out), "%s [%s] %s of %s", broadcast_show_state(b), bar, grouped(settled, done), grouped(sums->frozen, all));
    if (per_s > 0 && left > 0 && !b->paused_at_ms && left / per_s / 60 < FOREVER_MIN) {
        int64_t s = left / per_s + 1;
        n += (size_t)snprintf(out + n, sizeof(out) - n, s < 60 ? ", %s/s, %" PRId64 " s left" : ", %s/s, %" PRId64 " min left", grouped(per_s, rate),
                              s < 60 ? s : (s + 30) / 60);
    }
    add_figures(out + n, sizeof(out) - n, sums);
    if (columns > 0) /* a line that wraps could not be written over; what is cut off stands in `show` */
        printf("\r\033[K%.*s", columns - 1, out);
    else
        puts(out);
    fflush(stdout);
}
