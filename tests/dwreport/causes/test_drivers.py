"""What drivers' counters say together: the same packets once, under the exact name, with what else has them."""

import pytest

from dwreport.causes import driver_data
from dwreport.causes.drivers import Loss, covered, losses

Numbers = dict[str, int]


def _words(loss: Loss) -> str:
    """Return a loss in short: "2 rx_ring_full = rx_discards; agree: ...; link: ...; beside: ...; less: ..."."""
    mark = ("at least " if loss.at_least else "") + f"{loss.count} {loss.cause}" + ("" if loss.packets else " times")
    parts = [f"{label}: {', '.join(name for name, _count in amounts)}" for label, amounts in (
        ("less", loss.less), ("agree", loss.agree), ("link", loss.link), ("beside", loss.beside)) if amounts]
    return "; ".join([f"{mark} = {', '.join(name for name, _count in loss.names)}", *parts])


CASES: list[tuple[str, Numbers, Numbers, list[str]]] = [
    ("ena", {"bw_in_allowance_exceeded": 7, "bw_out_allowance_exceeded": 2, "pps_allowance_exceeded": 5}, {},
     ["9 allowance_bandwidth = bw_in_allowance_exceeded, bw_out_allowance_exceeded",
      "5 allowance_packets = pps_allowance_exceeded"]),
    ("ena", {"conntrack_allowance_exceeded": 3241329, "linklocal_allowance_exceeded": 4}, {},
     ["3241329 allowance_tracking = conntrack_allowance_exceeded",
      "4 allowance_link_local = linklocal_allowance_exceeded"]),
    ("ena", {"queue_0_rx_empty_rx_ring": 3, "queue_0_rx_xdp_drop": 10, "queue_1_rx_xdp_drop": 20}, {"rx_dropped": 30},
     ["30 xdp_drops = queue_*_rx_xdp_drop; link: rx_dropped", "3 rx_no_buffer times = queue_0_rx_empty_rx_ring"]),
    ("virtio_net", {"rx0_hw_drops": 10, "rx0_hw_drop_overruns": 6, "rx1_hw_drops": 2}, {},
     ["6 host_ring_full = rx0_hw_drop_overruns", "6 host_drops = rx*_hw_drops; less: rx0_hw_drop_overruns"]),
    ("virtio_net", {"rx0_hw_drops": 10, "rx0_hw_drop_overruns": 6, "rx0_hw_ratelimit_packets": 4}, {},
     ["6 host_ring_full = rx0_hw_drop_overruns; agree: rx0_hw_drops",
      "4 host_limit = rx0_hw_ratelimit_packets; agree: rx0_hw_drops"]),
    ("virtio_net", {"rx_queue_0_drops": 5, "rx_queue_0_xdp_drops": 5}, {"rx_dropped": 5},
     ["5 xdp_drops = rx_queue_0_xdp_drops; agree: rx_queue_0_drops; link: rx_dropped"]),
    ("virtio_net",
     {"rx-hw-drops": 12, "rx-hw-drop-overruns": 9, "rx-hw-drop-ratelimits": 3, "rx_drops": 4, "rx0_drops": 4},
     {"rx_dropped": 4},
     ["9 host_ring_full = rx-hw-drop-overruns; agree: rx-hw-drops",
      "3 host_limit = rx-hw-drop-ratelimits; agree: rx-hw-drops",
      "4 queue_drops = rx_drops; agree: rx0_drops; link: rx_dropped"]),
    ("mlx5_core", {"rx_out_of_buffer": 5, "rx-hw-drops": 5, "rx-alloc-fail": 2}, {},
     ["5 rx_ring_full = rx_out_of_buffer; agree: rx-hw-drops", "2 alloc_failed times = rx-alloc-fail"]),
    ("fbnic", {"FrameCheckSequenceErrors": 3, "FramesLostDueToIntMACRcvError": 2, "LateCollisions": 4},
     {"rx_crc_errors": 3},
     ["3 rx_physical = FrameCheckSequenceErrors; link: rx_crc_errors", "2 rx_overflow = FramesLostDueToIntMACRcvError",
      "4 late_collisions = LateCollisions"]),
    ("new", {"rx-hw-drops": 12, "rx-hw-drop-overruns": 9, "tx-hw-drops": 12}, {},
     ["9 rx_ring_full = rx-hw-drop-overruns", "3 other_drops = rx-hw-drops; less: rx-hw-drop-overruns",
      "12 tx_dropped = tx-hw-drops"]),
    ("gve", {"rx_dropped": 7, "rx_skb_alloc_fail": 3, "rx_desc_err_dropped_pkt": 4, "rx_queue_drop_cnt[0]": 9}, {},
     ["9 rx_ring_full = rx_queue_drop_cnt[0]", "4 other_errors = rx_desc_err_dropped_pkt; agree: rx_dropped",
      "3 alloc_failed = rx_skb_alloc_fail; agree: rx_dropped"]),
    ("hv_netvsc", {"tx_send_full": 99, "tx_busy": 3, "rx_no_memory": 4, "tx_too_big": 2},
     {"rx_dropped": 4, "tx_dropped": 2},
     ["4 alloc_failed = rx_no_memory; link: rx_dropped", "2 tx_dropped = tx_too_big; link: tx_dropped"]),
    ("vmxnet3", {"pkts rx OOB": 5, "drv dropped rx total": 10, "err": 4, "fcs": 6, "ring full": 90},
     {"rx_dropped": 10},
     ["6 rx_physical = fcs; agree: drv dropped rx total; link: rx_dropped", "5 rx_ring_full = pkts rx OOB",
      "4 other_errors = err; agree: drv dropped rx total; link: rx_dropped"]),
    ("mlx5_core", {"rx_out_of_buffer": 100, "rx_discards_phy": 40, "rx_prio0_discards": 30, "rx_prio3_discards": 10},
     {"rx_missed_errors": 100, "rx_dropped": 40},
     ["100 rx_ring_full = rx_out_of_buffer; link: rx_missed_errors",
      "40 rx_overflow = rx_discards_phy; agree: rx_prio*_discards; link: rx_dropped"]),
    ("mlx5_core", {"rx_xdp_drop": 30, "rx0_xdp_drop": 20, "rx1_xdp_drop": 10, "rx_pp_recycle_ring_full": 8}, {},
     ["30 xdp_drops = rx_xdp_drop; agree: rx*_xdp_drop"]),
    ("mlx5_core", {"rx_crc_errors_phy": 5, "rx_pcs_symbol_err_phy": 900}, {"rx_crc_errors": 5, "rx_errors": 5},
     ["5 rx_physical = rx_crc_errors_phy; link: rx_crc_errors, rx_errors; beside: rx_pcs_symbol_err_phy"]),
    ("mlx4_en", {"rx_dropped": 12, "rx0_dropped": 2}, {"rx_dropped": 12},
     ["10 rx_ring_full = rx_dropped; less: rx0_dropped; link: rx_dropped",
      "2 alloc_failed = rx0_dropped; link: rx_dropped"]),
    ("ixgbe", {"rx_missed_errors": 3, "rx_no_dma_resources": 10, "rx_errors": 7, "rx_crc_errors": 7},
     {"rx_missed_errors": 3, "rx_errors": 7, "rx_crc_errors": 7},
     ["10 rx_ring_full = rx_no_dma_resources",
      "7 rx_physical = rx_crc_errors; agree: rx_errors; link: rx_errors, rx_crc_errors",
      "3 rx_overflow = rx_missed_errors; link: rx_missed_errors"]),
    ("i40e", {"rx_missed_errors": 9, "port.rx_discards": 4, "rx_dropped": 2}, {"rx_missed_errors": 9, "rx_dropped": 2},
     ["9 rx_ring_full = rx_missed_errors; link: rx_missed_errors", "4 rx_overflow = port.rx_discards",
      "2 other_drops = rx_dropped; link: rx_dropped"]),
    ("ice", {"rx_dropped": 9, "rx_dropped.nic": 4, "rx_jabber.nic": 1}, {"rx_dropped": 9},
     ["9 rx_ring_full = rx_dropped; link: rx_dropped", "4 rx_overflow = rx_dropped.nic",
      "1 rx_physical = rx_jabber.nic"]),
    ("igb", {"rx_queue_0_drops": 5, "rx_queue_1_drops": 3, "rx_missed_errors": 2, "rx_fifo_errors": 10,
             "rx_no_buffer_count": 70}, {"rx_fifo_errors": 10, "rx_missed_errors": 2},
     ["70 rx_no_buffer times = rx_no_buffer_count",
      "8 rx_ring_full = rx_queue_*_drops; agree: rx_fifo_errors; link: rx_fifo_errors",
      "2 rx_overflow = rx_missed_errors; agree: rx_fifo_errors; link: rx_fifo_errors, rx_missed_errors"]),
    ("e1000e", {"rx_missed_errors": 6, "tx_abort_late_coll": 2, "tx_window_errors": 2, "tx_errors": 2},
     {"rx_missed_errors": 6, "tx_errors": 2, "tx_window_errors": 2},
     ["6 rx_ring_full = rx_missed_errors; link: rx_missed_errors",
      "2 late_collisions = tx_abort_late_coll; agree: tx_window_errors, tx_errors; link: tx_errors, tx_window_errors"]),
    ("bnxt_en", {"rx_total_ring_discards": 8, "[0]: rx_discards": 5, "[1]: rx_discards": 3,
                 "rx_discard_packets_cos0": 4, "rx_stat_discard": 4, "rx_total_oom_discards": 1},
     {"rx_missed_errors": 8, "rx_dropped": 1},
     ["8 rx_ring_full = rx_total_ring_discards; agree: [*]: rx_discards; link: rx_missed_errors",
      "4 rx_overflow = rx_discard_packets_cos0; agree: rx_stat_discard",
      "1 alloc_failed = rx_total_oom_discards; link: rx_dropped"]),
    ("bnx2x", {"rx_discards": 8, "[0]: rx_discards": 8, "rx_brb_discard": 3}, {"rx_fifo_errors": 8, "rx_errors": 11},
     ["8 rx_ring_full = rx_discards; agree: [0]: rx_discards; link: rx_fifo_errors, rx_errors",
      "3 rx_overflow = rx_brb_discard; link: rx_errors"]),
    ("tg3", {"rx_discards": 5, "rxbds_empty": 2, "dma_writeq_full": 9, "mbuf_lwm_thresh_hit": 4},
     {"rx_missed_errors": 5},
     ["5 rx_ring_full = rx_discards; link: rx_missed_errors", "2 rx_no_buffer times = rxbds_empty"]),
    ("be2net", {"rxq0: rx_drops_no_frags": 4, "rxq1: rx_drops_no_frags": 3, "rx_drops_no_pbuf": 2},
     {"rx_dropped": 7, "rx_fifo_errors": 2},
     ["7 rx_ring_full = rxq*: rx_drops_no_frags; link: rx_dropped",
      "2 rx_overflow = rx_drops_no_pbuf; link: rx_fifo_errors"]),
    ("sfc", {"port_rx_nodesc_drops": 6, "port_rx_pm_discard_bb_overflow": 3, "rx_noskb_drops": 1}, {"rx_dropped": 7},
     ["6 rx_ring_full = port_rx_nodesc_drops; link: rx_dropped", "3 rx_overflow = port_rx_pm_discard_bb_overflow",
      "1 alloc_failed = rx_noskb_drops; link: rx_dropped"]),
    ("cxgb4", {"rx_bg0_frames_dropped": 6, "rx_bg1_frames_trunc": 1, "db_full": 9}, {"rx_dropped": 7},
     ["7 rx_overflow = rx_bg0_frames_dropped, rx_bg1_frames_trunc; link: rx_dropped"]),
    ("enic", {"rx_no_bufs": 6, "rx_drop": 2}, {"rx_dropped": 8},
     ["6 rx_ring_full = rx_no_bufs; link: rx_dropped", "2 rx_filtered = rx_drop; link: rx_dropped"]),
    ("hns3", {"rxq0_l2_err": 3, "rxq0_errors": 3, "mac_rx_bad_pkt_num": 5, "mac_rx_fcs_err_pkt_num": 5,
              "txq0_tso_err": 1},
     {"rx_dropped": 3, "rx_errors": 3, "rx_crc_errors": 3, "tx_dropped": 1, "tx_errors": 1},
     [("8 rx_physical = rxq0_l2_err, mac_rx_fcs_err_pkt_num; agree: mac_rx_bad_pkt_num; "
       "link: rx_dropped, rx_errors, rx_crc_errors"), "1 tx_dropped = txq0_tso_err; link: tx_dropped, tx_errors"]),
    ("qede", {"no_buff_discards": 6, "brb_discards": 2, "ttl0_discard": 1}, {"rx_fifo_errors": 6},
     ["6 rx_ring_full = no_buff_discards; link: rx_fifo_errors", "2 rx_overflow = brb_discards",
      "1 other_drops = ttl0_discard"]),
    ("nfp", {"dev_rx_discards": 6, "mac.rx_drop_events": 2, "dev_tx_discards": 3, "mac.tx_queue_drop": 3},
     {"rx_dropped": 6, "tx_dropped": 3},
     ["6 rx_ring_full = dev_rx_discards; link: rx_dropped",
      "3 tx_dropped = dev_tx_discards; agree: mac.tx_queue_drop; link: tx_dropped",
      "2 rx_overflow = mac.rx_drop_events"]),
    ("r8169", {"rx_missed": 6, "rx_errors": 5, "align_errors": 2}, {"rx_missed_errors": 6, "rx_errors": 5},
     ["6 rx_ring_full = rx_missed; link: rx_missed_errors",
      "3 other_errors = rx_errors; less: align_errors; link: rx_errors",
      "2 rx_physical = align_errors; link: rx_errors"]),
    ("atlantic", {"InDroppedDma": 6, "InErrors": 2, "Queue[0] InErrors": 2}, {"rx_dropped": 6, "rx_errors": 2},
     ["6 rx_ring_full = InDroppedDma; link: rx_dropped",
      "2 other_errors = InErrors; agree: Queue[0] InErrors; link: rx_errors"]),
    ("mvneta", {"rx_discard": 6, "rx_overrun": 2, "bad_frames_received": 5, "bad_crc_event": 4}, {},
     ["6 rx_ring_full = rx_discard", "4 rx_physical = bad_crc_event", "2 rx_overflow = rx_overrun",
      "1 other_errors = bad_frames_received; less: bad_crc_event"]),
    ("st_gmac", {"rx_missed_cntr": 6, "mmc_rx_fifo_overflow": 2, "rx_overflow_cntr": 2,
                 "mtl_rx_fifo_fill_level_full": 7},
     {"rx_missed_errors": 6, "rx_over_errors": 2},
     ["6 rx_ring_full = rx_missed_cntr; link: rx_missed_errors",
      "2 rx_overflow = rx_overflow_cntr; agree: mmc_rx_fifo_overflow; link: rx_over_errors"]),
    ("veth", {"rx_queue_0_drops": 6, "tx_queue_0_xdp_xmit_errors": 2}, {"rx_dropped": 8},
     ["6 queue_drops = rx_queue_0_drops; link: rx_dropped",
      "2 xdp_tx_drops = tx_queue_0_xdp_xmit_errors; link: rx_dropped"]),
    ("mana", {"hc_rx_discards_no_wqe": 6, "hc_tx_err_sa_enforcement": 2}, {},
     ["6 rx_ring_full = hc_rx_discards_no_wqe", "2 tx_refused = hc_tx_err_sa_enforcement"]),
]


