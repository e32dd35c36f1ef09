/* udp_blast - small UDP packets, as many as go or at a rate, and how many of them arrive.
 *
 *	udp_blast recv PORT
 *	udp_blast send ADDRESS PORT [--flows N] [--pps N] [--ms N] [--size BYTES]
 *
 * The receiver prints "ready" once it listens, counts until SIGTERM, and then prints one
 * JSON object.  A sender sends for --ms and prints one as well:
 *
 *	{"packets":N,"ns":N,"ns_cpu":N}                         send
 *	{"packets":N,"ns":N,"ns_cpu":N,"reordered":N}           recv
 *
 * 'ns' is the time from the first to the last packet, so that packets * 1e9 / ns is the
 * rate; sent less received is the loss, exactly, when the receiver is stopped after the
 * queues on the way have emptied.
 *
 * The receiver looks every LOOK_NS instead of being woken: a wake-up per packet would be
 * paid by the switch under test, in whose context the kernel delivers.  Its buffer holds
 * what arrives meanwhile.
 *
 * Flows are sockets, each with a source port of its own, that take turns in bursts.  Every
 * packet carries its flow and its number within it; one that arrives after a later one of
 * its flow counts as reordered.  A rate is kept against the clock: packets that are due
 * are sent together, every TICK_NS at most. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	BURST = 32,
	RECV_BURST = 64,
	FLOWS_MAX = 1024,
	PAYLOAD_MIN = 12,     /* a stamp */
	PAYLOAD_DEFAULT = 18, /* with all headers the smallest Ethernet frame */
	PAYLOAD_MAX = 65507,
	TICK_NS = 100000,
	RECV_BUFFER = 16 << 20,
	LOOK_NS = 1000000,
};

/* The start of a packet's payload; only this program reads it: host order. */
struct stamp {
	uint64_t number;
	uint32_t flow;
} __attribute__((packed));

struct send_conf {
	struct sockaddr_in to;
	unsigned long flows, pps, ms, size;
};

static volatile sig_atomic_t stopped;

static void on_term(int sig)
{
	stopped = 1;
}

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "udp_blast: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void __attribute__((noreturn)) usage(void)
{
	fputs("usage: udp_blast recv PORT\n"
	      "       udp_blast send ADDRESS PORT [--flows N] [--pps N] [--ms N] [--size BYTES]\n",
		stderr);
	exit(2);
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static unsigned long number(const char *word, unsigned long min, unsigned long max)
{
	char *end;

	errno = 0;
	unsigned long v = strtoul(word, &end, 10);
	if (errno || *end || end == word || v < min || v > max) {
		fprintf(stderr, "udp_blast: '%s' is not a number from %lu to %lu\n", word, min,
			max);
		exit(2);
	}
	return v;
}

/* ---- receiver ---- */

static int recv_open(uint16_t port)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
	int size = RECV_BUFFER;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0)
		die("socket");
	/* so that what is lost is lost on the way, not here */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		die("SO_RCVBUFFORCE");
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)))
		die("bind");
	return fd;
}

static int receive(uint16_t port)
{
	static struct stamp stamps[RECV_BURST];
	static uint64_t next[FLOWS_MAX];
	struct mmsghdr msgs[RECV_BURST] = {0};
	struct iovec iovs[RECV_BURST];
	uint64_t packets = 0, reordered = 0, first = 0, last = 0;
	int fd = recv_open(port);

	for (int i = 0; i < RECV_BURST; i++) {
		iovs[i] = (struct iovec){&stamps[i], sizeof(stamps[i])};
		msgs[i].msg_hdr = (struct msghdr){.msg_iov = &iovs[i], .msg_iovlen = 1};
	}
	puts("ready");
	fflush(stdout);
	while (!stopped) {
		int n = recvmmsg(fd, msgs, RECV_BURST, MSG_DONTWAIT, NULL);

		if (n < 0) {
			if (errno != EAGAIN && errno != EINTR)
				die("recvmmsg");
			nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
			continue;
		}
		last = now_ns(CLOCK_MONOTONIC);
		if (!packets)
			first = last;
		packets += (uint64_t)n;
		for (int i = 0; i < n; i++) {
			const struct stamp *s = &stamps[i];

			if (msgs[i].msg_len < sizeof(*s) || s->flow >= FLOWS_MAX)
				continue;
			if (s->number < next[s->flow])
				reordered++;
			else
				next[s->flow] = s->number + 1;
		}
	}
	printf("{\"packets\":%" PRIu64 ",\"ns\":%" PRIu64 ",\"ns_cpu\":%" PRIu64
	       ",\"reordered\":%" PRIu64 "}\n",
		packets, last - first, now_ns(CLOCK_PROCESS_CPUTIME_ID), reordered);
	return 0;
}

/* ---- sender ---- */

struct sender {
	const struct send_conf *conf;
	int *fds;
	uint64_t *numbers;
	unsigned long turn; /* flow that sends next */
	uint8_t *payloads;  /* BURST of conf->size */
	struct iovec iovs[BURST];
	struct mmsghdr msgs[BURST];
	uint64_t packets;
};

