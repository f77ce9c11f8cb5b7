// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Counts every dropped packet at the kfree_skb tracepoint, in the kernel, per place, reason, protocol, device and
 * network namespace, and hands a thinned sample of packets to user space.
 *
 * Counts are cumulative and per CPU: user space reads and subtracts, nothing is reset under a running counter. Times
 * are those of CLOCK_BOOTTIME, which nobody can set and no suspension stops.
 * What has no room there is counted by place, reason and namespace, and what has none even there by reason alone; what
 * the kernel would not run us for is in the program's own recursion_misses. So total = sum(drops) + sum(places) +
 * sum(reasons), and the host's drops = total + misses, exactly.
 *
 * Since Linux 7.1 queueing disciplines free what they drop for one reason, QDISC_DROP, and say why at a tracepoint of
 * their own right before: a second program keeps that for the drop that follows on that CPU. Elsewhere it is not
 * loaded, and what the first one has for it is no code.
 *
 * The structures below name only the fields used; CO-RE finds their offsets in the running kernel's BTF.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#define IFNAMSIZ 16
#define MAX_DATA 256
#define REASON_SLOTS 256
#define HASH_WALK 16
#define STACK_FRAMES 48
#define MAX_STACKS 512
#define NSFS_MAGIC 0x6e736673

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct proc_ns_operations {
	const char *name;
};
struct ns_common {
	const struct proc_ns_operations *ops;
	unsigned int inum;
};
struct hlist_node {
	struct hlist_node *next;
};
struct hlist_head {
	struct hlist_node *first;
};
struct net {
	struct ns_common ns;
	__u64 net_cookie;
	struct hlist_head *dev_index_head;
};
typedef struct {
	struct net *net;
} possible_net_t;
struct Qdisc_ops {
	char id[IFNAMSIZ];
};
struct Qdisc {
	const struct Qdisc_ops *ops;
	__u32 handle;
};
struct net_device;
struct netdev_queue {
	struct net_device *dev;
};
struct net_device {
	char name[IFNAMSIZ];
	int ifindex;
	possible_net_t nd_net;
	struct netdev_queue *_tx;
	struct hlist_node index_hlist;
};
struct sock_common {
	possible_net_t skc_net;
};
struct sock {
	struct sock_common __sk_common;
};
struct dst_entry {
	struct net_device *dev;
};
typedef struct {
	int counter;
} atomic_t;
typedef struct refcount_struct {
	atomic_t refs;
} refcount_t;
struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	unsigned long _skb_refdst;
	unsigned int len;
	unsigned int data_len;
	int skb_iif;
	__be16 protocol;
	__u16 network_header;
	__u16 mac_header;
	unsigned char *head;
	unsigned char *data;
	refcount_t users;
};
struct super_block {
	unsigned long s_magic;
};
struct inode {
	struct super_block *i_sb;
	void *i_private;
};
struct file {
	struct inode *f_inode;
};
struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};
struct files_struct {
	struct fdtable *fdt;
};
struct task_struct {
	struct files_struct *files;
};
#pragma clang attribute pop

/* Their numbers are the running kernel's. */
enum skb_drop_reason {
	SKB_DROP_REASON_QDISC_DROP = 1,
};
enum qdisc_drop_reason {
	QDISC_DROP_GENERIC = 1,
};
#ifndef QUEUES_TELL
#define QUEUES_TELL bpf_core_enum_value_exists(enum qdisc_drop_reason, QDISC_DROP_GENERIC)
#endif

/* What drops are counted by. Mirrored by KEY in layout.py. */
struct key {
	__u64 location;
	__u64 cookie; /* of the network namespace: never given twice in one boot, as inode numbers are; 0 where unknown */
	__u32 reason;
	__u32 netns; /* its inode number */
	__u32 ifindex;
	__u16 protocol; /* ethertype, host order */
	__u16 pad;
	char ifname[IFNAMSIZ];
};

/*
 * Mirrored by VALUE in layout.py, as are the two below. `first_ns` is the first packet's of the newest window in which
 * this CPU counted any, and `start` what had been counted before it; `before_` says the same of the window before that.
 * User space finds its own last count among the two starts, and so the very packet that the new ones began with.
 */
