/* The pipeline in memory: see transcript.h.  Every reply is held against the rules that hold for all of them. */
#include "transcript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reading/text.h"
#include "transcript_tickets.h"

struct world *world;

static const struct unit_match units[] = {
    {11, "Công ty TNHH May Việt Yên", "Công đoàn các KCN", 3, 0},
    {12, "Công ty TNHH May Việt Yên 2", "Công đoàn các KCN", 3, 0},
    {13, "Trường THCS Tân Mỹ", "Công đoàn ngành Giáo dục", 3, 0},
    {14, "Trường THCS Tân Dĩnh", "Công đoàn ngành Giáo dục", 3, 0},
    {15, "Bệnh viện Đa khoa tỉnh", NULL, 3, 0},
};

static int64_t new_id(void *ctx)
{
    struct world *w = ctx;
    return ++w->next_id;
}

int world_setup(void **state)
{
    world = talloc_zero(NULL, struct world);
    world->ctx = world;
    world->turn = talloc_new(world);
    world->now_ms = 1690000000000; /* 22 July 2023, 11:26:40 in Vietnam */
    world->step_ms = 20000;
    world->next_id = 7000000000000000000; /* beyond what a double holds */
    struct err e;
    assert_true(messages_load(NULL, &e));
    i_am("u1");
    *state = world;
    return 0;
}

int world_teardown(void **state)
{
    (void)state;
    talloc_free(world);
    world = NULL;
    return 0;
}

struct human *person_named(const char *user_id)
{
    for (int i = 0; i < PEOPLE_MAX; i++) {
        struct human *h = &world->human[i];
        if (!h->ctx) {
            h->ctx = talloc_new(world->ctx);
            h->person = (struct person){.user_id = talloc_strdup(h->ctx, user_id), .follows = true};
            h->conv = (struct conversation){.owner = "bot"};
            return h;
        }
        if (strcmp(h->person.user_id, user_id) == 0)
            return h;
    }
    fail_msg("too many people");
    return NULL;
}

void i_am(const char *user_id)
{
    world->me = person_named(user_id);
}

static const char *keep(struct human *h, const char *s)
{
    return s ? talloc_strdup(h->ctx, s) : NULL;
}

static bool same_key(const char *a, const char *b)
{
    char *x = text_key(NULL, str_of(a)), *y = text_key(NULL, str_of(b));
    bool same = strcmp(x, y) == 0;
    talloc_free(x);
    talloc_free(y);
    return same;
}

/* ---- what a turn may ask for ---- */

static void load_units(TALLOC_CTX *ctx, const char *typed, struct turn_input *in)
{
    struct unit_match *found = talloc_zero_array(ctx, struct unit_match, ARRAY_LEN(units));
    char *key = text_key(ctx, str_of(typed));
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        char *name = text_key(ctx, str_of(units[i].name));
        if (!strstr(name, key))
            continue;
        struct unit_match m = units[i];
        m.score_pct = strcmp(name, key) == 0 ? 100 : 70;
        if (m.score_pct == 100 && n) {
            memmove(found + 1, found, sizeof(*found) * n);
            found[0] = m;
        } else {
            found[n] = m;
        }
        n++;
    }
    in->units = found;
    in->unit_count = n;
}

static void load_evidence(struct human *h, int64_t id, int64_t *ret)
{
    *ret = 0;
    for (struct evidence_row *r = h->evidence; r; r = r->next)
        *ret += r->e.initiative_id == id;
}

static void load_colleague(struct human *h, const char *name, struct turn_input *in)
{
    in->colleague_user_id = NULL;
    int found = 0;
    for (int i = 0; i < PEOPLE_MAX && world->human[i].ctx; i++) {
        const struct person *p = &world->human[i].person;
        if (p->full_name && p->unit_id && p->unit_id == h->person.unit_id && same_key(p->full_name, name)) {
            in->colleague_user_id = p->user_id;
            found++;
        }
    }
    if (found != 1)
        in->colleague_user_id = NULL;
}

