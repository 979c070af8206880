# Rscript reference.R > expected.json        (R with the packages mvtnorm and rpact)
suppressPackageStartupMessages({ library(mvtnorm); library(rpact) })
number <- function(x) ifelse(is.finite(x), formatC(x, digits = 17, format = "g", width = 1), "null")
vec <- function(x) paste0("[", paste(number(x), collapse = ", "), "]")
field <- function(x) if (is.character(x)) paste0('"', x, '"') else if (length(x) == 1) number(x) else vec(x)
row <- function(...) {
  cells <- list(...)
  paste0("{", paste0('"', names(cells), '": ', vapply(cells, field, ""), collapse = ", "), "}")
}
block <- function(name, rows) paste0('"', name, '": [\n  ', paste(rows, collapse = ",\n  "), "\n]")

# Probability that a normal vector lies in a box, by Miwa's algorithm on a fine grid (no random numbers).
box <- function(mean, cov, lower, upper) {
  s <- sqrt(diag(cov)); a <- (lower - mean) / s; b <- (upper - mean) / s
  if (length(mean) == 1) return(pnorm(b) - pnorm(a))
  a <- pmax(a, -12); b <- pmin(b, 12)
  if (any(a >= b)) return(0)
  as.numeric(pmvnorm(a, b, corr = cov2cor(cov), algorithm = Miwa(steps = 4097)))
}
# Exits of a process with these means and covariances at its looks: it goes on in the union of intervals `go[[k]]`, a matrix of
# two columns, and leaves above `up[k]` or below `down[k]`. Rows: above, below, anything else that stops.
exits <- function(mean, cov, go, up, down) {
  K <- length(mean); found <- matrix(0, K, 3)
  paths <- list(list(lower = numeric(0), upper = numeric(0)))
  for (k in seq_len(K)) {
    i <- seq_len(k)
    p <- function(lo, hi) sum(vapply(paths, function(path)
      box(mean[i], cov[i, i, drop = FALSE], c(path$lower, lo), c(path$upper, hi)), 0))
    if (is.finite(up[k])) found[k, 1] <- p(up[k], Inf)
    if (is.finite(down[k])) found[k, 2] <- p(-Inf, down[k])
    before <- p(-Inf, Inf)
    on <- sum(apply(go[[k]], 1, function(r) p(r[1], r[2])))
    found[k, 3] <- before - on - found[k, 1] - found[k, 2]
    paths <- unlist(lapply(paths, function(path) apply(go[[k]], 1, function(r)
      list(lower = c(path$lower, r[1]), upper = c(path$upper, r[2])))), recursive = FALSE)
  }
  found
}
going_on <- function(efficacy, futility, sides) lapply(seq_along(efficacy), function(k) {
  b <- efficacy[k]; a <- futility[k]
  if (sides == 1) rbind(c(a, b)) else if (a > 0) rbind(c(-b, -a), c(a, b)) else rbind(c(-b, b))
})

# 1. What boundaries do: any z, any drift.
cases <- list(
  list(t = c(0.3, 0.6, 1), efficacy = c(2.5, 2.25, 2), futility = c(-0.5, -0.75, -1), sides = 1),
  list(t = c(0.2, 0.55, 0.8, 1), efficacy = c(3.5, 2.6, 2.3, 2.1), futility = c(-Inf, 0.3, 1.1, 2.1), sides = 1),
  list(t = c(0.5, 0.75, 1), efficacy = c(2.963, 2.359, 2.014), futility = rep(-Inf, 3), sides = 2),
  list(t = c(0.4, 0.7, 1), efficacy = c(3, 2.5, 2.02), futility = c(0.2, 0.9, 2.02), sides = 2),
  list(t = c(0.1, 0.9, 0.93, 1), efficacy = c(4, 2.2, 2.3, 2.05), futility = c(-1, 0.5, 1, 1.2), sides = 1))
