"""What lies behind a number: the rows that make it, the elements it rests on, the records of a subject."""