static void sender_init(struct sender *s, const struct send_conf *conf)
{
	*s = (struct sender){.conf = conf};
	s->fds = calloc(conf->flows, sizeof(*s->fds));
	s->numbers = calloc(conf->flows, sizeof(*s->numbers));
	s->payloads = calloc(BURST, conf->size);
	if (!s->fds || !s->numbers || !s->payloads)
		die("memory");
	for (unsigned long i = 0; i < conf->flows; i++) {
		s->fds[i] = socket(AF_INET, SOCK_DGRAM, 0);
		if (s->fds[i] < 0)
			die("socket");
		if (connect(s->fds[i], (const struct sockaddr *)&conf->to, sizeof(conf->to)))
			die("connect");
	}
	for (int i = 0; i < BURST; i++) {
		s->iovs[i] = (struct iovec){s->payloads + (size_t)i * conf->size, conf->size};
		s->msgs[i].msg_hdr = (struct msghdr){.msg_iov = &s->iovs[i], .msg_iovlen = 1};
	}
}

static void sender_fini(struct sender *s)
{
	for (unsigned long i = 0; i < s->conf->flows; i++)
		close(s->fds[i]);
	free(s->fds);
	free(s->numbers);
	free(s->payloads);
}

/* Up to BURST packets of the flow whose turn it is. */
static unsigned sender_burst(struct sender *s, unsigned n)
{
	unsigned long flow = s->turn;

	for (unsigned i = 0; i < n; i++) {
		struct stamp stamp = {.number = s->numbers[flow] + i, .flow = (uint32_t)flow};

		memcpy(s->iovs[i].iov_base, &stamp, sizeof(stamp));
	}
	int sent = sendmmsg(s->fds[flow], s->msgs, n, 0);

	if (sent < 0) {
		/* A full queue of the device, or a refusal by a receiver that is gone. */
		if (errno == ENOBUFS || errno == ECONNREFUSED || errno == EINTR || errno == EAGAIN)
			return 0;
		die("sendmmsg");
	}
	s->numbers[flow] += (unsigned)sent;
	s->packets += (unsigned)sent;
	s->turn = (flow + 1) % s->conf->flows;
	return (unsigned)sent;
}

static void sleep_until(uint64_t ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* How long to wait for the next packet of a stream, a tick at least. */
static uint64_t pace_ns(unsigned long pps)
{
	uint64_t gap = 1000000000 / pps;

	return gap > TICK_NS ? gap : TICK_NS;
}

static void send_at_rate(struct sender *s, uint64_t start, uint64_t end)
{
	uint64_t step = pace_ns(s->conf->pps), tick = start, taken = 0;

	while (tick < end && !stopped) {
		uint64_t due = (tick - start) * s->conf->pps / 1000000000 + 1;

		/* a packet that could not be sent is not made up for */
		while (taken < due) {
			unsigned n = due - taken < BURST ? (unsigned)(due - taken) : BURST;

			sender_burst(s, n);
			taken += n;
		}
		tick += step;
		sleep_until(tick);
	}
}

static int send_all(const struct send_conf *conf)
{
	struct sender s;

	sender_init(&s, conf);
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	uint64_t start = now_ns(CLOCK_MONOTONIC), now = start, end = start + conf->ms * 1000000;

	if (conf->pps) {
		send_at_rate(&s, start, end);
		now = now_ns(CLOCK_MONOTONIC);
	} else {
		while (now < end && !stopped) {
			sender_burst(&s, BURST);
			now = now_ns(CLOCK_MONOTONIC);
		}
	}
	printf("{\"packets\":%" PRIu64 ",\"ns\":%" PRIu64 ",\"ns_cpu\":%" PRIu64 "}\n", s.packets,
		now - start, now_ns(CLOCK_PROCESS_CPUTIME_ID));
	sender_fini(&s);
	return 0;
}

static void send_options(int argc, char **argv, struct send_conf *conf)
{
	static const struct option options[] = {
		{"flows", required_argument, NULL, 'f'},
		{"pps", required_argument, NULL, 'p'},
		{"ms", required_argument, NULL, 'm'},
		{"size", required_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'f')
			conf->flows = number(optarg, 1, FLOWS_MAX);
		else if (c == 'p')
			conf->pps = number(optarg, 0, 100000000);
		else if (c == 'm')
			conf->ms = number(optarg, 1, 86400000);
		else if (c == 's')
			conf->size = number(optarg, PAYLOAD_MIN, PAYLOAD_MAX);
		else
			usage();
	}
	if (optind != argc)
		usage();
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_handler = on_term};

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	if (argc == 3 && !strcmp(argv[1], "recv"))
		return receive((uint16_t)number(argv[2], 1, 65535));
	if (argc >= 4 && !strcmp(argv[1], "send")) {
		struct send_conf conf = {.flows = 1, .ms = 1000, .size = PAYLOAD_DEFAULT};

		conf.to.sin_family = AF_INET;
		if (inet_pton(AF_INET, argv[2], &conf.to.sin_addr) != 1)
			usage();
		conf.to.sin_port = htons((uint16_t)number(argv[3], 1, 65535));
		send_options(argc - 3, argv + 3, &conf);
		return send_all(&conf);
	}
	usage();
}
