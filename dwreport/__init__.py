"""dwreport answers afterwards: how many packets were dropped, why, where in the kernel and on which interface."""
