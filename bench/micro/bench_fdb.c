/* The MAC table: a lookup, a frame from a known address, and a frame of a flood of
 * new addresses into a full table.
 *
 * Addresses are ready made and read in order; the table's hash is what makes its
 * accesses random. */
#include "bench.h"
#include "fdb.h"

enum {
	CALLS = 65536, /* of each round; a power of two, as the sizes are */
	BURST = 32,
	PORTS = 16,
	FLOOD_PER_MS = 5000,
};

struct load {
	struct fdb *fdb;
	struct eth_addr *macs; /* known ones */
	uint32_t n_macs;
	uint32_t i; /* calls so far */
};

static struct eth_addr mac_of(uint32_t n)
{
	struct eth_addr a = {{0x02}};

	wire_put_u32(a.b + 2, n);
	return a;
}

static struct eth_addr known(const struct load *l, uint32_t i)
{
	return l->macs[i & (l->n_macs - 1)];
}

static void lookup_hit(unsigned n, void *arg)
{
	struct load *l = arg;
	uint64_t sum = 0;

	while (n--)
		sum += fdb_lookup(l->fdb, known(l, l->i++), 1);
	bench_use(&sum);
}

static void lookup_hit_prefetched(unsigned n, void *arg)
{
	struct load *l = arg;
	uint64_t sum = 0;

	for (; n; n -= BURST) {
		for (uint32_t j = 0; j < BURST; j++)
			fdb_prefetch(l->fdb, known(l, l->i + j), 1);
		for (uint32_t j = 0; j < BURST; j++)
			sum += fdb_lookup(l->fdb, known(l, l->i++), 1);
	}
	bench_use(&sum);
}

static void learn_known(unsigned n, void *arg)
{
	struct load *l = arg;
	uint64_t sum = 0;

	for (; n--; l->i++)
		sum += fdb_learn(l->fdb, known(l, l->i), 1, l->i % PORTS, l->i / 1024);
	bench_use(&sum);
}

/* Each address comes from another port than last time. */
static void learn_moved(unsigned n, void *arg)
{
	struct load *l = arg;
	uint64_t sum = 0;

	for (; n--; l->i++)
		sum += fdb_learn(
			l->fdb, known(l, l->i), 1, l->i / l->n_macs % (PORTS + 1), l->i / 1024);
	bench_use(&sum);
}

static void flood_when_full(unsigned n, void *arg)
{
	struct load *l = arg;
	uint64_t sum = 0;

	for (; n--; l->i++)
		sum += fdb_learn(l->fdb, mac_of(0x80000000u | l->i), 1, PORTS, l->i / FLOOD_PER_MS);
	bench_use(&sum);
}

static void run(const char *what, bench_fn fn, uint32_t n_macs)
{
	struct load l = {.n_macs = n_macs};
	char name[64];

	snprintf(name, sizeof(name), "fdb %s %u", what, n_macs);
	if (!bench_wants(name))
		return;
	l.macs = calloc(n_macs, sizeof(*l.macs));
	if (!l.macs || fdb_create(n_macs, &l.fdb))
		exit(1);
	for (uint32_t i = 0; i < n_macs; i++) {
		l.macs[i] = mac_of(i);
		fdb_learn(l.fdb, l.macs[i], 1, i % PORTS, 0);
	}
	bench_run(name, fn, &l, CALLS);
	fdb_destroy(l.fdb);
	free(l.macs);
}

int main(void)
{
	static const uint32_t sizes[] = {1024, FDB_ENTRIES_DEFAULT, FDB_ENTRIES_MAX};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		run("hit", lookup_hit, sizes[i]);
		run("hit, prefetched", lookup_hit_prefetched, sizes[i]);
		run("learn known", learn_known, sizes[i]);
		run("learn moved", learn_moved, sizes[i]);
		run("flood full", flood_when_full, sizes[i]);
	}
	return 0;
}
