# Rscript reference.R > expected.json        (package survival; its version is written into the file)
suppressMessages(library(survival))
number <- function(x) ifelse(is.finite(x), formatC(x, digits = 15, format = "g", width = 1), "null")
vec <- function(x) paste0("[", paste(number(x), collapse = ", "), "]")

# survfit stops its iterations when survival changes by less than 5e-5 in one of them. Here the same function goes on until
# it changes by less than 1e-14: in slow data sets that is the third digit.
patient <- survival:::survfitTurnbull
text <- deparse(body(patient))
stopifnot(sum(grepl("eps > 5e-05", text, fixed = TRUE)) == 1)
body(patient) <- parse(text = sub("eps > 5e-05", "eps > 1e-14", text, fixed = TRUE))[[1]]

curve <- function(left, right, how) {
  assignInNamespace("survfitTurnbull", how, "survival")
  survfit(Surv(left, ifelse(is.finite(right), right, NA), type = "interval2") ~ 1)
}
stock <- survival:::survfitTurnbull
dataset <- function(name, left, right, origin) {
  ends <- sort(unique(c(left, right[is.finite(right)])))
  at <- function(fit) stepfun(fit$time, c(1, fit$surv))(ends)
  paste0('{"name": "', name, '", "origin": "', origin, '",\n "left": ', vec(left), ',\n "right": ', vec(right),
    ',\n "times": ', vec(ends), ',\n "survival": ', vec(at(curve(left, right, patient))),
    ',\n "survival_where_survfit_stops": ', vec(at(curve(left, right, stock))), "}")
}

# Breast cosmesis: months to retraction after radiotherapy alone, and after radiotherapy with chemotherapy.
# Finkelstein DM, Wolfe RA. Biometrics 1985;41:933-945.
rt_left <- c(45, 6, 0, 46, 46, 7, 17, 7, 37, 0, 4, 15, 11, 22, 46, 46, 25, 46, 26, 46, 27, 36, 46, 36, 37, 40, 17, 46, 11,
  38, 5, 37, 0, 18, 24, 36, 5, 19, 17, 24, 32, 33, 19, 37, 34, 36)
rt_right <- c(NA, 10, 7, NA, NA, 16, NA, 14, 44, 8, 11, NA, 15, NA, NA, NA, 37, NA, 40, NA, 34, 44, NA, 48, NA, NA, 25, NA,
  18, NA, 12, NA, 5, NA, NA, NA, 11, 35, 25, NA, NA, NA, 26, NA, NA, NA)
ct_left <- c(8, 0, 24, 17, 17, 24, 16, 13, 11, 16, 18, 17, 32, 23, 44, 14, 0, 5, 12, 11, 33, 31, 13, 19, 34, 13, 16, 35, 15,
  11, 22, 10, 30, 13, 10, 8, 4, 11, 14, 4, 34, 30, 18, 16, 35, 21, 11, 48)
ct_right <- c(12, 22, 31, 27, 23, 30, 24, NA, 13, 20, 25, 26, NA, NA, 48, 17, 5, 8, 20, NA, 40, NA, 39, 32, NA, NA, 24, NA,
  22, 17, 32, 35, 34, NA, 17, 21, 9, NA, 19, 8, NA, 36, 24, 60, 39, NA, 20, NA)

# Made up here: visits about every 90 days with gaps and whole days; some events seen on their very day; some never seen.
set.seed(20261121)
visits <- function(n, every, jitter, seen) {
  event <- round(rexp(n, 1 / 500)) + 1
  rows <- sapply(event, function(t) {
    v <- sort(unique(pmax(1, round(seq(every, 900, every) + runif(floor(900 / every), -jitter, jitter)))))
    v <- v[runif(length(v)) < seen]
    c(max(0, v[v < t]), min(Inf, v[v >= t]))
  })
  exact <- runif(n) < 0.1 & event <= 900
  list(left = ifelse(exact, event, rows[1, ]), right = ifelse(exact, event, rows[2, ]))
}
a <- visits(43, 90, 10, 0.8); b <- visits(80, 60, 20, 0.6); grid <- visits(60, 90, 0, 0.7)

infinite <- function(x) ifelse(is.na(x), Inf, x)
cosmesis <- "Finkelstein and Wolfe 1985"
cat("{\n\"R\": \"", R.version.string, "\", \"survival\": \"", as.character(packageVersion("survival")), "\",\n\"datasets\": [\n",
  paste(
    dataset("cosmesis, radiotherapy", rt_left, infinite(rt_right), cosmesis),
    dataset("cosmesis, radiotherapy and chemotherapy", ct_left, infinite(ct_right), cosmesis),
    dataset("cosmesis, all", c(rt_left, ct_left), infinite(c(rt_right, ct_right)), cosmesis),
    dataset("visits of 43 with exact days", a$left, a$right, "made up"),
    dataset("visits of 80 with exact days", b$left, b$right, "made up"),
    dataset("visits of 60 on a grid", grid$left, grid$right, "made up"), sep = ",\n"),
  "]\n}\n", sep = "")