@pytest.mark.parametrize(("driver", "moved", "link", "expected"), CASES)
def test_packets_count_once(driver: str, moved: Numbers, link: Numbers, expected: list[str]) -> None:
    """Each loss is named by its exact counter; others that have the packets are cited, totals lose their parts."""
    assert sorted(map(_words, losses(driver, moved, link))) == sorted(expected)


def test_a_driver_that_no_file_knows() -> None:
    """Families explain its names: the exact one wins, a vague one with the same number is cited as agreeing."""
    found = losses("new", {"rx_missed_errors": 7, "rx_errors_total": 7, "rx_0_discard": 9}, {})
    assert [_words(loss) for loss in found] == [
        "7 rx_ring_full = rx_missed_errors; agree: rx_errors_total",
        "at least 2 other_drops = rx_0_discard; less: rx_missed_errors",
    ]


def test_names_that_may_be_the_same_packets() -> None:
    """Where neither a file nor a number decides, the largest stands, as the least that it can be."""
    (found,) = losses("new", {"rx_crc_errors": 7, "rx_align_errors": 3, "rx_fcs_errors": 5}, {})
    assert _words(found) == "at least 7 rx_physical = rx_crc_errors; beside: rx_fcs_errors, rx_align_errors"


def test_a_total_with_less_than_its_parts() -> None:
    """Parts are what was counted, each by its own; the total is cited beside them, not as agreeing."""
    (found,) = losses("r8169", {"align_errors": 5, "rx_errors": 2}, {})
    assert _words(found) == "5 rx_physical = align_errors; beside: rx_errors"


