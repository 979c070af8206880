# Rscript reference.R > expected.json        (base R only)
number <- function(x) ifelse(is.finite(x), formatC(x, digits = 17, format = "g", width = 1), "null")
row <- function(...) {
  cells <- list(...)
  paste0("{", paste0('"', names(cells), '": ', vapply(cells, number, ""), collapse = ", "), "}")
}
block <- function(name, rows) paste0('"', name, '": [\n  ', paste(rows, collapse = ",\n  "), "\n]")

# One proportion: binom.test. One-sided limits: alternative "greater" has the lower, "less" the upper one.
proportions <- list()
for (n in c(1, 2, 10, 43, 332, 2000)) for (x in unique(pmin(n, c(0, 1, 3, 20, n - 1, n)))) for (level in c(0.8, 0.95, 0.999)) {
  limits <- function(alternative) binom.test(x, n, alternative = alternative, conf.level = level)$conf.int
  proportions <- c(proportions, row(n_events = x, n_subjects = n, conf_level = level, low = limits("two.sided")[1],
    high = limits("two.sided")[2], only_low = limits("greater")[1], only_high = limits("less")[2]))
}

# Difference: Wilson's limits of each proportion from prop.test without correction, squared and added as Newcombe says.
# Ratio: the coefficient of a log-binomial model with its Wald limits.
comparisons <- list()
wilson <- function(x, n, level) suppressWarnings(prop.test(x, n, conf.level = level, correct = FALSE)$conf.int)
for (case in list(c(56, 70, 48, 80), c(9, 10, 3, 10), c(5, 56, 1, 29), c(70, 166, 50, 166), c(10, 10, 3, 7), c(1, 43, 43, 44)))
  for (level in c(0.9, 0.95)) {
    x <- case[c(1, 3)]; n <- case[c(2, 4)]; p <- x / n
    a <- wilson(x[1], n[1], level); b <- wilson(x[2], n[2], level)
    model <- data.frame(y = rep(c(1, 0, 1, 0), c(x[1], n[1] - x[1], x[2], n[2] - x[2])), a = rep(c(1, 0), n))
    if (all(x < n)) {
      fit <- glm(y ~ a, binomial("log"), model, start = c(log(p[2]), log(p[1] / p[2])), epsilon = 1e-14)
      ratio <- exp(coef(fit)[2] + c(0, -1, 1) * qnorm((1 + level) / 2) * sqrt(vcov(fit)[2, 2]))
    } else ratio <- rep(NA, 3)      # such a model has no inner maximum
    comparisons <- c(comparisons, row(x_a = x[1], n_a = n[1], x_b = x[2], n_b = n[2], conf_level = level,
      difference = p[1] - p[2], low = p[1] - p[2] - sqrt((p[1] - a[1])^2 + (b[2] - p[2])^2),
      high = p[1] - p[2] + sqrt((a[2] - p[1])^2 + (p[2] - b[1])^2), ratio = ratio[1], ratio_low = ratio[2], ratio_high = ratio[3]))
  }

# Rates: poisson.test, with time in units of 100 patient-months of 365.25 / 12 days.
rates <- list()
for (x in c(0, 1, 4, 43, 500)) for (days in c(20, 9000.5, 363630)) for (level in c(0.8, 0.95, 0.999)) {
  time <- days / (365.25 / 12) / 100
  limits <- function(alternative) poisson.test(x, time, alternative = alternative, conf.level = level)$conf.int
  rates <- c(rates, row(n_events = x, person_days = days, conf_level = level, estimate = x / time, low = limits("two.sided")[1],
    high = limits("two.sided")[2], only_low = limits("greater")[1], only_high = limits("less")[2]))
}

# The distributions themselves.
distributions <- list()
for (a in c(0.1, 0.5, 1, 5.2, 44, 1000)) for (b in c(0.2, 0.9, 1.8, 43, 700)) for (x in c(0.001, 0.1, 0.45, 0.6, 0.99))
  distributions <- c(distributions, row(x = x, a = a, b = b, beta = pbeta(x, a, b)))

cat("{\n\"R\": \"", R.version.string, "\",\n", paste(block("proportions", proportions), block("comparisons", comparisons),
  block("rates", rates), block("beta", distributions), sep = ",\n"), "\n}\n", sep = "")
