/* One line per happening on stderr, as text or JSON; registered secrets never get through.
 *
 * Message texts, names and phone numbers are not logged; people appear as log_person().
 * A full or broken pipe drops lines and counts them: the log never blocks the service. */
#ifndef SANGKIEN_CONFIG_LOG_H
#define SANGKIEN_CONFIG_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/** Sets what is written and how. Callable again at run time. */
void log_setup(enum log_level least, bool json);

/** Makes every later line show `***` where it would hold this value (at least 6 bytes, copied).  For tokens, which
 *  rotate: the oldest of 32 is forgotten when another comes. */
void log_hide(const char *secret);

/** The same for a secret of the settings: never forgotten. */
void log_hide_always(const char *secret);

void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)

/** True at most once in `every_ms` for this call site: `static struct log_gate g; if (log_pass(&g, 30000))`.
 * The lines held back are counted in gate->held until the next one passes. */
struct log_gate {
    int64_t next_ms;
    unsigned held;
};
bool log_pass(struct log_gate *gate, int64_t every_ms);

/** A short stable name for a person in logs: a keyed hash, not the id. Valid until 4 more calls. */
const char *log_person(const char *user_id);

/** Lines lost since start because stderr would not take them. */
uint64_t log_dropped(void);

#endif
