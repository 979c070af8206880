"""The command `trialwright`."""
