# Usage: Rscript reference.R > expected.json
# Differences of means (t.test, unequal variances) and type 7 quantiles (quantile) of the datasets that come with R.
number <- function(x) paste0("[", paste(sprintf("%.15g", x), collapse = ", "), "]")
entry <- function(name, values) paste0("\"", name, "\": ", values)

welch <- function(a, b, level) {
  found <- t.test(a, b, conf.level = level)
  paste0("{", paste(entry("a", number(a)), entry("b", number(b)), entry("level", sprintf("%.15g", level)),
    entry("estimate", sprintf("%.15g", unname(found$estimate[1] - found$estimate[2]))),
    entry("std_error", sprintf("%.15g", found$stderr)), entry("df", sprintf("%.15g", unname(found$parameter))),
    entry("limits", number(found$conf.int)), sep = ", "), "}")
}

tooth <- ToothGrowth
cases <- c(
  welch(tooth$len[tooth$supp == "OJ"], tooth$len[tooth$supp == "VC"], 0.95),
  welch(tooth$len[tooth$dose == 2], tooth$len[tooth$dose == 0.5], 0.9),
  welch(sleep$extra[sleep$group == 1], sleep$extra[sleep$group == 2], 0.99),
  welch(c(1, 2), c(5, 5, 5), 0.95)
)
p <- c(0, 0.1, 0.25, 0.5, 0.75, 1)
values <- airquality$Ozone[!is.na(airquality$Ozone)]
limit <- 20
lows <- ifelse(values < limit, 0, values)
highs <- ifelse(values < limit, limit, values)
cat("{\n", entry("R", paste0("\"", R.version.string, "\"")), ",\n", entry("welch", paste0("[", paste(cases, collapse = ",\n"), "]")), ",\n",
    entry("quantiles", paste0("{", paste(entry("p", number(p)), entry("lows", number(lows)), entry("highs", number(highs)),
      entry("of_lows", number(quantile(lows, p, type = 7))), entry("of_highs", number(quantile(highs, p, type = 7))),
      entry("of_values", number(quantile(values, p, type = 7))), sep = ",\n"), "}")), "\n}\n", sep = "")
