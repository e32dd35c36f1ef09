/* vswitchd: starts the control thread's loop, the dataplane and the management
 * side, and takes them down again in reverse. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "cleanup.h"
#include "daemon.h"
#include "dataplane.h"
#include "iobatch.h"
#include "log.h"
#include "mgmt.h"
#include "options.h"
#include "pipeline.h"

LOG_MODULE(vswitchd);

struct daemon {
	struct event_base *base;
	struct dataplane *dp;
	struct mgmt *mgmt;
	struct event *sigterm, *sigint, *sighup, *asked;
};

static char pidfile[PATH_MAX]; /* "" until it is ours */
static char owner[PATH_MAX];   /* the run directory, by which our devices are known again */

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
	va_list ap;

	fputs("vswitchd: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	if (pidfile[0])
		unlink(pidfile);
	exit(1);
}

static void on_stopped(void *arg)
{
	struct daemon *d = arg;

	event_base_loopbreak(d->base);
}

static void on_mgmt_stopped(void *arg)
{
	struct daemon *d = arg;

	mgmt_destroy(d->mgmt);
	dataplane_stop(d->dp, true, on_stopped, d);
}

/* As kill -9 would, but for the pid file: a disk or a worker hangs.  The store is safe, and
 * the next start gives interfaces back. */
static void end_at_once(int sig)
{
	unlink(pidfile);
	_exit(1);
}

static void on_stop_signal(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;

	/* The next one is not libevent's: it ends us also where the loop hangs. */
	event_del(d->sigterm);
	event_del(d->sigint);
	signal(SIGTERM, end_at_once);
	signal(SIGINT, end_at_once);
	log_info("stopping: signal %d (once more ends it at once)", (int)sig);
	mgmt_stop(d->mgmt, on_mgmt_stopped, d);
}

static void on_reopen_signal(evutil_socket_t sig, short what, void *arg)
{
	if (log_reopen())
		log_warn("log file: cannot be opened again");
}

static void on_asked(evutil_socket_t fd, short what, void *arg)
{
	daemon_claim_asked();
}

static struct event *on_signal(struct daemon *d, int sig, event_callback_fn fn)
{
	struct event *ev = evsignal_new(d->base, sig, fn, d);

	if (!ev || event_add(ev, NULL))
		die("out of memory");
	return ev;
}

/* The directories may be relative; --detach changes to '/'. */
static const char *absolute(const char *path)
{
	char cwd[PATH_MAX], *out;

	if (path[0] == '/' || path[0] == ':' || !getcwd(cwd, sizeof(cwd)))
		return path;
	if (asprintf(&out, "%s/%s", cwd, path) < 0)
		die("out of memory");
	return out;
}

/* The store's directory, where it is missing; what else is wrong with the path the
 * store tells better. */
static void make_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];

	if (!slash || slash == path || (size_t)(slash - path) >= sizeof(dir))
		return;
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = '\0';
	daemon_make_dir(dir);
}

/* We are the only one in this directory, however many there are in others. */
static void claim_rundir(const struct options *o)
{
	char path[sizeof(pidfile)];
	pid_t holder = 0;
	int err;

	snprintf(path, sizeof(path), "%s/vswitchd.pid", o->rundir);
	err = daemon_pidfile(path, &holder);
	if (err == -EBUSY)
		die("another vswitchd (pid %d) runs in %s", (int)holder, o->rundir);
	if (err)
		die("%s: %s", path, strerror(-err));
	memcpy(pidfile, path, sizeof(pidfile));
	if (!realpath(o->rundir, owner))
		die("%s: %s", o->rundir, strerror(errno));
	err = daemon_claim(owner, &holder);
	if (err == -EBUSY)
		die("another vswitchd (pid %d) in this network namespace has a --rundir of the "
		    "same name, %s",
			(int)holder, owner);
	if (err)
		die("%s: %s", owner, strerror(-err));
}

static void start_instance(struct options *o)
{
	int err;

	o->rundir = absolute(o->rundir);
	o->db = absolute(o->db);
	if (o->log_file)
		o->log_file = absolute(o->log_file);
	err = daemon_make_dir(o->rundir);
	if (err)
		die("%s: %s", o->rundir, strerror(-err));
	if (!o->cleanup)
		make_parent(o->db);
	if (o->log_file && (err = log_open(o->log_file)))
		die("%s: %s", o->log_file, strerror(-err));
	log_set_level(NULL, o->log_level);
	if (o->detach && !o->cleanup && (err = daemon_detach()))
		die("cannot go to the background: %s", strerror(-err));
	claim_rundir(o);
	daemon_raise_fd_limit();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a log file at its limit: write() fails, that is all */
}

static void start_switch(struct daemon *d, const struct options *o)
{
	struct dataplane_conf dconf = {
		.base = d->base,
		.workers = {.n = o->workers,
			.cpus = o->cpus,
			.spin_ns = (uint64_t)o->spin_us * 1000,
			.enter = pipeline_enter},
		.kernel = true,
		.owner = owner,
	};
	struct mgmt_conf mconf = {.rundir = o->rundir, .db = o->db, .group = o->group};
	struct strbuf why = STRBUF_INIT;
	int err;

	if (o->no_io_uring)
		iobatch_forbid();
	err = dataplane_create(&dconf, &d->dp);

	if (err)
		die("cannot start the workers: %s", strerror(-err));
	err = mgmt_create(d->base, d->dp, &mconf, &d->mgmt, &why);
	if (err)
		die("%s", why.len ? strbuf_str(&why) : strerror(-err));
	strbuf_fini(&why);
}

int main(int argc, char **argv)
{
	struct daemon d = {0};
	struct options o;

	options_parse(argc, argv, &o);
	start_instance(&o);
	if (o.cleanup) {
		int status = cleanup(owner);

		unlink(pidfile);
		rmdir(owner); /* where nothing else is in it */
		return status;
	}
	d.base = event_base_new();
	if (!d.base)
		die("out of memory");
	d.sigterm = on_signal(&d, SIGTERM, on_stop_signal);
	d.sigint = on_signal(&d, SIGINT, on_stop_signal);
	d.sighup = on_signal(&d, SIGHUP, on_reopen_signal);
	d.asked = event_new(d.base, daemon_claim_fd(), EV_READ | EV_PERSIST, on_asked, NULL);
	if (!d.asked || (daemon_claim_fd() >= 0 && event_add(d.asked, NULL)))
		die("out of memory");
	start_switch(&d, &o);
	log_info("ready: version %s, %u worker%s, %s", VSWITCH_VERSION, o.workers,
		o.workers == 1 ? "" : "s", o.rundir);
	daemon_ready(o.log_file != NULL || o.detach);

	event_base_dispatch(d.base);

	dataplane_destroy(d.dp);
	event_free(d.sigterm);
	event_free(d.sigint);
	event_free(d.sighup);
	event_free(d.asked);
	event_base_free(d.base);
	unlink(pidfile);
	return 0;
}