def test_a_vague_name_with_less_than_the_exact_ones() -> None:
    """It may be among them or not: it is cited beside the largest, and counts for nothing."""
    (found,) = losses("new", {"rx_missed_errors": 7, "rx_discard": 3}, {})
    assert _words(found) == "7 rx_ring_full = rx_missed_errors; beside: rx_discard"


def test_directions_are_apart() -> None:
    """What was lost on sending is not what was lost on receiving, however equal the numbers."""
    found = losses("new", {"rx_missed_errors": 7, "tx_discard": 7}, {})
    assert sorted(map(_words, found)) == ["7 rx_ring_full = rx_missed_errors", "7 tx_dropped = tx_discard"]


def test_a_name_that_the_drivers_file_does_not_know() -> None:
    """It may be the packets of a name of the same cause that the file knows: the larger number stands, as the least."""
    (found,) = losses("mlx5_core", {"rx_out_of_buffer": 5, "rx_missed": 3}, {})
    assert _words(found) == "at least 5 rx_ring_full = rx_out_of_buffer, rx_missed"


def test_what_rests_or_falls_is_no_loss() -> None:
    """A counter that was reset, or did not move, tells of nothing."""
    assert losses("mlx5_core", {"rx_out_of_buffer": 0, "rx_discards_phy": -4}, {"rx_dropped": 0}) == []