static void load(TALLOC_CTX *ctx, struct human *h, const struct turn_output *out, struct turn_input *in)
{
    if (out->needs & NEED_INITIATIVES) {
        in->initiatives = h->initiatives;
        in->initiative_total = 0;
        for (struct initiative *i = h->initiatives; i; i = i->next)
            in->initiative_total++;
    }
    if (out->needs & NEED_INITIATIVE) {
        struct initiative *i = h->initiatives;
        while (i && i->id != out->need_id)
            i = i->next;
        if (i)
            load_evidence(h, i->id, &i->evidence_count);
        in->initiative = i;
    }
    if (out->needs & NEED_UNITS)
        load_units(ctx, out->need_text, in);
    if (out->needs & NEED_DRAFTS)
        in->drafts = h->drafts;
    if (out->needs & NEED_TICKET)
        in->tickets = h->tickets;
    transcript_load_tickets(ctx, h, out, in);
    if (out->needs & NEED_AUTHORS) {
        struct initiative_author *list = NULL;
        for (struct initiative_author *a = h->authors; a; a = a->next)
            if (a->initiative_id == out->need_id) {
                struct initiative_author *copy = talloc_memdup(ctx, a, sizeof(*a));
                copy->next = list;
                list = copy;
            }
        in->authors = list;
    }
    if (out->needs & NEED_COLLEAGUE)
        load_colleague(h, out->need_text, in);
    if (out->needs & NEED_MY_DATA) {
        struct my_data *kept = talloc_zero(ctx, struct my_data);
        *kept = (struct my_data){.messages = 12, .oldest_message_at_ms = 1680000000000};
        for (struct initiative *i = h->initiatives; i; i = i->next)
            kept->initiatives++;
        in->my_data = kept;
    }
    if (out->needs & NEED_EVIDENCE)
        load_evidence(h, out->need_id, &in->evidence_count);
    if (out->needs & NEED_REMINDERS)
        in->reminders = world->reminders;
    if (out->needs & NEED_GRANTS) {
        in->grants = h->grants;
        h->grant_reads++;
    }
    if (out->needs & NEED_INVITE) {
        bool found = world->code && strcmp(world->code, out->need_text) == 0;
        in->invite = found ? &world->invite : NULL;
        if (found)
            world->code = NULL;
    }
    in->loaded |= out->needs;
}

/* ---- what a turn has decided ---- */

static void check_reply(const struct reply *r)
{
    assert_non_null(r->user_id);
    assert_true(r->id > 0);
    assert_true(r->text && *r->text);
    assert_true(text_utf16_units(str_of(r->text)) <= 2000);
    assert_true(r->button_count <= REPLY_BUTTONS_MAX);
    for (size_t i = 0; i < r->button_count; i++) {
        assert_true(*r->button[i].label && *r->button[i].payload);
        assert_true(text_chars(str_of(r->button[i].label)) <= MESSAGE_LABEL_CHARS);
        assert_int_equal(strncmp(r->button[i].payload, "#b1:", 4), 0);
        assert_true(strlen(r->button[i].payload) < 200);
    }
}

static void deliver(struct human *h, const struct reply *r)
{
    if (h->last_text && strcmp(h->last_text, r->text) == 0)
        fail_msg("the same sentence twice in a row: %s", r->text);
    h->last_text = talloc_strdup(h->ctx, r->text);
    memcpy(h->older_buttons, h->last_buttons, sizeof(h->last_buttons));
    memset(h->last_buttons, 0, sizeof(h->last_buttons));
    for (size_t i = 0; i < r->button_count; i++)
        h->last_buttons[i] = (struct button){keep(h, r->button[i].label), keep(h, r->button[i].payload)};
}

static void keep_reply(struct human *h, const struct reply *r)
{
    h->waiting = *r;
    h->waiting.text = keep(h, r->text);
    for (size_t i = 0; i < r->button_count; i++)
        h->waiting.button[i] = (struct button){keep(h, r->button[i].label), keep(h, r->button[i].payload)};
    h->waits = true;
}

