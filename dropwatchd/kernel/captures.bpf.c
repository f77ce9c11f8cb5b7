// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tells what packet sockets have lost, whoever has them open. The kernel counts that in packet_sock.tp_drops, which
 * PACKET_STATISTICS alone reads, for the owner alone, and sets to zero: so we look at it in place, and learn what the
 * owner takes away where it is handed out, and what is left where the socket is closed. Nothing runs per packet.
 *
 * lost = taken + tp_drops - sk_drops: what found the socket's buffer full (packet_rcv) is counted in both, what found
 * its ring full (tpacket_rcv) in tp_drops alone. They are read in this order, so that what is told never exceeds what
 * was lost; while the owner takes its counts away it may be less, once. Kernels that let no program be called from a
 * function run `each_file` alone: what an owner takes away between two looks is not seen there.
 *
 * The structures below name only the fields used; CO-RE finds their offsets in the running kernel's BTF.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#define AF_PACKET 17
#define SOL_PACKET 263
#define PACKET_STATISTICS 6
#define EFAULT 14
#define NAME 16

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
struct sock_common {
	unsigned short skc_family;
	possible_net_t skc_net;
};
typedef struct {
	int counter;
} atomic_t;
struct sock {
	struct sock_common __sk_common;
	atomic_t sk_drops;
};
struct inode {
	unsigned long i_ino;
};
struct socket {
	struct sock *sk;
};
struct socket_alloc {
	struct socket socket;
	struct inode vfs_inode;
};
struct packet_ring_buffer {
	void *pg_vec;
};
struct packet_sock {
	struct sock sk;
	struct packet_ring_buffer rx_ring;
	int ifindex;
	__be16 num;
	atomic_t tp_drops;
};
struct kernfs_node {
	__u64 id;
};
struct cgroup {
	struct kernfs_node *kn;
};
struct css_set {
	struct cgroup *dfl_cgrp;
};
struct task_struct {
	int tgid;
	struct task_struct *group_leader;
	struct css_set *cgroups;
	char comm[NAME];
};
struct file;
struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
};
#pragma clang attribute pop

struct iter_task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u64 fd;
	struct file *file;
};

/* A packet socket, by its inode. Mirrored by SOCKET in captures.py. */
struct capture {
	__u64 inode;
	__u64 cookie; /* of its network namespace */
	__u64 lost;
	__u64 cgroup; /* 0 where unknown */
	__u64 closed_ns; /* of CLOCK_BOOTTIME; 0 while it is open */
	__u32 buffered;  /* sk_drops: what did not fit its buffer, which is not in `lost` */
	__u32 netns;
	__s32 ifindex; /* 0: every interface */
	__u32 pid;
	__u16 protocol; /* ethertype, host order; 0: it takes nothing */
	__u16 ring;
	char process[NAME];
	__u32 pad;
};

/* What owners took away, and, of sockets that were closed, all. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct capture);
} taken SEC(".maps");

/* Times that a number was taken away or closed in which we could not read or had no room to keep. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} untold SEC(".maps");

static __always_inline void is_untold(void)
{
	__u32 first = 0;
	__u64 *times = bpf_map_lookup_elem(&untold, &first);

	if (times)
		__sync_fetch_and_add(times, 1);
}

static __always_inline __u64 inode_of(struct socket *socket)
{
	return BPF_CORE_READ((struct socket_alloc *)socket, vfs_inode.i_ino);
}

/* `lost` is left as what the socket itself counts now. */
static __always_inline void look(struct capture *capture, struct socket *socket, struct sock *sk)
{
	struct packet_sock *packet = (struct packet_sock *)sk;
	struct net *net = BPF_CORE_READ(sk, __sk_common.skc_net.net);

	capture->inode = inode_of(socket);
	capture->lost = (__u32)BPF_CORE_READ(packet, tp_drops.counter);
	capture->buffered = BPF_CORE_READ(sk, sk_drops.counter);
	capture->ifindex = BPF_CORE_READ(packet, ifindex);
	capture->protocol = bpf_ntohs(BPF_CORE_READ(packet, num));
	capture->ring = !!BPF_CORE_READ(packet, rx_ring.pg_vec);
	capture->netns = BPF_CORE_READ(net, ns.inum);
	capture->cookie = BPF_CORE_READ(net, net_cookie);
}

