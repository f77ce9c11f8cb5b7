"""Sampled bytes and their protocols."""
