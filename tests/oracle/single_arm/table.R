# Rscript table.R > table.json        (base R only; a minute and a half)
# Designs of two stages for the hypotheses that are usually tabled: rates 0.2 apart, three pairs of errors. Every r1, n1, r and n up to 80:
# for each n1 and n the chances of all r1 and r at once, from the table of outcomes of both stages.
most <- 80
errors <- list(c(0.10, 0.90), c(0.05, 0.80), c(0.05, 0.90))
rates <- list(c(0.05, 0.25), c(0.1, 0.3), c(0.2, 0.4), c(0.3, 0.5), c(0.4, 0.6), c(0.5, 0.7), c(0.6, 0.8), c(0.7, 0.9))

# Chance to reject, by r1 (rows, from 0) and r (columns, from 0): more than r1 of n1 and more than r of n.
rejects <- function(n1, n, p) {
  x <- 0:n1; r <- 0:(n - 1)
  by_x <- dbinom(x, n1, p) * outer(x, r, function(x, r) pbinom(r - x, n - n1, p, lower.tail = FALSE))
  from_x <- apply(by_x[(n1 + 1):1, , drop = FALSE], 2, cumsum)[(n1 + 1):1, , drop = FALSE]   # sum over x and above
  from_x[-1, , drop = FALSE]                                                                # r1 = 0 begins at x = 1
}
row <- function(d, pair, error, is_optimal) sprintf(
  '{"null_rate": %g, "target_rate": %g, "alpha": %g, "power_asked": %g, "is_optimal": %d, "r1": %d, "n1": %d, "r": %d, "n": %d, "expected_n": %.15g, "stop_early": %.15g, "type_1_error": %.15g, "power": %.15g}',
  pair[1], pair[2], error[1], error[2], is_optimal, d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8])

rows <- character(0)
for (pair in rates) {
  found <- lapply(errors, function(error) NULL)
  for (n in 2:most) for (n1 in 1:(n - 1)) {
    null <- rejects(n1, n, pair[1]); target <- rejects(n1, n, pair[2])
    for (i in seq_along(errors)) {
      at <- which(null <= errors[[i]][1] & target >= errors[[i]][2], arr.ind = TRUE)
      at <- at[at[, 2] >= at[, 1], , drop = FALSE]                                           # r is at least r1
      if (nrow(at) == 0) next
      pet <- pbinom(at[, 1] - 1, n1, pair[1])
      found[[i]] <- rbind(found[[i]],
        cbind(at[, 1] - 1, n1, at[, 2] - 1, n, n1 + (1 - pet) * (n - n1), pet, null[at], target[at]))
    }
  }
  best <- function(all) {
    all <- all[abs(all[, 5] - min(all[, 5])) < 1e-12, , drop = FALSE]
    all[which.max(all[, 3]), ]                                                               # the largest r, as Simon
  }
  for (i in seq_along(errors)) {
    all <- found[[i]]
    rows <- c(rows, row(best(all), pair, errors[[i]], 1L), row(best(all[all[, 4] == min(all[, 4]), , drop = FALSE]), pair, errors[[i]], 0L))
  }
}
cat('{"r": "', R.version$major, ".", R.version$minor, '",\n"simon": [\n  ', paste(rows, collapse = ",\n  "), "\n]}\n", sep = "")
