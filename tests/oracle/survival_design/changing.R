# Rscript changing.R > changing.json        (base R only; seconds)
# Subjects for the example of Lakatos, Biometrics 1988;44:229-241, by his chain of states: two years, yearly hazards 1 and 0.5, each year 3 %
# lost, 4 % of the treated leaving for the hazard of controls and 5 % of the controls for that of the treated; all as rates. Power 90 %, two-sided 5 %.
# The error goes with the length of an interval; what is left at length 0 is found from two lengths.
subjects <- function(per_year, years = 2) {
  group <- function(own, other, leave) {                     # events and share at risk in each interval
    rates <- matrix(0, 4, 4)                                 # from row to column: lost, event, as assigned, as the others
    rates[3, ] <- c(0.03, own, -(0.03 + own + leave), leave)
    rates[4, ] <- c(0.03, other, 0, -(0.03 + other))
    step <- diag(4) + rates / per_year
    state <- c(0, 0, 1, 0); found <- NULL
    for (i in seq_len(years * per_year)) {
      then <- as.vector(state %*% step)
      found <- rbind(found, c(events = then[2] - state[2], at_risk = state[3] + state[4]))
      state <- then
    }
    found
  }
  control <- group(1, 0.5, 0.05); treated <- group(0.5, 1, 0.04)
  phi <- control[, "at_risk"] / treated[, "at_risk"]
  theta <- (control[, "events"] / control[, "at_risk"]) / (treated[, "events"] / treated[, "at_risk"])
  events <- (control[, "events"] + treated[, "events"]) / 2  # of one subject, in either group with probability 1/2
  mean <- sum(events * (phi * theta / (1 + phi * theta) - phi / (1 + phi)))
  (qnorm(0.975) + qnorm(0.9))^2 * sum(events * phi / (1 + phi)^2) / mean^2
}
coarse <- subjects(2000); fine <- subjects(4000)
cat(sprintf('{"R": "%s", "per_year_2000": %.12g, "per_year_4000": %.12g, "limit": %.12g}\n', R.version.string, coarse, fine, 2 * fine - coarse))