struct value {
	__u64 count;
	__u64 octets;
	__u64 last_ns;
	__u64 first_ns;
	__u32 start;
	__u32 window;
	__u64 before_first_ns;
	__u32 before_start;
	__u32 pick; /* of the newest window, the packet to be kept next as a sample, counted from 0 */
};

/* Where drops of a reason happen. Mirrored by PLACE in layout.py, as is the next by STACK. */
struct place {
	__u64 location;
	__u32 reason;
	__u32 pad;
};

/* Code addresses, the innermost first, in `size` bytes of them; 0 while they are being taken. */
struct stack {
	__u64 frames[STACK_FRAMES];
	__s64 size;
};

/* Mirrored by TOTALS in layout.py. */
struct totals {
	__u64 drops;
	__u64 by_place;  /* of these, the ones that had no room in `drops` */
	__u64 by_reason; /* and those that had none in `places` either */
	__u64 samples_lost;
	__u32 window;
	__u32 samples;
};

/* Mirrored by SAMPLE in layout.py. */
struct sample {
	__u64 time_ns;
	struct key key;
	__u32 length;
	__u32 weight;
	__u32 captured;
	__u32 link_header;
	__u32 queue_handle; /* of the queueing discipline, where it tells */
	char queue_kind[IFNAMSIZ];
	__u8 data[MAX_DATA];
};

/* Why a queueing discipline drops a packet: 0 where it says no more than that it does. */
struct refusal {
	__u64 packet; /* the address of its sk_buff; 0 once it was dropped */
	__u32 reason;
	__u32 handle;
	char kind[IFNAMSIZ];
};

/* Shared with user space while the program runs, through the mapping of .bss. Mirrored by Control in layout.py. */
struct {
	__u32 window;       /* advanced at every read */
	__u32 armed;        /* user space sleeps: the next drop must wake it */
	__u32 sample_bytes; /* 0: no samples */
	__u32 sample_shift; /* the first 1 << shift of each key and window are all kept */
	__u32 sample_limit; /* at most so many samples per CPU and window */
	__s32 namespace_keys; /* at most so many keys of one namespace that is not ours */
	__s32 foreign_keys;   /* and of all of these together, so that some are always left for ours */
	__s32 foreign_used;
	__u64 home;           /* the owner of our own namespace's keys */
	__u64 name_address; /* in: a code address; out: its name_text */
	char name_text[256];
} control = {};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct key);
	__type(value, struct value);
} drops SEC(".maps");

/* What had no room there: the same key without protocol and device. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 2048);
	__type(key, struct key);
	__type(value, struct value);
} places SEC(".maps");

/* What had no room in either, by reason: the count is kept, the place is not. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REASON_SLOTS);
	__type(key, __u32);
	__type(value, struct value);
} reasons SEC(".maps");

/* How many keys of `drops` each namespace has that is not ours. One that is forgotten here begins at zero again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __s32);
} owners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct totals);
} totals SEC(".maps");

/* How the kernel came to the first drop of each place and reason: taken when a key is new, so that no other pays. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_STACKS);
	__type(key, struct place);
	__type(value, struct stack);
} stacks SEC(".maps");

/* What is to be freed next on this CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct refusal);
} refusals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 512 * 1024);
} samples SEC(".maps");

/*
 * skb->dev shares its bytes with UDP's dev_scratch and with the red-black node of TCP, fragment and netem queues, so
 * it may be anything. A net_device's transmit queues point back at it: nothing else does.
 */
static __always_inline bool is_device(struct net_device *dev)
{
	return dev && dev->_tx && dev->_tx->dev == dev;
}

/*
 * A device's name, the bytes behind its end cleared: they may be those of an older, longer name. Two loads instead of a
 * call, for this runs on every drop. Little-endian, as the whole object is.
 */
