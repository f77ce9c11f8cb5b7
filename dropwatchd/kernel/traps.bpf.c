// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Counts the packets that hardware has dropped and reported, at the tracepoint devlink:devlink_trap_report, by trap,
 * port and protocol. Traps of the kind "control" are no drops: their packets go on, and are left out, as the drop
 * monitor leaves them out. Counts are cumulative and per CPU; nothing runs but for a report.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#define NAME 16
#define TRAP_NAME 40
#define CONTROL 2 /* DEVLINK_TRAP_TYPE_CONTROL */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct ns_common {
	unsigned int inum;
};
struct net {
	struct ns_common ns;
	__u64 net_cookie;
};
typedef struct {
	struct net *net;
} possible_net_t;
struct net_device {
	char name[NAME];
	int ifindex;
	possible_net_t nd_net;
};
struct sk_buff {
	unsigned int len;
	__be16 protocol;
};
enum devlink_trap_type {
	DEVLINK_TRAP_TYPE_DROP,
};
struct devlink_trap_metadata {
	const char *trap_name;
	const char *trap_group_name;
	struct net_device *input_dev;
	enum devlink_trap_type trap_type;
};
#pragma clang attribute pop

/* Mirrored by KEY in traps.py, as is the next by VALUE. */
struct key {
	__u64 cookie; /* of the port's network namespace */
	__u32 netns;
	__u32 ifindex;
	char ifname[NAME];
	char trap[TRAP_NAME];
	char group[TRAP_NAME];
	__u16 protocol; /* ethertype, host order */
	__u16 pad[3];
};

struct value {
	__u64 count;
	__u64 octets;
	__u64 last_ns; /* of CLOCK_BOOTTIME */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct key);
	__type(value, struct value);
} traps SEC(".maps");

/* What had no room there. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct value);
} elsewhere SEC(".maps");

/* While it is `armed`, the next report must wake user space, and notes when it came. Mirrored by ALARM in traps.py. */
struct alarm {
	__u64 first_ns;
	__u32 armed;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct alarm);
} alarm SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} bell SEC(".maps");

static const struct value no_value;

SEC("raw_tp/devlink_trap_report")
int BPF_PROG(on_report, void *devlink, struct sk_buff *skb, const struct devlink_trap_metadata *metadata)
{
	struct net_device *dev = BPF_CORE_READ(metadata, input_dev);
	struct key key = {.protocol = bpf_ntohs(BPF_CORE_READ(skb, protocol))};
	__u64 now = bpf_ktime_get_boot_ns();
	struct value *value;
	struct alarm *waiting;
	__u32 first = 0;
	struct net *net;

	if (BPF_CORE_READ(metadata, trap_type) == CONTROL)
		return 0;
	bpf_probe_read_kernel_str(key.trap, sizeof(key.trap), BPF_CORE_READ(metadata, trap_name));
	bpf_probe_read_kernel_str(key.group, sizeof(key.group), BPF_CORE_READ(metadata, trap_group_name));
	if (dev) {
		net = BPF_CORE_READ(dev, nd_net.net);
		key.cookie = BPF_CORE_READ(net, net_cookie);
		key.netns = BPF_CORE_READ(net, ns.inum);
		key.ifindex = BPF_CORE_READ(dev, ifindex);
		bpf_core_read_str(key.ifname, sizeof(key.ifname), &dev->name);
	}
	value = bpf_map_lookup_elem(&traps, &key);
	if (!value) {
		bpf_map_update_elem(&traps, &key, &no_value, BPF_NOEXIST);
		value = bpf_map_lookup_elem(&traps, &key);
	}
	if (!value)
		value = bpf_map_lookup_elem(&elsewhere, &first);
	if (!value)
		return 0; /* never: the index is in range */
	*(volatile __u64 *)&value->last_ns = now;
	__sync_fetch_and_add(&value->octets, BPF_CORE_READ(skb, len));
	__sync_fetch_and_add(&value->count, 1);
	waiting = bpf_map_lookup_elem(&alarm, &first);
	if (waiting && *(volatile __u32 *)&waiting->armed &&
	    !bpf_ringbuf_output(&bell, &first, sizeof(first), BPF_RB_FORCE_WAKEUP)) {
		*(volatile __u64 *)&waiting->first_ns = now;
		*(volatile __u32 *)&waiting->armed = 0;
	}
	return 0;
}

char _license[] SEC("license") = "GPL";
