/* ethtool.h - offloads of an interface that can be switched (ETH_FLAG_*, linux/ethtool.h).
 *
 * In the network namespace of the calling thread.
 *
 * Threads: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* False, too, where the device cannot tell. */
bool ethtool_flag(int ifindex, uint32_t flag);

/* 0; -EOPNOTSUPP or -EINVAL where the device does not let it be changed; another -errno. */
int ethtool_set_flag(int ifindex, uint32_t flag, bool on);
