"""PlainBuffer, the row format of Tablestore, and the protobuf messages around it."""
