"""`python -m trialwright` is the command `trialwright`."""

from trialwright.apps.cli.main import main

if __name__ == "__main__":
    main()
