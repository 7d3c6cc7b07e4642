"""Dated facts of the exchanges: what changes by circular, not by code."""
