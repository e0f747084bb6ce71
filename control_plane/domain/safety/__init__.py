"""What is refused for everybody's sake: scans, deny lists, unproven domains."""
