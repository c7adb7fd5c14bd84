/* Cleanup by scope: `SCOPED(json) cJSON *root = ...;` frees at the closing brace, TAKE(p) hands over. */
#ifndef SANGKIEN_CONFIG_SCOPED_H
#define SANGKIEN_CONFIG_SCOPED_H

#define SCOPED(name) __attribute__((cleanup(scoped_##name)))

/** Defines the cleanup function for SCOPED(name): TYPE is a pointer type, FREE takes it and accepts NULL. */
#define SCOPED_DEFINE(name, TYPE, FREE)                                                            \
    static inline void scoped_##name(TYPE *p)                                                      \
    {                                                                                              \
        FREE(*p);                                                                                  \
    }

#define TAKE(p)                                                                                    \
    __extension__({                                                                                \
        __typeof__(p) taken_ = (p);                                                                \
        (p) = NULL;                                                                                \
        taken_;                                                                                    \
    })

#endif
