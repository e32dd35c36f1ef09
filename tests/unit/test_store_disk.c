/* The store on a disk that fails at the n-th write. */
#include <errno.h>

#include "store_env.h"
#include "store_view.h"

/* ---- a disk that fails: an SQLite VFS over the system's ---- */

struct shim_file {
	sqlite3_file base;
	sqlite3_file *real; /* behind this struct */
};

enum fault { FAULT_FULL, FAULT_SYNC };

static struct {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
	int countdown; /* operations until the failure; 0: none */
	bool stays;    /* and all after it */
	bool failing;
	unsigned ops;
	enum fault fault;
} shim;

static bool shim_fails(void)
{
	shim.ops++;
	if (shim.failing)
		return true;
	if (!shim.countdown || --shim.countdown)
		return false;
	shim.failing = shim.stays;
	return true;
}

#define REAL(f) (((struct shim_file *)(f))->real)

static int shim_close(sqlite3_file *f)
{
	return REAL(f)->pMethods->xClose(REAL(f));
}

static int shim_read(sqlite3_file *f, void *buf, int n, sqlite3_int64 at)
{
	return REAL(f)->pMethods->xRead(REAL(f), buf, n, at);
}

static int shim_write(sqlite3_file *f, const void *buf, int n, sqlite3_int64 at)
{
	if (shim.fault == FAULT_FULL && shim_fails())
		return SQLITE_FULL;
	return REAL(f)->pMethods->xWrite(REAL(f), buf, n, at);
}

static int shim_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	if (shim.fault == FAULT_FULL && shim_fails())
		return SQLITE_IOERR_TRUNCATE;
	return REAL(f)->pMethods->xTruncate(REAL(f), size);
}

static int shim_sync(sqlite3_file *f, int flags)
{
	if (shim.fault == FAULT_SYNC && shim_fails())
		return SQLITE_IOERR_FSYNC;
	return REAL(f)->pMethods->xSync(REAL(f), flags);
}

static int shim_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return REAL(f)->pMethods->xFileSize(REAL(f), size);
}

static int shim_lock(sqlite3_file *f, int level)
{
	return REAL(f)->pMethods->xLock(REAL(f), level);
}

static int shim_unlock(sqlite3_file *f, int level)
{
	return REAL(f)->pMethods->xUnlock(REAL(f), level);
}

static int shim_reserved(sqlite3_file *f, int *out)
{
	return REAL(f)->pMethods->xCheckReservedLock(REAL(f), out);
}

static int shim_control(sqlite3_file *f, int op, void *arg)
{
	return REAL(f)->pMethods->xFileControl(REAL(f), op, arg);
}

static int shim_sector(sqlite3_file *f)
{
	return REAL(f)->pMethods->xSectorSize(REAL(f));
}

static int shim_traits(sqlite3_file *f)
{
	return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f));
}

static int shim_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return REAL(f)->pMethods->xShmMap(REAL(f), page, size, extend, out);
}

static int shim_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return REAL(f)->pMethods->xShmLock(REAL(f), offset, n, flags);
}

static void shim_shm_barrier(sqlite3_file *f)
{
	REAL(f)->pMethods->xShmBarrier(REAL(f));
}

static int shim_shm_unmap(sqlite3_file *f, int del)
{
	return REAL(f)->pMethods->xShmUnmap(REAL(f), del);
}

static const sqlite3_io_methods shim_methods = {
	.iVersion = 2,
	.xClose = shim_close,
	.xRead = shim_read,
	.xWrite = shim_write,
	.xTruncate = shim_truncate,
	.xSync = shim_sync,
	.xFileSize = shim_size,
	.xLock = shim_lock,
	.xUnlock = shim_unlock,
	.xCheckReservedLock = shim_reserved,
	.xFileControl = shim_control,
	.xSectorSize = shim_sector,
	.xDeviceCharacteristics = shim_traits,
	.xShmMap = shim_shm_map,
	.xShmLock = shim_shm_lock,
	.xShmBarrier = shim_shm_barrier,
	.xShmUnmap = shim_shm_unmap,
};

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct shim_file *file = (struct shim_file *)f;

	file->real = (sqlite3_file *)(file + 1);
	int rc = shim.real->xOpen(shim.real, name, file->real, flags, out);
	file->base.pMethods = file->real->pMethods ? &shim_methods : NULL;
	return rc;
}