probabilities <- list()
for (case in cases) for (drift in c(0, 1.5, 3.2, -1)) {
  t <- case$t; cov <- outer(t, t, function(s, u) sqrt(pmin(s, u) / pmax(s, u)))
  down <- if (case$sides == 2) -case$efficacy else rep(-Inf, length(t))
  found <- exits(drift * sqrt(t), cov, going_on(case$efficacy, case$futility, case$sides), case$efficacy, down)
  probabilities <- c(probabilities, row(fractions = t, efficacy = case$efficacy, futility = case$futility,
    sides = case$sides, drift = drift, above = found[, 1], below = found[, 2], flat = found[, 3]))
}

# 2. Designs by rpact.
spend <- list(list(name = "obrien_fleming", a = "asOF", b = "bsOF", gamma = NA),
  list(name = "pocock", a = "asP", b = "bsP", gamma = NA),
  list(name = "hwang_shih_decani", a = "asHSD", b = "bsHSD", gamma = -4),
  list(name = "hwang_shih_decani", a = "asHSD", b = "bsHSD", gamma = 1.5))
looks <- list(c(0.5, 1), (1:3) / 3, c(0.35, 0.8, 1), (1:5) / 5)
designs <- list()
add <- function(t, sides, up, low, binding, beta) {
  x <- suppressWarnings(do.call(getDesignGroupSequential, c(list(informationRates = t, alpha = 0.025 * sides, beta = beta,
    sided = sides, typeOfDesign = up$a, tolerance = 1e-10), if (!is.na(up$gamma)) list(gammaA = up$gamma),
    if (!is.null(low)) c(list(typeBetaSpending = low$b, bindingFutility = binding),
      if (!is.na(low$gamma)) list(gammaB = low$gamma)))))
  of <- getDesignCharacteristics(x)
  row(fractions = t, alpha = 0.025 * sides, sides = sides, power = 1 - beta, efficacy_spending = up$name,
    efficacy_gamma = up$gamma, futility_spending = if (is.null(low)) "none" else low$name,
    futility_gamma = if (is.null(low)) NA else low$gamma, binding = as.numeric(binding), efficacy = x$criticalValues,
    futility = if (is.null(low)) NA else c(x$futilityBounds, NA), inflation = of$inflationFactor, drift = sqrt(of$shift),
    expected_under_drift = of$averageSampleNumber1, expected_under_null = of$averageSampleNumber0)
}
for (t in looks) for (up in spend) {
  for (sides in 1:2) designs <- c(designs, add(t, sides, up, NULL, FALSE, 0.1))
  for (low in spend[c(1, 2, 3)]) for (binding in c(TRUE, FALSE))
    designs <- c(designs, add(t, 1, up, low, binding, 0.2))
}

# 3. Conditional and predictive power: the later z given the earlier one, and mixed over a normal effect, as normal vectors.
outlook <- list()
for (case in cases[c(1, 2, 3, 4)]) for (z in c(-0.3, 1.2)) for (drift in c(0, 2.5)) for (v in c(0, 0.5, 4)) {
  t0 <- 0.25; left <- case$t > t0; t <- case$t[left]; B <- z * sqrt(t0)
  # Given B at t0: B(t) has mean B + theta (t - t0); theta ~ N(m, w) given B, from the prior N(drift, v), v = 0 a point.
  w <- if (v == 0) 0 else 1 / (1 / v + t0); m <- if (v == 0) drift else w * (drift / v + B)
  mean <- (B + m * (t - t0)) / sqrt(t)
  cov <- (outer(t, t, pmin) - t0 + w * outer(t - t0, t - t0)) / sqrt(outer(t, t))
  down <- if (case$sides == 2) -case$efficacy[left] else rep(-Inf, length(t))
  found <- exits(mean, cov, going_on(case$efficacy[left], case$futility[left], case$sides), case$efficacy[left], down)
  outlook <- c(outlook, row(fractions = case$t, efficacy = case$efficacy, futility = case$futility, sides = case$sides,
    fraction = t0, z = z, drift = drift, variance = v, power = sum(found[, 1])))
}

cat("{\n\"R\": \"", R.version.string, "\",\n\"mvtnorm\": \"", as.character(packageVersion("mvtnorm")), "\",\n\"rpact\": \"",
  as.character(packageVersion("rpact")), "\",\n", paste(block("probabilities", probabilities), block("designs", designs),
  block("outlook", outlook), sep = ",\n"), "\n}\n", sep = "")
