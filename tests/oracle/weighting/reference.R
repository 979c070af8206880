# Usage: Rscript reference.R hepatoCellular.csv > expected.json
library(survival)
library(mitools)
data <- read.csv(commandArgs(trailingOnly = TRUE)[1])
readings <- c(12, 24, 36)
control <- coxph.control(eps = 1e-12, toler.chol = 1e-13)

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

# Roles made up for the columns: no capsule plays the treatment, three levels of extent a category.
data$treated <- 1 - data$Capsulation
data$extent <- factor(data$Vascularinvasion + data$Tumormultiplicity - 1)
number <- data$Number

# Propensity and weights

logit <- glm(treated ~ Age + Cirrhosis + AFP + Tumorsize + extent, family = binomial, data = data,
             control = glm.control(epsilon = 1e-15, maxit = 100))
e <- fitted(logit)
treated <- data$treated == 1
weights <- list(
  overlap = ifelse(treated, 1 - e, e),
  everyone = ifelse(treated, 1 / e, 1 / (1 - e)),
  treated = ifelse(treated, 1, e / (1 - e)),
  matchable = pmin(e, 1 - e) / ifelse(treated, e, 1 - e))

difference_of_numbers <- function(x, w) {
  a <- treated; b <- !treated
  (weighted.mean(x[a], w[a]) - weighted.mean(x[b], w[b])) / sqrt((var(x[a]) + var(x[b])) / 2)
}
difference_of_levels <- function(x, w) {
  share <- function(rows, w) (tapply(w[rows], x[rows], sum) / sum(w[rows]))[-1]
  one <- function(p) diag(p, length(p)) - outer(p, p)
  even <- rep(1, length(w))
  covariance <- (one(share(treated, even)) + one(share(!treated, even))) / 2
  apart <- share(treated, w) - share(!treated, w)
  sqrt(drop(t(apart) %*% solve(covariance) %*% apart))
}
balance <- function(w) list(
  Age = difference_of_numbers(data$Age, w), AFP = difference_of_numbers(data$AFP, w),
  ALT = difference_of_numbers(data$ALT, w), extent = difference_of_levels(data$extent, w))

# Weighted curves and Cox models

points <- function(fit, times = readings) {
  read <- summary(fit, times = times)
  list(survival = I(read$surv), std_error = I(read$std.err), conf_low = I(read$lower), conf_high = I(read$upper),
       n_at_risk = I(read$n.risk))
}
coefficients_of <- function(fit) list(coef = I(unname(coef(fit))), std_error = I(unname(sqrt(diag(vcov(fit))))))
weighted <- function(w) {
  one <- function(rows) {
    fit <- survfit(Surv(RFS, Recurrence) ~ 1, data = data[rows, ], weights = w[rows], robust = TRUE, conf.type = "log-log")
    points(fit)
  }
  risk <- function(rows) {
    read <- summary(survfit(Surv(RFS, Recurrence) ~ 1, data = data[rows, ], weights = w[rows], robust = TRUE), times = 36)
    c(1 - read$surv, read$std.err)
  }
  a <- risk(treated); b <- risk(!treated)
  list(
    treated = one(treated), control = one(!treated),
    cox = coefficients_of(coxph(Surv(RFS, Recurrence) ~ treated, data = data, weights = w, robust = TRUE,
                                control = control)),
    risk_difference = c(a[1] - b[1], sqrt(a[2]^2 + b[2]^2)),
    effective = c(sum(w)^2 / sum(w^2), sum(w[treated])^2 / sum(w[treated]^2), sum(w[!treated])^2 / sum(w[!treated]^2)),
    balance = balance(w))
}

# Exposure that starts during follow-up, delayed entry, rows that belong to one subject

