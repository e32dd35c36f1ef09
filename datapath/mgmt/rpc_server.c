#include "rpc_server.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "switch_limits.h"
#include "clock.h"
#include "list.h"
#include "log.h"
#include "mgmt_priv.h"
#include "must.h"
#include "rpc.h"

LOG_MODULE(rpc);

enum { ACCEPT_PAUSE_MS = 200, BACKLOG = 128 };

struct client {
	struct list link;
	struct rpc_server *server;
	struct bufferevent *bev;
	struct rpc_session *session;
	uint64_t heard_ms; /* when it last said something */
	size_t scanned;	   /* of the input: has no line end */
	bool closing;	   /* when the output is out */
	bool ended;	   /* the client will say no more, but may still listen */
	bool in_lines;	   /* client_lines() is below us on the stack */
};

struct rpc_server {
	struct mgmt *mgmt;
	char *path;
	struct evconnlistener *listener;
	struct event *resume; /* accepting again after a failure */
	struct list clients;
	struct rpc_server_stats stats;
	bool stopped;
};

static size_t output_len(const struct client *cl)
{
	return evbuffer_get_length(bufferevent_get_output(cl->bev));
}

static void client_destroy(struct client *cl)
{
	list_del(&cl->link);
	cl->server->stats.clients--;
	rpc_session_destroy(cl->session);
	bufferevent_free(cl->bev);
	free(cl);
}

/* ---- input ---- */

static bool may_read(const struct client *cl)
{
	return !cl->closing && !cl->server->stopped &&
	       rpc_session_pending(cl->session) < LIMITS_CLIENT_REQUESTS &&
	       rpc_session_pending_bytes(cl->session) < LIMITS_TEXT_BYTES;
}

static void refuse_line(struct client *cl)
{
	char *line = rpc_error_line(REFUSED_NOT_A_REQUEST, "the request is longer than 16 MiB");

	bufferevent_write(cl->bev, line, strlen(line));
	free(line);
	cl->closing = true;
	bufferevent_disable(cl->bev, EV_READ);
}

/* Take lines off the input as long as they may be taken. */
static void client_lines(struct client *cl)
{
	struct evbuffer *in = bufferevent_get_input(cl->bev);

	cl->in_lines = true;
	while (may_read(cl)) {
		struct evbuffer_ptr from, end;
		size_t len = evbuffer_get_length(in);

		evbuffer_ptr_set(in, &from, cl->scanned, EVBUFFER_PTR_SET);
		end = evbuffer_search(in, "\n", 1, cl->scanned < len ? &from : NULL);
		if (cl->scanned >= len || end.pos < 0) {
			cl->scanned = len;
			if (len > LIMITS_TEXT_BYTES)
				refuse_line(cl);
			if (len > LIMITS_TEXT_BYTES || !cl->ended || !len)
				break;
			end.pos = (ssize_t)len; /* the last line has no end */
		}
		cl->scanned = 0;
		size_t n = (size_t)end.pos;
		char *line = must(malloc(n + 1));
		evbuffer_remove(in, line, n + 1);
		line[n] = '\0';
		if (n > LIMITS_TEXT_BYTES)
			refuse_line(cl);
		else if (strspn(line, " \t\r") < n) /* not an empty one */
			rpc_session_line(cl->session, line, n);
		free(line);
	}
	cl->in_lines = false;
	if (may_read(cl) && !cl->ended)
		bufferevent_enable(cl->bev, EV_READ);
	else
		bufferevent_disable(cl->bev, EV_READ);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct client *cl = arg;

	cl->heard_ms = clock_now_ms();
	client_lines(cl);
}

/* ---- output ---- */

static void session_send(void *arg, const char *line, size_t len)
{
	struct client *cl = arg;

	/* The loop's time is that before this round; a change of many objects may have taken
	 * longer than a client has for its answer. */
	event_base_update_cache_time(cl->server->mgmt->base);
	bufferevent_write(cl->bev, line, len);
}

static bool session_ready(void *arg)
{
	return output_len(arg) < LIMITS_CLIENT_OUTPUT;
}

/* Nothing is left to do for a client that will say no more. */
static bool is_over(const struct client *cl)
{
	return cl->ended && !output_len(cl) && !rpc_session_pending(cl->session) &&
	       !evbuffer_get_length(bufferevent_get_input(cl->bev));
}

