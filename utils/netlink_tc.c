/* netlink_tc.c - keeping the host's stack away from an interface.
 *
 * A clsact qdisc with one cls_bpf filter, whose program is two instructions:
 * "drop".  Packet sockets are served before the qdisc and still see the frames.
 *
 * The filter is found again by its handle and the start of its name.  The rest of
 * the name tells what the interface was like before, so that a process that
 * follows one that was killed can still give the interface back as it was. */
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
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "netlink_private.h"

enum {
	FILTER_HANDLE = 0x7673, /* "vs" */
	FILTER_PRIO = 1,
	FILTER_NAME_MAX = 64,
};

static const uint32_t clsact_ingress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
static const uint32_t clsact_egress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);

#define FILTER_NAME_FORMAT "vswitch:up=%u,mtu=%" PRIu32 ",qdisc=%u"
#define FILTER_NAME_SCAN   "vswitch:up=%u,mtu=%" SCNu32 ",qdisc=%u"

static void filter_name_encode(const struct netlink_before *b, char name[FILTER_NAME_MAX])
{
	snprintf(name, FILTER_NAME_MAX, FILTER_NAME_FORMAT, b->up, b->mtu, b->had_qdisc);
}

static bool filter_name_decode(const char *name, struct netlink_before *b)
{
	unsigned up, had_qdisc;
	uint32_t mtu;

	if (sscanf(name, FILTER_NAME_SCAN, &up, &mtu, &had_qdisc) != 3)
		return false;
	*b = (struct netlink_before){.up = up, .mtu = mtu, .had_qdisc = had_qdisc};
	return true;
}

/* A program that answers "drop" to every packet; its descriptor or -errno. */
static int drop_program(void)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = TC_ACT_SHOT},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SCHED_CLS,
		.insns = (uintptr_t)insns,
		.insn_cnt = sizeof(insns) / sizeof(insns[0]),
		.license = (uintptr_t) "",
		.prog_name = "vswitch_drop",
	};
	long fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	return fd < 0 ? -errno : (int)fd;
}

/* A qdisc or filter request; 'info' is priority and protocol of a filter. */
static struct nl_msg *tc_message(
	int type, int flags, int ifindex, uint32_t parent, uint32_t handle, const char *kind)
{
	struct tcmsg tcm = {.tcm_family = AF_UNSPEC,
		.tcm_ifindex = ifindex,
		.tcm_parent = parent,
		.tcm_handle = handle};
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	if (!msg)
		return NULL;
	if (type == RTM_NEWTFILTER || type == RTM_DELTFILTER)
		tcm.tcm_info = TC_H_MAKE((uint32_t)FILTER_PRIO << 16, htobe16(ETH_P_ALL));
	if (nlmsg_append(msg, &tcm, sizeof(tcm), NLMSG_ALIGNTO) < 0 ||
		(kind && nla_put_string(msg, TCA_KIND, kind) < 0)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

struct filters {
	unsigned n; /* filters of any kind */
	bool found; /* ours among them */
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
	f->found |= filter_name_decode(nla_get_string(bpf[TCA_BPF_NAME]), &f->before);
}

/* The filters at one of the two places of a clsact qdisc; none where there is no
 * such qdisc. */
static int filters_list(struct netlink *nl, int ifindex, uint32_t parent, struct filters *f)
{
	*f = (struct filters){0};
	return netlink_request(nl, tc_message(RTM_GETTFILTER, NLM_F_DUMP, ifindex, parent, 0, NULL),
		collect_filter, f);
}

static int filter_add(struct netlink *nl, int ifindex, const char *name)
{
	struct nl_msg *msg = tc_message(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, ifindex,
		clsact_ingress, FILTER_HANDLE, "bpf");
	int fd = drop_program(), rc;
	struct nlattr *options;

	if (fd < 0) {
		nlmsg_free(msg);
		return fd;
	}
	if (msg) {
		options = nla_nest_start(msg, TCA_OPTIONS);
		nla_put_u32(msg, TCA_BPF_FD, (uint32_t)fd);
		nla_put_string(msg, TCA_BPF_NAME, name);
		nla_put_u32(msg, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
		nla_nest_end(msg, options);
	}
	rc = netlink_request(nl, msg, NULL, NULL);
	close(fd); /* the filter holds the program */
	return rc;
}

static int qdisc_del(struct netlink *nl, int ifindex)
{
	return netlink_request(nl,
		tc_message(
			RTM_DELQDISC, 0, ifindex, TC_H_CLSACT, TC_H_MAKE(TC_H_CLSACT, 0), "clsact"),
		NULL, NULL);
}

int netlink_ingress_block(struct netlink *nl, int ifindex, struct netlink_before *before)
{
	char name[FILTER_NAME_MAX];
	struct filters f;
	int rc = filters_list(nl, ifindex, clsact_ingress, &f);

	if (rc && rc != -EINVAL) /* without a qdisc some kernels say so */
		return rc;
	if (f.found) {
		*before = f.before;
		return 0;
	}
	rc = netlink_request(nl,
		tc_message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex, TC_H_CLSACT,
			TC_H_MAKE(TC_H_CLSACT, 0), "clsact"),
		NULL, NULL);
	if (rc && rc != -EEXIST)
		return rc;
	before->had_qdisc = rc == -EEXIST;
	filter_name_encode(before, name);
	rc = filter_add(nl, ifindex, name);
	if (rc && !before->had_qdisc)
		qdisc_del(nl, ifindex);
	return rc == -EEXIST ? -EBUSY : rc;
}

int netlink_ingress_unblock(struct netlink *nl, int ifindex, const struct netlink_before *before)
{
	struct filters ingress = {0}, egress = {0};
	int rc = netlink_request(nl,
		tc_message(RTM_DELTFILTER, 0, ifindex, clsact_ingress, FILTER_HANDLE, "bpf"), NULL,
		NULL);

	if (rc || before->had_qdisc)
		return rc;
	rc = filters_list(nl, ifindex, clsact_ingress, &ingress);
	if (!rc)
		rc = filters_list(nl, ifindex, clsact_egress, &egress);
	if (rc || ingress.n || egress.n)
		return rc;
	return qdisc_del(nl, ifindex);
}
