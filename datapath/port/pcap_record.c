/* How it works: workers copy frames into a stash, under a lock that nobody holds while
 * writing.  The thread waits RECORD_FLUSH_MS from the first frame, or until the stash is half
 * full, puts its own empty one in its place, and writes. */
#include "pcap_record.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "pcap_file.h"

LOG_MODULE(pcap);

#define NSEC_PER_SEC 1000000000ull

enum { CLOSE_MS = 200 };

/* Before each frame in a stash. */
struct stashed {
	uint64_t time_ns;
	size_t len;
};

struct stash {
	size_t used;
	uint8_t bytes[RECORD_STASH];
};

_Static_assert(sizeof(struct stashed) + PACKET_LEN_MAX < RECORD_STASH / 2, "any frame has room");

struct record {
	char *port, *path;
	int event_fd; /* written when 'failed' is no longer 0 */
	pthread_t thread;
	struct pcap_file_writer *writer; /* the thread's */

	pthread_mutex_t lock; /* for what follows; never held while writing */
	pthread_cond_t cond;
	struct stash *fill; /* what came since the thread took one */
	struct stash *empty;
	bool stop, ended;
	uint64_t failed; /* not yet counted at the port */
	struct record_counts counts;
};

static uint64_t wall_clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static struct timespec in_ms(unsigned ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_nsec += (long)ms * 1000000;
	ts.tv_sec += ts.tv_nsec / (long)NSEC_PER_SEC;
	ts.tv_nsec %= (long)NSEC_PER_SEC;
	return ts;
}

/* ---- the thread ---- */

/* Locked. */
static void wait_for_frames(struct record *rec)
{
	while (!rec->fill->used && !rec->stop)
		pthread_cond_wait(&rec->cond, &rec->lock);
	struct timespec end = in_ms(RECORD_FLUSH_MS);
	while (!rec->stop && rec->fill->used < RECORD_STASH / 2 &&
		!pthread_cond_timedwait(&rec->cond, &rec->lock, &end))
		;
}

/* How many frames could not be written, and why. */
static uint64_t write_stash(struct record *rec, const struct stash *st, int *err)
{
	uint64_t before = pcap_file_writer_lost(rec->writer), refused = 0;
	struct stashed s;
	int e;

	for (size_t at = 0; at < st->used; at += sizeof(s) + s.len) {
		memcpy(&s, st->bytes + at, sizeof(s));
		struct iovec iov = {
			.iov_base = (void *)(st->bytes + at + sizeof(s)), .iov_len = s.len};
		e = pcap_file_writer_put(rec->writer, s.time_ns, &iov, 1);
		if (e) {
			*err = e;
			refused++;
		}
	}
	e = pcap_file_writer_flush(rec->writer);
	if (e)
		*err = e;
	return pcap_file_writer_lost(rec->writer) - before + refused;
}

static void *record_main(void *arg)
{
	struct record *rec = arg;
	uint64_t one = 1;
	int err = 0;

	pthread_setname_np(pthread_self(), "vs-record");
	pthread_mutex_lock(&rec->lock);
	for (;;) {
		wait_for_frames(rec);
		if (!rec->fill->used)
			break;
		struct stash *mine = rec->fill;
		rec->fill = rec->empty;
		rec->empty = NULL;
		pthread_mutex_unlock(&rec->lock);

		uint64_t lost = write_stash(rec, mine, &err);
		if (lost)
			log_warn_rl("port %s: %llu frames not recorded in %s: %s", rec->port,
				(unsigned long long)lost, rec->path, strerror(-err));
		mine->used = 0;

		pthread_mutex_lock(&rec->lock);
		rec->empty = mine;
		rec->failed += lost;
		rec->counts.lost += lost;
		if (lost && write(rec->event_fd, &one, sizeof(one)) != sizeof(one))
			log_debug("port %s: losses are counted later", rec->port);
	}
	rec->ended = true;
	pthread_cond_broadcast(&rec->cond);
	pthread_mutex_unlock(&rec->lock);
	return NULL;
}

/* ---- on workers ---- */

/* A frame into the stash; false where there is no room.  Locked. */
static bool stash_put(struct stash *st, const struct stashed *s, const struct iovec *iov, int n)
{
	if (s->len > PACKET_LEN_MAX || sizeof(*s) + s->len > sizeof(st->bytes) - st->used)
		return false;
	uint8_t *to = st->bytes + st->used;
	memcpy(to, s, sizeof(*s));
	to += sizeof(*s);
	for (int i = 0; i < n; i++) {
		if (iov[i].iov_len)
			memcpy(to, iov[i].iov_base, iov[i].iov_len);
		to += iov[i].iov_len;
	}
	st->used = (size_t)(to - st->bytes);
	return true;
}

