# Rscript classical.R > classical.json        (R with the package rpact; seconds)
# Boundaries of Pocock (the same z at every look) and of O'Brien and Fleming (z falls with the root of the look), two-sided at 5 %.
suppressPackageStartupMessages(library(rpact))
rows <- character(0)
for (kind in c("P", "OF")) for (looks in c(2, 4, 5, 10)) for (power in c(0.8, 0.9)) {
  x <- getDesignGroupSequential(typeOfDesign = kind, kMax = looks, alpha = 0.05, beta = 1 - power, sided = 2, tolerance = 1e-10)
  of <- getDesignCharacteristics(x)
  rows <- c(rows, sprintf('{"kind": "%s", "n_looks": %d, "power": %g, "last_z": %.15g, "inflation": %.15g, "expected_under_null": %.15g, "expected_under_drift": %.15g}',
    c(P = "pocock", OF = "obrien-fleming")[[kind]], looks, power, x$criticalValues[looks], of$inflationFactor, of$averageSampleNumber0,
    of$averageSampleNumber1))
}
cat('{"R": "', R.version.string, '",\n"rpact": "', as.character(packageVersion("rpact")), '",\n"designs": [\n  ', paste(rows, collapse = ",\n  "),
  "\n]}\n", sep = "")
