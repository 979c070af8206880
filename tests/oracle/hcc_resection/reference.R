# Usage: Rscript reference.R hepatoCellular.csv > expected.json
library(survival)
data <- read.csv(commandArgs(trailingOnly = TRUE)[1])
horizon <- 36
readings <- c(12, 24, 36)

json <- function(x) {
  if (is.list(x)) {
    parts <- vapply(x, json, "")
    if (is.null(names(x))) return(paste0("[", paste(parts, collapse = ",\n"), "]"))
    return(paste0("{", paste0("\"", names(x), "\": ", parts, collapse = ",\n"), "}"))
  }
  if (is.matrix(x)) return(paste0("[", paste(apply(x, 1, json), collapse = ", "), "]"))
  text <- if (is.character(x)) paste0("\"", x, "\"") else ifelse(is.finite(x), sprintf("%.17g", x), "null")
  if (length(x) == 1 && !inherits(x, "AsIs")) text else paste0("[", paste(text, collapse = ", "), "]")
}

se_of_survival <- function(fit) if (fit$logse) fit$std.err * fit$surv else fit$std.err

table_of <- function(fit) list(
  time = fit$time, n_at_risk = fit$n.risk, n_events = fit$n.event, n_censored = fit$n.censor,
  survival = fit$surv, std_error = se_of_survival(fit), conf_low = fit$lower, conf_high = fit$upper)

quantile_of <- function(fit, p) {
  found <- quantile(fit, p)
  c(found$quantile, found$lower, found$upper)
}

curve <- function(time, event) {
  fit <- survfit(Surv(time, event) ~ 1, conf.type = "log-log")
  read <- summary(fit, times = readings)
  mean <- summary(fit, rmean = horizon)$table
  plain_reverse <- survfit(Surv(time, 1 - event) ~ 1, conf.type = "log-log")
  # Events first at ties: all times are whole, so a censoring half a unit later comes after the events of its time and
  # before everything else.
  reverse <- survfit(Surv(time + ifelse(event == 1, 0, 0.5), 1 - event) ~ 1, conf.type = "log-log")
  step <- reverse$n.event > 0
  list(
    table = table_of(fit),
    at = list(survival = read$surv, std_error = read$std.err, conf_low = read$lower, conf_high = read$upper,
              n_at_risk = read$n.risk),
    median = quantile_of(fit, 0.5), lower_quartile = quantile_of(fit, 0.25),
    restricted_mean = unname(c(mean["rmean"], mean["se(rmean)"])),
    reversed = list(
      time = reverse$time[step] - 0.5, survival = reverse$surv[step], std_error = se_of_survival(reverse)[step],
      conf_low = reverse$lower[step], conf_high = reverse$upper[step], median = quantile_of(reverse, 0.5) - 0.5),
    reversed_event_still_at_risk = list(survival = plain_reverse$surv, median = quantile_of(plain_reverse, 0.5)))
}

weighted <- function(time, event, weights) {
  part <<- data.frame(time, event, weights)  # residuals() evaluates the call anew, in the global frame
  fit <- survfit(Surv(time, event) ~ 1, part, weights = weights, robust = TRUE, conf.type = "log-log")
  influence <- residuals(fit, times = horizon, type = "rmst", weighted = TRUE)
  list(table = table_of(fit), restricted_mean = c(summary(fit, rmean = horizon)$table[["rmean"]], sqrt(sum(influence^2))))
}

logrank <- function(test) list(
  observed = if (is.matrix(test$obs)) rowSums(test$obs) else test$obs,
  expected = if (is.matrix(test$exp)) rowSums(test$exp) else test$exp,
  variance = test$var, chi_squared = test$chisq,
  p_value = pchisq(test$chisq, length(test$n) - 1, lower.tail = FALSE))