static void session_answered(void *arg)
{
	struct client *cl = arg;

	if (rpc_session_watches(cl->session)) /* may stop reading as long as it likes */
		bufferevent_set_timeouts(cl->bev, NULL, NULL);
	if (!cl->in_lines)
		client_lines(cl);
	if (is_over(cl)) /* requests without an answer, say; others are at work with it */
		bufferevent_trigger(cl->bev, EV_WRITE, BEV_TRIG_DEFER_CALLBACKS);
}

static bool session_event(void *arg, const char *line, size_t len)
{
	struct client *cl = arg;

	return output_len(cl) + len <= LIMITS_EVENT_BYTES && !bufferevent_write(cl->bev, line, len);
}

static const struct rpc_session_ops session_ops = {.send = session_send,
	.ready = session_ready,
	.answered = session_answered,
	.event = session_event};

/* The output has gone out (below the low watermark). */
static void on_write(struct bufferevent *bev, void *arg)
{
	struct client *cl = arg;

	if (cl->closing && !output_len(cl)) {
		client_destroy(cl);
		return;
	}
	rpc_session_ready(cl->session);
	rpc_session_pump(cl->session);
	client_lines(cl);
	if (is_over(cl))
		client_destroy(cl);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct client *cl = arg;

	if (what & BEV_EVENT_TIMEOUT) {
		cl->server->stats.cut_off++;
		log_warn_rl("client: cut off, it does not take its answers");
	}
	/* It has closed its sending half: what it asked for is answered.  Callbacks are
	 * deferred, so one call may tell of the end and of an answer that found nobody. */
	if ((what & BEV_EVENT_EOF) && !(what & (BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT)) &&
		!rpc_session_watches(cl->session)) {
		cl->ended = true;
		client_lines(cl);
		if (!is_over(cl))
			return;
	}
	client_destroy(cl);
}

/* ---- clients come ---- */