static __always_inline void set_name(struct key *key, struct net_device *dev)
{
	__u64 *name = (__u64 *)__builtin_preserve_access_index(&dev->name), *out = (__u64 *)key->ifname;
	const __u64 ones = 0x0101010101010101ULL, tops = ones << 7;
	__u64 low = name[0], high = name[1], end;

	end = (low - ones) & ~low & tops; /* its lowest bit is the top of the first byte that is 0 */
	if (end) {
		low &= ((end & -end) >> 7) - 1;
		high = 0;
	}
	end = (high - ones) & ~high & tops;
	if (end)
		high &= ((end & -end) >> 7) - 1;
	out[0] = low;
	out[1] = high;
}

static __always_inline __u64 cookie_of(struct net *net)
{
	return bpf_core_field_exists(net->net_cookie) ? BPF_CORE_READ(net, net_cookie) : 0;
}

static __always_inline void set_namespace(struct key *key, struct net *net)
{
	key->cookie = cookie_of(net);
	key->netns = BPF_CORE_READ(net, ns.inum);
}

static __always_inline void set_device(struct key *key, struct net_device *dev)
{
	struct net *net = dev->nd_net.net;

	key->ifindex = dev->ifindex;
	if (bpf_core_field_exists(net->net_cookie))
		key->cookie = net->net_cookie;
	key->netns = net->ns.inum;
	set_name(key, dev);
}

/* The name of an interface index in a namespace: the kernel's own table of devices by index has 256 buckets. */
static __always_inline void set_index(struct key *key, struct net *net, int ifindex)
{
	struct hlist_head *heads = BPF_CORE_READ(net, dev_index_head);
	struct hlist_node *node;
	struct net_device *dev;
	int i;

	key->ifindex = ifindex;
	set_namespace(key, net);
	if (bpf_probe_read_kernel(&node, sizeof(node), (void *)heads + (ifindex & 255) * sizeof(node)))
		return;
	for (i = 0; i < HASH_WALK && node; i++) {
		dev = (void *)node - bpf_core_field_offset(dev->index_hlist);
		if (BPF_CORE_READ(dev, ifindex) == ifindex) {
			bpf_core_read_str(key->ifname, sizeof(key->ifname), &dev->name);
			return;
		}
		node = BPF_CORE_READ(node, next);
	}
}

static __always_inline void find_device(struct key *key, struct sk_buff *skb, struct sock *rx_sk)
{
	struct net_device *out = 0;
	struct dst_entry *dst;
	struct net *net = 0;
	struct sock *sk;
	int iif;

	if (is_device(skb->dev)) {
		set_device(key, skb->dev);
		return;
	}
	dst = (void *)(skb->_skb_refdst & ~1UL); /* SKB_DST_NOREF */
	if (dst)
		out = BPF_CORE_READ(dst, dev);
	iif = skb->skb_iif;
	if (!iif && out) { /* never received, so on its way out */
		key->ifindex = BPF_CORE_READ(out, ifindex);
		set_namespace(key, BPF_CORE_READ(out, nd_net.net));
		bpf_core_read_str(key->ifname, sizeof(key->ifname), &out->name);
		return;
	}
	sk = rx_sk ? rx_sk : skb->sk;
	if (sk)
		net = BPF_CORE_READ(sk, __sk_common.skc_net.net);
	else if (out)
		net = BPF_CORE_READ(out, nd_net.net);
	if (net)
		set_index(key, net, iif);
	else
		key->ifindex = iif;
}

/*
 * How many packets the sample stands for that packet number `seen` of a key and window is among: the first ones are all
 * kept, then one by chance of each 2, 4, 8..., so that the weights add up to the count, whatever the traffic's rhythm.
 */
static __always_inline __u32 sample_weight(__u32 seen)
{
	__u32 steps = seen >> control.sample_shift;

	steps |= steps >> 1;
	steps |= steps >> 2;
	steps |= steps >> 4;
	steps |= steps >> 8;
	steps |= steps >> 16;
	return (steps >> 1) + 1;
}

/* Draws one of the packets behind those that a sample at `seen` stands for. */
static __always_inline __u32 next_pick(__u32 seen, __u32 weight)
{
	__u32 begin = (seen | (weight - 1)) + 1, next = sample_weight(begin);

	return next > 1 ? begin + (bpf_get_prandom_u32() & (next - 1)) : begin;
}

