/* How it works: an SQLite VFS.  Its files read from the disk, by descriptors that cannot
 * write, and keep what is written to them in memory, in blocks that from then on stand
 * before those of the disk.  SQLite itself rolls a journal back, as it would on the disk,
 * and finds its way through a log.
 *
 * Locks always succeed: whose the file is has been settled before (store_file.c).  With
 * locking_mode=EXCLUSIVE SQLite needs no memory shared with others, thus no file for it. */
#include "store_view.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VIEW_VFS "vswitch-view"

enum { BLOCK_LEN = 4096 };

static const sqlite3_int64 size_max = 64ll << 30;

struct view_file {
	sqlite3_file base;
	int fd;		       /* -1: there is no such file */
	sqlite3_int64 on_disk; /* bytes of it that still hold */
	sqlite3_int64 size;
	uint8_t **blocks; /* NULL: as on the disk */
	size_t n_blocks;
};

static struct view_file *view_of(sqlite3_file *file)
{
	return (struct view_file *)file;
}

static int read_disk(const struct view_file *f, uint8_t *to, size_t len, sqlite3_int64 at)
{
	size_t done = 0, want = 0;

	if (at < f->on_disk)
		want = f->on_disk - at < (sqlite3_int64)len ? (size_t)(f->on_disk - at) : len;
	while (done < want) {
		ssize_t n = pread(f->fd, to + done, want - done, at + (sqlite3_int64)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return SQLITE_IOERR_READ;
		if (!n)
			break;
		done += (size_t)n;
	}
	memset(to + done, 0, len - done);
	return SQLITE_OK;
}

/* How much of 'left' bytes from 'at' on lies in the block there. */
static size_t in_block(sqlite3_int64 at, size_t left)
{
	size_t room = BLOCK_LEN - (size_t)(at % BLOCK_LEN);

	return left < room ? left : room;
}

static int view_read(sqlite3_file *file, void *buf, int len, sqlite3_int64 at)
{
	const struct view_file *f = view_of(file);
	bool whole = at + len <= f->size;
	uint8_t *to = buf;

	for (size_t left = (size_t)len, n; left; left -= n, to += n, at += (sqlite3_int64)n) {
		size_t block = (size_t)(at / BLOCK_LEN);
		const uint8_t *kept = block < f->n_blocks ? f->blocks[block] : NULL;

		n = in_block(at, left);
		if (kept)
			memcpy(to, kept + at % BLOCK_LEN, n);
		else if (read_disk(f, to, n, at))
			return SQLITE_IOERR_READ;
	}
	return whole ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

/* A block that may be written to; NULL: out of memory, or it cannot be read. */
static uint8_t *block_own(struct view_file *f, size_t block)
{
	if (block >= f->n_blocks) {
		size_t n = block + 1 > 2 * f->n_blocks ? block + 1 : 2 * f->n_blocks;
		uint8_t **blocks =
			calloc(n, sizeof(*blocks)); /* pages that nobody touches are free */

		if (!blocks)
			return NULL;
		if (f->n_blocks)
			memcpy(blocks, f->blocks, f->n_blocks * sizeof(*blocks));
		free(f->blocks);
		f->blocks = blocks;
		f->n_blocks = n;
	}
	if (!f->blocks[block]) {
		uint8_t *b = malloc(BLOCK_LEN);

		if (!b || read_disk(f, b, BLOCK_LEN, (sqlite3_int64)block * BLOCK_LEN)) {
			free(b);
			return NULL;
		}
		f->blocks[block] = b;
	}
	return f->blocks[block];
}

static int view_write(sqlite3_file *file, const void *buf, int len, sqlite3_int64 at)
{
	struct view_file *f = view_of(file);
	const uint8_t *from = buf;

	if (at + len > size_max)
		return SQLITE_FULL;
	for (size_t left = (size_t)len, n; left; left -= n, from += n, at += (sqlite3_int64)n) {
		uint8_t *block = block_own(f, (size_t)(at / BLOCK_LEN));

		if (!block)
			return SQLITE_IOERR_NOMEM;
		n = in_block(at, left);
		memcpy(block + at % BLOCK_LEN, from, n);
	}
	if (at > f->size)
		f->size = at;
	return SQLITE_OK;
}

static int view_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct view_file *f = view_of(file);
	size_t last = (size_t)(size / BLOCK_LEN), cut = (size_t)(size % BLOCK_LEN);

	if (size > size_max)
		return SQLITE_FULL;
	if (size < f->on_disk)
		f->on_disk = size;
	f->size = size;
	if (last < f->n_blocks && f->blocks[last])
		memset(f->blocks[last] + cut, 0, BLOCK_LEN - cut);
	for (size_t i = last + 1; i < f->n_blocks; i++) {
		free(f->blocks[i]);
		f->blocks[i] = NULL;
	}
	return SQLITE_OK;
}

static int view_close(sqlite3_file *file)
{
	struct view_file *f = view_of(file);

	for (size_t i = 0; i < f->n_blocks; i++)
		free(f->blocks[i]);
	free(f->blocks);
	if (f->fd >= 0)
		close(f->fd);
	return SQLITE_OK;
}

static int view_sync(sqlite3_file *file, int flags)
{
	return SQLITE_OK;
}

static int view_size(sqlite3_file *file, sqlite3_int64 *size)
{
	*size = view_of(file)->size;
	return SQLITE_OK;
}

static int view_lock(sqlite3_file *file, int level)
{
	return SQLITE_OK;
}

static int view_reserved(sqlite3_file *file, int *reserved)
{
	*reserved = 0;
	return SQLITE_OK;
}

static int view_control(sqlite3_file *file, int op, void *arg)
{
	return SQLITE_NOTFOUND;
}

static int view_sector(sqlite3_file *file)
{
	return 512;
}

/* What SQLite's own VFS says, too: then a journal's header may be as short as 512 bytes, and
 * one of a file system that has longer ones says so in itself. */
static int view_traits(sqlite3_file *file)
{
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods view_methods = {
	.iVersion = 1, /* no shared memory */
	.xClose = view_close,
	.xRead = view_read,
	.xWrite = view_write,
	.xTruncate = view_truncate,
	.xSync = view_sync,
	.xFileSize = view_size,
	.xLock = view_lock,
	.xUnlock = view_lock,
	.xCheckReservedLock = view_reserved,
	.xFileControl = view_control,
	.xSectorSize = view_sector,
	.xDeviceCharacteristics = view_traits,
};

/* ---- the file system ---- */

static int view_open(
	sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
	struct view_file *f = view_of(file);
	struct stat st;

	*f = (struct view_file){.fd = -1};
	if (name && !(flags & SQLITE_OPEN_DELETEONCLOSE)) {
		f->fd = open(name, O_RDONLY | O_CLOEXEC);
		if (f->fd < 0 && errno != ENOENT)
			return SQLITE_CANTOPEN;
		if (f->fd >= 0 && (fstat(f->fd, &st) || !S_ISREG(st.st_mode))) {
			close(f->fd);
			return SQLITE_CANTOPEN;
		}
		f->size = f->on_disk = f->fd >= 0 ? st.st_size : 0;
	}
	f->base.pMethods = &view_methods;
	if (out_flags)
		*out_flags = flags;
	return SQLITE_OK;
}

static int view_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	return SQLITE_OK;
}

static sqlite3_vfs *system_vfs(void)
{
	return sqlite3_vfs_find(NULL);
}

static int view_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
	return system_vfs()->xAccess(system_vfs(), name, flags, out);
}

