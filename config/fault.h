/* Named places where a test build dies, fails or stalls on demand; other builds hold nothing of them.
 *
 *   if (FAULT_POINT("spool_before_sync"))
 *       return err_set(e, ERR_SYSTEM, "...");        error: the caller fails as it would if the call behind it had failed
 *
 * FAULT_PLAN="NAME:kill", "NAME:error" or "NAME:stall" chooses, several apart by commas; ":N" behind it lets N passes go
 * by before.  Each happens once in a process.  FAULT_LOG names a file that gets a line "pass NAME" for each point
 * when it is first passed, and "kill NAME" and so on before it happens: the programme checks that each was reached.
 * A name stands in the source once; tests/faults/points.py reads them there. */
#ifndef SANGKIEN_CONFIG_FAULT_H
#define SANGKIEN_CONFIG_FAULT_H

#include <stdbool.h>

#ifdef SANGKIEN_FAULTS
enum { FAULT_STALL_MS = 2000 };

/** Any thread.  @return true when the caller must fail here. */
bool fault_point(const char *name);
#define FAULT_POINT(name) fault_point(name)
#else
#define FAULT_POINT(name) false
#endif

#endif
