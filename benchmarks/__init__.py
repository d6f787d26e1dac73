"""What we claim about speed, measured: `python -m benchmarks NAME [--quick] [--markdown]`."""
