# Rscript reference.R > expected.json        (base R only)
number <- function(x) ifelse(is.finite(x), formatC(x, digits = 17, format = "g", width = 1), "null")
row <- function(...) {
  cells <- list(...)
  paste0("{", paste0('"', names(cells), '": ', vapply(cells, number, ""), collapse = ", "), "}")
}
block <- function(name, rows) paste0('"', name, '": [\n  ', paste(rows, collapse = ",\n  "), "\n]")

# Events, from the variance of the score: information d q (1 - q) under local alternatives (Schoenfeld); Freedman's
# drift of the log-rank statistic, sqrt(d r) (1 - HR) / (1 + r HR). Solved for d by a root finder rather than by formula.
z <- function(alpha, sides, power) qnorm(alpha / sides, lower.tail = FALSE) + qnorm(power)
solve_events <- function(drift, wanted)
  uniroot(function(d) drift(d) - wanted, c(1e-6, 1e7), tol = 1e-12, maxiter = 10000)$root
events <- list()
for (hr in c(0.4, 0.6, 0.75, 1.5)) for (q in c(0.5, 0.3, 0.2)) for (sides in 1:2) for (power in c(0.8, 0.9)) {
  r <- q / (1 - q); wanted <- z(0.05, sides, power)
  events <- c(events, row(hazard_ratio = hr, share_treated = q, alpha = 0.05, sides = sides, power = power,
    schoenfeld = solve_events(function(d) sqrt(d * q * (1 - q)) * abs(log(hr)), wanted),
    freedman = solve_events(function(d) sqrt(d * r) * abs(1 - hr) / (1 + r * hr), wanted)))
}

# Two proportions, equal groups: power.prop.test of R.
proportions <- list()
for (p in list(c(0.45, 1 - 0.55^0.6), c(0.45, 0.30), c(0.5, 0.35), c(0.1, 0.2), c(0.05, 0.01))) for (power in c(0.8, 0.9))
  for (sides in 1:2) {
    n <- power.prop.test(p1 = p[1], p2 = p[2], power = power, sig.level = 0.05,
      alternative = c("one.sided", "two.sided")[sides], tol = 1e-12)$n
    proportions <- c(proportions, row(control_risk = p[1], treated_risk = p[2], alpha = 0.05, sides = sides,
      power = power, n_per_group = n))
  }

# Upper exact limits: binom.test of R.
limits <- list()
for (n in c(1, 10, 43, 332)) for (x in unique(pmin(n, c(0, 1, 3, 8, n - 1, n)))) for (sides in 1:2) {
  test <- binom.test(x, n, alternative = c("less", "two.sided")[sides], conf.level = 0.95)
  limits <- c(limits, row(n_events = x, n_subjects = n, sides = sides, limit = test$conf.int[2]))
}

# Power: binomial and log-rank formula at given events.
power <- list()
for (d in c(60, 121, 200)) for (q in c(0.5, 0.2))
  power <- c(power, row(n_events = d, share_treated = q, hazard_ratio = 0.6, alpha = 0.05, sides = 2,
    power = pnorm(sqrt(d * q * (1 - q)) * abs(log(0.6)) - qnorm(0.975))))

cat("{\n\"R\": \"", R.version.string, "\",\n", paste(
  block("events", events), block("proportions", proportions), block("limits", limits), block("power", power),
  sep = ",\n"), "\n}\n", sep = "")
