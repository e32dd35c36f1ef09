/* bench_parse: the parser and the checksum, with everything in the first cache. */
#include "bench.h"
#include "checksum.h"
#include "parse.h"

enum { PARSES = 20000, SUMS = 2000 };

#define MACS 0x52, 0x54, 0, 0, 0, 1, 0x52, 0x54, 0, 0, 0, 2
#define IPV4(proto, len)                                                                           \
	0x45, 0, 0, len, 0x12, 0x34, 0x40, 0, 64, proto, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2
#define TCP   0x04, 0xd2, 0, 80, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x18, 1, 0, 0, 0, 0, 0
#define UDP   0x04, 0xd2, 0, 53, 0, 8, 0, 0
#define ADDR6 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0

static const uint8_t tcp4[64] = {MACS, 0x08, 0x00, IPV4(6, 40), TCP};
static const uint8_t vlan_tcp4[64] = {MACS, 0x81, 0x00, 0, 5, 0x08, 0x00, IPV4(6, 40), TCP};
static const uint8_t udp6[64] = {
	MACS, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 8, 17, 64, ADDR6, 1, ADDR6, 2, UDP};
static const uint8_t arp[64] = {MACS, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 0, 0, 2,
	10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1};
static uint8_t block[65536];

static void parse_n(unsigned n, void *frame)
{
	struct parsed out;

	while (n--) {
		parse(frame, 64, 64, &out);
		bench_use(&out);
	}
}

/* Four kinds in turn, so that branches depend on the frame. */
static void parse_mix(unsigned n, void *arg)
{
	static const uint8_t *const frames[] = {tcp4, udp6, vlan_tcp4, tcp4, arp, tcp4, udp6, tcp4};
	struct parsed out;
	uint32_t r = 1;

	while (n--) {
		r = r * 1664525 + 1013904223;
		parse(frames[r >> 29], 64, 64, &out);
		bench_use(&out);
	}
}

struct sum {
	uint64_t (*add)(uint64_t sum, const void *data, size_t len);
	size_t len;
};

static void sum_n(unsigned n, void *arg)
{
	const struct sum *s = arg;
	uint64_t sum = 0;

	while (n--) {
		sum = s->add(sum, block, s->len);
		bench_use(&sum);
	}
}

int main(void)
{
	struct sum sums[] = {{csum_add, 1448}, {csum_add_scalar, 1448}, {csum_add, 65536},
		{csum_add_scalar, 65536}};

	bench_run("parse tcp4", parse_n, (void *)(uintptr_t)tcp4, PARSES);
	bench_run("parse udp6", parse_n, (void *)(uintptr_t)udp6, PARSES);
	bench_run("parse vlan tcp4", parse_n, (void *)(uintptr_t)vlan_tcp4, PARSES);
	bench_run("parse arp", parse_n, (void *)(uintptr_t)arp, PARSES);
	bench_run("parse mix", parse_mix, NULL, PARSES);
	bench_run("checksum 1448", sum_n, &sums[0], SUMS);
	bench_run("checksum 1448 scalar", sum_n, &sums[1], SUMS);
	bench_run("checksum 65536", sum_n, &sums[2], SUMS);
	bench_run("checksum 65536 scalar", sum_n, &sums[3], SUMS);
	return 0;
}
