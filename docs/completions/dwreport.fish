# fish completion for dwreport: the program tells what it takes, and what its history bears.
_DWREPORT_COMPLETE=fish_source dwreport 2>/dev/null | source
