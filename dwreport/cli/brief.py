"""What -h shows: the questions that are asked most, each with its command, on one screen."""

PAGE = """\
Usage: dwreport [OPTIONS] [VIEW]

Say which packets this host dropped: how many, why, where, whose, and what next.

  dwreport --since 1h                      findings, drops by place, counters
  dwreport explain '#1'                    the evidence of a finding, or a name
  dwreport --interface eth0 --no-benign    narrowed; --netns, --reason, --port
  dwreport --by reason,hour --since today  added up; by cause, address, port
  dwreport incidents --since 7d            bursts, with their onset and end
  dwreport compare --with yesterday        what is new, gone, grown since
  dwreport timeline --since 10:00          over time, with what else happened
  dwreport top, dwreport --follow          what is lost now
  dwreport coverage                        what was not seen, and why
  dwreport export --html FILE              to hand on; --pcapng for Wireshark

Other views: causes, counters, drops, hosts, journal, metrics, packets, runs.
Formats: --format json, jsonl, csv, markdown; and --fail-if 'harmful > 100'.
dwreport --help has all options, dwreport VIEW -h those of a view.
"""
