"""The doors of the house: command line now, web later. Thin: read input, call one function, show the result."""
