"""How a flow scales over processes and workers: `python -m bench.scale`."""