static void deliver_due(struct human *h)
{
    if (h->waits && h->waiting.not_before_ms <= world->now_ms) {
        h->waits = false;
        deliver(h, &h->waiting);
    }
}

static void apply_replies(struct human *h, const struct turn_output *out)
{
    world->texts = talloc_strdup(world->turn, "");
    for (const struct reply *r = out->replies; r; r = r->next) {
        check_reply(r);
        world->texts = talloc_asprintf_append(world->texts, "%s\n", r->text);
        if (r->collapse_key) {
            assert_string_equal(r->collapse_key, "collect");
            assert_true(r->not_before_ms > world->now_ms && r->not_before_ms <= world->now_ms + 10000);
            keep_reply(h, r);
        } else {
            h->waits = false;
            deliver(h, r);
        }
    }
}

static void apply_initiatives(struct human *h, const struct turn_output *out)
{
    for (const struct initiative *i = out->new_initiatives; i; i = i->next) {
        struct initiative *row = talloc_memdup(h->ctx, i, sizeof(*i));
        for (struct initiative *old = h->initiatives; old; old = old->next)
            assert_true(old->id != i->id); /* filed twice */
        assert_true(i->code && i->title && i->description && i->benefit_kind);
        row->code = keep(h, i->code);
        row->title = keep(h, i->title);
        row->description = keep(h, i->description);
        row->benefit_text = keep(h, i->benefit_text);
        row->unit_text = keep(h, i->unit_text);
        row->unit_name = keep(h, i->unit_name);
        row->next = h->initiatives;
        h->initiatives = row;
    }
    for (const struct initiative_patch *p = out->patches; p; p = p->next) {
        struct initiative *i = h->initiatives;
        while (i && i->id != p->initiative_id)
            i = i->next;
        assert_non_null(i);
        if (strcmp(p->field, "title") == 0)
            i->title = keep(h, p->value);
        else if (strcmp(p->field, "description") == 0)
            i->description = keep(h, p->value);
        else if (strcmp(p->field, "benefit") == 0) {
            i->annual_benefit_vnd = p->number;
            i->benefit_kind = keep(h, p->benefit_kind);
            i->benefit_text = keep(h, p->value);
        } else if (strcmp(p->field, "unit") == 0) {
            i->unit_id = p->number;
            i->unit_name = keep(h, p->value);
        } else if (strcmp(p->field, "solution_kind") == 0)
            i->solution_kind = keep(h, p->value);
        else if (strcmp(p->field, "applied_on") == 0)
            i->applied_on = keep(h, p->value);
        else if (strcmp(p->field, "confidential") == 0)
            i->confidential = true;
        else
            assert_string_equal(p->field, "withdraw_wish");
    }
    for (const struct initiative_author *a = out->authors; a; a = a->next) {
        struct initiative_author *row = talloc_memdup(h->ctx, a, sizeof(*a));
        row->name = keep(h, a->name);
        row->next = h->authors;
        h->authors = row;
    }
    for (const struct initiative_author *a = out->author_consents; a; a = a->next)
        for (struct initiative_author *row = h->authors; row; row = row->next)
            if (row->id == a->id) {
                row->consent = keep(h, a->consent);
                row->author_user_id = keep(h, a->author_user_id);
            }
}

static void remove_draft(struct human *h, int64_t id)
{
    for (struct parked_draft **p = &h->drafts; *p; p = &(*p)->next)
        if ((*p)->id == id) {
            *p = (*p)->next;
            return;
        }
}

static void apply_drafts(struct human *h, const struct turn_output *out)
{
    for (const struct parked_draft *p = out->parked; p; p = p->next) {
        remove_draft(h, p->id);
        struct parked_draft *row = talloc_memdup(h->ctx, p, sizeof(*p));
        row->body = keep(h, p->body);
        row->next = h->drafts;
        h->drafts = row;
    }
    for (const struct parked_draft *p = out->unparked; p; p = p->next)
        remove_draft(h, p->id);
    for (const struct parked_draft *p = out->dropped; p; p = p->next) {
        remove_draft(h, p->id);
        for (struct evidence_row *r = h->evidence; r; r = r->next)
            if (r->e.initiative_id == p->id)
                r->e.initiative_id = -1;
    }
    int n = 0;
    for (const struct parked_draft *p = h->drafts; p; p = p->next)
        n++;
    assert_true(n <= PARKED_DRAFTS_MAX);
}

