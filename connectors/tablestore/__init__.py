"""The Tablestore side: rows as bytes, requests, answers. Start reading in sink.py."""

import logging

# If the SDK has no native encoder for this Python, its import prints two lines about that to
# stderr; nothing here encodes or decodes rows with the SDK.
logging.getLogger("tablestore").setLevel(logging.ERROR)
