# SPDX-License-Identifier: Apache-2.0
"""Which transitions the matrix has, and for which of them a refusal is right."""

import dataclasses
import re

CHANNELS = ("standard", "experimental")
SHORTER = {"standard": "std", "experimental": "exp"}
# The last good patch of each minor release but v0.7, whose versions and storage are those of v0.6.
MAIN = ("v0.6.2", "v0.8.1", "v1.0.0", "v1.1.1", "v1.2.1", "v1.3.0", "v1.4.1", "v1.5.1", "v1.6.1")
# Each is made in both directions. The last is no long one, but the one that people need most.
JUMPS = (
    ("v0.6.2/standard", "v1.6.1/standard"),
    ("v0.6.2/experimental", "v1.6.1/experimental"),
    ("v0.8.1/standard", "v1.3.0/experimental"),
    ("v0.8.1/experimental", "v1.2.1/experimental"),
    ("v1.0.0/standard", "v1.6.1/standard"),
    ("v1.0.0/experimental", "v1.6.1/experimental"),
    ("v1.0.0/experimental", "v1.4.1/standard"),
    ("v1.1.1/experimental", "v1.5.1/experimental"),
    ("v1.2.1/experimental", "v1.4.1/experimental"),
    ("v1.3.0/experimental", "v1.6.1/standard"),
    ("v1.0.0/experimental", "v1.1.1/experimental"),
)


@dataclasses.dataclass(frozen=True)
class Transition:
    """From one bundle to another, each as VERSION/CHANNEL."""

    kind: str  # step, switch or jump
    source: str
    target: str

    @property
    def name(self):
        return f"{short(self.source)} -> {short(self.target)}"

    @property
    def is_up(self):
        return numbers(self.source) < numbers(self.target)


def short(bundle):
    version, channel = bundle.split("/")
    return f"{version} {SHORTER[channel]}"


def numbers(bundle):
    """[1, 6, 1] of v1.6.1/standard"""
    return [int(number) for number in re.findall(r"\d+", bundle.partition("/")[0])]


def transitions(releases):
    """All of them, by kind; `releases` are the versions of the catalogue in order."""
    for older, newer in zip(releases, releases[1:]):
        for channel in CHANNELS:
            yield Transition("step", f"{older}/{channel}", f"{newer}/{channel}")
            yield Transition("step", f"{newer}/{channel}", f"{older}/{channel}")
    for version in MAIN:
        for channel, other in (CHANNELS, CHANNELS[::-1]):
            yield Transition("switch", f"{version}/{channel}", f"{version}/{other}")
    for first, second in JUMPS:
        yield Transition("jump", first, second)
        yield Transition("jump", second, first)


# The short run, one of each kind of action: creations, updates, moves of the storage version, the conversion in both
# directions, losses, kinds that go, a target over the admission policy that is there.
SHORT = (
    "v1.0.0 exp -> v1.1.0 exp", "v1.1.0 exp -> v1.0.0 exp", "v1.3.0 exp -> v1.4.0 exp", "v1.4.1 std -> v1.5.0 std",
    "v1.6.1 std -> v1.6.0 std", "v1.5.1 exp -> v1.5.1 std", "v1.3.0 exp -> v1.6.1 std",
    "v1.5.1 std -> v1.5.1 exp", "v0.6.2 exp -> v1.6.1 exp",
)


def has_policies_of_old_shape(bundle):
    return bundle == "v1.0.0/experimental"


# Which codes may stop a plan, where, and why: a person has to decide, and no later version of gatelift could. What the
# target's own validation refuses is not here: the API server is asked about each such object.
RIGHT = {
    "ForeignTargetNamespace": (lambda step: has_policies_of_old_shape(step.source),
                               "later versions have no field for the Service's namespace"),
    "SeveralTargets": (lambda step: has_policies_of_old_shape(step.target), "v1alpha2 takes one target"),
    "NoTarget": (lambda step: has_policies_of_old_shape(step.target), "v1alpha2 needs a target"),
    "FieldNotInTarget": (lambda step: has_policies_of_old_shape(step.target),
                         "v1alpha2 has neither alternative names nor options"),
    "ValueNotInTarget": (lambda step: has_policies_of_old_shape(step.target),
                         "v1alpha2 knows the System's certificates only"),
}
