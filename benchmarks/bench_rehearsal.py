"""How many whole virtual trials of 332 patients can be rehearsed in a CPU second? Aim: 8.

    python benchmarks/bench_rehearsal.py [trials]

Trials of one block, as many as the command puts into one, from their seed to what the registered analyses of nct07120750
say of each; and the same with the weighted Cox model, which imputes missing covariates 20 times in each trial. The
reference beside is making the trials alone, as records and the latent truth.
"""

import resource
import sys

from measure import cpu_of_call, medians_in_turn, print_row

PROTOCOL = "nct07120750"
PEOPLE = 332
REGISTERED = ("recurrence_curve", "recurrence_logrank", "recurrence_cox")
WEIGHTED = "recurrence_weighted_cox"


def main() -> None:
    from trialwright.design.rehearsal.rehearse import SIMULATED_PEOPLE
    from trialwright.design.rehearsal.trials import TrialBlock, rehearse_block
    from trialwright.design.virtual.simulation import simulate
    from trialwright.protocol.loading import hash_protocol, load_protocol

    loaded = load_protocol(PROTOCOL)
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else SIMULATED_PEOPLE // PEOPLE
    sha256 = hash_protocol(loaded.protocol)

    def rehearse(*analyses: str) -> float:
        def run() -> None:
            rows = rehearse_block(TrialBlock(PROTOCOL, sha256, None, analyses, 1, 0, trials))
            told = rows.filter(KIND="estimate", ANALYSIS="recurrence_cox").drop_nulls("VALUE")
            assert told.height == trials, "a trial told nothing"

        return cpu_of_call(run)

    def make() -> float:
        return cpu_of_call(lambda: simulate(loaded, seed=1, trials=trials, errors=False, observed=False))

    reference, registered, weighted = medians_in_turn(
        make, lambda: rehearse(*REGISTERED), lambda: rehearse(*REGISTERED, WEIGHTED), repeats=3
    )
    print_row(f"{trials} trials of 332 made (reference)", reference)
    for what, seconds in (("registered analyses", registered), ("and the weighted Cox model", weighted)):
        rate = f"{trials / seconds:.2f} trials a CPU second, aim: 8"
        print_row(f"{trials} trials rehearsed, {what}", seconds, reference, rate)
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB (aim: 2 GB)")


if __name__ == "__main__":
    main()
