/* netlink_tc.c - keeping the host's stack away from an interface.
 *
 * A clsact qdisc with a cls_bpf filter each way.  What comes in is dropped; packet
 * sockets are served before the qdisc and still see the frames.  What goes out is
 * dropped unless its socket has our mark, which the program takes off again: nobody
 * beyond the interface is to see it.
 *
 * The filters are found again by their handle and the start of their names.  The rest
 * of the ingress one's tells what the interface was like before, and which switch has
 * it, so that a process that follows one that was killed can still give the interface
 * back as it was, also where it no longer wants it. */
#include "netlink.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "netlink_private.h"

enum {
	FILTER_HANDLE = 0x7673, /* "vs" */
	FILTER_PRIO = 1,
	FILTER_NAME_MAX = 256, /* CLS_BPF_NAME_LEN */
	LOAD_TRIES = 5,	       /* of a program, while signals come */
};

static const uint32_t clsact_ingress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
static const uint32_t clsact_egress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);

#define EGRESS_NAME	   "vswitch:egress"
#define FILTER_NAME_FORMAT "vswitch:up=%u,mtu=%" PRIu32 ",given=%" PRIu32 ",lro=%u,qdisc=%u,of=%s"
#define FILTER_NAME_SCAN   "vswitch:up=%u,mtu=%" SCNu32 ",given=%" SCNu32 ",lro=%u,qdisc=%u,of=%n"

static void filter_name_encode(const struct netlink_before *b, char name[FILTER_NAME_MAX])
{
	snprintf(name, FILTER_NAME_MAX, FILTER_NAME_FORMAT, b->up, b->mtu, b->mtu_given, b->lro,
		b->had_qdisc, b->owner);
}

static bool filter_name_decode(const char *name, struct netlink_before *b)
{
	uint32_t mtu, given;
	unsigned up, lro, had_qdisc;
	int at = 0;

	if (sscanf(name, FILTER_NAME_SCAN, &up, &mtu, &given, &lro, &had_qdisc, &at) != 5 || !at)
		return false;
	*b = (struct netlink_before){
		.up = up, .mtu = mtu, .mtu_given = given, .lro = lro, .had_qdisc = had_qdisc};
	snprintf(b->owner, sizeof(b->owner), "%s", name + at);
	return true;
}

/* A descriptor, or -errno. */
static int program_load(const struct bpf_insn *insns, unsigned n)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SCHED_CLS,
		.insns = (uintptr_t)insns,
		.insn_cnt = n,
		.license = (uintptr_t) "",
		.prog_name = "vswitch",
	};
	unsigned tries = LOAD_TRIES;
	long fd;

	do
		fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	while (fd < 0 && errno == EAGAIN && --tries);
	return fd < 0 ? -errno : (int)fd;
}

/* Drops every packet. */
static int ingress_program(void)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = TC_ACT_SHOT},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return program_load(insns, sizeof(insns) / sizeof(insns[0]));
}

/* Drops what has not our mark; else takes it off and lets other filters decide. */
static int egress_program(void)
{
	const int16_t mark = offsetof(struct __sk_buff, mark);
	const struct bpf_insn insns[] = {
		{.code = BPF_LDX | BPF_MEM | BPF_W,
			.dst_reg = BPF_REG_2,
			.src_reg = BPF_REG_1,
			.off = mark},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = TC_ACT_SHOT},
		{.code = BPF_JMP | BPF_JNE | BPF_K,
			.dst_reg = BPF_REG_2,
			.imm = NETLINK_EGRESS_MARK,
			.off = 3},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 0},
		{.code = BPF_STX | BPF_MEM | BPF_W,
			.dst_reg = BPF_REG_1,
			.src_reg = BPF_REG_2,
			.off = mark},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = TC_ACT_UNSPEC},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return program_load(insns, sizeof(insns) / sizeof(insns[0]));
}

/* What a request is about. */
struct tc_object {
	int ifindex;
	uint32_t parent, handle;
	const char *kind; /* or NULL */
};

