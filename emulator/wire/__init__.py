"""What travels: protobuf messages, PlainBuffer rows, FlatBuffers time series, checksums."""