static __always_inline void take_sample(struct sk_buff *skb, struct key *key, struct refusal *refusal, __u32 weight,
					__u64 now, struct totals *totals)
{
	unsigned char *head, *data, *tail;
	struct sample *sample;
	__u16 mac, network;
	__u64 size;

	if (totals->window != control.window) {
		totals->window = control.window;
		totals->samples = 0;
	}
	if (totals->samples++ >= control.sample_limit)
		goto lost;
	sample = bpf_ringbuf_reserve(&samples, sizeof(*sample), 0);
	if (!sample)
		goto lost;
	head = skb->head;
	data = skb->data;
	mac = skb->mac_header;
	network = skb->network_header;
	tail = data + (skb->len - skb->data_len);
	/* skb_mac_header_was_set(), and a header in front of the network's; else from the network header, or the data */
	sample->link_header = mac != 0xffff && mac < network && data >= head + mac;
	if (sample->link_header)
		data = head + mac;
	else if (network && data > head + network)
		data = head + network;
	size = data < tail ? tail - data : 0;
	if (size > control.sample_bytes)
		size = control.sample_bytes;
	barrier_var(size); /* the verifier must see the bound on the very register */
	if (size > MAX_DATA)
		size = MAX_DATA;
	sample->time_ns = now;
	sample->key = *key;
	sample->length = skb->len + (skb->data - data);
	sample->weight = weight;
	sample->queue_handle = refusal ? refusal->handle : 0;
	if (refusal)
		__builtin_memcpy(sample->queue_kind, refusal->kind, sizeof(sample->queue_kind));
	else
		__builtin_memset(sample->queue_kind, 0, sizeof(sample->queue_kind));
	sample->captured = bpf_probe_read_kernel(sample->data, size, data) ? 0 : size;
	bpf_ringbuf_submit(sample, bpf_ringbuf_query(&samples, BPF_RB_AVAIL_DATA) > 256 * 1024 ?
					   BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
	return;
lost:
	totals->samples_lost++;
}

static __always_inline void wake(void)
{
	__u64 nothing = 0;

	if (control.armed && !bpf_ringbuf_output(&samples, &nothing, sizeof(nothing), BPF_RB_FORCE_WAKEUP))
		control.armed = 0;
}

/* Whose room a key takes: packets of no known namespace share that of 0. */
static __always_inline __u64 owner_of(struct key *key)
{
	return key->cookie ? key->cookie : key->netns;
}

static const struct value no_value;
static const __s32 no_keys;
static const struct stack no_stack;

/* Takes the call stack of a new key, where none of its place and reason is known. */
static __always_inline void take_stack(void *ctx, struct key *key)
{
	struct place place = {.location = key->location, .reason = key->reason};
	struct stack *stack;
	long size;

	if (bpf_map_update_elem(&stacks, &place, &no_stack, BPF_NOEXIST))
		return;
	stack = bpf_map_lookup_elem(&stacks, &place);
	if (!stack)
		return;
	size = bpf_get_stack(ctx, stack->frames, sizeof(stack->frames), 0);
	if (size > 0)
		*(volatile __s64 *)&stack->size = size;
	else
		bpf_map_delete_elem(&stacks, &place);
}

/*
 * Makes room for a key, which is rare. A namespace can make up keys without end, of ethertypes, names and devices:
 * its share is bounded, and that of all but ours together.
 */
static __always_inline struct value *add_key(void *ctx, struct key *key)
{
	__u64 owner = owner_of(key);
	__s32 *used = 0;

	if (owner != control.home) {
		if (control.foreign_used >= control.foreign_keys)
			return 0;
		bpf_map_update_elem(&owners, &owner, &no_keys, BPF_NOEXIST);
		used = bpf_map_lookup_elem(&owners, &owner);
		if (!used || *used >= control.namespace_keys)
			return 0;
	}
	if (!bpf_map_update_elem(&drops, key, &no_value, BPF_NOEXIST)) {
		take_stack(ctx, key);
		if (used) {
			__sync_fetch_and_add(used, 1);
			__sync_fetch_and_add(&control.foreign_used, 1);
		}
	}
	return bpf_map_lookup_elem(&drops, key);
}

static __always_inline struct value *find_value(void *ctx, struct key *key, struct totals *totals)
{
	struct value *value = bpf_map_lookup_elem(&drops, key);
	struct key place = {};
	__u32 slot;

	if (!value)
		value = add_key(ctx, key);
	if (value)
		return value;
	place.location = key->location;
	place.reason = key->reason;
	place.cookie = key->cookie;
	place.netns = key->netns;
	value = bpf_map_lookup_elem(&places, &place);
	if (!value) {
		if (!bpf_map_update_elem(&places, &place, &no_value, BPF_NOEXIST))
			take_stack(ctx, &place);
		value = bpf_map_lookup_elem(&places, &place);
	}
	if (value) {
		__sync_fetch_and_add(&totals->by_place, 1);
		return value;
	}
	/* full, or busy: keep the count by core reason; slot 0 (no reason there) stands for all the others */
	slot = key->reason < REASON_SLOTS ? key->reason : 0;
	__sync_fetch_and_add(&totals->by_reason, 1);
	return bpf_map_lookup_elem(&reasons, &slot);
}

/* Readers copy a value from its beginning to its end: each `first_ns` is in place after the `start` that it belongs to. */
static __always_inline void begin_window(struct value *value, __u32 window, __u64 now)
{
	value->pick = 0;
	*(volatile __u32 *)&value->before_start = value->start;
	*(volatile __u64 *)&value->before_first_ns = value->first_ns;
	*(volatile __u32 *)&value->start = value->count;
	*(volatile __u32 *)&value->window = window;
	*(volatile __u64 *)&value->first_ns = now;
}

/* Keeps what a queueing discipline says of a packet: of one that others hold as well, nothing is dropped here. */
static __always_inline void refuse(struct Qdisc *queue, struct sk_buff *skb, __u32 reason)
{
	struct refusal *refusal;
	__u32 zero = 0;

	refusal = bpf_map_lookup_elem(&refusals, &zero);
	if (!refusal || skb->users.refs.counter != 1)
		return;
	refusal->packet = (__u64)skb;
	refusal->reason = reason;
	refusal->handle = BPF_CORE_READ(queue, handle);
	BPF_CORE_READ_STR_INTO(&refusal->kind, queue, ops, id);
}

/* Takes what was said of a packet, once; of any other, its own drop went by uncounted. */
static __always_inline struct refusal *refusal_of(struct sk_buff *skb, __u32 reason)
{
	struct refusal *refusal;
	__u32 zero = 0;
	bool is_of_it;

	if (!QUEUES_TELL || reason != bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_QDISC_DROP))
		return 0;
	refusal = bpf_map_lookup_elem(&refusals, &zero);
	if (!refusal)
		return 0; /* never: the index is in range */
	is_of_it = refusal->packet == (__u64)skb;
	refusal->packet = 0;
	return is_of_it ? refusal : 0;
}