data$begins <- ifelse(number %% 3 == 0, 1 + (7 * number) %% 12, Inf)
data$entry <- ifelse((number %% 4) / 2 < data$RFS, (number %% 4) / 2, 0)
split_rows <- function(entry) do.call(rbind, lapply(seq_len(nrow(data)), function(i) {
  d <- data[i, ]
  change <- max(d$begins, entry[i])
  if (change >= d$RFS) return(data.frame(id = i, start = entry[i], stop = d$RFS, event = d$Recurrence, exposed = 0))
  if (change <= entry[i]) return(data.frame(id = i, start = entry[i], stop = d$RFS, event = d$Recurrence, exposed = 1))
  data.frame(id = i, start = c(entry[i], change), stop = c(change, d$RFS), event = c(0, d$Recurrence), exposed = c(0, 1))
}))
rows <- split_rows(rep(0, nrow(data)))
late <- split_rows(data$entry)
late$Age <- data$Age[late$id]
late$BCLC <- data$BCLC[late$id]
late$weight <- 0.5 + (late$id %% 7) / 5 + late$exposed / 3

logrank <- function(start, stop, event, group, stratum) {
  observed <- expected <- variance <- 0
  for (s in unique(stratum)) for (t in unique(stop[event == 1 & stratum == s])) {
    at_risk <- stratum == s & start < t & stop >= t
    n <- sum(at_risk); n1 <- sum(at_risk & group == 1)
    d <- sum(at_risk & stop == t & event == 1)
    observed <- observed + sum(at_risk & group == 1 & stop == t & event == 1)
    expected <- expected + d * n1 / n
    if (n > 1) variance <- variance + d * (n1 / n) * (1 - n1 / n) * (n - d) / (n - 1)
  }
  chi <- (observed - expected)^2 / variance
  list(observed = observed, expected = expected, variance = variance, chi_squared = chi,
       p_value = pchisq(chi, 1, lower.tail = FALSE))
}

weighted_rows <- survfit(Surv(start, stop, event) ~ 1, data = late, weights = weight, id = id, conf.type = "log-log")
# `collapse` fails together with `weighted` in this version, so the rows of a subject are summed here.
influence_on_area <- rowsum(late$weight * residuals(weighted_rows, times = 36, type = "rmst", collapse = FALSE), late$id)

# Clone, censor, weight; grace period of 3 months

data$begin <- ifelse(number %% 5 < 2, 1 + number %% 6, Inf)
strategies <- function(with_covariates, grace = 3) {
  has_started <- data$begin <= grace & data$begin < data$RFS
  past <- data$RFS > grace
  right <- if (with_covariates) ~ Age + AFP else ~ 1
  # Start: the share who started by the end of the grace period, among those followed beyond it.
  p <- rep(NA, nrow(data))
  p[past] <- fitted(glm(update(right, has_started ~ .), family = binomial, data = cbind(data, has_started)[past, ],
                        control = glm.control(epsilon = 1e-15, maxit = 100)))
  until <- data.frame(id = seq_len(nrow(data)), start = 0, stop = pmin(data$RFS, grace),
                      event = ifelse(past, 0, data$Recurrence), w = 1)
  keep <- past & has_started
  after <- data.frame(id = which(keep), start = grace, stop = data$RFS[keep], event = data$Recurrence[keep], w = 1 / p[keep])
  begun <- rbind(until, after)
  # Do not start: leaving at the start. Others end a quarter of a month earlier: at a tie they are gone first.
  left <- has_started
  stop <- ifelse(left, data$begin, data$RFS)
  event <- ifelse(left, 0, data$Recurrence)
  model_time <- ifelse(left, stop, stop - 0.25)
  cuts <- sort(unique(stop[left]))
  if (with_covariates) {
    cox <- coxph(Surv(model_time, left) ~ Age + AFP, data = data, ties = "breslow", control = control)
    base <- basehaz(cox, centered = FALSE)
    hazard <- sapply(cuts, function(t) max(c(0, base$hazard[base$time <= t])))
    relative <- exp(drop(as.matrix(data[, c("Age", "AFP")]) %*% coef(cox)))
    remain <- exp(-outer(relative, c(0, hazard)))
  } else {
    fit <- survfit(Surv(model_time, left) ~ 1)
    remain <- matrix(c(1, summary(fit, times = cuts)$surv), nrow(data), length(cuts) + 1, byrow = TRUE)
  }
  pieces <- survSplit(Surv(stop, event) ~ ., data = data.frame(id = seq_len(nrow(data)), stop, event), cut = cuts,
                      episode = "piece")
  pieces$w <- 1 / remain[cbind(pieces$id, pieces$piece)]
  curve <- function(d, s) {
    fit <- survfit(Surv(start, stop, event) ~ 1, data = d, weights = w, id = id)
    read <- summary(fit, times = c(2, readings))
    list(survival = I(read$surv), weight_at_risk = I(read$n.risk))
  }
  pieces$start <- pieces$tstart
  sizes <- function(w) c(length(w), sum(w)^2 / sum(w^2))
  list(start = curve(begun), do_not_start = curve(pieces), n_left = c(sum(past & !has_started), sum(left)),
       size_after_grace = rbind(sizes(1 / p[keep]), sizes(1 / remain[past & !left, length(cuts) + 1])))
}

