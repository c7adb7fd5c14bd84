/* A fresh, migrated database for one test program, on the server that the runner provides. */
#ifndef SANGKIEN_TESTS_DB_DATABASE_H
#define SANGKIEN_TESTS_DB_DATABASE_H

/**
 * Creates database `name` anew and migrates it.
 * @return its connection string, valid until the program ends; NULL when SANGKIEN_TEST_DATABASE is not set (the test skips).
 */
const char *test_database(const char *name);

#endif