static __always_inline void current_owner(struct capture *capture)
{
	capture->pid = bpf_get_current_pid_tgid() >> 32;
	capture->cgroup = bpf_get_current_cgroup_id();
	bpf_get_current_comm(capture->process, sizeof(capture->process));
}

/* Add to what was taken from a socket; return what is kept of it, or nothing where there is no room. */
static __always_inline struct capture *keep(struct capture *capture, __u64 lost)
{
	struct capture *kept = bpf_map_lookup_elem(&taken, &capture->inode);

	if (!kept) {
		capture->lost = 0;
		bpf_map_update_elem(&taken, &capture->inode, capture, BPF_NOEXIST);
		kept = bpf_map_lookup_elem(&taken, &capture->inode);
	}
	if (kept)
		__sync_fetch_and_add(&kept->lost, lost);
	else
		is_untold();
	return kept;
}

/* All that was lost of an open socket: see above for the order. */
SEC("iter/task_file")
int each_file(struct iter_task_file *ctx)
{
	struct capture capture = {}, *kept;
	struct task_struct *task = ctx->task, *leader;
	struct bpf_iter_meta *meta = ctx->meta;
	struct file *file = ctx->file;
	struct socket *socket;
	struct sock *sk;
	__u64 inode, before = 0;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = BPF_CORE_READ(socket, sk);
	if (!sk || BPF_CORE_READ(sk, __sk_common.skc_family) != AF_PACKET)
		return 0;
	inode = inode_of(socket);
	kept = bpf_map_lookup_elem(&taken, &inode);
	if (kept)
		before = *(volatile __u64 *)&kept->lost;
	look(&capture, socket, sk);
	capture.lost += before;
	leader = BPF_CORE_READ(task, group_leader);
	capture.pid = BPF_CORE_READ(task, tgid);
	capture.cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	BPF_CORE_READ_INTO(&capture.process, leader, comm);
	bpf_seq_write(meta->seq, &capture, sizeof(capture));
	return 0;
}

/* The owner has been handed its counts, and the kernel's are zero again: read what it got, which nobody else can. */
SEC("fexit/packet_getsockopt")
int BPF_PROG(on_taken, struct socket *socket, int level, int name, unsigned int *given, int *length, int result)
{
	struct capture capture = {};
	struct sock *sk;
	__u32 got[2] = {}; /* struct tpacket_stats: tp_packets, tp_drops */
	int size = 0;

	if (level != SOL_PACKET || name != PACKET_STATISTICS || (result && result != -EFAULT))
		return 0;
	sk = BPF_CORE_READ(socket, sk);
	if (!sk)
		return 0;
	if (result || bpf_probe_read_user(&size, sizeof(size), length) || size < (int)sizeof(got) ||
	    bpf_probe_read_user(got, sizeof(got), given)) {
		is_untold();
		return 0;
	}
	if (!got[1])
		return 0;
	look(&capture, socket, sk);
	current_owner(&capture);
	keep(&capture, got[1]);
	return 0;
}

/* A socket goes: what it has lost since it was last asked is told by nobody any more. */
SEC("fentry/packet_release")
int BPF_PROG(on_closed, struct socket *socket)
{
	struct capture capture = {}, *kept;
	struct sock *sk = BPF_CORE_READ(socket, sk);
	__u64 left;

	if (!sk)
		return 0;
	look(&capture, socket, sk);
	left = capture.lost;
	if (!left && !bpf_map_lookup_elem(&taken, &capture.inode))
		return 0;
	current_owner(&capture);
	kept = keep(&capture, left);
	if (kept) {
		kept->buffered = capture.buffered;
		kept->closed_ns = bpf_ktime_get_boot_ns();
	}
	return 0;
}

char _license[] SEC("license") = "GPL";