static void apply_similar(struct human *h, const struct turn_output *out)
{
    for (const struct similar_signal *s = out->signals; s; s = s->next) {
        struct similar_signal *row = talloc_memdup(h->ctx, s, sizeof(*s));
        assert_string_equal(s->user_id, h->person.user_id); /* nobody says anything about other people's */
        row->other_user_id = keep(h, s->other_user_id);
        row->choice = keep(h, s->choice);
        row->next = h->signals;
        h->signals = row;
    }
    if (out->similar_wish) {
        h->wish = *out->similar_wish;
        h->wishes++;
    }
}

static void add_grant(struct human *h, enum role role, int64_t unit_id)
{
    struct role_grant *row = talloc_zero(h->ctx, struct role_grant);
    *row = (struct role_grant){.next = h->grants, .user_id = h->person.user_id, .role = role, .unit_id = unit_id};
    h->grants = row;
}

static void apply_rest(struct human *h, const struct turn_output *out)
{
    for (const struct evidence *e = out->evidence; e; e = e->next) {
        struct evidence_row *row = talloc_zero(h->ctx, struct evidence_row);
        row->e = *e;
        row->e.kind = keep(h, e->kind);
        row->e.url = keep(h, e->url);
        row->next = h->evidence;
        h->evidence = row;
    }
    transcript_apply_tickets(h, out);
    for (const struct ticket_message *m = out->ticket_messages; m; m = m->next) {
        struct ticket_message *row = talloc_memdup(h->ctx, m, sizeof(*m));
        row->text = keep(h, m->text);
        row->next = h->notes;
        h->notes = row;
    }
    for (const struct mail *m = out->mail; m; m = m->next) {
        struct mail *row = talloc_memdup(world->ctx, m, sizeof(*m));
        row->user_id = talloc_strdup(world->ctx, m->user_id);
        row->kind = talloc_strdup(world->ctx, m->kind);
        row->payload = talloc_strdup(world->ctx, m->payload);
        row->next = NULL;
        struct mail **last = &world->mail;
        while (*last)
            last = &(*last)->next;
        *last = row;
    }
    for (const struct role_grant *g = out->new_grants; g; g = g->next)
        add_grant(h, g->role, g->unit_id);
    if (out->person) {
        h->person = *out->person;
        h->person.user_id = keep(h, out->person->user_id);
        h->person.full_name = keep(h, out->person->full_name);
        h->person.phone = keep(h, out->person->phone);
        h->person.unit_text = keep(h, out->person->unit_text);
        h->person.unit_name = keep(h, out->person->unit_name);
        h->person.consent_version = keep(h, out->person->consent_version);
    }
    if (out->state)
        h->conv.state = keep(h, out->state);
    if (out->draft)
        h->conv.draft = keep(h, out->draft);
    h->conv.version++;
}

static void erase(struct human *h)
{
    const char *user_id = h->person.user_id;
    h->person = (struct person){.user_id = user_id, .follows = h->person.follows};
    h->initiatives = NULL;
    h->authors = NULL;
    h->drafts = NULL;
    h->tickets = NULL;
    h->notes = NULL;
    h->evidence = NULL;
    h->signals = NULL;
    h->grants = NULL;
    h->waits = false;
    h->erasures++;
}

/* Nothing a person wrote may be stored before consent. */
static void check_consent(const struct human *h, const struct turn_output *out)
{
    bool consent = (out->person ? out->person : &h->person)->consent_at_ms > 0;
    if (consent)
        return;
    assert_null(out->new_initiatives);
    assert_null(out->similar_wish);
    assert_null(out->patches);
    assert_null(out->evidence);
    assert_null(out->parked);
    assert_null(out->tickets);
    assert_null(out->ticket_messages);
    if (out->draft) {
        struct dialog *d = dialog_read(NULL, out->draft);
        assert_true(d->draft.id == 0 && !d->offered_title && !d->fragment && !d->unit_typed && !d->reading.text);
        talloc_free(d);
    }
}

