"""What all suites share: timing, checks, reports and pictures."""
