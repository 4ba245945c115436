"""Benchmarks: pictures and codecs over a ladder of qualities, to rows, curves and a report.

Data flows one way: pictures -> plan -> measure (fresh processes) -> rows (JSON Lines) -> curves ->
BD-rates -> report and plots. Nothing here is imported by encoding or decoding.
"""
