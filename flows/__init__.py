"""The flows that `python -m bytewax.run` runs."""
