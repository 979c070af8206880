# Rscript nct04294498.R > nct04294498.json        (base R only; about a minute)
# 15 % held against 4.1 %, 5 % at one side, power 80 %; counted are patients without the event.
tail <- function(x, n, p) pbinom(x - 1, n, p, lower.tail = FALSE)
needed <- function(n, p0) qbinom(0.05, n, p0, lower.tail = FALSE) + 1
power <- function(n, p0, p1) tail(needed(n, p0), n, p1)
p0 <- 0.85; p1 <- 0.959
row <- function(...) paste0("[", paste(formatC(c(...), digits = 15, format = "g", width = 1), collapse = ", "), "]")
rows <- function(all) paste0("[", paste(all, collapse = ",\n    "), "]")

# One stage: n, events that decide (-1: none), type I error, power; then the first n, and the one from which all have it.
sizes <- vapply(1:89, function(n) row(n, n - needed(n, p0), tail(needed(n, p0), n, p0), power(n, p0, p1)), "")
subjects <- function(p0, p1) {
  reached <- power(1:2000, p0, p1) >= 0.8
  c(which(reached)[1], max(which(!reached)) + 1)
}

# One stage with just 43: is it the first (1) or the one from which all have it (2), reference and true rate in percent.
fits <- c()
for (reference in 12:18) for (rate in 1:7) {
  n <- subjects(1 - reference / 100, 1 - rate / 100)
  for (which in 1:2) if (n[which] == 43) fits <- c(fits, row(which, reference, rate))
}

# Two stages: all designs of at most 62 patients, r the largest that leaves the power.
rejects <- function(r1, n1, r, n, p) {
  x <- (r1 + 1):n1
  sum(dbinom(x, n1, p) * pbinom(r - x, n - n1, p, lower.tail = FALSE))
}
found <- NULL
for (n in 30:62) for (n1 in 1:(n - 1)) for (r1 in 0:(n1 - 1)) {
  if (tail(r1 + 1, n1, p1) < 0.8) break
  enough <- which(vapply(r1:(n - 1), function(r) rejects(r1, n1, r, n, p1), 0) >= 0.8)
  if (!length(enough)) next
  r <- (r1:(n - 1))[max(enough)]
  if (rejects(r1, n1, r, n, p0) > 0.05) next
  early <- pbinom(r1, n1, c(p0, p1))
  found <- rbind(found, c(r1, n1, r, n, rejects(r1, n1, r, n, p0), early[1], n1 + (1 - early[1]) * (n - n1),
    rejects(r1, n1, r, n, p1), early[2], n1 + (1 - early[2]) * (n - n1)))
}
best <- function(rows) row(rows[which.min(rows[, 7]), ])
cat('{"r": "', R.version$major, ".", R.version$minor, '",\n"sizes": ', rows(sizes), ',\n"subjects": ', row(subjects(p0, p1)),
  ',\n"fits": ', rows(fits), ',\n"optimal": ', best(found), ',\n"minimax": ',
  best(found[found[, 4] == min(found[, 4]), , drop = FALSE]), "}\n", sep = "")
