# Rscript reference.R > expected.json        (base R only; about a minute)
number <- function(x) ifelse(is.finite(x), formatC(x, digits = 17, format = "g", width = 1), "null")
row <- function(...) {
  cells <- list(...)
  paste0("{", paste0('"', names(cells), '": ', vapply(cells, number, ""), collapse = ", "), "}")
}
block <- function(name, rows) paste0('"', name, '": [\n  ', paste(rows, collapse = ",\n  "), "\n]")
hypotheses <- list(c(0.1, 0.25, 0.05, 0.8), c(0.05, 0.2, 0.05, 0.9), c(0.3, 0.5, 0.1, 0.9), c(0.8, 0.95, 0.025, 0.8),
                   c(0.02, 0.1, 0.05, 0.8))

# One stage: the quantile of the binomial, then its tails.
needed <- function(n, p0, alpha) qbinom(alpha, n, p0, lower.tail = FALSE) + 1   # Pr(X > quantile) <= alpha
tail <- function(x, n, p) pbinom(x - 1, n, p, lower.tail = FALSE)
stages <- list(); subjects <- list(); targets <- list()
for (h in hypotheses) {
  p0 <- h[1]; p1 <- h[2]; alpha <- h[3]; power <- h[4]
  for (n in c(1:4, 10, 17, 25, 43, 80)) {
    x <- needed(n, p0, alpha)
    stages <- c(stages, row(n = n, null_rate = p0, target_rate = p1, alpha = alpha,
      events_needed = ifelse(x > n, NA, x), type_1_error = tail(x, n, p0), power = tail(x, n, p1)))
    if (x <= n) targets <- c(targets, row(n = n, null_rate = p0, alpha = alpha, power = power,
      target_rate = qbeta(power, x, n - x + 1)))
  }
  n <- 1:5000
  reached <- tail(needed(n, p0, alpha), n, p1) >= power
  subjects <- c(subjects, row(null_rate = p0, target_rate = p1, alpha = alpha, power = power,
    first = which(reached)[1], lasting = max(which(!reached)) + 1))
}

# Two stages: every r1, n1, r and n up to a largest n.
rejects <- function(r1, n1, r, n, p) {
  x <- (r1 + 1):n1
  sum(dbinom(x, n1, p) * pbinom(r - x, n - n1, p, lower.tail = FALSE))
}
simon <- list()
for (case in list(c(0.1, 0.3, 0.05, 0.8, 45), c(0.05, 0.25, 0.1, 0.9, 40), c(0.2, 0.45, 0.05, 0.8, 40),
                  c(0.7, 0.9, 0.05, 0.8, 40), c(0.5, 0.8, 0.025, 0.9, 45))) {
  p0 <- case[1]; p1 <- case[2]; alpha <- case[3]; power <- case[4]; found <- NULL
  for (n in 2:case[5]) for (n1 in 1:(n - 1)) for (r1 in 0:(n1 - 1)) {
    if (tail(r1 + 1, n1, p1) < power) break
    for (r in r1:(n - 1)) {
      if (rejects(r1, n1, r, n, p1) < power) break
      if (rejects(r1, n1, r, n, p0) <= alpha) {
        pet <- pbinom(r1, n1, p0)
        found <- rbind(found, c(r1, n1, r, n, n1 + (1 - pet) * (n - n1), pet, rejects(r1, n1, r, n, p0),
          rejects(r1, n1, r, n, p1)))
      }
    }
  }
  best <- function(rows) {
    rows <- rows[abs(rows[, 5] - min(rows[, 5])) < 1e-12, , drop = FALSE]
    rows[which.max(rows[, 3]), ]                                      # the largest r, as in Simon's paper
  }
  for (kind in 1:2) {
    d <- best(if (kind == 1) found else found[found[, 4] == min(found[, 4]), , drop = FALSE])
    simon <- c(simon, row(is_optimal = as.numeric(kind == 1), null_rate = p0, target_rate = p1, alpha = alpha,
      power_asked = power, r1 = d[1], n1 = d[2], r = d[3], n = d[4], expected_n = d[5], stop_early = d[6],
      type_1_error = d[7], power = d[8]))
  }
}

# The fewest patients among whom x events exclude a rate: limits by binom.test, patient by patient.
exclude <- list()
for (rate in c(0.05, 0.1, 0.3)) for (x in c(0, 1, 4)) for (sides in 1:2) {
  n <- x + 1
  repeat {
    test <- binom.test(x, n, alternative = c("less", "two.sided")[sides], conf.level = 0.95)
    if (test$conf.int[2] <= rate) break
    n <- n + 1
  }
  exclude <- c(exclude, row(rate = rate, n_events = x, sides = sides, n = n))
}

# By person-time: the step of event x is the quantile of its gamma distributed person-time. Crossing: event x comes
# within step x; the chance that none does, by integrating over the person-time of one event after the other.
steps <- function(level, hazard, most) {
  s <- numeric(0); x <- 1
  repeat {
    s[x] <- min(qgamma(level, x) / hazard, most)
    if (s[x] >= most) return(s)
    x <- x + 1
  }
}
# u(t): density that event x comes at t and none before crossed, on a fine grid by the trapezoid rule.
crosses <- function(s, hazard, most, points = 8001) {
  t <- seq(0, most, length.out = points); h <- t[2] - t[1]
  none <- exp(-hazard * most)                      # no event in all the person-time
  waiting <- hazard * exp(-hazard * t) * (t > s[1]); total <- none
  for (x in seq_along(s)) {
    total <- total + h * sum((waiting * exp(-hazard * (most - t)))[-points])
    if (x == length(s)) break
    grown <- cumsum(c(0, (exp(hazard * t[-1]) * waiting[-1] + exp(hazard * t[-points]) * waiting[-points]) / 2)) * h
    waiting <- hazard * exp(-hazard * t) * grown * (t > s[x + 1])
  }
  1 - total
}
person <- list()
for (case in list(c(43, 35, 0.05, 0.03), c(43, 35, 0.2, 0.0073), c(20, 10, 0.1, 0.02))) {
  n <- case[1]; window <- case[2]; hazard <- -log(1 - case[3]) / window; most <- n * window
  s <- steps(case[4], hazard, most)
  for (x in seq_along(s)) person <- c(person, row(n_patients = n, window = window, reference_rate = case[3],
    level = case[4], x = x, largest_person_time = s[x]))
}
crossing <- list()
for (case in list(c(43, 35, 0.05, 0.03, 0.05), c(43, 35, 0.05, 0.03, 0.15), c(20, 10, 0.1, 0.02, 0.1))) {
  hazard <- -log(1 - case[3]) / case[2]; most <- case[1] * case[2]
  s <- steps(case[4], hazard, most)
  crossing <- c(crossing, row(n_patients = case[1], window = case[2], reference_rate = case[3], level = case[4],
    rate = case[5], probability = crosses(s, -log(1 - case[5]) / case[2], most)))
}

version <- paste0('"r": "', R.version$major, ".", R.version$minor, '"')
cat("{", paste(c(version, block("single_stage", stages), block("subjects", subjects), block("targets", targets),
  block("simon", simon), block("exclude", exclude), block("person_time_steps", person),
  block("person_time_crossing", crossing)), collapse = ",\n"), "}\n")
