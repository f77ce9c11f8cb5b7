// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Counts what XDP programs and redirects made of packets that nobody else tells: the tracepoints xdp:xdp_exception and
 * xdp:xdp_redirect_err, by device and verdict. Counts are cumulative and per CPU; nothing runs but for an error.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

#define NAME 16
#define ABORTED 0      /* of enum xdp_action, as the next two */
#define TX 3
#define REDIRECT 4     /*: drivers that tell an exception of it have told xdp_redirect_err before */
#define REDIRECT_ERR 5 /* ours: no verdict has this number */
#define INVALID 6      /* ours: any number for which there is no exception */

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
#pragma clang attribute pop

/* Mirrored by KEY in xdp_errors.py. */
struct key {
	__u64 cookie;
	__u32 netns;
	__u32 ifindex;
	__u32 kind; /* a verdict of enum xdp_action, or one of ours */
	__u32 pad;
	char name[NAME];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct key);
	__type(value, __u64);
} errors SEC(".maps");

/* What had no room there. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} elsewhere SEC(".maps");

static __always_inline void count(const struct net_device *dev, __u32 kind)
{
	struct net *net = BPF_CORE_READ(dev, nd_net.net);
	struct key key = {.kind = kind};
	__u64 *times, one = 1;
	__u32 first = 0;

	key.cookie = BPF_CORE_READ(net, net_cookie);
	key.netns = BPF_CORE_READ(net, ns.inum);
	key.ifindex = BPF_CORE_READ(dev, ifindex);
	bpf_core_read_str(key.name, sizeof(key.name), &dev->name);
	times = bpf_map_lookup_elem(&errors, &key);
	if (!times) {
		if (!bpf_map_update_elem(&errors, &key, &one, BPF_NOEXIST))
			return;
		times = bpf_map_lookup_elem(&errors, &key); /* another CPU was first */
	}
	if (!times)
		times = bpf_map_lookup_elem(&elsewhere, &first);
	if (times)
		__sync_fetch_and_add(times, 1);
}

SEC("raw_tp/xdp_exception")
int BPF_PROG(on_exception, const struct net_device *dev, const void *program, __u32 verdict)
{
	if (verdict != REDIRECT)
		count(dev, verdict == ABORTED || verdict == TX ? verdict : INVALID);
	return 0;
}

SEC("raw_tp/xdp_redirect_err")
int BPF_PROG(on_redirect_error, const struct net_device *dev)
{
	count(dev, REDIRECT_ERR);
	return 0;
}

char _license[] SEC("license") = "GPL";
