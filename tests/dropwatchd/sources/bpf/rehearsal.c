/*
 * What the program does since Linux 7.1, on kernels before: at kfree_skb, which runs it before the program that counts,
 * packets that a queueing discipline drops are refused as qdisc:qdisc_drop would tell, the large ones for QDISC_DROP_
 * OVERLIMIT of 7.1, the others for nothing closer. DROPS is drops.bpf.c.
 */
#define QUEUES_TELL 1
#include DROPS

struct netdev_queue___told {
	struct Qdisc *qdisc;
} __attribute__((preserve_access_index));

SEC("tp_btf/kfree_skb")
int BPF_PROG(rehearse, struct sk_buff *skb, void *location, __u32 reason)
{
	struct netdev_queue___told *queue;

	if (reason == bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_QDISC_DROP)) {
		queue = (void *)BPF_CORE_READ(skb, dev, _tx);
		refuse(BPF_CORE_READ(queue, qdisc), skb, skb->len > 1000 ? 0x30002 : 0);
	}
	return 0;
}
