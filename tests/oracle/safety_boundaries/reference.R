# Rscript reference.R > expected.json        (base R only)
number <- function(x) ifelse(is.finite(x), formatC(x, digits = 17, format = "g", width = 1), "null")
vec <- function(x) paste0("[", paste(number(x), collapse = ", "), "]")

# Fewest events at each look that pass a test of the number of events; NA if none does. A limit that equals the reference but
# for rounding (one event in one patient, reference 0.05, level 0.95) does not exceed it.
fewest <- function(looks, crosses) sapply(looks, function(n) {
  x <- which(sapply(seq_len(n), crosses, n = n))
  if (length(x)) min(x) else NA
})
exact <- function(looks, reference, level) fewest(looks, function(x, n)
  binom.test(x, n, alternative = "greater", conf.level = level)$conf.int[1] > reference * (1 + 1e-11))
bayes <- function(looks, reference, threshold, a, b) fewest(looks, function(x, n)
  pbeta(reference, a + x, b + n - x, lower.tail = FALSE) >= threshold)

# Crossing, look by look: the events between two looks are binomial, so no step for each patient.
characteristics <- function(looks, stop, rate) {
  going_on <- 1; before <- 0; crossed <- numeric(0)
  for (i in seq_along(looks)) {
    more <- dbinom(0:(looks[i] - before), looks[i] - before, rate)
    total <- numeric(looks[i] + 1)
    for (x in seq_along(going_on)) total[x - 1 + seq_along(more)] <- total[x - 1 + seq_along(more)] + going_on[x] * more
    stops <- if (is.na(stop[i])) rep(FALSE, length(total)) else seq_along(total) - 1 >= stop[i]
    crossed <- c(crossed, sum(total[stops])); total[stops] <- 0
    going_on <- total; before <- looks[i]
  }
  c(sum(crossed), sum(crossed * looks) + sum(going_on) * before, sum(crossed * looks) / sum(crossed))
}
# One level for all looks: of all levels that a look can reach, the largest with at most alpha in all.
pocock <- function(looks, reference, alpha) {
  reached <- sort(unique(unlist(lapply(looks, function(n) pbinom(0:(n - 1), n, reference, lower.tail = FALSE)))))
  best <- NULL
  for (level in reached[reached <= alpha]) {
    stop <- fewest(looks, function(x, n) pbinom(x - 1, n, reference, lower.tail = FALSE) <= level * (1 + 1e-11))
    if (characteristics(looks, stop, reference)[1] <= alpha) best <- stop
  }
  best
}

out <- list()
entry <- function(kind, looks, reference, stop, ...) {
  more <- list(...)
  rates <- c(0.02, reference, 0.3, 0.6)
  oc <- sapply(rates, function(rate) characteristics(looks, stop, rate))
  out <<- c(out, paste0('{"kind": "', kind, '", "reference_rate": ', number(reference), ", ",
    paste0('"', names(more), '": ', sapply(more, number), collapse = ", "), ',\n "looks": ', vec(looks), ',\n "events_to_stop": ',
    vec(stop), ',\n "rates": ', vec(rates), ',\n "probability": ', vec(oc[1, ]), ', "expected_n": ', vec(oc[2, ]),
    ', "expected_n_if_crossed": ', vec(oc[3, ]), "}"))
}
for (looks in list(1:43, c(10, 20, 30, 43), c(5, 43), 1:60)) for (reference in c(0.05, 0.1, 0.25)) {
  for (level in c(0.9, 0.95, 0.99)) entry("exact", looks, reference, exact(looks, reference, level), conf_level = level)
  for (alpha in c(0.05, 0.1)) entry("pocock", looks, reference, pocock(looks, reference, alpha), alpha = alpha)
  for (prior in list(c(1, 1), c(0.5, 0.5), c(0.2, 1.8), c(2.5, 20))) for (threshold in c(0.93, 0.975))
    if (pbeta(reference, prior[1], prior[2], lower.tail = FALSE) < threshold)
      entry("bayesian", looks, reference, bayes(looks, reference, threshold, prior[1], prior[2]), threshold = threshold,
        a = prior[1], b = prior[2])
}
cat("{\n\"R\": \"", R.version.string, "\",\n\"boundaries\": [\n", paste(out, collapse = ",\n"), "\n]\n}\n", sep = "")
