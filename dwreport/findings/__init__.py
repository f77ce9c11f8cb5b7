"""Drops by their cause, with what speaks for it and who had part in it, the most harmful first."""