static __always_inline int count(void *ctx, struct sk_buff *skb, void *location, __u32 reason, struct sock *rx_sk)
{
	struct key key = {
		.location = (__u64)location,
		.reason = reason,
		.protocol = bpf_ntohs(skb->protocol),
	};
	__u32 window = *(volatile __u32 *)&control.window, zero = 0, seen, weight;
	struct refusal *refusal = refusal_of(skb, reason);
	__u64 now = bpf_ktime_get_boot_ns();
	struct totals *sum;
	struct value *value;

	if (refusal && refusal->reason)
		key.reason = refusal->reason;
	find_device(&key, skb, rx_sk);
	sum = bpf_map_lookup_elem(&totals, &zero);
	if (!sum)
		return 0; /* never: the index is in range */
	value = find_value(ctx, &key, sum);
	if (!value)
		return 0; /* never, as above */
	if (value->window != window)
		begin_window(value, window, now);
	seen = (__u32)value->count - value->start;
	/* before the count: who sees the count sees a time that is not earlier */
	*(volatile __u64 *)&value->last_ns = now;
	/* atomic, since kernels before 6.2 let an interrupt's drop run in the midst of this one's */
	__sync_fetch_and_add(&sum->drops, 1);
	__sync_fetch_and_add(&value->octets, skb->len);
	__sync_fetch_and_add(&value->count, 1);
	if (control.sample_bytes && seen >= value->pick) {
		weight = sample_weight(seen);
		value->pick = next_pick(seen, weight);
		take_sample(skb, &key, refusal, weight, now, sum);
	}
	wake();
	return 0;
}