static void shim_install(void)
{
	sqlite3 *db = NULL;

	/* Registers itself: before ours, or it would be the default once ours is gone. */
	store_view_open("/nonexistent/a.db", &db);
	sqlite3_close(db);
	shim.real = sqlite3_vfs_find(NULL);
	shim.vfs = *shim.real;
	shim.vfs.zName = "shim";
	shim.vfs.szOsFile = (int)sizeof(struct shim_file) + shim.real->szOsFile;
	shim.vfs.xOpen = shim_open;
	assert_int_equal(sqlite3_vfs_register(&shim.vfs, 1), SQLITE_OK);
}

static void shim_remove(void)
{
	sqlite3_vfs_unregister(&shim.vfs);
}

static void shim_arm(enum fault fault, int n, bool stays)
{
	shim.fault = fault;
	shim.countdown = n;
	shim.stays = stays;
	shim.failing = false;
	shim.ops = 0;
}

/* ---- tests ---- */

/* For every n: the n-th operation on the disk fails during a commit.  The commit says so
 * or is done; a crash right after shows the one or the other, and the next commit works. */
static void fail_each(struct env *e, enum fault fault, bool stays)
{
	unsigned refused = 0;

	for (int n = 1;; n++) {
		char copy[128];

		snprintf(e->path, sizeof(e->path), "%s/n%d.db", e->dir, n);
		snprintf(copy, sizeof(copy), "%s/copy.db", e->dir);
		shim_arm(fault, 0, false);
		struct store *s = open_path(e, e->path);
		assert_int_equal(commit_one(e, s, "a", "1"), 0);

		struct store_group g = {0};
		store_group_add(&g, CONFIG_PORT, "a", "2");
		store_group_add(&g, CONFIG_PORT, "b", "3");
		shim_arm(fault, n, stays);
		int rc = commit(e, s, &g);
		bool reached = !shim.countdown;
		shim_arm(fault, 0, false);
		assert_true(rc == 0 || rc == -ENOSPC || rc == -EIO);
		if (rc) {
			refused++;
			assert_true(e->why[0]);
			assert_int_equal(store_stats(s).failed, 1);
			assert_string_equal(store_stats(s).last_error, e->why);
		}
		crash_copy(e->path, copy);
		check_contents(e, copy, rc ? "port:a=1;." : "port:a=2;port:b=3;.");
		assert_int_equal(commit_one(e, s, "c", "4"), 0);
		store_close(s);
		check_contents(
			e, e->path, rc ? "port:a=1;port:c=4;." : "port:a=2;port:b=3;port:c=4;.");
		if (!reached)
			break;
	}
	assert_true(refused > 0);
}

static void commit_survives_each_failing_write(void **state)
{
	shim_install();
	fail_each(*state, FAULT_FULL, false);
	shim_remove();
}

static void commit_survives_a_disk_that_stays_full(void **state)
{
	shim_install();
	fail_each(*state, FAULT_FULL, true);
	shim_remove();
}

static void commit_survives_a_failing_sync(void **state)
{
	shim_install();
	fail_each(*state, FAULT_SYNC, false);
	shim_remove();
}

static void commit_survives_a_disk_that_never_syncs_again(void **state)
{
	shim_install();
	fail_each(*state, FAULT_SYNC, true);
	shim_remove();
}

/* Opening fails at the n-th write: refused with words, and works once the disk does. */
static void opening_survives_each_failing_write(void **state)
{
	struct env *e = *state;

	shim_install();
	for (int n = 1;; n++) {
		struct store_conf conf = {.base = e->base, .path = e->path, .owner = "local"};
		struct strbuf why = STRBUF_INIT;
		struct store *s = NULL;

		snprintf(e->path, sizeof(e->path), "%s/o%d.db", e->dir, n);
		shim_arm(FAULT_FULL, n, true);
		int rc = store_open(&conf, &s, &why);
		bool reached = !shim.countdown;
		assert_true(rc ? why.len > 0 : s != NULL);
		store_close(s);
		shim_arm(FAULT_FULL, 0, false);
		strbuf_fini(&why);
		check_contents(e, e->path, ".");
		if (!reached)
			break;
	}
	shim_remove();
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, env_setup, env_teardown)
	const struct CMUnitTest tests[] = {
		T(commit_survives_each_failing_write),
		T(commit_survives_a_disk_that_stays_full),
		T(commit_survives_a_failing_sync),
		T(commit_survives_a_disk_that_never_syncs_again),
		T(opening_survives_each_failing_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
