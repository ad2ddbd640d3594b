"""Workarounds for known defects of the libraries, one file each."""