static int view_full_path(sqlite3_vfs *vfs, const char *name, int len, char *out)
{
	return system_vfs()->xFullPathname(system_vfs(), name, len, out);
}

static int view_random(sqlite3_vfs *vfs, int len, char *out)
{
	return system_vfs()->xRandomness(system_vfs(), len, out);
}

static int view_sleep(sqlite3_vfs *vfs, int us)
{
	return system_vfs()->xSleep(system_vfs(), us);
}

static int view_time(sqlite3_vfs *vfs, double *now)
{
	return system_vfs()->xCurrentTime(system_vfs(), now);
}

static int view_error(sqlite3_vfs *vfs, int len, char *out)
{
	return 0;
}

static sqlite3_vfs view_vfs = {
	.iVersion = 1,
	.szOsFile = sizeof(struct view_file),
	.mxPathname = 4096,
	.zName = VIEW_VFS,
	.xOpen = view_open,
	.xDelete = view_delete,
	.xAccess = view_access,
	.xFullPathname = view_full_path,
	.xRandomness = view_random,
	.xSleep = view_sleep,
	.xCurrentTime = view_time,
	.xGetLastError = view_error,
};

static void view_register(void)
{
	sqlite3_vfs_register(&view_vfs, 0);
}

int store_view_open(const char *path, sqlite3 **db)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int rc;

	*db = NULL;
	pthread_once(&once, view_register);
	rc = sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, VIEW_VFS);
	if (!rc)
		rc = sqlite3_extended_result_codes(*db, 1);
	if (!rc) /* it would copy the log into memory for nothing */
		rc = sqlite3_db_config(*db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (!rc)
		rc = sqlite3_exec(*db, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA temp_store=MEMORY",
			NULL, NULL, NULL);
	return rc;
}