static void note_names(const char *note)
{
    const char *names = note ? strchr(note, ':') : NULL;
    world->said = talloc_strdup(world->turn, names && names[1] ? names + 2 : "");
    for (const char *word = world->said; *word;) {
        size_t n = strcspn(word, " +");
        world->seen[message_named((struct str){word, n})] = true;
        word += n + strspn(word + n, " +");
    }
}

static void run(struct inbound *msg)
{
    static struct hours always; /* staff answer at any time */
    static struct holidays none;
    struct err e;
    struct human *h = world->me;
    assert_true(always.count || hours_parse(STR("T2-CN 00:00-24:00"), &always, &e));
    talloc_free(world->turn);
    world->turn = talloc_new(world->ctx);
    world->now_ms += world->step_ms;
    deliver_due(h);
    msg->user_id = h->person.user_id;
    if (!msg->msg_id)
        msg->msg_id = "m";
    if (!msg->sent_at_ms)
        msg->sent_at_ms = world->sent_at_ms ? world->sent_at_ms : world->now_ms - 500;
    msg->arrived_at_ms = world->arrived_at_ms;
    struct turn_input in = {
        .msg = msg, .now_ms = world->now_ms, .late = world->late, .person = &h->person, .conv = &h->conv,
        .new_id = new_id, .new_id_ctx = world, .privacy_version = "1", .quiet_ms = 2000, .messages_per_minute = world->messages_per_minute, .message_days = 365,
        .support = {world->hours ? world->hours : &always, &none, 60, 30, 30, 30},
        .wave_end = &world->wave_end,
        .next_code = talloc_asprintf(world->turn, "SK-T%05d", world->next_code),
    };
    struct turn_output out = {0};
    for (int round = 0;; round++) {
        assert_true(round < 8);
        memset(&out, 0, sizeof(out));
        dialogue_turn(world->turn, &in, &out);
        if (!out.needs)
            break;
        load(world->turn, h, &out, &in);
    }
    check_consent(h, &out);
    if (out.erase)
        erase(h);
    apply_initiatives(h, &out);
    apply_drafts(h, &out);
    apply_similar(h, &out);
    apply_rest(h, &out);
    apply_replies(h, &out);
    world->next_code += out.code_used;
    world->out = out;
    note_names(out.note);
    if (out.state)
        assert_true(state_named(out.state) != ST_NONE);
}

/* ---- what people do ---- */

void says(const char *text)
{
    struct inbound msg = {.kind = IN_TEXT, .text = text_clean(world->turn, str_of(text))};
    char *copy = strdup(msg.text); /* outlives world->turn, which run() replaces */
    msg.text = copy;
    run(&msg);
    talloc_steal(world->turn, talloc_strdup(world->turn, copy));
    free(copy);
}

const char *payload_on_show(const char *label)
{
    for (int i = 0; i < REPLY_BUTTONS_MAX; i++)
        if (world->me->last_buttons[i].label && strcmp(world->me->last_buttons[i].label, label) == 0)
            return world->me->last_buttons[i].payload;
    for (int i = 0; i < REPLY_BUTTONS_MAX; i++)
        if (world->me->older_buttons[i].label && strcmp(world->me->older_buttons[i].label, label) == 0)
            return world->me->older_buttons[i].payload;
    return NULL;
}

void taps(const char *label)
{
    world->now_ms += 11000; /* a collected reply with buttons has gone out by then */
    deliver_due(world->me);
    const char *payload = payload_on_show(label);
    if (!payload)
        fail_msg("no button \"%s\" under: %s", label, world->me->last_text ? world->me->last_text : "nothing");
    taps_payload(payload);
}

