/* The texts of a worker: see worker.h. */
#include "worker.h"

#include <stdio.h>

enum { FIRST = 11, EACH = 7 }; /* events of the first registration, and of every further one */

static const char *const onsets[] = {"b", "c", "ch", "d", "đ", "g", "h", "kh", "l", "m", "n", "nh", "ph", "qu", "s", "t", "th", "tr", "v", "x"};
static const char *const rimes[] = {"a", "ác", "àn", "áng", "ao", "át", "âm", "ân", "ầu", "ép", "iên", "inh", "oan", "oi", "ong", "uân", "uốc", "ương", "ưu", "ùng"};
static const char *const units[] = {"Bình Minh Xanh", "Sông Thương Trắng", "Đá Vàng"};

/* splitmix64: words that follow from person and event, so that nobody's initiatives are alike. */
static uint64_t next(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void syllables(uint64_t *seed, int count, const char *before, char ret[WORKER_TEXT_BYTES])
{
    size_t n = (size_t)snprintf(ret, WORKER_TEXT_BYTES, "%s", before);
    for (int i = 0; i < count && n < WORKER_TEXT_BYTES - 16; i++) {
        uint64_t r = next(seed);
        n += (size_t)snprintf(ret + n, WORKER_TEXT_BYTES - n, " %s%s", onsets[r % 20], rimes[(r >> 32) % 20]);
    }
}

void worker_id(uint32_t person, char ret[WORKER_ID_BYTES])
{
    snprintf(ret, WORKER_ID_BYTES, "7%017u", person);
}

bool worker_files(uint32_t event)
{
    return event + 1 >= FIRST && (event + 1 - FIRST) % EACH == 0;
}

/* Steps of a registration; a further one begins at AGAIN and goes on with TITLE. */
enum step { HELLO, REGISTER, CONSENT, NAME, UNIT, TITLE, DESCRIPTION, DONE, BENEFIT, RIGHT, SEND, AGAIN };

static enum step step_of(uint32_t event)
{
    if (event < FIRST)
        return (enum step)event;
    uint32_t at = (event - FIRST) % EACH;
    return at == 0 ? AGAIN : (enum step)(TITLE + at - 1);
}

void worker_text(uint32_t person, uint32_t event, char ret[WORKER_TEXT_BYTES])
{
    static const char *const fixed[] = {[HELLO] = "xin chào", [REGISTER] = "đăng ký", [CONSENT] = "đồng ý", [DONE] = "xong",
                                        [RIGHT] = "đúng", [SEND] = "gửi", [AGAIN] = "thêm sáng kiến nữa"};
    uint64_t seed = (uint64_t)person << 32 | event;
    enum step step = step_of(event);
    switch (step) {
    case NAME:
        syllables(&seed, 2, "Nguyễn", ret);
        break;
    case UNIT:
        snprintf(ret, WORKER_TEXT_BYTES, "%s", units[person % 3]);
        break;
    case TITLE:
        syllables(&seed, 8, "Cải tiến", ret);
        break;
    case DESCRIPTION:
        syllables(&seed, 30, "Trước đây làm tay nên chậm.", ret);
        break;
    case BENEFIT:
        snprintf(ret, WORKER_TEXT_BYTES, "%u triệu", (unsigned)(next(&seed) % 300 + 2));
        break;
    default:
        snprintf(ret, WORKER_TEXT_BYTES, "%s", fixed[step]);
        break;
    }
}
