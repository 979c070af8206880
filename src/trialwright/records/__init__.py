"""Patient data coming in and going out: files become typed tables, with the place of what is doubtful; tables, files."""