void taps_payload(const char *payload)
{
    char *copy = strdup(payload);
    struct inbound msg = {.kind = IN_TEXT, .text = copy};
    run(&msg);
    free(copy);
}

void sends(enum inbound_kind kind, const char *text, const char *url)
{
    struct inbound msg = {.kind = kind, .text = text};
    if (url) {
        msg.attachment[0] = (struct attachment){.type = "image", .url = url, .size_bytes = -1};
        msg.attachment_count = 1;
    }
    if (kind == IN_SUBMIT_INFO) {
        msg.info_name = text;
        msg.info_phone = url;
        msg.text = NULL;
    }
    run(&msg);
}

void gets_mail(const char *kind, const char *payload)
{
    struct inbound msg = {.kind = IN_MAIL, .mail_kind = kind, .mail_payload = payload};
    run(&msg);
}

void similar_arrives(const char *like)
{
    const struct similar_wish *w = &world->me->wish;
    char *payload = talloc_asprintf(NULL, "{\"draft_id\":\"%lld\",\"hash\":\"%llx\",\"like\":%s}", (long long)w->draft_id,
                                    (unsigned long long)w->text_hash, like);
    gets_mail("similar_found", payload);
    talloc_free(payload);
}

void invited(const char *code, enum role role, int64_t unit_id)
{
    world->code = code;
    world->invite = (struct invite){.role = role, .unit_id = unit_id, .invited_by = "cli:test"};
}

void holds(enum role role, int64_t unit_id)
{
    invited("ABCDEFGHJKMN", role, unit_id);
    says("/join abcd-efgh-jkmn");
}

void mail_arrives(void)
{
    struct human *me = world->me;
    for (int round = 0; round < 10; round++) {
        struct mail *due = world->mail;
        world->mail = NULL;
        for (struct mail *m = due, *next; m; m = next) {
            next = m->next;
            if (m->not_before_ms > world->now_ms) {
                m->next = world->mail;
                world->mail = m;
                continue;
            }
            i_am(m->user_id);
            gets_mail(m->kind, m->payload);
        }
    }
    world->me = me;
}

void pass_ms(int64_t ms)
{
    world->now_ms += ms;
    for (int i = 0; i < PEOPLE_MAX && world->human[i].ctx; i++)
        deliver_due(&world->human[i]);
}

/* ---- expectations ---- */

void bot_said(const char *names, const char *file, int line)
{
    if (strcmp(world->said, names) != 0) {
        print_error("%s:%d: expected \"%s\", the bot said \"%s\":\n%s\n", file, line, names, world->said, world->texts);
        _fail(file, line);
    }
}

void bot_text(const char *part, bool wanted, const char *file, int line)
{
    if ((strstr(world->texts, part) != NULL) != wanted) {
        print_error("%s:%d: %s \"%s\" in:\n%s\n", file, line, wanted ? "no" : "unexpected", part, world->texts);
        _fail(file, line);
    }
}

void in_state(const char *name, const char *file, int line)
{
    if (strcmp(world->me->conv.state, name) != 0) {
        print_error("%s:%d: expected state %s, found %s\n", file, line, name, world->me->conv.state);
        _fail(file, line);
    }
}

/* ---- short cuts ---- */

void registered(const char *name)
{
    says("đăng ký");
    says("đồng ý");
    says(name);
    says("Trường THCS Tân Mỹ");
    state_is("title");
}

void at_benefit(void)
{
    registered("Nguyễn Thị Hoa");
    says("Đồ gá kẹp bo mạch khi hàn tay");
    says("Trước đây hai người giữ bo mạch, nay một người kẹp vào đồ gá.");
    says("viết xong");
    state_is("benefit");
}

void at_confirm(void)
{
    at_benefit();
    says("50 triệu");
    says("đúng rồi");
    state_is("confirm");
}

int64_t submitted(void)
{
    at_confirm();
    says("gửi");
    state_is("submitted");
    return world->me->initiatives->id;
}

struct dialog *dialog_now(void)
{
    return dialog_read(world->turn, world->me->conv.draft);
}