static void refuse_client(struct rpc_server *s, evutil_socket_t fd)
{
	char *line = rpc_error_line(REFUSED_LIMIT, "too many clients are connected already (64)");

	s->stats.refused++;
	if (send(fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("client: refused, and gone");
	free(line);
	evutil_closesocket(fd);
}

/* The one that has said nothing for longest, has nothing to get, and does not watch. */
static struct client *idlest_client(const struct rpc_server *s)
{
	uint64_t idle_ms = LIMITS_CLIENT_IDLE_S * 1000 - 1, now_ms = clock_now_ms();
	struct client *idlest = NULL;
	struct list *it;

	list_for_each (it, &s->clients) {
		struct client *cl = container_of(it, struct client, link);

		if (now_ms - cl->heard_ms <= idle_ms || rpc_session_watches(cl->session) ||
			rpc_session_pending(cl->session) || output_len(cl))
			continue;
		idlest = cl;
		idle_ms = now_ms - cl->heard_ms;
	}
	return idlest;
}

/* A place for one more client. */
static bool make_place(struct rpc_server *s)
{
	if (s->stats.clients < LIMITS_CLIENTS)
		return true;
	struct client *cl = idlest_client(s);
	if (!cl)
		return false;
	log_info("client: closed, another one needs its place");
	s->stats.closed_idle++;
	client_destroy(cl);
	return true;
}

static void on_accept(
	struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int salen, void *arg)
{
	struct timeval stall = {.tv_sec = LIMITS_CLIENT_STALL_S};
	struct rpc_server *s = arg;

	if (!make_place(s)) {
		refuse_client(s, fd);
		return;
	}
	struct client *cl = must(calloc(1, sizeof(*cl)));
	cl->server = s;
	cl->heard_ms = clock_now_ms();
	cl->bev = must(bufferevent_socket_new(
		s->mgmt->base, fd, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS));
	rpc_session_create(s->mgmt, &session_ops, cl, &cl->session);
	list_add_tail(&s->clients, &cl->link);
	s->stats.clients++;
	bufferevent_setcb(cl->bev, on_read, on_write, on_event, cl);
	bufferevent_setwatermark(cl->bev, EV_READ, 0, LIMITS_TEXT_BYTES + 1);
	bufferevent_setwatermark(cl->bev, EV_WRITE, LIMITS_CLIENT_OUTPUT / 2, 0);
	bufferevent_set_timeouts(cl->bev, NULL, &stall);
	bufferevent_enable(cl->bev, EV_READ | EV_WRITE);
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct rpc_server *s = arg;

	if (!s->stopped)
		evconnlistener_enable(s->listener);
}

/* Out of descriptors, most likely: trying again at once would spin. */
static void on_accept_error(struct evconnlistener *l, void *arg)
{
	struct timeval pause = {.tv_usec = ACCEPT_PAUSE_MS * 1000};
	struct rpc_server *s = arg;

	log_warn_rl("client: cannot be accepted: %s", strerror(errno));
	evconnlistener_disable(l);
	event_add(s->resume, &pause);
}

/* ---- the socket ---- */

static int lookup_group(const char *name, gid_t *gid, struct strbuf *why)
{
	*gid = (gid_t)-1;
	if (!name)
		return 0;
	const struct group *g = getgrnam(name);
	if (!g) {
		strbuf_printf(why, "no group is named %s", name);
		return -ENOENT;
	}
	*gid = g->gr_gid;
	return 0;
}

static int open_socket(const char *path, gid_t gid, int *out, struct strbuf *why)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int err;

	if (strlen(path) >= sizeof(sa.sun_path)) {
		strbuf_printf(why, "socket %s: the path is longer than %zu bytes", path,
			sizeof(sa.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	strcpy(sa.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		goto fail;
	unlink(path);
	/* the mode of the socket is that of the file from its first moment */
	if (fchmod(fd, 0660) || bind(fd, (struct sockaddr *)&sa, sizeof(sa)))
		goto fail;
	if (chown(path, (uid_t)-1, gid) || chmod(path, 0660) || listen(fd, BACKLOG))
		goto remove;
	*out = fd;
	return 0;

remove:
	err = errno;
	unlink(path);
	errno = err;
fail:
	err = errno;
	strbuf_printf(why, "socket %s: %s", path, strerror(err));
	if (fd >= 0)
		close(fd);
	return -err;
}

int rpc_server_create(struct mgmt *m, const char *path, const char *group, struct rpc_server **out,
	struct strbuf *why)
{
	gid_t gid;
	int fd = -1, err;

	err = lookup_group(group, &gid, why);
	if (!err)
		err = open_socket(path, gid, &fd, why);
	if (err)
		return err;
	struct rpc_server *s = calloc(1, sizeof(*s));
	if (!s)
		goto close_fd;
	s->mgmt = m;
	list_init(&s->clients);
	s->path = strdup(path);
	s->resume = event_new(m->base, -1, 0, on_resume, s);
	if (!s->path || !s->resume)
		goto free_self;
	s->listener = evconnlistener_new(
		m->base, on_accept, s, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!s->listener)
		goto free_self;
	evconnlistener_set_error_cb(s->listener, on_accept_error);
	*out = s;
	return 0;

free_self:
	if (s->resume)
		event_free(s->resume);
	free(s->path);
	free(s);
close_fd:
	close(fd);
	unlink(path);
	strbuf_printf(why, "socket %s: out of memory", path);
	return -ENOMEM;
}

void rpc_server_stop(struct rpc_server *s)
{
	struct list *it;

	if (!s || s->stopped)
		return;
	s->stopped = true;
	evconnlistener_disable(s->listener);
	unlink(s->path);
	list_for_each (it, &s->clients)
		bufferevent_disable(container_of(it, struct client, link)->bev, EV_READ);
}

/* What a socket takes at once of the last answers. */
static void client_flush(struct client *cl)
{
	evbuffer_write(bufferevent_get_output(cl->bev), bufferevent_getfd(cl->bev));
}

void rpc_server_destroy(struct rpc_server *s)
{
	struct list *it, *tmp;

	if (!s)
		return;
	rpc_server_stop(s);
	list_for_each_safe (it, tmp, &s->clients) {
		struct client *cl = container_of(it, struct client, link);

		rpc_session_finish(cl->session);
		client_flush(cl);
		client_destroy(cl);
	}
	evconnlistener_free(s->listener);
	event_free(s->resume);
	free(s->path);
	free(s);
}

struct rpc_server_stats rpc_server_stats(const struct rpc_server *s)
{
	struct list *it;

	if (!s)
		return (struct rpc_server_stats){0};
	struct rpc_server_stats st = s->stats;
	list_for_each (it, &s->clients) {
		const struct client *cl = container_of(it, struct client, link);
		size_t pending = rpc_session_pending(cl->session), out = output_len(cl);

		st.most_pending = pending > st.most_pending ? pending : st.most_pending;
		st.most_output = out > st.most_output ? out : st.most_output;
	}
	return st;
}