cox <- function(formula, weights = 1, robust = FALSE) {
  data$weights <- weights
  environment(formula) <- environment()
  control <- coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 50)
  fit <- coxph(formula, data, weights = weights, robust = robust, ties = "efron", control = control, x = TRUE)
  found <- summary(fit)
  test <- function(x) unname(c(x[1], x[2], pchisq(x[1], x[2], lower.tail = FALSE)))
  errors <- sqrt(diag(fit$var))
  list(
    names = names(coef(fit)), coef = unname(coef(fit)), std_error = unname(errors),
    hazard_ratio = unname(exp(coef(fit))), conf_low = unname(exp(confint(fit))[, 1]),
    conf_high = unname(exp(confint(fit))[, 2]), z = unname(coef(fit) / errors),
    p_value = unname(2 * pnorm(-abs(coef(fit) / errors))), loglik = fit$loglik,
    likelihood_ratio_test = test(found$logtest), wald_test = test(c(fit$wald.test, length(errors))),
    score_test = test(found$sctest), concordance = unname(found$concordance), n = c(fit$n, fit$nevent),
    zph = lapply(c(km = "km", rank = "rank", identity = "identity"),
                 function(transform) unname(cox.zph(fit, transform = transform, terms = FALSE)$table)))
}

outcome <- function(time, event) {
  select <- list(overall = rep(TRUE, nrow(data)), hbsag_0 = data$HBsAg == 0, hbsag_1 = data$HBsAg == 1)
  data$time <<- time
  data$event <<- event
  list(
    curves = lapply(select, function(rows) curve(time[rows], event[rows])),
    weighted_by_age = lapply(select, function(rows) weighted(time[rows], event[rows], data$Age[rows] / 50)),
    logrank = logrank(survdiff(Surv(time, event) ~ HBsAg, data)),
    logrank_stratified = logrank(survdiff(Surv(time, event) ~ HBsAg + strata(BCLC), data)),
    peto = logrank(survdiff(Surv(time, event) ~ HBsAg, data, rho = 1)),
    cox = cox(Surv(time, event) ~ Age + BCLC + HBsAg),
    cox_stratified = cox(Surv(time, event) ~ Age + HBsAg + strata(BCLC)),
    cox_weighted_by_age = cox(Surv(time, event) ~ BCLC + HBsAg, weights = data$Age / 50, robust = TRUE))
}

numbers <- function(x) {
  known <- x[!is.na(x)]
  quartiles <- function(type) unname(quantile(known, c(0.25, 0.75), type = type))
  list(n = length(known), n_missing = sum(is.na(x)), mean = mean(known), sd = sd(known), median = median(known),
       minimum = min(known), maximum = max(known),
       quartiles = list(type_2 = quartiles(2), type_6 = quartiles(6), type_7 = quartiles(7)))
}

by_hbsag <- function(x, what) list(hbsag_0 = what(x[data$HBsAg == 0]), hbsag_1 = what(x[data$HBsAg == 1]))
counts_of <- function(x) function(part) unname(c(table(factor(part, levels = sort(unique(x))))))

difference_of_numbers <- function(a, b) (mean(a) - mean(b)) / sqrt((var(a) + var(b)) / 2)

difference_of_levels <- function(a, b) {
  p <- (a / sum(a))[-1]
  q <- (b / sum(b))[-1]
  one <- function(p) diag(p, length(p)) - outer(p, p)
  sqrt(drop(t(p - q) %*% solve((one(p) + one(q)) / 2) %*% (p - q)))
}

extent <- data$Tumorsize + data$Vascularinvasion  # three levels, made up to have more than two
levels_by_hbsag <- lapply(list(bclc = data$BCLC, extent = extent), function(x) by_hbsag(x, counts_of(x)))
ages <- split(data$Age, data$HBsAg)

cat(json(list(
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival"))),
  readings = readings, horizon = horizon,
  rfs = outcome(data$RFS, data$Recurrence),
  os = outcome(data$OS, data$Death),
  baseline = list(
    age = by_hbsag(data$Age, numbers), ki67 = by_hbsag(data$Ki67, numbers), levels = levels_by_hbsag,
    standardised_differences = list(
      age = difference_of_numbers(ages[["1"]], ages[["0"]]),
      bclc = do.call(difference_of_levels, unname(levels_by_hbsag$bclc)),
      extent = do.call(difference_of_levels, unname(levels_by_hbsag$extent)))))), "\n", sep = "")
