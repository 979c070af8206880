"""What a trial would do before anyone is enrolled: virtual trials, and the protocol's own test pack."""
