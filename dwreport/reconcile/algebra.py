"""The equalities of the catalogue, under the name by which the comparison knows them."""

from dwreport.causes import UNSPECIFIED, Equality, candidates_of, equalities, reason_of

__all__ = ["UNSPECIFIED", "Equality", "candidates_of", "equalities", "reason_of"]
