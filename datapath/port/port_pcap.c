/* A pcap port is a capture file in place of a device.  'file' is replayed into the
 * switch; 'record' gets what the switch sends to the port.  Either may be absent;
 * without 'record' what is sent is counted and forgotten.
 *
 * Each half has a receive queue, whose descriptor makes that a quiet port costs
 * nothing.  The replay's is a timer, set for the time at which the next frame is due;
 * frames that are due leave in bursts, so that one which cannot keep the pace runs
 * at full speed.  The record's (pcap_record.h) yields no frames: it is readable when
 * some could not be written.
 * The timer is set relative to the lane's clock, and a poll that comes early leaves
 * it as it is: the descriptor stays readable until the timer is set anew.
 *
 * The replay starts when its queue is first polled.  By the time stamps, a frame is
 * due as long after the one before as the file says, at once where stamps go
 * backwards; with rate_pps, frame i is due i / rate after the start.  With 'loop', the
 * first frame follows the last by the mean distance within the file, and by a
 * second where there is none, so that a file of one frame does not become a flood.
 * A pass that yielded no frame is the last.
 *
 * What a record lacks of its frame, and a file that ends within a record, count as
 * rx_truncated.  Behind damage nothing in a file can be found: it ends there.
 *
 * The replayed file is read on the worker: the kernel reads ahead, and this is a port for
 * tests and for offline use.  The recorded one is written by a thread, as all that others
 * send may end there. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "closer.h"
#include "log.h"
#include "pcap_file.h"
#include "pcap_record.h"
#include "rx_copy.h"

LOG_MODULE(pcap);

#define NSEC_PER_SEC 1000000000ull

#define GAP_MAX_NS (UINT64_MAX / 4) /* so that no time stamp makes due_ns overflow */

/* The worker's that polls the queue; others read the counters with count_get(). */
struct replay {
	struct pcap_file_reader *reader; /* NULL: nothing to replay */
	char *path;			 /* the conf's may be replaced under the worker */
	bool loop;
	uint64_t rate_pps;
	int timer_fd;
	uint64_t timer_ns; /* what the timer is set for; 0: not set */

	struct pcap_file_frame frame; /* the next one, where have_frame */
	bool have_frame;
	uint64_t fetched;  /* frames read since the start */
	uint64_t start_ns; /* when the first one was due */
	uint64_t due_ns;   /* when the next one is; never goes back */
	uint64_t stamp_ns; /* time stamp of the last one */
	uint64_t loop_ns;  /* from the last frame of a pass to the first of the next */
	uint64_t pass_ns;  /* from the first frame of this pass to the last read */

	uint64_t ended;	       /* 0 or 1 */
	uint64_t passes;       /* completed */
	uint64_t pass_records; /* read in this pass, or in the last one */
	uint64_t pass_frames;  /* of these, received by the switch */
	uint64_t frames;       /* received by the switch in all passes */
};

struct pcap_port {
	struct replay replay;
	struct record *record; /* NULL: nothing is recorded */
	struct port *port;
	struct closer_job release; /* of the record, where its disk hangs */
	struct rxq rxqs[2];	   /* one for each half that is there; priv is the half */
};

/* In 'in_ns' from now; 0 stops it. */
static void timer_set(int fd, uint64_t in_ns)
{
	const struct itimerspec t = {
		.it_value.tv_sec = (time_t)(in_ns / NSEC_PER_SEC),
		.it_value.tv_nsec = (long)(in_ns % NSEC_PER_SEC),
	};

	timerfd_settime(fd, 0, &t, NULL);
}

static int timer_open(struct strbuf *why)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd >= 0)
		return fd;
	int err = -errno;

	strbuf_printf(why, "timerfd: %s", strerror(-err));
	return err;
}

/* ---- replay ---- */

