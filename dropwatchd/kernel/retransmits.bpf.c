// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Counts the segments that TCP sends again, by namespace, peer and port, at the tracepoints tcp:tcp_retransmit_skb and
 * tcp:tcp_retransmit_synack. Counts are cumulative and per CPU; nothing runs but for a retransmission.
 *
 * The sum over all keys and `elsewhere` is the kernel's TcpRetransSegs, less what could not be sent at all
 * (TcpExtTCPRetransFail, and what met a socket that was busy), for it is counted before it is sent.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#define INET 2
#define INET6 10
#define SYN_SENT 2
#define DATA 0   /* kinds: mirrored by _KINDS in retransmits.py */
#define SYN 1
#define SYNACK 2

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
struct in6_addr {
	union {
		__be32 u6_addr32[4];
	} in6_u;
};
struct sock_common {
	__be32 skc_daddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
};
struct sock {
	struct sock_common __sk_common;
};
struct request_sock {
	struct sock_common __req_common;
};
struct sk_buff {
	char cb[48];
};
struct tcp_skb_cb {
	union {
		struct {
			__u16 tcp_gso_segs;
		};
	};
};
#pragma clang attribute pop

/* Mirrored by KEY in retransmits.py. */
struct key {
	__u64 cookie; /* of the network namespace */
	__u32 peer[4];
	__u16 family; /* 0: the peer is not told apart */
	__u16 local_port;
	__u16 peer_port; /* of the two, the higher one is 0: it is the client's, as a rule */
	__u16 kind;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct key);
	__type(value, __u64);
} peers SEC(".maps");

/* What had no room there, and what answers SYNs, whose senders may be made up: without the peer. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct key);
	__type(value, __u64);
} ports SEC(".maps");

/* What had no room there either. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} elsewhere SEC(".maps");

static __always_inline __u64 *find(void *map, struct key *key)
{
	__u64 *count = bpf_map_lookup_elem(map, key), none = 0;

	if (!count) {
		bpf_map_update_elem(map, key, &none, BPF_NOEXIST);
		count = bpf_map_lookup_elem(map, key);
	}
	return count;
}

static __always_inline void count(struct sock_common *common, __u16 kind, __u64 segments)
{
	struct net *net = BPF_CORE_READ(common, skc_net.net);
	__u16 local = BPF_CORE_READ(common, skc_num), remote = bpf_ntohs(BPF_CORE_READ(common, skc_dport));
	struct key key = {.kind = kind};
	__u64 *times = 0;
	__u32 first = 0;

	key.cookie = BPF_CORE_READ(net, net_cookie);
	if (local < remote)
		key.local_port = local;
	else
		key.peer_port = remote;
	if (kind != SYNACK) {
		key.family = BPF_CORE_READ(common, skc_family);
		if (key.family == INET6 && bpf_core_field_exists(common->skc_v6_daddr))
			BPF_CORE_READ_INTO(&key.peer, common, skc_v6_daddr.in6_u.u6_addr32);
		else
			key.peer[0] = BPF_CORE_READ(common, skc_daddr);
		times = find(&peers, &key);
	}
	if (!times) {
		key.family = 0;
		__builtin_memset(key.peer, 0, sizeof(key.peer));
		times = find(&ports, &key);
	}
	if (!times)
		times = bpf_map_lookup_elem(&elsewhere, &first);
	if (times)
		__sync_fetch_and_add(times, segments);
}

static __always_inline void count_segments(struct sock *sk, struct sk_buff *skb)
{
	struct tcp_skb_cb *control = (void *)skb + bpf_core_field_offset(skb->cb);
	struct sock_common *common = (void *)sk + bpf_core_field_offset(sk->__sk_common);

	count(common, BPF_CORE_READ(common, skc_state) == SYN_SENT ? SYN : DATA, BPF_CORE_READ(control, tcp_gso_segs));
}

/* Kernels that tell of what was sent alone. */
SEC("raw_tp/tcp_retransmit_skb")
int BPF_PROG(on_sent, struct sock *sk, struct sk_buff *skb)
{
	count_segments(sk, skb);
	return 0;
}

/* And those that tell of every try, with its error. */
SEC("raw_tp/tcp_retransmit_skb")
int BPF_PROG(on_tried, struct sock *sk, struct sk_buff *skb, int error)
{
	if (!error)
		count_segments(sk, skb);
	return 0;
}

SEC("raw_tp/tcp_retransmit_synack")
int BPF_PROG(on_answered, struct sock *sk, struct request_sock *request)
{
	count((void *)request + bpf_core_field_offset(request->__req_common), SYNACK, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
