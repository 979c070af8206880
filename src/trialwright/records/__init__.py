"""Patient data coming in: files and their column mappings become typed tables that keep where each value stood."""
