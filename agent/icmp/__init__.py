"""ICMP echo over one socket for the whole process."""
