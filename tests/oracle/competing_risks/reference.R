# Usage: Rscript reference.R > expected.json
suppressPackageStartupMessages({library(survival); library(cmprsk)})

json <- function(x) {
  if (is.list(x)) {
    parts <- vapply(x, json, "")
    if (is.null(names(x))) return(paste0("[", paste(parts, collapse = ",\n"), "]"))
    return(paste0("{", paste0("\"", names(x), "\": ", parts, collapse = ",\n"), "}"))
  }
  if (is.matrix(x)) return(paste0("[", paste(apply(x, 1, function(row) json(I(row))), collapse = ", "), "]"))
  text <- if (is.character(x)) paste0("\"", x, "\"") else ifelse(is.finite(x), sprintf("%.15g", x), "null")
  if (length(x) == 1 && !inherits(x, "AsIs")) text else paste0("[", paste(text, collapse = ", "), "]")
}

# Data

waiting_list <- function() {
  d <- transplant[!is.na(transplant$age), ]
  event <- as.character(d$event)
  list(time = d$futime, status = ifelse(event == "ltx", 1, ifelse(event == "censored", 0, 2)),
       group = as.numeric(factor(as.character(d$abo))) - 1, strata = as.numeric(d$sex == "f"),
       x = cbind(age = d$age, blood_o = as.numeric(d$abo == "O")), weights = d$age / 50, reading = 90)
}

gammopathy <- function() {
  d <- mgus2[!is.na(mgus2$mspike), ]
  status <- ifelse(d$pstat == 1, 1, ifelse(d$death == 1, 2, 0))
  list(time = ifelse(d$pstat == 1, d$ptime, d$futime), status = status, group = as.numeric(d$sex == "M"),
       strata = as.numeric(d$age >= 70), x = cbind(age = d$age, mspike = d$mspike), weights = d$age / 70, reading = 240)
}

drawn <- function(seed, n, groups, times) {
  set.seed(seed)
  group <- sample(seq_len(groups) - 1, n, TRUE)
  x <- round(cbind(x = rnorm(n), z = rbinom(n, 1, 0.4)), 2)
  event <- rexp(n, 0.08 * exp(0.3 * group + 0.5 * x[, 1])); competing <- rexp(n, 0.06); censored <- rexp(n, 0.05)
  first <- pmin(event, competing, censored)
  status <- ifelse(first == event, 1, ifelse(first == competing, 2, 0))
  list(time = times(first), status = status, group = group, strata = sample(0:1, n, TRUE), x = x,
       weights = round(runif(n, 0.2, 3), 3), reading = 6)
}

stopped_early <- function() {
  d <- drawn(4, 90, 3, function(t) round(t, 1))
  gone <- d$group == 0 & d$time > 5
  d$time[gone] <- 5; d$status[gone] <- 0
  d
}

data <- list(
  transplant = waiting_list(),
  mgus2 = gammopathy(),
  no_ties = drawn(1, 100, 3, function(t) round(t, 6)),
  visits = drawn(2, 150, 4, function(t) 3 * floor(t / 3)),   # many at one time, some at time 0
  small = drawn(3, 24, 2, ceiling),
  one_group_stops_early = stopped_early())

# Numbers

columns_of <- function(fit, rows) list(
  time = fit$time[rows], n_at_risk = rowSums(fit$n.risk)[rows], n_events = fit$n.event[rows, 2],
  n_competing = fit$n.event[rows, 3], estimate = fit$pstate[rows, ], std_error = fit$std.err[rows, ],
  conf_low = fit$lower[rows, ], conf_high = fit$upper[rows, ])

incidence <- function(d, weights = NULL) {
  part <<- data.frame(time = d$time, status = factor(d$status, 0:2))
  part$w <<- if (is.null(weights)) 1 else weights
  fits <- lapply(c("log-log", "log", "plain"), function(scale)
    if (is.null(weights)) survfit(Surv(time, status) ~ 1, part, conf.type = scale)
    else survfit(Surv(time, status) ~ 1, part, weights = w, conf.type = scale))
  every <- ceiling(length(fits[[1]]$time) / 30)
  rows <- seq(1, length(fits[[1]]$time), every)  # enough to see any difference
  setNames(lapply(fits, columns_of, rows), c("log-log", "log", "plain"))
}

