"""RECIST 1.1 one patient and one row at a time, with exact fractions: what the arrays are timed and tested
against."""

from fractions import Fraction


def best_responses(rows, first_dose, least_stable_days=42):
    """`rows` of (subject, day, lesion, role, is_node, diameter or None, state, is_baseline) as plain values.

    Returns, by subject, the target and overall responses of each follow-up as words, and the confirmed best
    response.
    """
    subjects = {}
    for row in rows:
        subjects.setdefault(row[0], []).append(row[1:])
    return {
        subject: _course(by_day(own), first_dose[subject], least_stable_days)
        for subject, own in sorted(subjects.items())
    }


def by_day(rows):
    days = {}
    for day, lesion, role, is_node, diameter, state, is_baseline in rows:
        days.setdefault((not is_baseline, day), {})[lesion] = (role, is_node, diameter, state)
    return days


def _course(days, first_dose, least_stable_days):
    keys = sorted(days)
    baseline = days[keys[0]]
    targets = {name: node for name, (role, node, _, _) in baseline.items() if role == "TARGET"}
    others = [name for name, (role, *_) in baseline.items() if role == "NON-TARGET"]
    smallest = at_baseline = None
    target_words, overall, had_cr = [], [], False
    for key in keys:
        seen = days[key]
        sizes = {name: seen[name][2] for name in targets if name in seen and seen[name][2] is not None}
        total = sum((Fraction(str(size)) for size in sizes.values()), Fraction(0))
        is_complete = len(sizes) == len(targets)
        if key == keys[0]:
            at_baseline = smallest = total if is_complete else None
            continue
        target = _target(targets, sizes, total, is_complete, at_baseline, smallest)
        if is_complete and targets:
            smallest = total if smallest is None else min(smallest, total)
        other = _other(others, seen)
        is_new = any(role == "NEW" and state == "UNEQUIVOCAL" for role, _, _, state in seen.values())
        word = _overall(target, other, is_new)
        disease = any(_is_seen(*lesion) for lesion in seen.values())
        if had_cr and disease and word != "PD":
            word = "PD"
        if word not in ("NE",):
            had_cr = word == "CR"
        target_words.append(target)
        overall.append((key[1], word))
    return target_words, [word for _, word in overall], _best(overall, first_dose, least_stable_days)


def _target(targets, sizes, total, is_complete, at_baseline, smallest):
    if not targets:
        return "NO LESIONS"
    if smallest is not None and sizes and total - smallest >= 5 and 5 * (total - smallest) >= smallest:
        return "PD"
    if not is_complete or at_baseline is None:
        return "NE"
    if all(sizes[name] < 10 if node else sizes[name] == 0 for name, node in targets.items()):
        return "CR"
    return "PR" if 10 * (at_baseline - total) >= 3 * at_baseline else "SD"


def _other(others, seen):
    states = [seen[name][3] if name in seen else "NOT ASSESSED" for name in others]
    if "UNEQUIVOCAL PROGRESSION" in states:
        return "PD"
    if not others:
        return "NO LESIONS"
    if "NOT ASSESSED" in states:
        return "NE"
    return "CR" if all(state == "ABSENT" for state in states) else "NON-CR/NON-PD"


def _is_seen(role, is_node, diameter, state):
    if role == "NEW":
        return False
    if diameter is not None:
        return diameter >= 10 if is_node else diameter > 0
    return state in ("PRESENT", "UNEQUIVOCAL PROGRESSION")


def _overall(target, other, is_new):
    if is_new or "PD" in (target, other):
        return "PD"
    if target == "CR":
        return "CR" if other in ("CR", "NO LESIONS") else "PR"
    if target in ("PR", "SD", "NE"):
        return target
    return other if other in ("CR", "NON-CR/NON-PD") else "NE"


def _best(overall, first_dose, least_stable_days):
    course = []
    for day, word in overall:
        if day >= first_dose:
            course.append((day, word))
            if word == "PD":
                break
    for wanted in ("CR", "PR"):
        for i, (start, first) in enumerate(course):
            if first == wanted and _is_confirmed(course[i:], wanted, start):
                return wanted
    late = {word for day, word in course if day - first_dose >= least_stable_days}
    if late & {"CR", "PR", "SD"}:
        return "SD"
    words = {word for _, word in course}
    for word, among in (("NON-CR/NON-PD", late), ("PD", words)):
        if word in among:
            return word
    return "NE" if course else "MISSING"


def _is_confirmed(course, wanted, start):
    gaps = 0
    for day, word in course[1:]:
        if word in ("CR", wanted) and day - start >= 28:
            return True
        if word == "NE":
            gaps += 1
        if gaps > 1 or word not in ("CR", wanted, "NE"):
            return False
    return False