static struct tc_object clsact_of(int ifindex)
{
	return (struct tc_object){ifindex, TC_H_CLSACT, TC_H_MAKE(TC_H_CLSACT, 0), "clsact"};
}

static struct tc_object filter_of(int ifindex, uint32_t parent)
{
	return (struct tc_object){ifindex, parent, FILTER_HANDLE, "bpf"};
}

/* NULL without memory. */
static struct nl_msg *tc_message(int type, int flags, struct tc_object o)
{
	struct tcmsg tcm = {.tcm_family = AF_UNSPEC,
		.tcm_ifindex = o.ifindex,
		.tcm_parent = o.parent,
		.tcm_handle = o.handle};
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	if (!msg)
		return NULL;
	if (type == RTM_NEWTFILTER || type == RTM_DELTFILTER) /* priority and protocol */
		tcm.tcm_info = TC_H_MAKE((uint32_t)FILTER_PRIO << 16, htobe16(ETH_P_ALL));
	if (nlmsg_append(msg, &tcm, sizeof(tcm), NLMSG_ALIGNTO) < 0 ||
		(o.kind && nla_put_string(msg, TCA_KIND, o.kind) < 0)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

struct filters {
	unsigned n;		  /* filters of any kind */
	bool found, found_egress; /* ours among them */
	struct netlink_before before;
};

static void collect_filter(struct nlmsghdr *h, void *arg)
{
	struct nlattr *tb[TCA_MAX + 1], *bpf[TCA_BPF_MAX + 1];
	const struct tcmsg *tcm = nlmsg_data(h);
	struct filters *f = arg;

	if (h->nlmsg_type != RTM_NEWTFILTER || nlmsg_parse(h, sizeof(*tcm), tb, TCA_MAX, NULL) < 0)
		return;
	if (!tcm->tcm_handle) /* stands for all filters of one priority */
		return;
	f->n++;
	if (tcm->tcm_handle != FILTER_HANDLE || !tb[TCA_KIND] || !tb[TCA_OPTIONS] ||
		strcmp(nla_get_string(tb[TCA_KIND]), "bpf"))
		return;
	if (nla_parse_nested(bpf, TCA_BPF_MAX, tb[TCA_OPTIONS], NULL) < 0 || !bpf[TCA_BPF_NAME])
		return;
	f->found_egress |= !strcmp(nla_get_string(bpf[TCA_BPF_NAME]), EGRESS_NAME);
	f->found |= filter_name_decode(nla_get_string(bpf[TCA_BPF_NAME]), &f->before);
}

/* The filters at one of the two places of a clsact qdisc; none where there is no
 * such qdisc. */
static int filters_list(struct netlink *nl, int ifindex, uint32_t parent, struct filters *f)
{
	*f = (struct filters){0};
	return netlink_request(nl,
		tc_message(RTM_GETTFILTER, NLM_F_DUMP,
			(struct tc_object){.ifindex = ifindex, .parent = parent}),
		collect_filter, f);
}

/* With NLM_F_EXCL among 'flags' there is none yet; else it is replaced, without a gap.
 * 'program' is a descriptor; the filter holds it.  NULL without memory. */
static struct nl_msg *filter_message(
	int ifindex, uint32_t parent, int flags, const char *name, int program)
{
	struct nl_msg *msg =
		tc_message(RTM_NEWTFILTER, NLM_F_CREATE | flags, filter_of(ifindex, parent));
	struct nlattr *options;

	if (!msg)
		return NULL;
	options = nla_nest_start(msg, TCA_OPTIONS);
	nla_put_u32(msg, TCA_BPF_FD, (uint32_t)program);
	nla_put_string(msg, TCA_BPF_NAME, name);
	nla_put_u32(msg, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	/* In the hardware it would come before the packet sockets. */
	nla_put_u32(msg, TCA_BPF_FLAGS_GEN, TCA_CLS_FLAGS_SKIP_HW);
	nla_nest_end(msg, options);
	return msg;
}

static struct nl_msg *ingress_message(
	int ifindex, int flags, const struct netlink_before *before, int program)
{
	char name[FILTER_NAME_MAX];

	filter_name_encode(before, name);
	return filter_message(ifindex, clsact_ingress, flags, name, program);
}

/* Where it is there already, an earlier run put it. */
static int egress_put(struct netlink *nl, int ifindex)
{
	struct filters f;
	int rc = filters_list(nl, ifindex, clsact_egress, &f);

	if (rc || f.found_egress)
		return rc;
	int program = egress_program();
	if (program < 0)
		return program;
	rc = netlink_request(nl,
		filter_message(ifindex, clsact_egress, NLM_F_EXCL, EGRESS_NAME, program), NULL,
		NULL);
	close(program);
	return rc;
}

static int filter_del(struct netlink *nl, int ifindex, uint32_t parent)
{
	return netlink_request(
		nl, tc_message(RTM_DELTFILTER, 0, filter_of(ifindex, parent)), NULL, NULL);
}

/* What is at ffff:, where a clsact qdisc would be. */
enum qdisc_kind { QDISC_NONE, QDISC_CLSACT, QDISC_INGRESS };

static void collect_kind(struct nlmsghdr *h, void *arg)
{
	struct nlattr *tb[TCA_MAX + 1];
	enum qdisc_kind *kind = arg;

	if (h->nlmsg_type == RTM_NEWQDISC &&
		nlmsg_parse(h, sizeof(struct tcmsg), tb, TCA_MAX, NULL) >= 0 && tb[TCA_KIND])
		*kind = strcmp(nla_get_string(tb[TCA_KIND]), "clsact") ? QDISC_INGRESS
								       : QDISC_CLSACT;
}

static int qdisc_find(struct netlink *nl, int ifindex, enum qdisc_kind *kind)
{
	struct tc_object any = clsact_of(ifindex);
	int rc;

	any.kind = NULL;
	*kind = QDISC_NONE;
	rc = netlink_request(nl, tc_message(RTM_GETQDISC, NLM_F_ECHO, any), collect_kind, kind);
	return rc == -ENOENT || rc == -EINVAL ? 0 : rc; /* there never was one, there is none */
}

/* A qdisc, where there is none, with the ingress filter: at once, so that who is killed
 * leaves both or none.  One that nobody's name is on would stay for ever. */
static int ingress_put(struct netlink *nl, int ifindex, struct netlink_before *before)
{
	int program = ingress_program(), answers[2], rc;

	if (program < 0)
		return program;
	rc = netlink_request_two(nl,
		tc_message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, clsact_of(ifindex)),
		ingress_message(ifindex, NLM_F_EXCL, before, program), answers);
	close(program);
	if (rc)
		return rc;
	if (answers[0] && answers[0] != -EEXIST)
		return answers[0];
	if (answers[1] || !answers[0] || before->had_qdisc)
		return answers[1];
	before->had_qdisc = true; /* somebody's, since we looked */
	return netlink_barrier_note(nl, ifindex, before);
}

static int qdisc_del(struct netlink *nl, int ifindex)
{
	return netlink_request(nl, tc_message(RTM_DELQDISC, 0, clsact_of(ifindex)), NULL, NULL);
}

int netlink_barrier_note(struct netlink *nl, int ifindex, const struct netlink_before *before)
{
	int program = ingress_program();

	if (program < 0)
		return program;
	int rc = netlink_request(nl, ingress_message(ifindex, 0, before, program), NULL, NULL);
	close(program);
	return rc;
}

/* The filter is there: it has our name from now on. */
static int take_over(struct netlink *nl, int ifindex, const struct netlink_before *found,
	struct netlink_before *before)
{
	struct netlink_before ours = *found;

	snprintf(ours.owner, sizeof(ours.owner), "%s", before->owner);
	*before = ours;
	return strcmp(found->owner, ours.owner) ? netlink_barrier_note(nl, ifindex, before) : 0;
}

int netlink_barrier_add(struct netlink *nl, int ifindex, struct netlink_before *before)
{
	enum qdisc_kind kind = QDISC_NONE;
	struct filters f;
	int rc = filters_list(nl, ifindex, clsact_ingress, &f);

	if (rc && rc != -EINVAL) /* without a qdisc some kernels say so */
		return rc;
	if (f.found) {
		rc = qdisc_find(nl, ifindex, &kind);
		if (!rc && kind != QDISC_INGRESS)
			rc = egress_put(nl, ifindex);
		if (!rc)
			rc = take_over(nl, ifindex, &f.before, before);
		before->may_send = kind == QDISC_INGRESS;
		return rc;
	}
	/* Asked for first: the answer to what makes it may get lost. */
	rc = qdisc_find(nl, ifindex, &kind);
	if (rc)
		return rc;
	before->had_qdisc = kind != QDISC_NONE;
	before->may_send = kind == QDISC_INGRESS;
	rc = ingress_put(nl, ifindex, before);
	if (!rc && !before->may_send)
		rc = egress_put(nl, ifindex);
	if (!rc)
		return 0;
	if (before->had_qdisc)
		netlink_barrier_del(nl, ifindex, before);
	else
		qdisc_del(nl, ifindex);
	return rc == -EEXIST ? -EBUSY : rc;
}

int netlink_barrier_find(struct netlink *nl, int ifindex, struct netlink_before *before)
{
	struct filters f;
	int rc = filters_list(nl, ifindex, clsact_ingress, &f);

	if (f.found)
		*before = f.before;
	return f.found ? 0 : rc && rc != -EINVAL ? rc : -ENOENT;
}

int netlink_barrier_del(struct netlink *nl, int ifindex, const struct netlink_before *before)
{
	struct filters ingress = {0}, egress = {0};
	int rc = filters_list(nl, ifindex, clsact_ingress, &ingress);

	if (rc || !ingress.found || strcmp(ingress.before.owner, before->owner))
		return rc;
	rc = filters_list(nl, ifindex, clsact_egress, &egress);
	if (rc)
		return rc;
	/* With the qdisc goes what is on it, at once. */
	if (!before->had_qdisc && ingress.n == 1 && egress.n == egress.found_egress)
		return qdisc_del(nl, ifindex);
	/* The one that says whose it is goes last.  */
	if (egress.found_egress)
		rc = filter_del(nl, ifindex, clsact_egress);
	return rc ? rc : filter_del(nl, ifindex, clsact_ingress);
}

/* ---- all of them ---- */

struct clsacts {
	int *v; /* ifindexes */
	unsigned n, cap;
	bool incomplete; /* out of memory */
};

static void collect_clsact(struct nlmsghdr *h, void *arg)
{
	struct nlattr *tb[TCA_MAX + 1];
	const struct tcmsg *tcm = nlmsg_data(h);
	struct clsacts *c = arg;

	if (h->nlmsg_type != RTM_NEWQDISC || nlmsg_parse(h, sizeof(*tcm), tb, TCA_MAX, NULL) < 0 ||
		!tb[TCA_KIND] || strcmp(nla_get_string(tb[TCA_KIND]), "clsact"))
		return;
	if (c->n == c->cap) {
		unsigned cap = c->cap ? 2 * c->cap : 16;
		int *v = realloc(c->v, cap * sizeof(*v));

		if (!v) {
			c->incomplete = true;
			return;
		}
		c->v = v;
		c->cap = cap;
	}
	c->v[c->n++] = tcm->tcm_ifindex;
}

int netlink_barrier_each(struct netlink *nl,
	void (*fn)(int ifindex, const struct netlink_before *before, void *arg), void *arg)
{
	struct clsacts c = {0};
	int rc = netlink_request(nl, tc_message(RTM_GETQDISC, NLM_F_DUMP, (struct tc_object){0}),
		collect_clsact, &c);

	if (!rc && c.incomplete)
		rc = -ENOMEM;
	for (unsigned i = 0; !rc && i < c.n; i++) {
		struct filters f;

		/* a link that is gone by now has none */
		if (!filters_list(nl, c.v[i], clsact_ingress, &f) && f.found)
			fn(c.v[i], &f.before, arg);
	}
	free(c.v);
	return rc;
}
