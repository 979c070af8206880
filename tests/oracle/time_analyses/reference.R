# Usage: Rscript reference.R > expected.json
library(survival)
json <- function(x) {
  if (is.list(x)) return(paste0("{", paste0("\"", names(x), "\": ", vapply(x, json, ""), collapse = ",\n"), "}"))
  text <- if (is.character(x)) paste0("\"", x, "\"") else ifelse(is.finite(x), sprintf("%.17g", x), "null")
  if (length(x) == 1) text else paste0("[", paste(text, collapse = ", "), "]")
}

# Late entry and a group that changes: (start, stop], as AVAL counts.
rows <- data.frame(
  id    = c(1, 2, 3, 3, 4, 4, 5, 6, 6, 7, 8, 8),
  start = c(0, 2, 1, 4, 3, 6, 5, 2, 7, 0, 4, 9),
  stop  = c(8, 6, 4, 15, 6, 12, 20, 7, 11, 13, 9, 25),
  event = c(1, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 1),
  new   = c(0, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 1))
cox <- coxph(Surv(start, stop, event) ~ new, data = rows, cluster = id, control = coxph.control(eps = 1e-12))
late <- summary(cox)$coefficients
limits <- summary(cox)$conf.int

# Late entry, one row each, groups that stay.
one <- data.frame(
  start = c(0, 2, 1, 3, 5, 2, 0, 4, 1, 0),
  stop  = c(8, 6, 15, 12, 20, 11, 13, 25, 7, 9),
  event = c(1, 1, 1, 0, 1, 1, 0, 1, 1, 1),
  group = c("a", "a", "b", "b", "a", "b", "a", "b", "b", "a"))
curve <- function(group) {
  fit <- survfit(Surv(start, stop, event) ~ 1, data = one[one$group == group, ], conf.type = "log-log", id = seq_len(sum(one$group == group)), robust = TRUE)
  at <- summary(fit, times = 11)
  list(survival = at$surv, std_error = at$std.err, conf_low = at$lower, conf_high = at$upper)
}
# survdiff refuses late entry: the log-rank test is the score test of a Cox model (no tied events here).
score <- summary(coxph(Surv(start, stop, event) ~ group, data = one))$sctest

# Risks by day 10 (AVAL 11) without late entry, their difference and ratio; restricted means of elapsed times to 12.
plain <- data.frame(
  aval  = c(4, 6, 7, 9, 11, 13, 16, 21, 3, 8, 11, 12, 15, 18, 19, 22),
  event = c(1, 2, 0, 1, 1, 2, 0, 0, 2, 1, 0, 1, 0, 1, 0, 0),
  group = rep(c("a", "b"), each = 8))
risk <- function(group, elapsed = 10) {
  part <- plain[plain$group == group, ]
  at <- summary(survfit(Surv(aval, event == 1) ~ 1, data = part, conf.type = "log-log"), times = elapsed + 1)
  list(risk = 1 - at$surv, error = at$std.err, low = 1 - at$upper, high = 1 - at$lower)
}
a <- risk("a"); b <- risk("b")
difference <- b$risk - a$risk
error <- sqrt(a$error^2 + b$error^2)
log_error <- sqrt((a$error / a$risk)^2 + (b$error / b$risk)^2)
z <- qnorm(0.975)
mean_of <- function(group) {
  part <- plain[plain$group == group, ]
  table <- summary(survfit(Surv(aval - 1, event == 1) ~ 1, data = part), rmean = 12)$table
  c(table[["rmean"]], table[["se(rmean)"]])
}
incidence <- function(group) {
  part <- plain[plain$group == group, ]
  at <- summary(survfit(Surv(aval, factor(event, 0:2)) ~ 1, data = part, conf.type = "log-log"), times = 11)
  list(states = at$pstate[1, ], errors = at$std.err[1, ])
}
cat(json(list(
  versions = c(R.version.string, paste("survival", packageVersion("survival"))),
  changing = list(coef = late[1, "coef"], robust_error = late[1, "robust se"], low = limits[1, "lower .95"], high = limits[1, "upper .95"]),
  late = list(a = curve("a"), b = curve("b"), chi_squared = score[["test"]], p_value = score[["pvalue"]]),
  risk = list(a = a, b = b,
    difference = list(estimate = difference, error = error, low = difference - z * error, high = difference + z * error),
    ratio = list(estimate = b$risk / a$risk, low = b$risk / a$risk * exp(-z * log_error), high = b$risk / a$risk * exp(z * log_error))),
  mean = list(a = mean_of("a"), b = mean_of("b")),
  incidence = list(a = incidence("a"), b = incidence("b"))
)), "\n")