gray <- function(d) {
  one <- function(...) {
    tests <- cuminc(d$time, d$status, d$group, cencode = 0, ...)$Tests
    setNames(lapply(c("1", "2"), function(cause) unname(tests[cause, c("stat", "df", "pv")])), c("1", "2"))
  }
  list(plain = one(), rho_1 = one(rho = 1), stratified = one(strata = d$strata),
       stratified_rho_half = one(strata = d$strata, rho = -0.5))
}

fine_gray <- function(d, cause) {
  part <- data.frame(time = d$time, status = factor(d$status, 0:2, c("censored", "event", "competing")), d$x)
  part$subject <- seq_along(d$time)
  long <- finegray(Surv(time, status) ~ ., part, etype = c("event", "competing")[cause])
  one <- function(ties) {
    terms <- paste(colnames(d$x), collapse = " + ")
    fit <- coxph(as.formula(paste("Surv(fgstart, fgstop, fgstatus) ~", terms)), long, weights = fgwt,
                 cluster = subject, ties = ties, control = coxph.control(eps = 1e-12))
    list(coef = unname(coef(fit)), std_error = sqrt(diag(fit$var)), wald = c(fit$wald.test))
  }
  crr_fit <- crr(d$time, d$status, d$x, failcode = cause, cencode = 0, gtol = 1e-12, maxiter = 100)
  list(efron = one("efron"), breslow = one("breslow"),
       crr = list(coef = unname(crr_fit$coef), std_error = sqrt(diag(crr_fit$var))))
}

# Risks of groups 0 and 1 at the reading time, contrasted from the standard errors of survfit.
contrasts_of <- function(risk, se) {
  difference <- risk[1] - risk[2]; se_difference <- sqrt(sum(se^2))
  ratio <- log(risk[1] / risk[2]); se_ratio <- sqrt(sum((se / risk)^2))
  z <- qnorm(0.975)
  list(difference = c(difference, se_difference, difference - z * se_difference, difference + z * se_difference,
                      2 * pnorm(-abs(difference / se_difference))),
       ratio = c(exp(ratio), se_ratio, exp(ratio - z * se_ratio), exp(ratio + z * se_ratio), 2 * pnorm(-abs(ratio / se_ratio))))
}

contrasts_at <- function(d) {
  of <- function(state) {
    read <- lapply(0:1, function(g) {
      here <- d$group == g
      summary(survfit(Surv(d$time[here], factor(d$status[here], 0:2)) ~ 1), times = d$reading)
    })
    contrasts_of(sapply(read, function(s) s$pstate[1, state]), sapply(read, function(s) s$std.err[1, state]))
  }
  kaplan_meier <- lapply(0:1, function(g) {
    here <- d$group == g
    summary(survfit(Surv(d$time[here], d$status[here] == 1) ~ 1), times = d$reading)
  })
  list(event = of(2), competing = of(3),
       one_minus_km = contrasts_of(sapply(kaplan_meier, function(s) 1 - s$surv), sapply(kaplan_meier, function(s) s$std.err)))
}

results <- lapply(data, function(d) {
  of <- if (length(d$time) > 400) NULL else list(
    time = d$time, status = d$status, group = d$group, strata = d$strata, x = d$x, weights = d$weights)
  c(if (is.null(of)) list() else list(input = of), list(
    names = colnames(d$x), reading = d$reading, incidence = incidence(d), weighted_incidence = incidence(d, d$weights),
    gray = gray(d), fine_gray = list("1" = fine_gray(d, 1), "2" = fine_gray(d, 2)),
    contrasts = if (d$reading <= min(tapply(d$time, d$group, max)[1:2])) contrasts_at(d) else NULL))
})
cat(json(list(R = R.version.string, survival = as.character(packageVersion("survival")),
              cmprsk = as.character(packageVersion("cmprsk")), data = results)), "\n")
