"""Measurements that can be repeated: `python -m tests.bench`. No test depends on any of them."""
