#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "strbuf.h"

enum { REQUEST_MAX_BYTES = 16 << 20, READ_BYTES = 64 << 10 };

struct client {
	int fd;
	unsigned timeout_ms;
	char *in; /* what came and is not read yet */
	size_t len;
	size_t cap;
	size_t scanned; /* of 'in': no end of a line before this */
};

json_t *client_error(int code, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(&text, fmt, ap);
	va_end(ap);
	json_t *message = json_string(strbuf_str(&text));
	/* A file name or a word of the user need not be UTF-8; JSON must. */
	for (size_t i = 0; !message && i < text.len; i++)
		if ((unsigned char)text.str[i] >= 0x80)
			text.str[i] = '?';
	if (!message)
		message = json_string(strbuf_str(&text));
	strbuf_fini(&text);
	return json_pack("{s:i, s:o}", "code", code, "message", message);
}

/* 0, or a negative errno. */
static int client_connect(int fd, const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof addr.sun_path)
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	if (connect(fd, (struct sockaddr *)&addr, sizeof addr))
		return -errno;
	return 0;
}

struct client *client_open(const char *rundir, unsigned timeout_ms, json_t **error)
{
	struct strbuf path = STRBUF_INIT;
	struct client *client = NULL;

	strbuf_printf(&path, "%s/vswitchd.sock", rundir);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = fd < 0 ? -errno : 0;

	/* A unix socket connects at once, or waits while the daemon's backlog is full. */
	if (!rc && timeout_ms) {
		struct timeval tv = {timeout_ms / 1000, timeout_ms % 1000 * 1000};

		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
	}
	if (!rc)
		rc = client_connect(fd, strbuf_str(&path));
	if (!rc) {
		client = calloc(1, sizeof *client);
		if (!client)
			abort();
		client->fd = fd;
		client->timeout_ms = timeout_ms;
	} else {
		*error = client_error(CLIENT_UNREACHABLE,
			"cannot reach vswitchd at %s: %s (is it running?)", strbuf_str(&path),
			strerror(-rc));
		if (fd >= 0)
			close(fd);
	}
	strbuf_fini(&path);
	return client;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	close(client->fd);
	free(client->in);
	free(client);
}

/* Wait until the socket is ready for 'events'; 'deadline_ns' 0 is never.
 * NULL, or why not. */
static json_t *client_wait(struct client *client, short events, uint64_t deadline_ns)
{
	for (;;) {
		struct pollfd pfd = {.fd = client->fd, .events = events};
		int wait_ms = -1;

		if (deadline_ns) {
			uint64_t now = clock_now_ns();

			wait_ms = now < deadline_ns ? (int)((deadline_ns - now + 999999) / 1000000)
						    : 0;
		}
		int rc = poll(&pfd, 1, wait_ms);

		if (rc > 0)
			return NULL;
		if (!rc)
			return client_error(CLIENT_TIMEOUT, "vswitchd did not answer within %g s",
				client->timeout_ms / 1e3);
		if (errno != EINTR)
			return client_error(CLIENT_UNREACHABLE, "poll: %s", strerror(errno));
	}
}

static json_t *client_lost(int err)
{
	return client_error(CLIENT_UNREACHABLE, "lost vswitchd: %s",
		err ? strerror(err) : "it closed the connection");
}

static json_t *client_send(struct client *client, const json_t *request, uint64_t deadline_ns)
{
	char *text = json_dumps(request, JSON_COMPACT | JSON_ENCODE_ANY);
	json_t *error = NULL;

	if (!text)
		abort();
	size_t len = strlen(text), sent = 0;

	if (len >= REQUEST_MAX_BYTES)
		error = client_error(CLIENT_LOCAL, "a request of %zu bytes is over the limit of %d",
			len, REQUEST_MAX_BYTES);
	text[len++] = '\n'; /* in the place of the NUL: it is written by length */
	while (!error && sent < len) {
		ssize_t n = send(client->fd, text + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0)
			sent += (size_t)n;
		else if (errno == EAGAIN)
			error = client_wait(client, POLLOUT, deadline_ns);
		else if (errno == EPIPE || errno == ECONNRESET)
			break; /* gone, but it may have said why */
		else if (errno != EINTR)
			error = client_lost(errno);
	}
	free(text);
	return error;
}

