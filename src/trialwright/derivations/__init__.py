"""Analysis datasets in ADaM shape; every row names the record and the protocol element it comes from."""