/* Set when the frame just read is due. */
static void replay_pace(struct replay *r, uint64_t now_ns)
{
	uint64_t rate = r->rate_pps, stamp_ns = r->frame.time_ns, gap_ns = 0;

	if (!r->fetched)
		r->start_ns = r->due_ns = now_ns;
	if (rate) {
		r->due_ns = r->start_ns + r->fetched / rate * NSEC_PER_SEC +
			    r->fetched % rate * NSEC_PER_SEC / rate;
	} else if (r->pass_records) {
		if (stamp_ns > r->stamp_ns)
			gap_ns = stamp_ns - r->stamp_ns;
		if (gap_ns > GAP_MAX_NS)
			gap_ns = GAP_MAX_NS;
		r->pass_ns += gap_ns;
		r->due_ns += gap_ns;
	} else if (r->fetched) {
		r->due_ns += r->loop_ns;
	}
	r->stamp_ns = stamp_ns;
	r->fetched++;
}

static void replay_end_pass(struct replay *r, const struct port *port)
{
	int err;

	count_add(&r->passes, 1);
	if (!r->loop || !r->pass_frames) {
		count_add(&r->ended, 1);
		return;
	}
	err = pcap_file_reader_rewind(r->reader);
	if (err) {
		log_warn("port %s: %s cannot be replayed again: %s", port->conf.name, r->path,
			strerror(-err));
		count_add(&r->ended, 1);
		return;
	}
	r->loop_ns = r->pass_ns ? r->pass_ns / (r->pass_records - 1) : NSEC_PER_SEC;
	r->pass_ns = 0;
	__atomic_store_n(&r->pass_records, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&r->pass_frames, 0, __ATOMIC_RELAXED);
}

/* Read the next frame; false where the pass is over. */
static bool replay_fetch(struct replay *r, const struct port *port, struct lane *lane)
{
	int n = pcap_file_reader_next(r->reader, &r->frame);

	if (n == 1) {
		replay_pace(r, lane->now_ns);
		count_add(&r->pass_records, 1);
		r->have_frame = true;
		return true;
	}
	if (n < 0) {
		port_drop(port, lane, DROP_RX_TRUNCATED, 1);
		log_warn_rl("port %s: %s is %s behind frame %llu", port->conf.name, r->path,
			n == -EINVAL ? "damaged" : "unreadable",
			(unsigned long long)r->pass_records);
	}
	replay_end_pass(r, port);
	return false;
}

/* The frame just read as a packet, or NULL. */
static struct packet *replay_take(struct replay *r, const struct port *port, struct lane *lane)
{
	const struct pcap_file_frame *f = &r->frame;
	struct packet *p;

	r->have_frame = false;
	if (f->len != f->wire_len) {
		port_drop(
			port, lane, f->len < f->wire_len ? DROP_RX_TRUNCATED : DROP_RX_TOO_LONG, 1);
		return NULL;
	}
	p = rx_copy(port, lane, f->data, f->len, NULL);
	if (p) {
		count_add(&r->pass_frames, 1);
		count_add(&r->frames, 1);
	}
	return p;
}

/* Wake the worker for the next frame.  Where one is due already, the timer has run
 * out and is left so. */
static void replay_arm(struct replay *r, uint64_t now_ns)
{
	uint64_t want = r->ended ? 0 : r->timer_ns;

	if (r->have_frame && r->due_ns > now_ns)
		want = r->due_ns;
	if (want == r->timer_ns)
		return;
	timer_set(r->timer_fd, want ? want - now_ns : 0);
	r->timer_ns = want;
}

/* A poll reads at most 'max' records, good or bad, so that a file of nothing but bad
 * ones does not hold up the worker. */
static unsigned replay_rx(struct replay *r, const struct port *port, struct lane *lane,
	struct packet **pkts, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < max && !r->ended; i++) {
		if (!r->have_frame && !replay_fetch(r, port, lane))
			continue;
		if (r->due_ns > lane->now_ns)
			break;
		struct packet *p = replay_take(r, port, lane);
		if (p)
			pkts[n++] = p;
	}
	replay_arm(r, lane->now_ns);
	return n;
}

