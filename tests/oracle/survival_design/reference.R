# Rscript reference.R > expected.json
suppressMessages(library(rpact))

number <- function(x) format(unname(x), digits = 15, scientific = FALSE, trim = TRUE)
field <- function(name, x) sprintf('"%s": %s', name, if (length(x) == 1) number(x) else
  paste0("[", paste(number(x), collapse = ", "), "]"))
object <- function(...) paste0("{", paste(..., sep = ", "), "}")
rows <- function(name, items) sprintf('  "%s": [\n    %s\n  ]', name, paste(items, collapse = ",\n    "))

# Months. The last design has a hazard and an accrual in three steps, more drop-out among treated, and two treated for a control.
designs <- list(
  list(cuts = NULL, rates = 0.05, hr = 0.6, ratio = 1, ends = 12, speeds = 1, follow_up = 18, dropout = c(0, 0)),
  list(cuts = NULL, rates = 0.02, hr = 0.75, ratio = 0.5, ends = 24, speeds = 1, follow_up = 12, dropout = c(0.05, 0.05)),
  list(cuts = c(6, 12), rates = c(0.06, 0.03, 0.01), hr = 0.7, ratio = 2, ends = c(4, 9, 20), speeds = c(1, 3, 5),
       follow_up = 10, dropout = c(0.04, 0.1))
)

# A single rate is no `piecewiseSurvivalTime` for rpact.
event_arguments <- function(d) if (is.null(d$cuts)) list(lambda2 = d$rates, hazardRatio = d$hr) else
  list(piecewiseSurvivalTime = c(0, d$cuts), lambda2 = d$rates, hazardRatio = d$hr)

describe <- function(d) c(
  sprintf('"cuts": [%s]', if (length(d$cuts)) paste(number(d$cuts), collapse = ", ") else ""),
  sprintf('"rates": [%s]', paste(number(d$rates), collapse = ", ")),
  sprintf('"ends": [%s]', paste(number(d$ends), collapse = ", ")),
  sprintf('"speeds": [%s]', paste(number(d$speeds), collapse = ", ")),
  field("hazard_ratio", d$hr), field("share_treated", d$ratio / (1 + d$ratio)), field("follow_up", d$follow_up),
  field("dropout_control", d$dropout[1]), field("dropout_treated", d$dropout[2])
)

sizes <- list()
events <- list()
for (d in designs) {
  shared <- c(event_arguments(d), list(
    allocationRatioPlanned = d$ratio, accrualTime = c(0, d$ends),
    dropoutRate1 = d$dropout[2], dropoutRate2 = d$dropout[1], dropoutTime = 12
  ))
  for (formula in c("Schoenfeld", "Freedman")) {
    # Intensities below 1 are relative for rpact: the number of subjects scales them.
    size <- suppressWarnings(do.call(getSampleSizeSurvival, c(shared, list(
      typeOfComputation = formula, alpha = 0.025, beta = 0.1, sided = 1, followUpTime = d$follow_up,
      accrualIntensity = d$speeds / 100, accrualIntensityType = "relative"
    ))))
    sizes <- c(sizes, do.call(object, as.list(c(describe(d), sprintf('"formula": "%s"', tolower(formula)),
      field("n_subjects", size$maxNumberOfSubjects), field("n_events", size$maxNumberOfEvents)))))
  }
  times <- c(3, 8, max(d$ends), max(d$ends) + d$follow_up, 60)
  probabilities <- suppressWarnings(do.call(getEventProbabilities, c(time = list(times), shared, list(
    accrualIntensity = d$speeds / 100, accrualIntensityType = "relative", maxNumberOfSubjects = 300
  ))))
  events <- c(events, do.call(object, as.list(c(describe(d), field("times", times),
    field("probability_treated", probabilities$eventProbabilities1),
    field("probability_control", probabilities$eventProbabilities2)))))
}

cat("{\n")
cat(sprintf('  "made_by": "%s, rpact %s",\n', R.version.string, packageVersion("rpact")))
cat(rows("sizes", sizes), ",\n", sep = "")
cat(rows("events", events), "\n}\n", sep = "")
