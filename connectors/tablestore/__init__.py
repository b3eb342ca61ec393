"""To Tablestore: rows as bytes, requests, answers. Start reading in sink.py."""

import logging

# Where the SDK has no native encoder for this Python it says so at its import, in two lines on
# stderr; nothing here encodes or decodes rows with the SDK.
logging.getLogger("tablestore").setLevel(logging.ERROR)
