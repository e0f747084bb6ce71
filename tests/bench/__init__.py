"""`make bench`: what Farwatch costs, against floors and peers, on this machine.

Every figure is a ratio or a CPU cost taken in one run, because machines are noisy: contestants take turns, CPU is user
and system time of each contestant's whole process tree, and every answer is checked. Nothing is installed here: a peer
that is absent is "not measured".
"""
