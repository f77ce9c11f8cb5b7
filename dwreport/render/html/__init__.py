"""A report as one page of HTML that needs nothing else: no network, no file beside it, and no script to be read."""
