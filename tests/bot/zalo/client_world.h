/* The small world every test of the client lives in: an event loop, a rude server, a client, and what came back. */
#ifndef SANGKIEN_TESTS_BOT_ZALO_CLIENT_WORLD_H
#define SANGKIEN_TESTS_BOT_ZALO_CLIENT_WORLD_H

#include <event2/event.h>
#include <stdbool.h>
#include <talloc.h>

#include "client.h"
#include "rude_server.h"

struct world {
    TALLOC_CTX *ctx;
    struct event_base *base;
    struct server server; /* answers with a sent message unless the test says otherwise */
    struct zalo_client *client;
    char url[64];
    /* what came back */
    unsigned called;
    struct zalo_answer answer;
    char message_id[64], message[256];
    struct zalo_download download;
    char access_token[64], refresh_token[64];
    char got[4096];
    bool in_call; /* a function of the client is running: no callback may come */
};

/* For cmocka: *state is a struct world with a client of default options. */
int world_set_up(void **state);
int world_tear_down(void **state);

/** Replaces the client; base URLs and app are filled in when they are NULL. */
void world_connect(struct world *w, struct zalo_client_options options);

/** Runs the loop until that many callbacks have come; fails the test after 20 s. */
void run_until(struct world *w, unsigned called);

/** Lets what is ready happen. */
void run_a_little(struct world *w);

/** Keeps what a callback of a call was given; fails the test when it comes while a function of the client runs. */
void world_keep(struct world *w, const struct zalo_answer *a);

/** A callback for zalo_client_send(); ctx is the world. */
void on_sent(const struct zalo_answer *a, void *ctx);

/** Sends {"n":1}; must be accepted. */
void send_one(struct world *w);
bool send_as(struct world *w, const char *token, const char *body, struct err *e);

#endif
