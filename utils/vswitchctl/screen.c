#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "clock.h"
#include "strbuf.h"
#include "top.h"

static const char ENTER[] = "\033[?1049h\033[?25l\033[2J";
static const char LEAVE[] = "\033[?25h\033[?1049l";

/* Signals that end the program, and what it may crash by. */
static const int fatal[] = {
	SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

static struct termios saved;
static bool keyboard; /* stdin is a terminal too */
static volatile sig_atomic_t taken, resized;

/* All that the handlers call is async-signal-safe (signal-safety(7)). */
static void put(const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, text, len);

		if (n < 0 && errno != EINTR)
			return;
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
}

static void enter(void)
{
	if (keyboard) {
		struct termios raw = saved;

		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		raw.c_cc[VMIN] = 0;
		raw.c_cc[VTIME] = 0;
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	put(ENTER, sizeof ENTER - 1);
	taken = 1;
}

static void leave(void)
{
	if (!taken)
		return;
	taken = 0;
	put(LEAVE, sizeof LEAVE - 1);
	if (keyboard)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
}

static void on_signal(int signo, void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	sigaction(signo, &action, NULL);
}

/* The default action is back (SA_RESETHAND) and takes place once this returns. */
static void on_fatal(int signo)
{
	leave();
	raise(signo);
}

static void on_resize(int signo)
{
	resized = 1;
}

static void on_continue(int signo);

static void on_stop(int signo)
{
	int err = errno;

	leave();
	on_signal(SIGCONT, on_continue, 0);
	raise(SIGSTOP);
	errno = err;
}

static void on_continue(int signo)
{
	int err = errno;

	if (!taken)
		enter();
	resized = 1;
	errno = err;
}

bool screen_open(void)
{
	if (!isatty(STDOUT_FILENO))
		return false;
	keyboard = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &saved);
	atexit(leave);
	for (unsigned i = 0; i < sizeof fatal / sizeof *fatal; i++)
		on_signal(fatal[i], on_fatal, (int)SA_RESETHAND);
	on_signal(SIGTSTP, on_stop, 0);
	on_signal(SIGWINCH, on_resize, 0);
	enter();
	return true;
}

void screen_close(void)
{
	leave();
}

void screen_size(unsigned *columns, unsigned *rows)
{
	struct winsize size = {0};

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		size = (struct winsize){0};
	*columns = size.ws_col;
	*rows = size.ws_row;
}

/* At most 'rows' lines of 'text': the last one would scroll the screen. */
static char *first_lines(const char *text, unsigned rows)
{
	const char *end = text;

	while (rows-- && *end)
		end += strcspn(end, "\n") + (strchr(end, '\n') != NULL);
	return strndup(text, (size_t)(end - text));
}

void screen_draw(const char *text)
{
	struct strbuf picture = STRBUF_INIT;
	unsigned columns, rows;

	screen_size(&columns, &rows);
	char *lines = first_lines(text, rows ? rows - 1 : 1000);

	if (!lines)
		abort();
	/* From the top, clearing the rest of each line and then of the screen: a
	 * picture drawn over the last one does not flicker. */
	strbuf_puts(&picture, "\033[H");
	top_clip(&picture, lines, columns, "\033[K\r\n");
	strbuf_puts(&picture, "\033[J");
	put(strbuf_str(&picture), picture.len);
	strbuf_fini(&picture);
	free(lines);
}

/* 'sleeping' are the signals that are blocked meanwhile. */
static int wait_input(struct pollfd *pfd, uint64_t ns, const sigset_t *sleeping)
{
	enum { NS_PER_S = 1000000000 };
	struct timespec timeout = {
		.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};

	return ppoll(pfd, 1, &timeout, sleeping);
}

static enum screen_event wait_event(uint64_t deadline_ns, const sigset_t *sleeping)
{
	for (;;) {
		struct pollfd pfd = {.fd = keyboard ? STDIN_FILENO : -1, .events = POLLIN};
		uint64_t now = clock_now_ns();
		char key;

		if (resized) {
			resized = 0;
			return SCREEN_RESIZED;
		}
		if (now >= deadline_ns)
			return SCREEN_TIME;
		if (wait_input(&pfd, deadline_ns - now, sleeping) <= 0)
			continue;
		if (read(STDIN_FILENO, &key, 1) == 1 ? key == 'q' || key == 'Q'
						     : pfd.revents & (POLLHUP | POLLERR))
			return SCREEN_QUIT;
	}
}

/* What sets 'resized' waits while it is not asleep, so that it cannot come between the look
 * at that and the sleep.  Other signals act at once. */
enum screen_event screen_wait(uint64_t deadline_ns)
{
	sigset_t awake, before;

	sigemptyset(&awake);
	sigaddset(&awake, SIGWINCH);
	sigaddset(&awake, SIGCONT);
	sigprocmask(SIG_BLOCK, &awake, &before);
	enum screen_event event = wait_event(deadline_ns, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return event;
}