/* 5.17 to 6.10 */
SEC("tp_btf/kfree_skb")
int BPF_PROG(on_drop, struct sk_buff *skb, void *location, __u32 reason)
{
	return count(ctx, skb, location, reason, 0);
}

/* 6.11 and later name the socket that was to receive the packet */
SEC("tp_btf/kfree_skb")
int BPF_PROG(on_drop_with_socket, struct sk_buff *skb, void *location, __u32 reason, struct sock *rx_sk)
{
	return count(ctx, skb, location, reason, rx_sk);
}

/* 7.1 and later (include/trace/events/qdisc.h), fired by __tcf_kfree_skb_list() in net/sched/sch_generic.c */
SEC("tp_btf/qdisc_drop")
int BPF_PROG(on_queue_drop, struct Qdisc *queue, struct netdev_queue *txq, struct net_device *dev, struct sk_buff *skb,
	     __u32 reason)
{
	if (QUEUES_TELL)
		refuse(queue, skb,
		       reason == bpf_core_enum_value(enum qdisc_drop_reason, QDISC_DROP_GENERIC) ? 0 : reason);
	return 0;
}

/* Names a code address the way the kernel prints it, symbol+0xoffset/0xsize [module], whatever kptr_restrict says. */
SEC("syscall")
int name_address(void *ctx)
{
	static const char format[] = "%pS";
	__u64 address = control.name_address;

	return bpf_snprintf(control.name_text, sizeof(control.name_text), format, &address, sizeof(address));
}

/* Mirrored by Release in layout.py. */
struct release {
	__u64 owner;
	__s32 keys;
	__u32 pad;
};

/* Gives back the room of keys that user space has removed. */
SEC("syscall")
int release_keys(struct release *release)
{
	__u64 owner = release->owner;
	__s32 keys = release->keys, *used;

	if (owner == control.home)
		return 0;
	__sync_fetch_and_add(&control.foreign_used, -keys);
	used = bpf_map_lookup_elem(&owners, &owner);
	if (used)
		__sync_fetch_and_add(used, -keys);
	return 0;
}

/* A file descriptor of the caller's, and what namespace it is of. Mirrored by NamespaceQuery in layout.py. */
struct namespace_query {
	__u64 cookie;
	__u32 netns;
	__u32 descriptor;
};

/*
 * Tells which network namespace an open file of nsfs stands for; 1 where it is none. nsfs keeps the struct ns_common in
 * the inode (fs/nsfs.c), and its operations are called "net" for a network namespace (net/core/net_namespace.c).
 */
SEC("syscall")
int name_namespace(struct namespace_query *query)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	__u32 descriptor = query->descriptor;
	struct ns_common *common;
	struct file *file = 0;
	struct net *net = 0;
	char name[4] = {};

	if (descriptor >= BPF_CORE_READ(table, max_fds))
		return 1;
	bpf_probe_read_kernel(&file, sizeof(file), BPF_CORE_READ(table, fd) + descriptor);
	if (!file || BPF_CORE_READ(file, f_inode, i_sb, s_magic) != NSFS_MAGIC)
		return 1;
	common = BPF_CORE_READ(file, f_inode, i_private);
	bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(common, ops, name));
	if (name[0] != 'n' || name[1] != 'e' || name[2] != 't' || name[3])
		return 1;
	net = (void *)common - bpf_core_field_offset(net->ns);
	query->cookie = cookie_of(net);
	query->netns = BPF_CORE_READ(net, ns.inum);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
