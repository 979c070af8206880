"""Shipped protocols with other assumptions, for tests of virtual trials."""

from trialwright.protocol.loading import LoadedProtocol, load_protocol


def with_assumptions(name: str, **assumptions: object) -> LoadedProtocol:
    """A shipped protocol with other assumptions: values replaced, None taken out."""
    loaded = load_protocol(name)
    kept = {
        key: one for key, one in loaded.protocol.assumptions.items() if assumptions.get(key, one) is not None
    }
    made = {
        key: one.model_copy(update={"value": assumptions[key]}) if key in assumptions else one
        for key, one in kept.items()
    }
    return LoadedProtocol(
        loaded.protocol.model_copy(update={"assumptions": made}), loaded.document, loaded.folder
    )
