"""A local Tablestore: the real wire protocol over HTTP, with durable rows and faults on demand."""