def test_a_drivers_file_may_know_the_next_step() -> None:
    """It stands in place of the family's, which fits any driver."""
    (found,) = losses("virtio_net", {"rx0_drops": 5}, {})
    assert found.next == "ethtool -g {interface}" != driver_data.families()["queue_drops"]["next"]


def test_queues_add_up_to_their_total() -> None:
    """A total and its queues are the same packets, whichever driver."""
    (found,) = losses("new", {"rx_missed": 7, "rx_q0_missed_errors": 0, "port.rx_missed": 7}, {})
    assert _words(found) == "7 rx_ring_full = rx_missed; agree: port.rx_missed"


def test_the_interfaces_own_numbers_again() -> None:
    """A vague name that repeats the interface's statistics is no loss of the driver's; an exact one explains them."""
    assert losses("new", {"rx_dropped": 4}, {"rx_dropped": 4}) == []
    (found,) = losses("new", {"rx_out_of_buffer": 4}, {"rx_dropped": 4, "tx_dropped": 4})
    assert found.link == (("rx_dropped", 4),)
    assert covered([found]) == {"rx_dropped": 4}


def test_the_interface_counts_less_than_the_driver() -> None:
    """A counter of the interface that is too small does not hold the packets: this kernel counts otherwise."""
    (found,) = losses("mlx5_core", {"rx_discards_phy": 40}, {"rx_dropped": 3})
    assert found.link == ()


def test_measures_and_packets_that_are_passed_on_are_no_loss() -> None:
    """Bytes, times, pause frames, and wrong checksums that the kernel checks again."""
    quiet = {"rx_discard_bytes_cos0": 900, "rx_pause_duration": 5, "rx_pause": 2, "rx_csum_bad": 4, "interrupts": 5}
    assert losses("new", quiet, {}) == []
    assert losses("bnxt_en", quiet, {}) == []


def test_next_steps_differ_by_cause() -> None:
    """The ring, the card's memory and the cloud's limits each have a step of their own."""
    found = losses("mlx5_core", {"rx_out_of_buffer": 2, "rx_discards_phy": 1}, {})
    found += losses("ena", {"conntrack_allowance_exceeded": 1, "linklocal_allowance_exceeded": 1}, {})
    assert len({loss.next for loss in found}) == 4
    assert found[0].next == "ethtool -g {interface}"
