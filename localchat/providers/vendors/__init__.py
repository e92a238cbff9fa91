"""Vendors that speak a format of their own, one file each."""
