"""The download, measured beside the tools that people would use instead.

`make benchmark`, or `python -m benchmarks --help`.
"""