/* Locked. */
static void record_put(struct record *rec, struct port *port, struct lane *lane, struct packet *p,
	uint64_t time_ns)
{
	const struct stashed s = {.time_ns = time_ns, .len = p->len};
	struct iovec iov[PACKET_TAIL_MAX + 1];
	int n = packet_slices(p, 0, p->len, iov, PACKET_TAIL_MAX + 1);

	if (n < 0) {
		port_drop(port, lane, DROP_TX_ERROR, 1);
	} else if (!stash_put(rec->fill, &s, iov, n)) {
		port_drop(port, lane, DROP_TX_FULL, 1);
	} else {
		port_sent(port, lane, p);
		rec->counts.frames++;
	}
}

void record_tx(
	struct record *rec, struct port *port, struct lane *lane, struct packet **pkts, unsigned n)
{
	uint64_t time_ns = wall_clock_ns();

	pthread_mutex_lock(&rec->lock);
	size_t before = rec->fill->used;
	for (unsigned i = 0; i < n; i++)
		record_put(rec, port, lane, pkts[i], time_ns);
	size_t now = rec->fill->used;
	/* it waits for the first frame, and then for half a stash of them */
	if ((!before && now) || (before < RECORD_STASH / 2 && now >= RECORD_STASH / 2))
		pthread_cond_signal(&rec->cond);
	pthread_mutex_unlock(&rec->lock);
	port_free_all(lane, pkts, n);
}

void record_poll(struct record *rec, const struct port *port, struct lane *lane)
{
	uint64_t n;

	if (read(rec->event_fd, &n, sizeof(n)) != sizeof(n))
		return;
	pthread_mutex_lock(&rec->lock);
	n = rec->failed;
	rec->failed = 0;
	pthread_mutex_unlock(&rec->lock);
	port_drop(port, lane, DROP_TX_ERROR, (unsigned)n);
}

/* ---- control ---- */

int record_fd(const struct record *rec)
{
	return rec->event_fd;
}

struct record_counts record_counts(struct record *rec)
{
	pthread_mutex_lock(&rec->lock);
	struct record_counts counts = rec->counts;
	pthread_mutex_unlock(&rec->lock);
	return counts;
}

static void record_free(struct record *rec)
{
	pcap_file_writer_destroy(rec->writer); /* the thread has flushed it */
	pthread_cond_destroy(&rec->cond);
	pthread_mutex_destroy(&rec->lock);
	if (rec->event_fd >= 0)
		close(rec->event_fd);
	free(rec->fill);
	free(rec->empty);
	free(rec->path);
	free(rec->port);
	free(rec);
}

static int start_thread(struct record *rec)
{
	sigset_t all, old;

	sigfillset(&all); /* signals are for other threads */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int err = pthread_create(&rec->thread, NULL, record_main, rec);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -err;
}

static int record_init(struct record *rec, const char *port, const char *path)
{
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&rec->cond, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&rec->lock, NULL);
	rec->port = strdup(port);
	rec->path = strdup(path);
	rec->fill = malloc(sizeof(*rec->fill));
	rec->empty = malloc(sizeof(*rec->empty));
	rec->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (rec->event_fd < 0)
		return -errno;
	if (!rec->port || !rec->path || !rec->fill || !rec->empty)
		return -ENOMEM;
	rec->fill->used = rec->empty->used = 0;
	return start_thread(rec);
}

int record_open(const char *port, const char *path, struct record **out, struct strbuf *why)
{
	struct pcap_file_writer *writer;
	int err = pcap_file_writer_create(path, &writer, why);

	if (err)
		return err;
	struct record *rec = calloc(1, sizeof(*rec));
	if (!rec) {
		pcap_file_writer_destroy(writer);
		strbuf_printf(why, "%s: out of memory", path);
		return -ENOMEM;
	}
	rec->writer = writer;
	err = record_init(rec, port, path);
	if (err) {
		strbuf_printf(why, "%s: %s", path, strerror(-err));
		record_free(rec);
		return err;
	}
	*out = rec;
	return 0;
}

void record_release(struct record *rec)
{
	if (!rec)
		return;
	pthread_join(rec->thread, NULL);
	record_free(rec);
}

bool record_close(struct record *rec)
{
	struct timespec end = in_ms(CLOSE_MS);

	pthread_mutex_lock(&rec->lock);
	rec->stop = true;
	pthread_cond_broadcast(&rec->cond);
	while (!rec->ended && !pthread_cond_timedwait(&rec->cond, &rec->lock, &end))
		;
	bool ended = rec->ended;
	pthread_mutex_unlock(&rec->lock);
	if (ended)
		record_release(rec);
	return ended;
}
