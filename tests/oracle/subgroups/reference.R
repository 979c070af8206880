# Usage: Rscript reference.R hepatoCellular.csv > expected.json
library(survival)
data <- read.csv(commandArgs(trailingOnly = TRUE)[1])
exact <- coxph.control(eps = 1e-12)
data$positive <- data$HBsAg
data$age <- cut(data$Age, c(-Inf, 45, 60, Inf), right = FALSE, labels = c("below 45", "45 to below 60", "at least 60"))
data$bclc <- factor(data$BCLC)
data$cirrhosis <- factor(data$Cirrhosis)

json <- function(x) {
  if (is.list(x)) return(paste0("{", paste0("\"", names(x), "\": ", vapply(x, json, ""), collapse = ",\n"), "}"))
  text <- if (is.character(x)) paste0("\"", x, "\"") else ifelse(is.finite(x), sprintf("%.17g", x), "null")
  if (length(x) == 1) text else paste0("[", paste(text, collapse = ", "), "]")
}

part <- function(rows) {
  found <- list(n = nrow(rows), events = sum(rows$Recurrence), events_positive = sum(rows$Recurrence[rows$positive == 1]))
  fit <- coxph(Surv(RFS, Recurrence) ~ positive, data = rows, control = exact)
  limits <- summary(fit)$conf.int
  c(found, list(coef = unname(coef(fit)), std_error = sqrt(fit$var[1, 1]), hazard_ratio = exp(unname(coef(fit))),
    conf_low = limits[1, "lower .95"], conf_high = limits[1, "upper .95"]))
}

by <- function(name) {
  known <- data[!is.na(data[[name]]), ]
  parts <- lapply(split(known, known[[name]]), part)
  apart <- coxph(as.formula(paste("Surv(RFS, Recurrence) ~ positive +", name)), data = known, control = exact)
  together <- coxph(as.formula(paste("Surv(RFS, Recurrence) ~ positive *", name)), data = known, control = exact)
  test <- anova(apart, together)
  list(parts = parts, chi_squared = test$Chisq[2], df = test$Df[2], p_value = pchisq(test$Chisq[2], test$Df[2], lower.tail = FALSE))
}

cat(json(list(
  versions = c(R.version.string, paste("survival", packageVersion("survival"))),
  all = part(data),
  age = by("age"),
  bclc = by("bclc"),
  cirrhosis = by("cirrhosis")
)), "\n")