# Rubin's rules

rubin <- function(q, u, df_complete) {
  m <- length(q)
  within <- mean(u); between <- var(q); total <- within + (1 + 1 / m) * between
  lambda <- (1 + 1 / m) * between / total
  df_old <- (m - 1) / lambda^2
  df_observed <- (df_complete + 1) / (df_complete + 3) * df_complete * (1 - lambda)
  df <- if (is.finite(df_complete)) df_old * df_observed / (df_old + df_observed) else df_old
  t <- mean(q) / sqrt(total)
  # mitools must agree, but for its bounded degrees of freedom: it leaves 1 + 1/m out of the observed ones.
  peer <- MIcombine(as.list(q), as.list(u), df.complete = Inf)
  stopifnot(all.equal(unname(c(coef(peer), vcov(peer), peer$df)), c(mean(q), total, df_old), tolerance = 1e-12))
  r <- (1 + 1 / m) * between / within
  limits <- mean(q) + c(-1, 1) * qt(0.975, df) * sqrt(total)
  list(q = q, u = u, df_complete = df_complete, estimate = mean(q), std_error = sqrt(total), within = within,
       between = between, total = total, df = df, conf_low = limits[1], conf_high = limits[2],
       p_value = 2 * pt(-abs(t), df), missing_information = (r + 2 / (df + 3)) / (r + 1))
}
q <- c(-0.51, -0.38, -0.62, -0.44, -0.55)
u <- c(0.041, 0.039, 0.044, 0.040, 0.042)

degrees <- c(0.7, 1, 2.5, 4, 19, 57.3, 329, 5000, 99999, 1e6)
cat(json(list(
  versions = list(R = R.version.string, survival = as.character(packageVersion("survival")),
                  mitools = as.character(packageVersion("mitools"))),
  readings = readings,
  propensity = list(coef = unname(coef(logit)), std_error = unname(sqrt(diag(vcov(logit)))), scores = unname(e),
                    loglik = as.numeric(logLik(logit))),
  before = balance(rep(1, nrow(data))),
  weighted = lapply(weights, weighted),
  exposure = list(
    n_rows = nrow(rows),
    cox = coefficients_of(coxph(Surv(start, stop, event) ~ exposed, data = rows, cluster = id, control = control)),
    cox_late = coefficients_of(coxph(Surv(start, stop, event) ~ exposed + Age, data = late, cluster = id, weights = weight,
                                     control = control)),
    logrank = logrank(rows$start, rows$stop, rows$event, rows$exposed, rep(1, nrow(rows))),
    logrank_late = logrank(late$start, late$stop, late$event, late$exposed, late$BCLC),
    entry = points(survfit(Surv(entry, RFS, Recurrence) ~ 1, data = data, conf.type = "log-log")),
    rows = points(weighted_rows),
    rows_area = c(unname(summary(weighted_rows, rmean = 36)$table["rmean"]), sqrt(sum(influence_on_area^2)))),
  strategies = list(with_covariates = strategies(TRUE), without = strategies(FALSE)),
  rubin = list(normal = rubin(q, u, Inf), bounded = rubin(q, u, 40)),
  student = list(df = degrees, quantile = qt(0.975, degrees), p_value = 2 * pt(-1.7, degrees)))), "\n", sep = "")