static void replay_close(struct replay *r)
{
	if (r->timer_fd >= 0)
		close(r->timer_fd);
	pcap_file_reader_destroy(r->reader);
	free(r->path);
	*r = (struct replay){.timer_fd = -1};
}

static int replay_open(struct replay *r, const struct port_conf *conf, struct strbuf *why)
{
	int err = pcap_file_reader_create(conf->file, &r->reader, why);

	if (err)
		return err;
	r->path = strdup(conf->file);
	if (!r->path) {
		strbuf_printf(why, "%s: out of memory", conf->file);
		err = -ENOMEM;
		goto close;
	}
	r->loop = conf->loop;
	r->rate_pps = conf->rate_pps < NSEC_PER_SEC ? conf->rate_pps : NSEC_PER_SEC;
	r->timer_ns = 1; /* long ago: the first frame is due at once */
	r->timer_fd = timer_open(why);
	if (r->timer_fd < 0) {
		err = r->timer_fd;
		goto close;
	}
	timer_set(r->timer_fd, r->timer_ns);
	return 0;

close:
	replay_close(r);
	return err;
}

/* ---- the port ---- */

/* On a thread of the closer's. */
static void record_finish(void *arg)
{
	struct pcap_port *pp = arg;

	record_release(pp->record);
}

static void record_finished(void *arg)
{
	struct pcap_port *pp = arg;
	struct port *p = pp->port;

	pp->record = NULL;
	p->releasing = false;
	p->events->released(p, p->events_arg);
}

static int pcap_port_create(struct port *p, const struct port_env *env, struct strbuf *why)
{
	if (!p->conf.file && !p->conf.record) {
		strbuf_printf(
			why, "port %s: a pcap port needs file=PATH or record=PATH", p->conf.name);
		return -EINVAL;
	}
	struct pcap_port *pp = calloc(1, sizeof(*pp));
	if (!pp)
		return -ENOMEM;
	pp->replay.timer_fd = -1;
	pp->port = p;
	pp->release =
		(struct closer_job){.work = record_finish, .done = record_finished, .arg = pp};
	p->priv = pp;
	return 0;
}

static void pcap_port_destroy(struct port *p)
{
	free(p->priv);
}

static void pcap_port_set_mtu(struct port *p, const struct port_conf *conf)
{
	__atomic_store_n(&p->mtu, conf->mtu ? conf->mtu : PORT_MTU_MAX, __ATOMIC_RELAXED);
}

static int pcap_port_open(struct port *p, struct strbuf *why)
{
	struct pcap_port *pp = p->priv;
	int err = 0;

	if (p->conf.file)
		err = replay_open(&pp->replay, &p->conf, why);
	if (!err && p->conf.record) {
		err = record_open(p->conf.name, p->conf.record, &pp->record, why);
		if (err)
			replay_close(&pp->replay);
	}
	if (err)
		return err == -ENODEV ? -EIO : err; /* it would mean that the port waits */

	p->rxqs = pp->rxqs;
	p->n_rxqs = 0;
	if (pp->replay.reader)
		pp->rxqs[p->n_rxqs++] =
			(struct rxq){.fd = pp->replay.timer_fd, .priv = &pp->replay};
	if (pp->record)
		pp->rxqs[p->n_rxqs++] =
			(struct rxq){.fd = record_fd(pp->record), .priv = pp->record};
	pcap_port_set_mtu(p, &p->conf);
	__atomic_store_n(&p->tx_caps, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&p->link_up, true, __ATOMIC_RELAXED);
	return 0;
}

static void pcap_port_close(struct port *p, bool removed)
{
	struct pcap_port *pp = p->priv;

	replay_close(&pp->replay);
	if (!pp->record)
		return;
	if (record_close(pp->record)) {
		pp->record = NULL;
		return;
	}
	log_warn("port %s: %s does not take what was recorded, closed when it does", p->conf.name,
		p->conf.record);
	p->releasing = true;
	closer_run(&pp->release);
}