/* Take the first line of 'in' as JSON.  NULL where there is no whole line yet;
 * false in '*valid' where it is not JSON. */
static json_t *client_take_line(struct client *client, bool *valid)
{
	char *end = client->len > client->scanned ? memchr(client->in + client->scanned, '\n',
							    client->len - client->scanned)
						  : NULL;

	*valid = true;
	if (!end) {
		client->scanned = client->len;
		return NULL;
	}
	size_t len = (size_t)(end - client->in);
	json_t *line = json_loadb(client->in, len, JSON_DECODE_ANY, NULL);

	*valid = line != NULL;
	client->len -= len + 1;
	memmove(client->in, end + 1, client->len);
	client->scanned = 0;
	return line;
}

/* Room for READ_BYTES more. */
static void client_reserve(struct client *client)
{
	if (client->cap - client->len >= READ_BYTES)
		return;
	client->cap = 2 * client->cap + READ_BYTES;
	client->in = realloc(client->in, client->cap);
	if (!client->in)
		abort();
}

/* The next line; NULL and '*error'. */
static json_t *client_receive(struct client *client, uint64_t deadline_ns, json_t **error)
{
	for (;;) {
		bool valid;
		json_t *line = client_take_line(client, &valid);

		if (line)
			return line;
		if (!valid) {
			*error = client_error(CLIENT_PROTOCOL, "vswitchd sent what is not JSON");
			return NULL;
		}
		*error = client_wait(client, POLLIN, deadline_ns);
		if (*error)
			return NULL;
		client_reserve(client);
		ssize_t n = recv(client->fd, client->in + client->len, READ_BYTES, MSG_DONTWAIT);

		if (n > 0) {
			client->len += (size_t)n;
		} else if (!n || (errno != EAGAIN && errno != EINTR)) {
			*error = client_lost(n ? errno : 0);
			return NULL;
		}
	}
}

static uint64_t client_deadline(const struct client *client)
{
	return client->timeout_ms ? clock_now_ns() + client->timeout_ms * 1000000ull : 0;
}

json_t *client_call(struct client *client, const char *method, json_t *params, json_t **error)
{
	uint64_t deadline_ns = client_deadline(client);
	json_t *request = json_pack("{s:s, s:i, s:s}", "jsonrpc", "2.0", "id", 1, "method", method);

	if (!request)
		abort();
	if (params)
		json_object_set(request, "params", params);
	*error = client_send(client, request, deadline_ns);
	json_decref(request);
	if (*error)
		return NULL;

	json_t *answer = client_receive(client, deadline_ns, error);

	if (!answer)
		return NULL;
	json_t *result = json_incref(json_object_get(answer, "result"));

	if (!result) {
		json_t *refused = json_object_get(answer, "error");

		*error = json_is_object(refused)
				 ? json_incref(refused)
				 : client_error(CLIENT_PROTOCOL,
					   "vswitchd's answer has neither a result nor an error");
	}
	json_decref(answer);
	return result;
}

json_t *client_batch(struct client *client, json_t *requests, json_t **error)
{
	uint64_t deadline_ns = client_deadline(client);
	json_t *request;
	size_t i;

	json_array_foreach(requests, i, request)
	{
		json_object_set_new(request, "jsonrpc", json_string("2.0"));
		json_object_set_new(request, "id", json_integer((json_int_t)i + 1));
	}
	*error = client_send(client, requests, deadline_ns);
	if (*error)
		return NULL;
	json_t *answer = client_receive(client, deadline_ns, error);

	if (!answer)
		return NULL;
	if (json_array_size(answer) == json_array_size(requests))
		return answer;
	/* A batch that is refused as a whole is answered by one object. */
	json_t *refused = json_object_get(answer, "error");

	*error = json_is_object(refused)
			 ? json_incref(refused)
			 : client_error(CLIENT_PROTOCOL, "vswitchd answered %zu of %zu requests",
				   json_array_size(answer), json_array_size(requests));
	json_decref(answer);
	return NULL;
}

json_t *client_event(struct client *client, json_t **error)
{
	for (;;) {
		json_t *line = client_receive(client, 0, error);

		if (!line)
			return NULL;
		json_t *params = json_incref(json_object_get(line, "params"));

		json_decref(line);
		if (params)
			return params;
	}
}
