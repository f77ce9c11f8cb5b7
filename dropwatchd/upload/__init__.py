"""Sending the history of a host to the central one, as a program of its own: the history's file is its spool."""
