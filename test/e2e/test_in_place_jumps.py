# SPDX-License-Identifier: Apache-2.0
"""In place from v1alpha2 straight to v1: v1.0.0 to v1.4.1, and to v1.6.1 with its safe-upgrades policy there before."""

import unittest

import in_place
from ground import Ground


class ToFourth(in_place.Run):
    target = "v1.4.1/experimental"
    versions = ("v1alpha2", "v1")
    later = ("v1.5.1/experimental", "v1.6.1/experimental")


class ToSixthUnderItsPolicy(in_place.Run):
    target = "v1.6.1/experimental"
    versions = ("v1alpha2", "v1")

    @classmethod
    def prepare(cls):
        Ground(cls.plane).install_policies(cls.target)


if __name__ == "__main__":
    unittest.main(verbosity=2)
