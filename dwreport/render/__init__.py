"""Answers as text: one module for each format, once for all views; this one imports nothing, for speed."""
