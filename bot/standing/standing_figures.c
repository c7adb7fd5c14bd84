/* The figures of a unit as people read them: see standing_figures.h. */
#include "standing_figures.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command/command.h"
#include "standing_store.h"

char *standing_grouped(TALLOC_CTX *ctx, const char *digits)
{
    size_t n = strlen(digits);
    char *out = talloc_zero_array(ctx, char, (unsigned)(n + n / 3 + 1)), *at = out;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            *at++ = '.';
        *at++ = digits[i];
    }
    return out;
}

static char *number(TALLOC_CTX *ctx, int64_t n)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%" PRId64, n < 0 ? -n : n);
    char *grouped = standing_grouped(ctx, digits);
    return n < 0 ? talloc_asprintf(ctx, "-%s", grouped) : grouped;
}

int64_t standing_tenths(int64_t part, int64_t whole)
{
    return whole == 0 ? -1 : (part * 2000 + whole) / (2 * whole);
}

int64_t standing_share(const char *part, const char *whole)
{
    /* The first sixteen digits of the larger one decide; what is cut off both is below a tenth of a per cent. */
    size_t cut = strlen(whole) > 15 ? strlen(whole) - 15 : 0, n = strlen(part);
    char w[20], p[20];
    snprintf(w, sizeof(w), "%.*s", (int)(strlen(whole) - cut), whole);
    snprintf(p, sizeof(p), "%.*s", n > cut ? (int)(n - cut) : 0, part);
    int64_t tenths = standing_tenths(strtoll(p, NULL, 10), strtoll(w, NULL, 10));
    return tenths < 0 ? 0 : tenths;
}

static char *percent(TALLOC_CTX *ctx, int64_t tenths)
{
    return talloc_asprintf(ctx, "%s,%d", number(ctx, tenths / 10), (int)(tenths % 10));
}

int64_t standing_missing(const struct standing_row *row)
{
    return row->target > row->counted ? row->target - row->counted : 0;
}

int64_t standing_daily(const struct standing_row *row, const struct standing_wave *wave)
{
    int64_t missing = standing_missing(row);
    return wave->days_left > 0 ? (missing + wave->days_left - 1) / wave->days_left : 0;
}

/* " (+12)", " (-3)"; nothing on the first day. */
static const char *delta(TALLOC_CTX *ctx, const struct standing_row *row, int64_t now, int64_t before)
{
    return row->has_before ? talloc_asprintf(ctx, " (%s%s)", now >= before ? "+" : "", number(ctx, now - before)) : "";
}

static const char *render(TALLOC_CTX *ctx, enum msg id, const struct message_arg *args, size_t n)
{
    return message_render(ctx, message_get(id)->text, args, n);
}

static const char *target_words(TALLOC_CTX *ctx, const struct standing_wave *wave, const struct standing_row *row)
{
    if (row->target == 0)
        return message_get(MSG_STANDING_NO_TARGET)->text;
    int64_t missing = standing_missing(row), daily = standing_daily(row, wave);
    const struct message_arg args[] = {
        {"pct", percent(ctx, standing_tenths(row->counted, row->target))}, {"target", number(ctx, row->target)},
        {"missing", number(ctx, missing)}, {"daily", number(ctx, daily)}};
    enum msg id = missing == 0 ? MSG_STANDING_REACHED : daily == 0 ? MSG_STANDING_MISSED : MSG_STANDING_MISSING;
    return render(ctx, id, args, ARRAY_LEN(args));
}

static const char *rank_words(TALLOC_CTX *ctx, int64_t rank, int64_t before, int64_t peers)
{
    if (rank == 0 || peers < 2)
        return "";
    const struct message_arg args[] = {{"rank", number(ctx, rank)}, {"units", number(ctx, peers)}, {"before", number(ctx, before)}};
    return render(ctx, before && before != rank ? MSG_STANDING_RANK_MOVED : MSG_STANDING_RANK, args, ARRAY_LEN(args));
}

size_t standing_args(TALLOC_CTX *ctx, const struct standing_wave *wave, const struct standing_row *row,
                     struct message_arg ret[static STANDING_ARGS_MAX])
{
    char time[COMMAND_TIME_SIZE];
    int64_t at_ms = wave->frozen_at_ms ? wave->frozen_at_ms : wave->folded_at_ms;
    command_time(at_ms, time);
    const struct message_arg args[] = {
        {"unit", row->name},
        {"code", row->code},
        {"wave", wave->id ? wave->name : message_get(MSG_STANDING_EVER)->text},
        {"from", wave->starts_on},
        {"to", wave->ends_on},
        {"date", wave->today},
        {"time", strlen(time) > 11 ? talloc_strdup(ctx, time + 11) : ""},
        {"day", at_ms ? talloc_asprintf(ctx, "%.2s/%.2s", time + 8, time + 5) : ""},
        {"who", message_get(wave->id ? MSG_STANDING_WHO_WAVE : MSG_STANDING_WHO_EVER)->text},
        {"people", number(ctx, row->people)},
        {"people_delta", delta(ctx, row, row->people, row->before_people)},
        {"n", number(ctx, row->counted)},
        {"n_delta", delta(ctx, row, row->counted, row->before_counted)},
        {"sent", number(ctx, row->sent)},
        {"valid", number(ctx, row->valid)},
        {"pending", number(ctx, row->pending)},
        {"dups", number(ctx, row->suspect)},
        {"duplicate", number(ctx, row->duplicate)},
        {"refused", number(ctx, row->refused)},
        {"target", number(ctx, row->target)},
        {"target_line", target_words(ctx, wave, row)},
        {"pct", row->target ? percent(ctx, standing_tenths(row->counted, row->target)) : ""},
        {"rank", row->rank ? number(ctx, row->rank) : "-"},
        {"units", number(ctx, row->peers)},
        {"rank_n", rank_words(ctx, row->rank, row->before_rank, row->peers)},
        {"rank_people", rank_words(ctx, row->rank_people, row->before_rank_people, row->peers)},
        {"sum", standing_grouped(ctx, row->benefit_vnd)},
        {"median", row->has_median ? number(ctx, row->median_vnd) : "0"},
        {"nonmoney", number(ctx, row->nonmonetary)},
        {"unknown", number(ctx, row->unknown)},
        {"top", percent(ctx, standing_share(row->largest_vnd, row->benefit_vnd))},
    };
    static_assert(ARRAY_LEN(args) <= STANDING_ARGS_MAX, "there is room for all");
    memcpy(ret, args, sizeof(args));
    return ARRAY_LEN(args);
}

char *standing_line(TALLOC_CTX *ctx, const struct standing_wave *wave, const struct standing_row *before, const struct standing_row *row)
{
    struct message_arg args[STANDING_ARGS_MAX];
    size_t n = standing_args(ctx, wave, row, args);
    char *line = message_render(ctx, message_get(row->target ? MSG_ADMIN_UNIT_LINE : MSG_ADMIN_NO_TARGET)->text, args, n);
    if (!row->cluster || (before && before->cluster && strcmp(before->cluster, row->cluster) == 0))
        return line;
    const struct message_arg cluster[] = {{"cluster", row->cluster}};
    return talloc_asprintf(ctx, "%s\n%s", render(ctx, MSG_STANDING_CLUSTER, cluster, ARRAY_LEN(cluster)), line);
}
