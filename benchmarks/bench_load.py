"""How long to load a protocol of a thousand lines? Reference: ruamel.yaml reading the same text without a model."""

from ruamel.yaml import YAML

from measure import cpu_of_call, medians_in_turn, print_row
from trialwright.protocol.loading import load_protocol, parse_protocol

CRITERION = """\
    criterion_{i}:
      text: Serum creatinine no higher than {i} times the upper limit of normal
      when: last(creatinine, 28 days) <= {i} ULN
      status: assumed
      reason: A made-up criterion to fill a line
"""


def thousand_lines() -> str:
    shipped = load_protocol("hcc-resection")
    text = (shipped.folder / "protocol.yaml").read_text(encoding="utf-8")
    n = (1000 - text.count("\n") - 2) // CRITERION.count("\n") + 1
    return text + "\neligibility:\n  inclusion:\n" + "".join(CRITERION.format(i=i) for i in range(1, n + 1))


text = thousand_lines()
protocol, _ = parse_protocol(text)
assert text.count("\n") >= 1000
assert len(protocol.eligibility.inclusion) > 100
reference, loaded = medians_in_turn(
    lambda: cpu_of_call(lambda: YAML(typ="rt").load(text)),
    lambda: cpu_of_call(lambda: parse_protocol(text)),
)
print_row("ruamel.yaml, 1,000 lines (reference)", reference)
print_row("parse_protocol, the same lines, model and names checked", loaded, reference, "aim: 0.5 s")
