"""The words all rooms share: problems and their places, durations and other quantities, located documents."""
