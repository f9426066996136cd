"""Broken input, made by chance from a seed: bytes of files (`files`), and histories through every view (`histories`)."""
