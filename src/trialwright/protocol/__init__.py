"""The protocol document: its model, how it is read, its hashes, and the protocols that come with Trialwright."""
