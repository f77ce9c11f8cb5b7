"""The meaning of drops and counters, under the name by which the report knows the catalogue's door."""

from dwreport.causes import advice, of_counter, of_drop, of_place

__all__ = ["advice", "of_counter", "of_drop", "of_place"]