static bool path_equal(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* By opening the files; but the record that 'now' is writing is its own still. */
static int pcap_port_check(const struct port_conf *conf, const struct port_env *env,
	const struct port *now, struct strbuf *why)
{
	bool writing = now && now->opened && now->ops == &port_pcap_ops &&
		       path_equal(now->conf.record, conf->record);
	struct pcap_file_reader *reader = NULL;
	struct pcap_file_writer *writer = NULL;
	int err = 0;

	if (conf->file)
		err = pcap_file_reader_create(conf->file, &reader, why);
	if (!err && conf->record && !writing)
		err = pcap_file_writer_create(conf->record, &writer, why);
	pcap_file_reader_destroy(reader);
	pcap_file_writer_destroy(writer);
	return err;
}

/* The MTU changes in place; what else may differ needs the files opened anew. */
static int pcap_port_reconfigure(struct port *p, const struct port_conf *conf, struct strbuf *why)
{
	const struct port_conf *now = &p->conf;

	if (!path_equal(now->file, conf->file) || !path_equal(now->record, conf->record) ||
		now->loop != conf->loop || now->rate_pps != conf->rate_pps)
		return -EOPNOTSUPP;
	pcap_port_set_mtu(p, conf);
	return 0;
}

static unsigned pcap_port_rx(struct rxq *q, struct lane *lane, struct packet **pkts, unsigned max)
{
	struct pcap_port *pp = q->port->priv;

	if (q->priv == &pp->replay)
		return replay_rx(&pp->replay, q->port, lane, pkts, max);
	record_poll(pp->record, q->port, lane);
	return 0;
}

static void pcap_port_tx(struct port *p, struct lane *lane, struct packet **pkts, unsigned n)
{
	struct pcap_port *pp = p->priv;

	if (pp->record) {
		record_tx(pp->record, p, lane, pkts, n);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		port_sent(p, lane, pkts[i]);
	port_free_all(lane, pkts, n);
}

static void json_set_count(struct json_t *out, const char *key, uint64_t n)
{
	json_object_set_new(out, key, json_integer((json_int_t)n));
}

static void replay_info(const struct replay *r, struct json_t *out)
{
	char text[80];
	unsigned long long frames = count_get(&r->pass_frames);

	if (count_get(&r->ended))
		snprintf(text, sizeof(text), "replayed %llu of %llu", frames,
			(unsigned long long)count_get(&r->pass_records));
	else
		snprintf(text, sizeof(text), "replayed %llu so far", frames);
	json_object_set_new(out, "replay", json_string(text));
	json_set_count(out, "replayed", count_get(&r->frames));
	json_set_count(out, "passes", count_get(&r->passes));
}

static void pcap_port_info(const struct port *p, struct json_t *out)
{
	struct pcap_port *pp = p->priv;

	if (p->conf.file)
		json_object_set_new(out, "file", json_string(p->conf.file));
	if (pp->replay.reader)
		replay_info(&pp->replay, out);
	if (p->conf.record)
		json_object_set_new(out, "record", json_string(p->conf.record));
	if (pp->record && p->opened) {
		struct record_counts counts = record_counts(pp->record);

		json_set_count(out, "recorded", counts.frames);
		json_set_count(out, "record-lost", counts.lost);
	}
}

const struct port_ops port_pcap_ops = {
	.type = "pcap",
	.about = "replays a capture file into the switch, records what the switch sends",
	.create = pcap_port_create,
	.destroy = pcap_port_destroy,
	.open = pcap_port_open,
	.check = pcap_port_check,
	.close = pcap_port_close,
	.reconfigure = pcap_port_reconfigure,
	.rx = pcap_port_rx,
	.tx = pcap_port_tx,
	.info = pcap_port_info,
};
