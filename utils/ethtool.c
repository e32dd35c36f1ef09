#include "ethtool.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* 0 or -errno. */
static int request(int ifindex, struct ethtool_value *value)
{
	struct ifreq ifr = {.ifr_data = (char *)value};
	int fd, rc;

	if (!if_indextoname((unsigned)ifindex, ifr.ifr_name))
		return -ENODEV;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	rc = ioctl(fd, SIOCETHTOOL, &ifr) ? -errno : 0;
	close(fd);
	return rc;
}

bool ethtool_flag(int ifindex, uint32_t flag)
{
	struct ethtool_value v = {.cmd = ETHTOOL_GFLAGS};

	return !request(ifindex, &v) && v.data & flag;
}

int ethtool_set_flag(int ifindex, uint32_t flag, bool on)
{
	struct ethtool_value v = {.cmd = ETHTOOL_GFLAGS};
	int rc = request(ifindex, &v);

	if (rc)
		return rc;
	v.cmd = ETHTOOL_SFLAGS;
	v.data = on ? v.data | flag : v.data & ~flag;
	return request(ifindex, &v);
}
