/* The pair that the row does not have yet: from Zalo or from this node's file, into the row. */
#include "token_state.h"

static bool param_sealed(struct tokens *t, struct pg_params *p, const char *what, const char *token)
{
    struct str sealed;
    struct err e;
    if (!seal_close(p, t->key, token_about(p, t->settings->zalo.oa_id, what), str_of(token), &sealed, &e)) {
        tokens_because(t, "%s", e.msg);
        return false;
    }
    pg_param_bytea(p, sealed.p, sealed.n);
    return true;
}

void tokens_keep(struct tokens *t, TALLOC_CTX *memory, const struct token_pair *pair)
{
    TALLOC_FREE(t->kept_memory);
    t->kept_memory = talloc_steal(t, memory);
    t->kept = *pair;
    log_hide(pair->access);
    log_hide(pair->refresh);
}

/* A sibling process may have written the file and died before its commit. */
void tokens_reload_file(struct tokens *t)
{
    TALLOC_CTX *memory = talloc_new(t);
    struct token_pair pair;
    struct err e = {0};
    bool ok = token_file_read(memory, t->settings, t->key, &pair, &e);
    if (ok && (!t->kept.access || pair.expires_at_ms > t->kept.expires_at_ms)) {
        tokens_keep(t, memory, &pair);
        return;
    }
    talloc_free(memory);
    if (!ok && e.kind != ERR_NOT_FOUND && log_pass(&t->file_gate, 3600000))
        log_warn("%s, ignoring it", e.msg);
}

void tokens_write_file(struct tokens *t)
{
    struct err e;
    if (!token_file_write(t->settings, t->key, &t->kept, &e))
        log_error("%s; until the database has the new tokens they are in memory only", e.msg);
}

static void on_stored(const struct pg_answer *answer, void *ctx)
{
    struct tokens *t = pending_end(ctx);
    if (!t)
        return;
    if (answer->e) {
        tokens_because(t, "new tokens wait for the database: %s", answer->e->msg);
        if (log_pass(&t->store_gate, 30000))
            log_error("new tokens could not be stored: %s; trying again each second, they must not be lost", answer->e->msg);
        tokens_wait(t, TOKEN_STORE_AGAIN_MS);
        return;
    }
    if (PQntuples(answer->result[0]) == 1) { /* in the file too: were the row ever older than this, the database was restored */
        t->kept.base_generation = pg_int8(answer->result[0], 0, 0);
        t->kept.base[0] = '\0';
        tokens_write_file(t);
    }
    tokens_look(t); /* none changed: somebody was faster and the row says who; one changed: take it from there */
}

void tokens_store_kept(struct tokens *t)
{
    const struct row *row = &t->row;
    int64_t base = row->found ? row->generation : 0;
    bool restored = t->kept.base_generation != base;
    if (restored) { /* from here on the file belongs to its history */
        log_error("the tokens of the database are older than those of this node, so it was restored from a backup: the newer ones are put back,"
                  " and nothing is sent until `sangkien token release`");
        t->kept.base_generation = base;
        memcpy(t->kept.base, row->base, sizeof(t->kept.base));
        tokens_write_file(t);
    }
    int64_t lifetime_ms = t->kept.expires_at_ms - clock_epoch_ms();
    struct pg_params *p = tokens_params(t);
    if (row->found)
        pg_param_int8(p, base);
    if (!param_sealed(t, p, "access", t->kept.access) || !param_sealed(t, p, "refresh", t->kept.refresh)) {
        talloc_free(p);
        tokens_wait(t, TOKEN_STORE_AGAIN_MS);
        return;
    }
    pg_param_int8(p, lifetime_ms > 1 ? lifetime_ms : 1);
    if (row->found)
        pg_param_int8(p, restored);
    struct pg_unit *unit = tokens_unit(t, row->found ? SQL_TOKEN_RENEWED : SQL_TOKEN_FIRST, p);
    PG_FAULTS(unit, "token_before_store", "token_after_store");
    tokens_run(t, unit, on_stored);
}

void tokens_store_configured(struct tokens *t)
{
    const struct settings *s = t->settings;
    bool access = s->zalo.access_token[0] != '\0'; /* without one the refresh token fetches it at once */
    struct pg_params *p = tokens_params(t);
    if (!param_sealed(t, p, "access", access ? s->zalo.access_token : "none") || !param_sealed(t, p, "refresh", s->zalo.refresh_token)) {
        talloc_free(p);
        tokens_wait(t, TOKEN_STORE_AGAIN_MS);
        return;
    }
    pg_param_int8(p, access ? TOKEN_LIFETIME_MS : 1);
    struct pg_unit *unit = tokens_unit(t, SQL_TOKEN_FIRST, p);
    PG_FAULTS(unit, "token_before_first", "token_after_first");
    tokens_run(t, unit, on_stored);
}
