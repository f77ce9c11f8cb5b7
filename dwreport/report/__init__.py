"""Answers as rows, columns and words: what a report says, whatever its format."""
